"""What a list says of a sweep."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from vgrad.errors import RunError
from vgrad.store import layout
from vgrad.store.sweeps import ENDED_WELL, Sweep


@dataclass(frozen=True)
class SweepInfo:
    """How far a sweep is and what it came to: `best` is the best value of `metric`, that of
    `best_run`; `seconds` is the time that its runs took, one after the other."""

    id: str
    name: str = ""
    status: str = layout.DAMAGED
    method: str = ""
    planned: int = 0
    ended: int = 0
    statuses: Mapping[str, int] = field(default_factory=dict)
    verdicts: Mapping[str, int] = field(default_factory=dict)
    metric: str = ""
    best: float = math.nan
    best_run: str | None = None
    seconds: float = math.nan
    error: str | None = None
    kind: ClassVar[str] = "sweep"

    @property
    def facts(self) -> dict[str, object]:
        """What can be asked for."""
        own = ("kind", "name", "status", "method", "planned", "ended", "seconds")
        return {key: getattr(self, key) for key in own}


def sweep_info(sweep: Sweep) -> SweepInfo:
    """What `sweep.yaml` and `results.csv` tell; of a damaged sweep, that it is."""
    try:
        return _info(sweep)
    except RunError as error:
        return SweepInfo(sweep.id, error=str(error))


def _info(sweep: Sweep) -> SweepInfo:
    good = [run for run in sweep.results if run.status in ENDED_WELL]
    values = [(run.numbers[sweep.metric], run.run_id) for run in good]
    known = [(value, run_id) for value, run_id in values if not math.isnan(value)]
    sign = -1.0 if sweep.goal == "maximize" else 1.0
    best, run_id = min(known, key=lambda one: sign * one[0], default=(math.nan, None))
    seconds = (run.numbers["seconds"] for run in sweep.results)
    return SweepInfo(
        id=sweep.id,
        name=sweep.name,
        status=sweep.status,
        method=sweep.method,
        planned=sweep.planned,
        ended=len(sweep.results),
        statuses=dict(Counter(run.status for run in sweep.results)),
        verdicts=dict(Counter(run.verdict for run in sweep.results if run.verdict)),
        metric=sweep.metric,
        best=best,
        best_run=run_id,
        seconds=sum(spent for spent in seconds if not math.isnan(spent)),
    )
