"""The runs of a sweep by the values of one of its keys, or of two."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vgrad.errors import Problem, RequestError
from vgrad.report.averages import averages
from vgrad.report.levels import Levels, levels_of
from vgrad.report.measures import MEASURES, Measure
from vgrad.store import Result, Sweep
from vgrad.store.sweeps import ENDED_WELL

SEED = "seed"
RATIO = MEASURES["gradient_ratio"]
DRAWN = ("random", "bayes")  # methods that draw values from distributions
SPARSEST = 10  # cells per run of a matrix that is shown unasked: an emptier one is no picture
MOST_CELLS = 100_000  # of one that is asked for


@dataclass(frozen=True, eq=False)
class Marginal:
    """The runs by the value of one key: `AVERAGE_DTYPE` rows of the measure and of the gradient
    ratio, and the share of runs whose gradient was found healthy."""

    levels: Levels
    measure: NDArray[np.void]
    ratio: NDArray[np.void]
    healthy: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Matrix:
    """A measure by the values of two keys: `averages` are `AVERAGE_DTYPE`, (rows, columns)."""

    measure: Measure
    rows: Levels
    columns: Levels
    averages: NDArray[np.void]


class RunsByKey:
    """The runs by the levels of their keys; those that failed have no value of anything."""

    def __init__(self, sweep: Sweep) -> None:
        self._runs = sweep.results
        self._drawn = sweep.method in DRAWN
        self._keys = sweep.keys
        self._levels: dict[str, Levels] = {}
        self._verdicts = self._of_each(lambda run: float(run.verdict == "healthy"))

    def _of_each(self, number: Callable[[Result], float]) -> NDArray[np.float64]:
        values = (number(r) if r.status in ENDED_WELL else np.nan for r in self._runs)
        return np.fromiter(values, np.float64, len(self._runs))

    def levels(self, key: str) -> Levels:
        """The values of a key."""
        if key not in self._levels:
            texts = [run.varied[key] for run in self._runs]
            self._levels[key] = levels_of(key, texts, drawn=self._drawn and key != SEED)
        return self._levels[key]

    def can_cross(self, keys: Sequence[str], asked: bool) -> bool:
        """Whether a matrix of two keys is worth its room.

        Raises:
            RequestError: it was asked for, and cannot be.
        """
        counts = [len(self.levels(key)) for key in keys]
        cells = counts[0] * counts[1]
        if asked and cells > MOST_CELLS:
            what = f"--by {','.join(keys)}: {counts[0]:,} × {counts[1]:,} values"
            raise RequestError(Problem(what, allowed=f"a matrix of at most {MOST_CELLS:,}"))
        return asked or cells <= SPARSEST * len(self._runs)

    def marginal(self, key: str, measure: Measure) -> Marginal:
        """The runs by one key."""
        levels = self.levels(key)
        codes, count = levels.codes, len(levels)
        healthy = averages(self._verdicts, codes, count)["mean"]
        ratio = self._averages(RATIO, codes, count, key)
        return Marginal(levels, self._averages(measure, codes, count, key), ratio, healthy)

    def matrices(self, keys: Sequence[str], measure: Measure) -> tuple[Matrix, ...]:
        """Of the measure and of the gradient ratio, where there are two keys."""
        if not keys:
            return ()
        both = (measure,) if measure.name == RATIO.name else (measure, RATIO)
        return tuple(self.matrix(keys[0], keys[1], one) for one in both)

    def matrix(self, by_row: str, by_column: str, measure: Measure) -> Matrix:
        """The runs by two keys."""
        rows, columns = self.levels(by_row), self.levels(by_column)
        codes, shape = rows.codes * len(columns) + columns.codes, (len(rows), len(columns))
        means = self._averages(measure, codes, shape[0] * shape[1], by_row, by_column)
        return Matrix(measure, rows, columns, means.reshape(shape))

    def _averages(
        self, measure: Measure, codes: NDArray[np.intp], count: int, *keys: str
    ) -> NDArray[np.void]:
        seeds = self.levels(SEED).codes if SEED in self._keys and SEED not in keys else None
        values = self._of_each(lambda run: run.numbers[measure.name])
        return averages(values, codes, count, seeds, geometric=measure.geometric)
