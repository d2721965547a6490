"""What is varied: keys with choices, or with a distribution to draw from.

The distributions have the names and the meaning that Weights & Biases gave them.
"""

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from vgrad.sweep.values import rounded

Changes = dict[str, object]
"""Dotted key → its value in one run."""

LARGEST_EXPONENT = math.log(sys.float_info.max)

UNCHANGED = object()
"""Stands in a row of choices for a key that keeps the value of the base config."""


@dataclass(frozen=True)
class Choices:
    """Keys that move together: each row has a value for every one of them."""

    keys: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    probabilities: tuple[float, ...] | None = None
    """Of the rows, when one is drawn, of sum 1 but for their last digits; None: all alike."""

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, index: int) -> Changes:
        """One row."""
        row = zip(self.keys, self.rows[index], strict=True)
        return {key: value for key, value in row if value is not UNCHANGED}

    def draw(self, rng: np.random.Generator) -> Changes:
        """A row at random."""
        weights = self.probabilities
        chances = [one / math.fsum(weights) for one in weights] if weights else None
        return self.at(int(rng.choice(len(self), p=chances)))

    def rows_at_ends(self) -> list[Changes]:
        """What to try when all cannot be tried."""
        return [self.at(index) for index in range(len(self))]


@dataclass(frozen=True)
class Interval:
    """A key between two numbers: evenly, or evenly in its logarithm; in multiples of `step`, which
    are whole where the step is an int."""

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

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest number that it can be: with a step, multiples of that."""
        if not self.step:
            return self.low, self.high
        first, last = self._steps
        return quantized(first * self.step, self.step), quantized(last * self.step, self.step)

    @property
    def _steps(self) -> tuple[int, int]:
        """How many steps make the least and the greatest multiple; none where they cross."""
        assert self.step
        low, high = rounded(self.low / self.step), rounded(self.high / self.step)
        return math.ceil(low), math.floor(high)

    @property
    def is_empty(self) -> bool:
        """Whether no multiple of the step lies between the bounds."""
        return bool(self.step) and self._steps[0] > self._steps[1]

    def clipped(self, number: float) -> float:
        """`number` as a multiple of the step, within the bounds, and without needless digits."""
        low, high = self.ends
        return min(max(quantized(number, self.step), low), high)

    def rows_at_ends(self) -> list[Changes]:
        """What to try when all cannot be tried."""
        return [{self.key: int(end) if self.whole else end} for end in self.ends]


@dataclass(frozen=True)
class Bell:
    """A key normally distributed, or its logarithm is; in multiples of `step`, as `Interval`."""

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
        return quantized(exponential(number) if self.log else number, self.step)

    def rows_at_ends(self) -> list[Changes]:
        """What to try when all cannot be tried: a bell has no ends."""
        return [{self.key: self._at(self.mu)}]


Axis = Choices | Interval | Bell


def exponential(number: float) -> float:
    """e to the power of a number; infinity where that is too large."""
    return math.exp(number) if number < LARGEST_EXPONENT else math.inf


def quantized(number: float, step: float | None) -> float:
    """The multiple of `step` nearest to a number, whole where the step is an int, and without
    needless digits."""
    if not step or not math.isfinite(number / step):
        return rounded(number)
    multiple = round(number / step) * step
    return multiple if isinstance(step, int) else rounded(multiple)


Given = Mapping[str, float]


@dataclass(frozen=True)
class Distribution:
    """A kind of axis: which numbers it takes, all of them needed where it has bounds, and the axis
    that they make of a key. `positive`, `whole`, `exponents`: what its bounds must be."""

    takes: tuple[str, ...]
    make: Callable[[str, Given], Interval | Bell]
    positive: bool = False
    whole: bool = False
    exponents: bool = False


def _interval(
    *, log: bool = False, exponents: bool = False, whole: bool = False
) -> Callable[[str, Given], Interval]:
    def make(key: str, given: Given) -> Interval:
        convert = int if whole else exponential if exponents else float
        low, high = convert(given["min"]), convert(given["max"])
        return Interval(key, low, high, log, given.get("q"), whole)

    return make


def _bell(*, log: bool = False) -> Callable[[str, Given], Bell]:
    def make(key: str, given: Given) -> Bell:
        mu, sigma = float(given.get("mu", 0.0)), float(given.get("sigma", 1.0))
        return Bell(key, mu, sigma, log, given.get("q"))

    return make


USUAL_STEP = 1
BOUNDS, MOMENTS = ("min", "max"), ("mu", "sigma")
STEP = ("q",)
DISTRIBUTIONS = {
    "uniform": Distribution(BOUNDS, _interval()),
    "int_uniform": Distribution(BOUNDS, _interval(whole=True), whole=True),
    "q_uniform": Distribution(BOUNDS + STEP, _interval()),
    "log_uniform": Distribution(BOUNDS, _interval(log=True, exponents=True), exponents=True),
    "log_uniform_values": Distribution(BOUNDS, _interval(log=True), positive=True),
    "q_log_uniform_values": Distribution(BOUNDS + STEP, _interval(log=True), positive=True),
    "normal": Distribution(MOMENTS, _bell()),
    "q_normal": Distribution(MOMENTS + STEP, _bell()),
    "log_normal": Distribution(MOMENTS, _bell(log=True)),
    "q_log_normal": Distribution(MOMENTS + STEP, _bell(log=True)),
}
"""`log_uniform` takes the natural logarithms of its bounds, `log_uniform_values` the bounds."""
