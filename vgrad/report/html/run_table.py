"""The runs of a sweep as the rows of a table that sorts and filters."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from vgrad.records import RESULT_COLUMNS
from vgrad.report.levels import short_names, spelt, value_of
from vgrad.report.measures import MEASURES
from vgrad.report.sweep_content import SweepReport
from vgrad.store import Result

DIGITS = 6  # of a number: what `results.csv` has beyond is not looked at


@dataclass(frozen=True, eq=False)
class RunTable:
    """`columns` are DataTables', `rows` a cell for each."""

    columns: list[dict[str, Any]]
    rows: list[list[object]]


def run_table(report: SweepReport) -> RunTable:
    """All runs, from the best to the worst, then those that came to nothing."""
    names = short_names(report.keys)
    runs = (*report.ranked, *report.failed)
    facts = [name for name in RESULT_COLUMNS if any(_fact(run, name) is not None for run in runs)]
    columns = [_column("rank", "rank"), _column("run", "run")]
    columns += [_column(names[key], "value") for key in report.keys]
    columns += [_column(name.replace("_", " "), _kind(name)) for name in facts]
    ranks = [*range(1, len(report.ranked) + 1), *[None] * len(report.failed)]
    rows = [
        [rank, run.run_id, *_varied(run, report.keys), *(_fact(run, name) for name in facts)]
        for rank, run in zip(ranks, runs, strict=True)
    ]
    return RunTable(columns, rows)


def _column(title: str, kind: str) -> dict[str, Any]:
    """DataTables takes a title for HTML."""
    return {"title": escape(title), "kind": kind}


def _kind(name: str) -> str:
    if name not in MEASURES:
        return "text"
    return "share" if name.endswith("accuracy") else "number"


def _varied(run: Result, keys: Sequence[str]) -> list[object]:
    values = {key: value_of(run.varied[key]) for key in keys}
    return [spelt(v) if isinstance(v, str) else v for v in values.values()]


def _fact(run: Result, name: str) -> object:
    if name not in run.numbers:
        return getattr(run, name) or None
    value = run.numbers[name]
    if math.isnan(value):
        return None
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else str(value)
