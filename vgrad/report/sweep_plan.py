"""A sweep before it starts: its runs, and what they will take."""

from collections.abc import Mapping
from typing import Protocol

from rich.console import Group, RenderableType
from rich.text import Text

from vgrad.config.dumping import in_one_line
from vgrad.report.documents import json_text
from vgrad.report.grid import Column, Grid
from vgrad.report.numbers import counted, duration
from vgrad.report.phrases import Items
from vgrad.report.portable import Portable
from vgrad.report.selection import evenly

SHOWN = 20  # runs; of more, so many evenly spread ones
MEBIBYTE = 2.0**20
KEY_WIDTH = 18  # characters of a value


class Trial(Protocol):
    """A run to be made."""

    @property
    def run_id(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def changes(self) -> Mapping[str, object]: ...


class Outlook(Protocol):
    """What a sweep will be and take."""

    @property
    def keys(self) -> tuple[str, ...]: ...
    @property
    def method(self) -> str: ...
    @property
    def metric(self) -> str: ...
    @property
    def planned(self) -> int: ...
    @property
    def trials(self) -> tuple[Trial, ...]: ...
    @property
    def workers(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def seconds(self) -> float: ...


def plan_page(plan: Outlook) -> RenderableType:
    """The runs, evenly chosen where they are many, and the sums below."""
    shown = [plan.trials[index] for index in evenly(len(plan.trials), SHOWN)]
    columns = [Column("run", [f"{trial.number}" for trial in shown])]
    for rank, key in enumerate(plan.keys):
        cells = [_cell(trial.changes.get(key, "")) for trial in shown]
        columns.append(Column(key.replace(".", "\n"), cells, rank=rank))
    left_out = plan.planned - len(shown)
    parts: list[RenderableType] = [Grid(columns)] if shown else []
    if shown and left_out:
        parts.append(Text(f"and {counted(left_out, 'run')} between them"))
    if not shown:
        parts.append(Text(f"runs chosen one by one, over {', '.join(plan.keys)}"))
    facts = (
        f"{counted(plan.planned, 'run')} ({plan.method})",
        f"{counted(plan.workers, 'worker')}",
        f"up to {plan.nbytes / MEBIBYTE:,.0f} MiB at once",
        *([f"about {duration(plan.seconds)}"] if plan.seconds == plan.seconds else []),
        f"ranked by {plan.metric}",
    )
    return Portable(Group(*parts, Text(""), Items(facts)))


def plan_json(plan: Outlook) -> str:
    """All of it as one JSON document."""
    return json_text(
        {
            "method": plan.method,
            "metric": plan.metric,
            "keys": list(plan.keys),
            "planned": plan.planned,
            "workers": plan.workers,
            "bytes": plan.nbytes,
            "seconds": plan.seconds,
            "runs": [{"run_id": one.run_id, **one.changes} for one in plan.trials],
        }
    )


def _cell(value: object) -> str:
    text = f"{value:g}" if isinstance(value, float) else in_one_line(value)
    return text if len(text) <= KEY_WIDTH else f"{text[: KEY_WIDTH - 1]}…"
