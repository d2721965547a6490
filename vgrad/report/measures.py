"""What the runs of a sweep are compared by: the numbers of `results.csv`, and how each is spelt."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vgrad.errors import Problem, RequestError, nearest
from vgrad.report.numbers import accuracy, duration, loss, number

Numbers = NDArray[np.float64]
Goal = Literal["maximize", "minimize", "one", "zero"]

DISTANCES: Mapping[Goal, Callable[[Numbers], Numbers]] = {
    "maximize": np.negative,
    "minimize": np.positive,
    "one": lambda values: np.abs(np.log(values)),
    "zero": np.abs,
}
"""Goal → how far from it a value is."""
GOAL_WORDS: Mapping[Goal, str] = {
    "maximize": "highest",
    "minimize": "lowest",
    "one": "nearest to 1",
    "zero": "nearest to 0",
}


@dataclass(frozen=True)
class Spelling:
    """How a number is written in a cell, and what a heading must then say beside."""

    spell: Callable[[float], str]
    note: str = ""


@dataclass(frozen=True)
class Measure:
    """A number of a run: its column, whether its mean is the geometric one, which value of it is
    best, and its spellings in a matrix, from the widest to the narrowest."""

    name: str
    spell: Callable[[float], str]
    goal: Goal
    cells: tuple[Spelling, ...]
    geometric: bool = False

    @property
    def title(self) -> str:
        """`test accuracy`."""
        return self.name.replace("_", " ")

    def spread(self, mean: float, error: float) -> str:
        """`97.4% ± 0.3%`; of a geometric mean the factor, `1.2e-5 ×÷ 1.4`."""
        if math.isnan(error):
            return self.spell(mean)
        return f"{self.spell(mean)} {'×÷' if self.geometric else '±'} {self.spell(error)}"


def digits(count: int) -> Spelling:
    """Numbers of so many digits that count."""
    return Spelling(lambda value: number(value, count, missing="nan"))


def _decades(value: float) -> str:
    return str(round(math.log10(value))) if 0.0 < value < math.inf else number(value, missing="nan")


def _whole(value: float) -> str:
    return "—" if math.isnan(value) else f"{value:,.0f}"


SHARES = (
    Spelling(lambda share: accuracy(share, missing="nan")),
    Spelling(lambda share: f"{100.0 * share:.1f}", "in %"),
    Spelling(lambda share: f"{100.0 * share:.0f}", "in %"),
)
NUMBERS = (digits(4), digits(3), digits(2))
RATIOS = (digits(3), digits(2), Spelling(_decades, "log₁₀"))

MEASURES: Mapping[str, Measure] = {
    one.name: one
    for one in (
        Measure("test_accuracy", accuracy, "maximize", SHARES),
        Measure("test_loss", loss, "minimize", NUMBERS),
        Measure("train_accuracy", accuracy, "maximize", SHARES),
        Measure("train_loss", loss, "minimize", NUMBERS),
        Measure("gradient_ratio", number, "one", RATIOS, geometric=True),
        Measure("slope_per_layer", number, "zero", NUMBERS),
        Measure("steps", _whole, "maximize", NUMBERS),
        Measure("seconds", duration, "minimize", NUMBERS),
    )
}
"""By column of `results.csv`."""


def measure_called(name: str) -> Measure:
    """The measure of this name.

    Raises:
        RequestError: there is none.
    """
    if name not in MEASURES:
        allowed, near = f"one of {', '.join(MEASURES)}", nearest(name, list(MEASURES))
        raise RequestError(Problem(f"no metric is called {name!r}", "metric", allowed, near))
    return MEASURES[name]


def ranked(values: Numbers, goal: Goal) -> NDArray[np.intp]:
    """The places of `values` from the best to the worst, nan last; ties in their order."""
    with np.errstate(all="ignore"):  # the logarithm of a ratio that is no positive number
        return np.argsort(DISTANCES[goal](values), kind="stable")
