"""Reading a sweep: what it is, and the results of its runs, without opening one of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from vgrad.errors import Problem, RequestError, RunError
from vgrad.records import RESULT_COLUMNS
from vgrad.store import frames, layout
from vgrad.store.finding import find, find_run, find_sweep
from vgrad.store.locks import is_locked
from vgrad.store.reading import Run
from vgrad.store.tables import header_of, read_cells

NUMBERS = tuple(name for name in RESULT_COLUMNS if name not in ("status", "verdict", "error"))
"""The columns of `results.csv` that are numbers."""
METRICS = ("test_accuracy", "test_loss", "train_accuracy", "train_loss", "gradient_ratio")
"""What the runs of a sweep can be ranked by."""
ENDED_WELL = (layout.FINISHED, layout.DIVERGED)
"""What a run came to counts where it ended so: divergence is a result, too."""
GOALS = ("maximize", "minimize")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Result:
    """A row of `results.csv`: a run that has ended. `varied` has the swept keys' values as text,
    `numbers` the columns that are numbers, nan where one does not apply."""

    run_id: str
    varied: Mapping[str, str]
    status: str
    verdict: str | None
    numbers: Mapping[str, float]
    error: str | None


class Sweep:
    """A stored sweep. Each part is read when it is first asked for, and then kept.

    A part that is missing or damaged raises `RunError`, naming the file and line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"Sweep({str(self.path)!r})"

    @property
    def id(self) -> str:
        """The sweep-id."""
        return self.path.resolve().name

    @property
    def name(self) -> str:
        """What its file calls it."""
        return str(self.spec.get("name") or self.id)

    @cached_property
    def spec(self) -> dict[str, Any]:
        """`sweep.yaml`: the whole resolved sweep."""
        path = self.path / layout.SWEEP
        try:
            spec = yaml.load(path.read_bytes(), Loader=_Loader)
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            raise RunError(f"{path}: cannot be read: {error}") from None
        if not isinstance(spec, dict):
            raise RunError(f"{path}: is not a mapping")
        return spec

    @property
    def method(self) -> str:
        """grid, random, list or bayes."""
        return str(self.spec.get("method", "grid"))

    @property
    def metric(self) -> str:
        """What its runs are ranked by."""
        name = self._metric.get("name")
        return name if name in NUMBERS else METRICS[0]

    @property
    def goal(self) -> str:
        """`maximize` or `minimize`."""
        goal = self._metric.get("goal")
        return goal if goal in GOALS else GOALS[0]

    @property
    def _metric(self) -> dict[str, Any]:
        metric = self.spec.get("metric")
        return metric if isinstance(metric, dict) else {}

    @property
    def planned(self) -> int:
        """How many runs it is to have."""
        runs = self.spec.get("runs")
        return runs if type(runs) is int else len(self.results)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The swept keys."""
        names = header_of(self._results)
        if names[:1] != ("run_id",) or names[-len(RESULT_COLUMNS) :] != RESULT_COLUMNS:
            raise RunError(f"{self._results}:1: has not the columns of a sweep")
        return names[1 : -len(RESULT_COLUMNS)]

    @cached_property
    def results(self) -> tuple[Result, ...]:
        """The runs that have ended, in the order of their ids."""
        columns = ("run_id", *self.keys, *RESULT_COLUMNS)
        rows = [self._result(line, cells) for line, cells in read_cells(self._results, columns)]
        last = {row.run_id: row for row in rows}  # of a run that was made again
        return tuple(last[run_id] for run_id in sorted(last))

    def _result(self, line: int, cells: Sequence[str]) -> Result:
        run_id, *rest = cells
        varied = dict(zip(self.keys, rest, strict=False))
        facts = dict(zip(RESULT_COLUMNS, rest[len(self.keys) :], strict=True))
        try:
            numbers = {name: float(facts[name] or math.nan) for name in NUMBERS}
        except ValueError as error:
            raise RunError(f"{self._results}:{line}: {error}") from None
        verdict, error_text = facts["verdict"] or None, facts["error"] or None
        return Result(run_id, varied, facts["status"], verdict, numbers, error_text)

    @property
    def status(self) -> str:
        """running, finished, or interrupted: not all of its runs have ended."""
        if is_locked(self._results, None):
            return layout.RUNNING
        return layout.FINISHED if len(self.results) >= self.planned else layout.INTERRUPTED

    def to_pandas(self) -> Any:
        """`results.csv` as a `pandas.DataFrame`: a row per run that has ended.

        Raises:
            RequestError: pandas is not installed.
        """
        return frames.to_pandas(self._columns())

    def to_polars(self) -> Any:
        """`results.csv` as a `polars.DataFrame`: a row per run that has ended.

        Raises:
            RequestError: polars is not installed.
        """
        return frames.to_polars(self._columns())

    def _columns(self) -> dict[str, list[Any]]:
        """Swept keys whose values are all numbers as numbers."""
        found: dict[str, list[Any]] = {"run_id": [one.run_id for one in self.results]}
        found |= {key: _numbers([one.varied[key] for one in self.results]) for key in self.keys}
        for name in RESULT_COLUMNS:
            if name in NUMBERS:
                found[name] = [one.numbers[name] for one in self.results]
            else:
                found[name] = [getattr(one, name) for one in self.results]
        return found

    def run(self, run_id: str) -> Run:
        """The stored run of this id, or of an unambiguous part of one.

        Raises:
            RequestError: there is none, or more than one.
        """
        return Run(find_run(run_id, self.path))

    @property
    def _results(self) -> Path:
        return self.path / layout.RESULTS


def _numbers(texts: list[str]) -> list[Any]:
    for kind in (int, float):
        try:
            return [kind(text) for text in texts]
        except ValueError:
            continue
    return texts


def open_sweep(ref: str = layout.LATEST, runs_dir: str | Path = "runs") -> Sweep:
    """The sweep that `ref` stands for: a sweep-id, an unambiguous part of one, a path, or
    `latest`, the newest sweep.

    Raises:
        RequestError: there is none, more than one, or it is a run.
    """
    return Sweep(find_sweep(str(ref), Path(runs_dir)))


def open_run(ref: str = layout.LATEST, runs_dir: str | Path = "runs") -> Run:
    """The run that `ref` stands for: a run-id, an unambiguous part of one, a path, `latest`, the
    newest run outside of sweeps; `SWEEP/RUN`, or a part of its run-id, for a run of a sweep.

    Raises:
        RequestError: there is none, more than one, or it is a sweep.
    """
    root = Path(runs_dir)
    path = find_run(ref, root) if ref == layout.LATEST else find(str(ref), root)
    if layout.is_sweep(path):
        raise RequestError(
            Problem(f"{path.name} is a sweep, not a run", allowed=f"a run of it: {path.name}/RUN")
        )
    return Run(path)


def open_stored(ref: str = layout.LATEST, runs_dir: str | Path = "runs") -> Run | Sweep:
    """The run or sweep that `ref` stands for; `latest` is the newest of either.

    Raises:
        RequestError: there is none, or more than one.
    """
    path = find(str(ref), Path(runs_dir))
    return Sweep(path) if layout.is_sweep(path) else Run(path)
