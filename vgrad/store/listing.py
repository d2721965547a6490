"""Listing runs and sweeps: one small file each, and no damage of one hides another."""

import math
import operator
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from vgrad.errors import Problem, RequestError, RunError, nearest
from vgrad.store import layout
from vgrad.store.documents import read_json
from vgrad.store.reading import as_number, living_status
from vgrad.store.sweep_info import SweepInfo, sweep_info
from vgrad.store.sweeps import Result, Sweep

CONDITION = re.compile(r"\s*([\w.]+)\s*(!=|<=|>=|=|<|>)\s*(.*?)\s*")
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class RunInfo:
    """What a list says of a run. `final` is its last row of metrics, `config` has dotted keys."""

    id: str
    name: str = ""
    status: str = layout.DAMAGED
    verdict: str | None = None
    steps: int = 0
    final: Mapping[str, float] = field(default_factory=dict)
    gradient_ratio: float = float("nan")
    seconds: float = float("nan")
    error: str | None = None
    config: Mapping[str, object] = field(default_factory=dict)
    kind: ClassVar[str] = "run"

    @property
    def facts(self) -> dict[str, object]:
        """What can be asked for: the config's keys, the final metrics, and the summary's own."""
        own = ("kind", "name", "status", "verdict", "steps", "gradient_ratio", "seconds")
        return {**self.config, **self.final, **{key: getattr(self, key) for key in own}}


Listed = RunInfo | SweepInfo


def list_runs(runs_dir: str | Path) -> Iterator[Listed]:
    """The runs and sweeps of a folder, newest first; one that is damaged says so, what is neither
    is left out. A folder that is not there has none. Runs within sweeps are not opened."""
    root = Path(runs_dir)
    for name in layout.folder_names(root):
        try:
            yield _info(root / name)
        except RunError as error:
            if layout.is_sweep(root / name):
                yield sweep_info(Sweep(root / name))
            elif layout.is_run(root / name):
                yield RunInfo(name, error=str(error))
        except OSError as error:
            yield RunInfo(name, error=f"{root / name}: {error.strerror}")


def _info(path: Path) -> RunInfo:
    summary = read_json(path / layout.SUMMARY)
    final, config = summary.get("final"), summary.get("config")
    steps, error = summary.get("steps"), summary.get("error")
    return RunInfo(
        id=path.name,
        name=str(summary.get("name") or ""),
        status=living_status(path, summary),
        verdict=str(summary["verdict"]) if summary.get("verdict") else None,
        steps=steps if isinstance(steps, int) else 0,
        final={k: as_number(v) for k, v in final.items()} if isinstance(final, dict) else {},
        gradient_ratio=as_number(summary.get("gradient_ratio")),
        seconds=as_number(summary.get("seconds")),
        error=str(error) if error else None,
        config=config if isinstance(config, dict) else {},
    )


def list_sweep(sweep: Sweep) -> list[RunInfo]:
    """The runs of a sweep that have ended, in the order of their ids, as its results tell of them:
    none is opened.

    Raises:
        RunError: the results cannot be read.
    """
    from vgrad.config.dumping import flatten_plain  # with all that configs need: 0.2 s

    base = sweep.spec.get("base")
    shared = flatten_plain(base if isinstance(base, dict) else {})
    swept = tuple(f"{key}." for key in sweep.keys)  # a part's options are its own
    shared = {key: value for key, value in shared.items() if not key.startswith(swept)}
    return [_result_info(result, shared) for result in sweep.results]


def _result_info(result: Result, shared: Mapping[str, object]) -> RunInfo:
    numbers = dict(result.numbers)
    steps, ratio, seconds = (numbers.pop(key) for key in ("steps", "gradient_ratio", "seconds"))
    varied = {key: _read_value(text)[0] for key, text in result.varied.items()}
    return RunInfo(
        id=result.run_id,
        name=result.run_id,
        status=result.status,
        verdict=result.verdict,
        steps=int(steps) if math.isfinite(steps) else 0,
        final=numbers,
        gradient_ratio=ratio,
        seconds=seconds,
        error=result.error,
        config={**shared, **varied},
    )


@dataclass(frozen=True)
class Condition:
    """`KEY=VALUE`, with any of = != < <= > >=; `text` is the value as it was written."""

    key: str
    compare: Callable[[Any, Any], bool]
    value: object
    text: str

    def holds(self, info: Listed) -> bool:
        """Whether it holds of a run; a run without the key, or one not comparable, does not."""
        found = info.facts.get(self.key)
        if found is None and self.value is not None:
            return False
        literal = isinstance(found, str) and not isinstance(self.value, str)
        try:
            return bool(self.compare(found, self.text if literal else self.value))
        except TypeError:
            return False


def parse_condition(text: str) -> Condition:
    """A condition as the user writes it; its value is read as in a config.

    Raises:
        RequestError: it is not of that form.
    """
    match = CONDITION.fullmatch(text)
    if match is None:
        raise RequestError(
            Problem(f"--where {text}: is not a condition", allowed="KEY=VALUE, also != < <= > >=")
        )
    key, sign, value = match.groups()
    return Condition(key, OPERATORS[sign], *_read_value(value))


def _read_value(text: str) -> tuple[object, str]:
    from vgrad.config.yaml_source import read_yaml  # with all that configs need: 0.2 s

    try:
        value = read_yaml(text).data
    except RequestError:
        return text, text
    if isinstance(value, list):
        text = f"[{', '.join(map(str, value))}]"  # as `flatten` spells a list
    return value, text


def known_keys(infos: Sequence[Listed]) -> frozenset[str]:
    """Everything that can be asked of these runs."""
    return frozenset(key for info in infos for key in info.facts)


Some = TypeVar("Some", RunInfo, Listed)


def matches(infos: Sequence[Some], where: Collection[str], status: str | None) -> list[Some]:
    """The runs and sweeps of this status of which all conditions hold.

    Raises:
        RequestError: a condition is malformed, or no run knows its key; the status is not one.
    """
    if status is not None and status not in layout.STATUSES:
        near = nearest(status, layout.STATUSES)
        allowed = f"one of {', '.join(layout.STATUSES)}"
        raise RequestError(Problem(f"no status is called {status!r}", "", allowed, near))
    conditions = [parse_condition(text) for text in where]
    if conditions and infos:
        keys = known_keys(infos)
        for condition in conditions:
            if condition.key not in keys:
                near = nearest(condition.key, sorted(keys))
                problem = Problem(f"no run has a key {condition.key!r}", suggestion=near)
                raise RequestError(problem)
    return [
        info
        for info in infos
        if status in (None, info.status) and all(one.holds(info) for one in conditions)
    ]
