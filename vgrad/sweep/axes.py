"""What is varied: keys with choices, or with a distribution to draw from.

The distributions have the names and the meaning that Weights & Biases gave them.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from vgrad.sweep.values import rounded

Changes = dict[str, object]
"""Dotted key → its value in one run."""

UNCHANGED = object()
"""Stands in a row of choices for a key that keeps the value of the base config."""


@dataclass(frozen=True)
class Choices:
    """Keys that move together: each row has a value for every one of them."""

    keys: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    probabilities: tuple[float, ...] | None = None
    """Of the rows, when one is drawn; None: all alike."""

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, index: int) -> Changes:
        """One row."""
        row = zip(self.keys, self.rows[index], strict=True)
        return {key: value for key, value in row if value is not UNCHANGED}

    def draw(self, rng: np.random.Generator) -> Changes:
        """A row at random."""
        return self.at(int(rng.choice(len(self), p=self.probabilities)))

    def rows_at_ends(self) -> list[Changes]:
        """What to try when all cannot be tried."""
        return [self.at(index) for index in range(len(self))]


@dataclass(frozen=True)
class Interval:
    """A key between two numbers: evenly, or evenly in its logarithm; in multiples of `step`."""

    key: str
    low: float
    high: float
    log: bool = False
    step: float | None = None
    whole: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """The one key."""
        return (self.key,)

    def draw(self, rng: np.random.Generator) -> Changes:
        """A number at random."""
        if self.whole:
            return {self.key: int(rng.integers(int(self.low), int(self.high), endpoint=True))}
        if self.log:
            number = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        else:
            number = rng.uniform(self.low, self.high)
        return {self.key: self.clipped(number)}

    def clipped(self, number: float) -> float:
        """`number` as a multiple of the step, within the bounds, and without needless digits."""
        return min(max(rounded(quantized(number, self.step)), self.low), self.high)

    def rows_at_ends(self) -> list[Changes]:
        """What to try when all cannot be tried."""
        ends = (self.low, self.high)
        return [{self.key: int(end) if self.whole else end} for end in ends]


@dataclass(frozen=True)
class Bell:
    """A key normally distributed, or its logarithm is; in multiples of `step`."""

    key: str
    mu: float
    sigma: float
    log: bool = False
    step: float | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The one key."""
        return (self.key,)

    def draw(self, rng: np.random.Generator) -> Changes:
        """A number at random."""
        return {self.key: self._at(rng.normal(self.mu, self.sigma))}

    def _at(self, number: float) -> float:
        return rounded(quantized(math.exp(number) if self.log else number, self.step))

    def rows_at_ends(self) -> list[Changes]:
        """What to try when all cannot be tried: a bell has no ends."""
        return [{self.key: self._at(self.mu)}]


Axis = Choices | Interval | Bell


def quantized(number: float, step: float | None) -> float:
    """The multiple of `step` nearest to a number."""
    return round(number / step) * step if step else number


Given = Mapping[str, float]


@dataclass(frozen=True)
class Distribution:
    """A kind of axis: which numbers it needs, and the axis that they make of a key."""

    needs: tuple[str, ...]
    make: Callable[[str, Given], Interval | Bell]
    positive: bool = False
    whole: bool = False


def _interval(
    *, log: bool = False, exponents: bool = False, whole: bool = False
) -> Callable[[str, Given], Interval]:
    def make(key: str, given: Given) -> Interval:
        low, high = given["min"], given["max"]
        if exponents:
            low, high = math.exp(low), math.exp(high)
        return Interval(key, low, high, log, given.get("q"), whole)

    return make


def _bell(*, log: bool = False) -> Callable[[str, Given], Bell]:
    def make(key: str, given: Given) -> Bell:
        return Bell(key, given.get("mu", 0.0), given.get("sigma", 1.0), log, given.get("q"))

    return make


BOUNDS, STEPPED = ("min", "max"), ("min", "max", "q")
DISTRIBUTIONS = {
    "uniform": Distribution(BOUNDS, _interval()),
    "int_uniform": Distribution(BOUNDS, _interval(whole=True), whole=True),
    "q_uniform": Distribution(STEPPED, _interval()),
    "log_uniform": Distribution(BOUNDS, _interval(log=True, exponents=True)),
    "log_uniform_values": Distribution(BOUNDS, _interval(log=True), positive=True),
    "q_log_uniform_values": Distribution(STEPPED, _interval(log=True), positive=True),
    "normal": Distribution((), _bell()),
    "q_normal": Distribution(("q",), _bell()),
    "log_normal": Distribution((), _bell(log=True)),
    "q_log_normal": Distribution(("q",), _bell(log=True)),
}
"""`log_uniform` takes the natural logarithms of its bounds, `log_uniform_values` the bounds."""
