"""What a report on a sweep says, as plain data: each format only has to spell it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vgrad.errors import Problem, RequestError, nearest
from vgrad.report.levels import ends
from vgrad.report.measures import Measure, measure_called, ranked
from vgrad.report.runs_by_key import SEED, Marginal, Matrix, RunsByKey
from vgrad.store import Result, Sweep
from vgrad.store.sweeps import ENDED_WELL

KEYS_OF_A_MATRIX = 2


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
    table = RunsByKey(sweep)
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
