"""What a report on a sweep says, as plain data: each format only has to spell it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vgrad.errors import Problem, RequestError, nearest
from vgrad.report.averages import averages
from vgrad.report.levels import Levels, ends, levels_of
from vgrad.report.measures import MEASURES, Measure, measure_called, ranked
from vgrad.store import Result, Sweep
from vgrad.store.sweeps import ENDED_WELL

SEED = "seed"
RATIO = MEASURES["gradient_ratio"]
DRAWN = ("random", "bayes")  # methods that draw values from distributions
KEYS_OF_A_MATRIX = 2
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


@dataclass(frozen=True, eq=False)
class SweepReport:
    """A sweep, its runs ranked by `measure`; `failed` are those that came to nothing. `by` are
    the keys that were asked for, `seeds` how many seeds there are where they are swept."""

    id: str
    name: str
    status: str
    method: str
    planned: int
    keys: tuple[str, ...]
    by: tuple[str, ...]
    measure: Measure
    ranked: tuple[Result, ...]
    failed: tuple[Result, ...]
    seeds: int
    marginals: tuple[Marginal, ...]
    matrices: tuple[Matrix, ...]

    @property
    def ended(self) -> int:
        """How many of its runs have ended."""
        return len(self.ranked) + len(self.failed)

    @property
    def statuses(self) -> Mapping[str, int]:
        """How many runs ended how."""
        return Counter(run.status for run in (*self.ranked, *self.failed))

    @property
    def verdicts(self) -> Mapping[str, int]:
        """What became of how many runs' gradients."""
        return Counter(run.verdict for run in (*self.ranked, *self.failed) if run.verdict)

    @property
    def seconds(self) -> float:
        """The time that all runs took, one after the other."""
        return float(np.nansum([run.numbers["seconds"] for run in (*self.ranked, *self.failed)]))


def build_sweep_report(
    sweep: Sweep, by: Sequence[str] = (), metric: str | None = None
) -> SweepReport:
    """The report on `sweep`, by the keys `by` (all of them where there are none) and `metric`
    (its own where there is none). Of two keys, or where beside the seed just two are swept, there
    are matrices.

    Raises:
        RequestError: there is no such metric, or no such swept key; or more than two, or two of
            so many values that no matrix can hold them.
        RunError: the sweep cannot be read.
    """
    chosen = chosen_keys(by, sweep.keys)
    measure = _measure(sweep, metric)
    good = [run for run in sweep.results if run.status in ENDED_WELL]
    values = np.array([run.numbers[measure.name] for run in good], np.float64)
    table = _Table(sweep)
    keys = chosen or tuple(key for key in sweep.keys if key != SEED)
    pair = keys if len(keys) == KEYS_OF_A_MATRIX and table.can_cross(keys, bool(chosen)) else ()
    return SweepReport(
        id=sweep.id,
        name=sweep.name,
        status=sweep.status,
        method=sweep.method,
        planned=sweep.planned,
        keys=sweep.keys,
        by=chosen,
        measure=measure,
        ranked=tuple(good[i] for i in ranked(values, measure.goal)),
        failed=tuple(run for run in sweep.results if run.status not in ENDED_WELL),
        seeds=len(table.levels(SEED)) if SEED in sweep.keys else 0,
        marginals=tuple(table.marginal(key, measure) for key in keys) if good else (),
        matrices=table.matrices(pair, measure) if good else (),
    )


def chosen_keys(by: Sequence[str], keys: Sequence[str]) -> tuple[str, ...]:
    """The swept keys that the user names, each by as much of its end as tells it from others.

    Raises:
        RequestError: a name stands for none, or for several; or there are more than two.
    """
    if len(by) > KEYS_OF_A_MATRIX:
        raise RequestError(Problem(f"--by has {len(by)} keys", allowed="one key, or two"))
    chosen = tuple(_key(name, keys) for name in by)
    if len(set(chosen)) < len(chosen):
        raise RequestError(Problem(f"--by has {chosen[0]} twice", allowed="two different keys"))
    return chosen


def _key(name: str, keys: Sequence[str]) -> str:
    fitting = [name] if name in keys else [key for key in keys if name in ends(key)]
    if len(fitting) == 1:
        return fitting[0]
    allowed = f"one of {', '.join(fitting or keys)}"
    if fitting:
        raise RequestError(Problem(f"--by {name}: stands for {len(fitting)} keys", "", allowed))
    names = [end for key in keys for end in ends(key)]
    raise RequestError(
        Problem(f"--by {name}: no such key is swept", "", allowed, nearest(name, names))
    )


def _measure(sweep: Sweep, metric: str | None) -> Measure:
    """The measure that is asked for; where it is the sweep's own, with the sweep's goal."""
    measure = measure_called(metric or sweep.metric)
    if measure.name != sweep.metric:
        return measure
    return replace(measure, goal="minimize" if sweep.goal == "minimize" else "maximize")


class _Table:
    """The runs by the levels of their keys; those that failed have no value of anything."""

    def __init__(self, sweep: Sweep) -> None:
        self._runs = sweep.results
        self._drawn = sweep.method in DRAWN
        self._keys = sweep.keys
        self._verdicts = self._of_each(lambda run: float(run.verdict == "healthy"))

    def _of_each(self, number: Callable[[Result], float]) -> NDArray[np.float64]:
        values = (number(r) if r.status in ENDED_WELL else np.nan for r in self._runs)
        return np.fromiter(values, np.float64, len(self._runs))

    def levels(self, key: str) -> Levels:
        texts = [run.varied[key] for run in self._runs]
        return levels_of(key, texts, drawn=self._drawn and key != SEED)

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
        levels = self.levels(key)
        codes, count = levels.codes, len(levels)
        healthy = averages(self._verdicts, codes, count)["mean"]
        ratio = self._averages(RATIO, codes, count, key)
        return Marginal(levels, self._averages(measure, codes, count, key), ratio, healthy)

    def matrices(self, keys: Sequence[str], measure: Measure) -> tuple[Matrix, ...]:
        """Of the measure and of the gradient ratio, where there are two keys."""
        if not keys:
            return ()
        rows, columns = map(self.levels, keys)
        codes, shape = rows.codes * len(columns) + columns.codes, (len(rows), len(columns))
        both = (measure,) if measure.name == RATIO.name else (measure, RATIO)
        return tuple(
            Matrix(
                one,
                rows,
                columns,
                self._averages(one, codes, shape[0] * shape[1], *keys).reshape(shape),
            )
            for one in both
        )

    def _averages(
        self, measure: Measure, codes: NDArray[np.intp], count: int, *keys: str
    ) -> NDArray[np.void]:
        seeds = self.levels(SEED).codes if SEED in self._keys and SEED not in keys else None
        values = self._of_each(lambda run: run.numbers[measure.name])
        return averages(values, codes, count, seeds, geometric=measure.geometric)
