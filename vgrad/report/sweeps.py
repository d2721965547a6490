"""The formats of a report on a sweep, each a function from the report to its text."""

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product

from rich.console import Console, RenderableType

from vgrad.records import RESULT_COLUMNS
from vgrad.report.documents import json_text, objects
from vgrad.report.formats import choose, on_console
from vgrad.report.grid import Column
from vgrad.report.levels import value_of
from vgrad.report.markdown import inline, markdown_table
from vgrad.report.matrix import cell_texts
from vgrad.report.measures import GOAL_WORDS
from vgrad.report.runs_by_key import Marginal, Matrix
from vgrad.report.sweep_content import SweepReport, build_sweep_report
from vgrad.report.sweep_tables import (
    HEAD,
    failure,
    header_phrases,
    marginal_columns,
    marginal_title,
    matrix_title,
    ranking_columns,
    ranking_title,
    sweep_view,
)
from vgrad.store import Result, Sweep

WHOLE_BELOW = 2**53  # whole numbers that double precision holds exactly


def as_markdown(report: SweepReport, *, all_rows: bool = False) -> str:
    """For an issue, a notebook, a README: tables as GitHub renders them, all columns."""
    facts = [
        f"- {title.capitalize()}: {inline(' · '.join(phrases))}"
        for title, phrases in header_phrases(report).items()
    ]
    head = None if all_rows else HEAD
    parts = [f"## Sweep `{report.id}`, {report.status}", "\n".join(facts)]
    if report.ranked:
        parts += [f"### {ranking_title(report)}", markdown_table(ranking_columns(report, head))]
    if report.failed:
        reasons = [failure(run) for run in report.failed[:head]]
        parts += ["### Runs that failed", "\n".join(f"- {inline(one)}" for one in reasons)]
    for marginal in report.marginals:
        parts.append(f"### {inline(marginal_title(marginal, report))}")
        parts.append(markdown_table(marginal_columns(marginal, report, head)))
    for matrix in report.matrices:
        parts += [f"### {inline(matrix_title(matrix, report))}", _markdown_matrix(matrix)]
    return "\n\n".join(parts) + "\n"


def _markdown_matrix(matrix: Matrix) -> str:
    rows, columns = matrix.rows, matrix.columns
    texts = zip(*cell_texts(matrix, matrix.measure.cells[0]), strict=True)
    cells = [Column(label, those) for label, those in zip(columns.labels, texts, strict=True)]
    return markdown_table(
        [Column(f"{rows.key} / {columns.key}", rows.labels, justify=rows.justify), *cells]
    )


def as_csv(report: SweepReport, *, all_rows: bool = False) -> str:  # noqa: ARG001  # always all
    """For a spreadsheet: the runs from the best on, in the columns of `results.csv`; or, by keys,
    a row per value, or per pair of values."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if report.by and report.ranked:
        writer.writerows(_grouped(report))
    else:
        writer.writerow(["run_id", *report.keys, *RESULT_COLUMNS])
        writer.writerows(_cells(run) for run in (*report.ranked, *report.failed))
    return text.getvalue()


def _cells(run: Result) -> Iterator[object]:
    yield run.run_id
    yield from run.varied.values()
    for name in RESULT_COLUMNS:
        yield _csv_number(run.numbers[name]) if name in run.numbers else getattr(run, name)


def _grouped(report: SweepReport) -> Iterator[Sequence[object]]:
    yield (*report.by, report.measure.name, "standard_error", "seeds", "runs", "gradient_ratio")
    if report.matrices:
        first, last = report.matrices[0], report.matrices[-1]
        labels: Iterable[tuple[str, ...]] = product(first.rows.labels, first.columns.labels)
        tables = first.averages.ravel(), last.averages.ravel()
    else:
        (marginal,) = report.marginals
        labels = [(label,) for label in marginal.levels.labels]
        tables = marginal.measure, marginal.ratio
    for where, row, ratio in zip(labels, *tables, strict=True):
        if row["runs"]:
            numbers = (_csv_number(float(number)) for number in (row["mean"], row["error"]))
            counts = int(row["seeds"]), int(row["runs"])
            yield (*where, *numbers, *counts, _csv_number(float(ratio["mean"])))


def _csv_number(value: float) -> object:
    if math.isnan(value):
        return ""
    return int(value) if value.is_integer() and abs(value) < WHOLE_BELOW else value


def as_json(report: SweepReport, *, all_rows: bool = False) -> str:  # noqa: ARG001  # always all
    """For a program: all that the report holds, all runs."""
    return json_text(
        {
            "kind": "sweep",
            "sweep_id": report.id,
            "name": report.name,
            "status": report.status,
            "method": report.method,
            "metric": {"name": report.measure.name, "goal": GOAL_WORDS[report.measure.goal]},
            "planned": report.planned,
            "ended": report.ended,
            "statuses": report.statuses,
            "verdicts": report.verdicts,
            "seconds": report.seconds,
            "keys": report.keys,
            "runs": [_run(run) for run in (*report.ranked, *report.failed)],
            "marginals": [_marginal(marginal) for marginal in report.marginals],
            "matrices": [_matrix(matrix) for matrix in report.matrices],
        }
    )


def _run(run: Result) -> dict[str, object]:
    varied = {key: value_of(text) for key, text in run.varied.items()}
    facts = {"run_id": run.run_id, "varied": varied, "status": run.status, "verdict": run.verdict}
    return {**facts, **run.numbers, "error": run.error}


def _marginal(marginal: Marginal) -> dict[str, object]:
    rows = zip(
        marginal.levels.values,
        objects(marginal.measure),
        marginal.ratio["mean"].tolist(),
        marginal.healthy.tolist(),
        strict=True,
    )
    table = [
        {"value": value, **average, "gradient_ratio": ratio, "healthy": healthy}
        for value, average, ratio, healthy in rows
    ]
    return {"key": marginal.levels.key, "rows": table}


def _matrix(matrix: Matrix) -> dict[str, object]:
    sides = {"rows": matrix.rows, "columns": matrix.columns}
    axes = {side: {"key": one.key, "values": one.values} for side, one in sides.items()}
    names = matrix.averages.dtype.names or ()
    return {
        "metric": matrix.measure.name,
        **axes,
        **{name: matrix.averages[name].tolist() for name in names},
    }


FORMATS: dict[str, Callable[..., RenderableType]] = {
    "table": sweep_view,
    "markdown": as_markdown,
    "csv": as_csv,
    "json": as_json,
}
"""By name; what is not text yet becomes it on a console, in its width, colours and encoding."""


def render_sweep(
    sweep: Sweep,
    console: Console,
    *,
    by: Sequence[str] = (),
    metric: str | None = None,
    format: str = "table",
    all_rows: bool = False,
) -> str:
    """The report on `sweep`, as text for the file of `console`.

    Raises:
        RequestError: there is no such format, metric or swept key.
        RunError: the sweep cannot be read.
    """
    write = choose(FORMATS, format)
    return on_console(write(build_sweep_report(sweep, by, metric), all_rows=all_rows), console)
