"""A report on a sweep for the eyes: the best runs, each key's share in it, and two as a picture."""

from collections.abc import Mapping, Sequence
from math import isnan

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from vgrad.report.grid import Column, Grid
from vgrad.report.levels import levels_of, short_names, shortened_labels, spelt
from vgrad.report.matrix import MatrixView
from vgrad.report.measures import GOAL_WORDS, MEASURES, Measure
from vgrad.report.numbers import counted, duration, number, percent
from vgrad.report.phrases import Items
from vgrad.report.portable import Portable
from vgrad.report.runs_by_key import SEED, Marginal, Matrix
from vgrad.report.sweep_content import SweepReport
from vgrad.report.tables import KIND_STYLES, STATUS_STYLES
from vgrad.store import Result

HEAD = 20  # rows of a ranking that a terminal still shows together with its heading
FAILED_HEAD = 5
WIDEST_VALUE = 24
OTHERS = ("test_accuracy", "test_loss", "train_accuracy", "train_loss", "gradient_ratio")
RANKS = {"gradient_ratio": 3, "test_accuracy": 4, "test_loss": 5, "train_accuracy": 8}


def sweep_view(report: SweepReport, *, all_rows: bool = False) -> RenderableType:
    """The whole report as something that a rich console prints, at any width."""
    parts: list[RenderableType] = [_header(report)]
    if report.ranked:
        head = len(report.ranked) if all_rows else HEAD
        parts += _section(ranking_title(report), Grid(ranking_columns(report, head)))
        parts += _left_out(len(report.ranked) - head, "run")
    if report.failed:
        head = len(report.failed) if all_rows else FAILED_HEAD
        parts += _section("Runs that failed", Text("\n".join(map(failure, report.failed[:head]))))
        parts += _left_out(len(report.failed) - head, "run")
    for marginal in report.marginals:
        head = len(marginal.levels) if all_rows else HEAD
        columns = marginal_columns(marginal, report, head)
        parts += _section(marginal_title(marginal, report), Grid(columns))
        parts += _left_out(len(marginal.levels) - head, "value")
    for matrix in report.matrices:
        parts += _section(matrix_title(matrix, report), MatrixView(matrix))
    return Portable(Group(*parts))


def ranking_title(report: SweepReport) -> str:
    """`Runs, highest test accuracy first`."""
    return f"Runs, {GOAL_WORDS[report.measure.goal]} {report.measure.title} first"


def marginal_title(marginal: Marginal, report: SweepReport) -> str:
    """`test accuracy by model.depth, mean ± standard error over 3 seeds`."""
    return f"{report.measure.title} by {marginal.levels.key}, {_mean(report, marginal.levels.key)}"


def matrix_title(matrix: Matrix, report: SweepReport) -> str:
    """`test accuracy by model.depth and model.init.std, mean over 3 seeds and optimizer.lr`."""
    shown = (matrix.rows.key, matrix.columns.key)
    rest = [key for key in report.keys if key not in (*shown, SEED)]
    over = [counted(report.seeds, "seed")] if report.seeds and SEED not in shown else []
    kind = "geometric mean" if matrix.measure.geometric else "mean"
    mean = f", {kind} over {' and '.join([*over, *rest])}" if over or rest else ""
    return f"{matrix.measure.title} by {shown[0]} and {shown[1]}{mean}"


def _mean(report: SweepReport, key: str) -> str:
    mean = "geometric mean" if report.measure.geometric else "mean"
    if report.seeds > 1 and key != SEED:
        sign = "×÷" if report.measure.geometric else "±"
        return f"{mean} {sign} standard error over {report.seeds} seeds"
    return f"{mean} over runs"


def _header(report: SweepReport) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(ratio=1)
    for title, phrases in header_phrases(report).items():
        grid.add_row(title, Items(phrases))
    status = (report.status, STATUS_STYLES.get(report.status, ""))
    first = Table.grid(padding=(0, 2))
    first.add_column(style="dim", no_wrap=True, width=max(map(len, header_phrases(report))))
    first.add_column(ratio=1)
    first.add_row("sweep", Text.assemble((report.id, "bold"), "  ", status, overflow="fold"))
    return Group(first, grid)


def header_phrases(report: SweepReport) -> dict[str, tuple[str, ...]]:
    """What the sweep is and came to, by title."""
    statuses = tuple(f"{count:,} {status}" for status, count in report.statuses.items())
    verdicts = tuple(f"{count:,} {kind}" for kind, count in report.verdicts.items())
    spent = f"{duration(report.seconds)} in all"
    phrases = {
        "name": (report.name,) if report.name != report.id else (),
        "method": (f"{report.method} over {', '.join(report.keys)}",),
        "runs": (f"{report.ended:,} of {report.planned:,}", *statuses, spent),
        "verdicts": verdicts,
        "best": (best_phrase(report),) if report.ranked else (),
    }
    return {title: those for title, those in phrases.items() if those}


def best_phrase(report: SweepReport) -> str:
    """`test accuracy 97.4%: depth=5, lr=0.1 (run 0003)`."""
    best, names = report.ranked[0], short_names(report.keys)
    value = report.measure.spell(best.numbers[report.measure.name])
    varied = ", ".join(f"{names[key]}={spelt(best.varied[key])}" for key in report.keys)
    return f"{report.measure.title} {value}: {varied} (run {best.run_id.partition('-')[0]})"


def ranking_columns(report: SweepReport, head: int | None = None) -> list[Column]:
    """The runs from the best on: their numbers, keys, and what they came to."""
    runs, names = report.ranked[:head], short_names(report.keys)
    columns = [Column("run", [run.run_id.partition("-")[0] for run in runs], justify="left")]
    for key in report.keys:
        values = [run.varied[key] for run in runs]
        cells = shortened_labels([*map(spelt, values)], WIDEST_VALUE)
        columns.append(Column(names[key], cells, justify=levels_of(key, values).justify))
    known = [name for name in OTHERS if any(not isnan(r.numbers[name]) for r in report.ranked)]
    measures = [report.measure, *(MEASURES[name] for name in known)]
    shown = {one.name: one for one in measures}  # its own first, and each once
    columns += [_measured(one, runs, RANKS.get(one.name, 9)) for one in shown.values()]
    columns[len(report.keys) + 1] = _measured(report.measure, runs, 0)
    statuses = _coloured("status", [run.status for run in runs], STATUS_STYLES, 2)
    verdicts = _coloured("verdict", [run.verdict or "" for run in runs], KIND_STYLES, 1)
    rest = [
        _measured(MEASURES["steps"], runs, 7),
        Column("time", [duration(run.numbers["seconds"]) for run in runs], rank=6),
    ]
    if any(run.status != "finished" for run in runs):
        rest = [statuses, *rest]
    return [*columns, verdicts, *rest]


def marginal_columns(
    marginal: Marginal, report: SweepReport, head: int | None = None
) -> list[Column]:
    """A line per value: the measure with its error, and the state of the gradient."""
    levels, measure, rows = marginal.levels, report.measure, marginal.measure[:head]
    spread = [measure.spread(float(row["mean"]), float(row["error"])) for row in rows]
    columns = [
        Column(levels.key, levels.labels[:head], justify=levels.justify),
        Column(measure.title, spread),
        Column("runs", list(map(_runs, rows)), rank=3),
    ]
    if measure.name != "gradient_ratio":
        ratios = [number(float(row["mean"])) for row in marginal.ratio[:head]]
        columns.append(Column("gradient ratio", ratios, rank=1))
    healthy = [percent(float(share)) for share in marginal.healthy[:head]]
    return [*columns, Column("healthy", healthy, rank=2)]


def _runs(row: np.void) -> str:
    """`12`, or `9 of 12` where the others have no value."""
    if row["runs"] == row["ended"]:
        return f"{row['runs']:,}"
    return f"{row['runs']:,} of {row['ended']:,}"


def _measured(measure: Measure, runs: Sequence[Result], rank: int) -> Column:
    cells = [measure.spell(run.numbers[measure.name]) for run in runs]
    return Column(measure.title.replace(" ", "\n", 1), cells, rank=rank)


def _coloured(title: str, cells: list[str], styles: Mapping[str, str], rank: int) -> Column:
    return Column(title, cells, [styles.get(cell, "") for cell in cells], "left", rank)


def failure(run: Result) -> str:
    """`0003-lr=10: failed: the reason`."""
    return f"{run.run_id}: {run.status}: {run.error or 'no reason is known'}"


def _section(title: str, content: RenderableType) -> list[RenderableType]:
    return [Text(f"\n{title}\n", style="bold"), content]


def _left_out(count: int, what: str) -> list[RenderableType]:
    if count <= 0:
        return []
    return [Text(f"{counted(count, f'more {what}')}; --all shows them", style="dim")]
