"""A configuration as it was written: its plain data, and where each value of it stands."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from vgrad.errors import Problem

KeyPath = tuple[str | int, ...]
"""The way down to a value: `("model", "width", 2)` is written `model.width[2]`."""

LONGEST_NAME = 60  # shown of a key; ours have half of that
_STEPS_OF_KEY = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def dotted(path: KeyPath) -> str:
    """`model.width[2]` for `("model", "width", 2)`; absurdly long names are cut."""
    key = "".join(f"[{step}]" if isinstance(step, int) else f".{_cut(step)}" for step in path)
    return key.removeprefix(".")


def split_key(key: str) -> KeyPath:
    """`("model", "width", 2)` for `model.width[2]`."""
    return tuple(int(index) if index else name for index, name in _STEPS_OF_KEY.findall(key))


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "…"


@dataclass(frozen=True)
class Place:
    """Where a key and its value begin: (line, column) from 1, (0, 0) where lines mean nothing."""

    file: str
    key: tuple[int, int] = (0, 0)
    value: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Document:
    """Plain data (dicts, lists, scalars; treated as immutable) and the places of its values.

    `written` has the paths of keys that were written in another way, and what that was.
    """

    data: Mapping[str, object]
    file: str = ""
    places: Mapping[KeyPath, Place] = field(default_factory=dict)
    written: Mapping[KeyPath, KeyPath] = field(default_factory=dict)

    def as_written(self, path: KeyPath) -> KeyPath:
        """The path as whoever wrote it knows it: `clip.norm` for `clip.max_norm`."""
        return self.written.get(path, path)

    def locate(
        self, problem: Problem, path: KeyPath | None = None, *, at_key: bool = False
    ) -> Problem:
        """`problem` with the place of its value, or of the nearest parent that is written down.

        `path` is the problem's key where that could not be split again (a misspelt key may hold
        dots). With `at_key` the place is the key's own. A problem that has a file keeps it.
        """
        if problem.file:
            return problem
        path = self.as_written(split_key(problem.key) if path is None else path)
        for end in range(len(path), 0, -1):
            place = self.places.get(path[:end])
            if place is not None:
                return problem.at(
                    place.file, *(place.key if at_key and end == len(path) else place.value)
                )
        return problem.at(self.file, 0, 0)

    def in_order(self, problems: list[Problem]) -> list[Problem]:
        """`problems` as a reader meets them: down the file, then the command line."""
        return sorted(
            problems, key=lambda found: (found.file != self.file, found.line, found.column)
        )
