"""Facts in few words, several to a line."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from vgrad.report.numbers import accuracy, loss

RESULTS: dict[str, Callable[[float], str]] = {
    "train_loss": loss,
    "train_accuracy": accuracy,
    "test_loss": loss,
    "test_accuracy": accuracy,
}
"""The columns of `metrics.csv` that say how well a run does, and how each is spelt."""


def result_phrase(name: str, value: float) -> str:
    """`test accuracy 97.4%`."""
    return f"{name.replace('_', ' ')} {RESULTS[name](value)}"


@dataclass(frozen=True)
class Items:
    """Phrases in a row, broken between them only."""

    phrases: tuple[str, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        line = ""
        for phrase in self.phrases:
            longer = f"{line} · {phrase}" if line else phrase
            if line and len(longer) > options.max_width:
                yield Text(line)
                longer = phrase
            line = longer
        yield Text(line)
