"""The one exception for what a user can mend; everything else is a bug and shows its traceback."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

CLOSE_ENOUGH = 0.6  # difflib ratio below which a suggestion confuses more than it helps
TELLING = 3  # letters from which a beginning tells what was meant


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a request: where it stands, what it is, what would be right.

    `key` is the dotted key path (`model.activation`), empty where no key applies. The floors
    below the config know only the key; whoever read the file fills in file, line and column.
    """

    message: str
    key: str = ""
    allowed: str = ""
    suggestion: str = ""
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """`file:line:column: key.path: what is wrong; what is allowed; did you mean …?`"""
        place = self.file
        if place and self.line:
            place += f":{self.line}:{self.column}"
        where = [part for part in (place, self.key) if part]
        what = [self.message]
        if self.allowed:
            what.append(self.allowed)
        if self.suggestion:
            what.append(f"did you mean {self.suggestion}?")
        return ": ".join([*where, "; ".join(what)])

    def at(self, file: str, line: int, column: int) -> "Problem":
        """This problem, located."""
        return replace(self, file=file, line=line, column=column)


class RequestError(Exception):
    """The request was wrong (exit code 2). Carries every problem found, in file order."""

    def __init__(self, problems: Problem | str | Iterable[Problem]) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        if isinstance(problems, Problem):
            problems = (problems,)
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RunError(Exception):
    """A run could not go on (exit code 1): a full disk, an unwritable folder. One clear line."""


def nearest(word: str, choices: Sequence[str]) -> str:
    """The choice most like `word`, else the only one that begins with it, or "" where none does."""
    word = word.lower()
    if matches := get_close_matches(word, choices, n=1, cutoff=CLOSE_ENOUGH):
        return matches[0]
    begun = [choice for choice in choices if choice.startswith(word)]
    return begun[0] if len(begun) == 1 and len(word) >= TELLING else ""
