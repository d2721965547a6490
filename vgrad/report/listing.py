"""Many runs and sweeps, a line each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise, takewhile
from typing import Protocol

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

from vgrad.report.documents import json_text
from vgrad.report.grid import GAP, Column, Grid, Note, total_width
from vgrad.report.measures import MEASURES
from vgrad.report.numbers import accuracy, duration, loss, number
from vgrad.report.portable import Portable
from vgrad.report.tables import KIND_STYLES, STATUS_STYLES
from vgrad.store import RunInfo, SweepInfo
from vgrad.store.layout import FAILED

SHORTEST_ID = 19  # characters: date and time of day, to the millisecond
ESSENTIAL = 4  # rank up to which a column is worth more than an id in full


class ListedRun(Protocol):
    """What a list says of a run: `final` is its last row of metrics, `config` has dotted keys
    and the bare names of parts. Of a damaged run most of it is missing."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def verdict(self) -> str | None: ...
    @property
    def steps(self) -> int: ...
    @property
    def final(self) -> Mapping[str, float]: ...
    @property
    def gradient_ratio(self) -> float: ...
    @property
    def seconds(self) -> float: ...
    @property
    def error(self) -> str | None: ...
    @property
    def config(self) -> Mapping[str, object]: ...


Listed = ListedRun | SweepInfo


def runs_table(listed: Sequence[Listed], all_ids: Sequence[str] = ()) -> RenderableType:
    """A line per run or sweep, in this order. Where ids must be cut they stay unique among
    `all_ids`, the ids of all that are stored (by default those shown), and so still stand for
    theirs."""
    runs = [
        RunInfo(one.id, status=one.status) if isinstance(one, SweepInfo) else one for one in listed
    ]
    notes = {
        row: Note(len(("run", "status")), sweep_phrases(one))
        for row, one in enumerate(listed)
        if isinstance(one, SweepInfo)
    }
    ids = tuple(run.id for run in runs)
    return Portable(_RunsTable(tuple(runs), tuple(all_ids) or ids, notes))


def sweep_phrases(sweep: SweepInfo) -> tuple[str, ...]:
    """What a line says of a sweep, the most important first."""
    if sweep.error:
        return (f"sweep: {_printable(sweep.error)}",)
    phrases = [f"sweep {sweep.ended:,}/{sweep.planned:,}"]
    if not math.isnan(sweep.best):
        phrases.append(f"best {MEASURES[sweep.metric].spell(sweep.best)}")
    failed = sweep.statuses.get(FAILED, 0)
    phrases += [f"{failed:,} failed"] if failed else []
    phrases += [f"{count:,} {_printable(kind)}" for kind, count in sweep.verdicts.items()]
    return (*phrases, duration(sweep.seconds))


def runs_json(listed: Sequence[Listed]) -> str:
    """A JSON list with an object per run or sweep, and all that the list knows of it."""
    return json_text([_sweep(one) if isinstance(one, SweepInfo) else _run(one) for one in listed])


def _run(run: ListedRun) -> dict[str, object]:
    facts = ("name", "status", "verdict", "steps", "final", "gradient_ratio", "seconds", "error")
    known = {key: getattr(run, key) for key in facts}
    return {"kind": "run", "run_id": run.id, **known, "config": run.config}


def _sweep(sweep: SweepInfo) -> dict[str, object]:
    known = asdict(sweep)
    return {"kind": "sweep", "sweep_id": known.pop("id"), **known}


def shortened(ids: Sequence[str], among: Sequence[str], width: int) -> list[str]:
    """Each id cut to `width` characters, or to as many as tell it from all others `among`."""
    ordered = sorted({*among, *ids})
    needed = dict.fromkeys(ordered, 0)
    for one, other in pairwise(ordered):
        same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
        unlike = sum(1 for _ in same) + 1
        needed[one], needed[other] = max(needed[one], unlike), unlike
    return [one[: max(width, needed[one])] for one in ids]


@dataclass(frozen=True)
class _RunsTable:
    runs: tuple[ListedRun, ...]
    all_ids: tuple[str, ...]
    notes: Mapping[int, Note]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rest = self._columns()
        room = options.max_width - total_width([c for c in rest if c.rank <= ESSENTIAL]) - GAP
        ids = [run.id for run in self.runs]
        if max(map(len, ids), default=0) > room:
            ids = shortened(ids, self.all_ids, max(room, SHORTEST_ID))
        first = Column("run", [_printable(one) for one in ids], justify="left")
        yield Grid([first, *rest], self.notes)

    def _columns(self) -> list[Column]:
        runs = self.runs
        losses = [loss(run.final.get("test_loss", math.nan)) for run in runs]
        accuracies = [accuracy(run.final.get("test_accuracy", math.nan)) for run in runs]
        return [
            _coloured("status", [run.status for run in runs], STATUS_STYLES, 1),
            _coloured("verdict", [_printable(run.verdict) for run in runs], KIND_STYLES, 2),
            self._configured("depth", "model.depth", 3, right=True),
            self._configured("activation", "model.activation", 3),
            self._configured("init", "model.init", 6),
            self._configured("optimizer", "optimizer", 7),
            self._configured("lr", "optimizer.lr", 8, right=True),
            Column("steps", [str(run.steps) for run in runs], rank=9),
            Column("test\nloss", losses, rank=10),
            Column("test\nacc.", accuracies, rank=4),
            Column("gradient\nratio", [number(run.gradient_ratio) for run in runs], rank=5),
        ]

    def _configured(self, title: str, key: str, rank: int, *, right: bool = False) -> Column:
        cells = [_printable(run.config.get(key)) for run in self.runs]
        return Column(title, cells, justify="right" if right else "left", rank=rank)


def _coloured(title: str, cells: Sequence[str], styles: Mapping[str, str], rank: int) -> Column:
    return Column(title, cells, [styles.get(cell, "") for cell in cells], "left", rank)


def _printable(value: object) -> str:
    """`value` on one line, and without the characters that steer a terminal; "" for None."""
    text = "" if value is None else str(value)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " for char in text)
