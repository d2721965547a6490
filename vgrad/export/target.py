"""What every target of an export is made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vgrad.config.dumping import flatten_plain
from vgrad.errors import Problem, RequestError, RunError
from vgrad.records import METRICS_DTYPE
from vgrad.store import Run
from vgrad.store.reading import as_number

CURVES = tuple(name for name in METRICS_DTYPE.names or () if name not in ("step", "seconds"))
"""The columns of `metrics.csv` that tools draw by step."""
SOMETIMES = ("update_ratio",)
"""Statistics whose nan says that they do not apply; any other's, that the run broke."""


@dataclass(frozen=True)
class Target:
    """Where runs can go: what it is, the modules it needs, and the extra that brings them.

    `write` is given the runs and the folder, and calls back with each run that is done; `taken`
    tells which of the run-ids are there already; `remove` takes one away.
    """

    name: str
    about: str
    write: Callable[[Sequence[Run], Path, Callable[[Run], None]], None]
    taken: Callable[[Path, Sequence[Run]], Sequence[str]]
    remove: Callable[[Path, Run], None]
    needs: tuple[str, ...] = ()
    extra: str = ""

    def require(self) -> None:
        """
        Raises:
            RequestError: a library is not installed; says how to get it.
        """
        missing = [name for name in self.needs if find_spec(name) is None]
        if missing:
            what = f"--to {self.name} needs {', '.join(missing)}, not installed here"
            raise RequestError(Problem(what, "", f"pip install 'vgrad[{self.extra}]'"))


@dataclass(frozen=True)
class Facts:
    """What is known of a run beside its tables."""

    params: Mapping[str, object]
    outcome: Mapping[str, object]
    began: float
    """Seconds since 1970, UTC; 0 where it is not known."""
    numbers: Mapping[str, float] = field(default_factory=dict)


def facts_of(run: Run) -> Facts:
    """Of any run, whatever of it is there.

    Raises:
        RunError: its config or summary cannot be read.
    """
    summary = run.summary
    final = summary.get("final")
    numbers = {**summary, **(final if isinstance(final, dict) else {})}
    known = ("steps", "gradient_ratio", "slope_per_layer", *CURVES, "seconds")
    values = {name: as_number(numbers.get(name)) for name in known}
    outcome = {"run_id": run.id, "name": run.name, "status": run.status, "verdict": run.verdict}
    outcome |= {"error": summary.get("error")}
    params = flatten_plain(run.config)
    found = {name: value for name, value in values.items() if value == value}
    if "steps" in found:
        found["steps"] = int(found["steps"])
    return Facts(params, outcome, _began(run), found)


def _began(run: Run) -> float:
    try:
        return datetime.fromisoformat(str(run.environment.get("start_time"))).timestamp()
    except (RunError, ValueError):
        return 0.0


def applies(row: np.void, statistic: str) -> bool:
    """Whether a layer's statistic is a number, or nan because it broke."""
    return statistic not in SOMETIMES or bool(row[statistic] == row[statistic])


def layer_tag(row: np.void) -> str:
    """`layer_001`: sorts by layer in every tool."""
    return f"layer_{int(row['layer']):03d}"


def steps_of(rows: NDArray[np.void]) -> list[NDArray[np.void]]:
    """The rows of each logged step."""
    new_step = np.flatnonzero(np.diff(rows["step"])) + 1
    return [part for part in np.split(rows, new_step) if part.size]
