"""The formats of a report, each a function from the report to its text."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Literal, TypeVar

from rich.console import Console, RenderableType

from vgrad.errors import Problem, RequestError, nearest
from vgrad.report.blocks import block_columns
from vgrad.report.comparison import comparison_columns, comparison_object
from vgrad.report.content import Report, StoredRun, build_report
from vgrad.report.course import course_columns
from vgrad.report.documents import json_text, objects
from vgrad.report.layers import layer_columns
from vgrad.report.markdown import inline, markdown_table
from vgrad.report.settings import settings_of
from vgrad.report.tables import report_view, result_phrases, when

Writer = TypeVar("Writer")


def as_markdown(report: Report) -> str:
    """For an issue, a notebook, a README: tables as GitHub renders them, all columns."""
    settings = [f"{title} {value}" for title, value in settings_of(report.config).items()]
    shown = " · ".join(map(str, report.plugins))
    plugins = f"- Plugins: {inline(shown)}\n" if shown else ""
    parts = [
        f"## Run `{report.id}`, {report.status}",
        *([inline(report.error)] if report.error else []),
        f"**{report.verdict.kind}**: {inline(report.verdict.sentence)}",
        f"- Settings: {inline(' · '.join(settings))}\n"
        f"{plugins}"
        f"- Result: {inline(' · '.join(result_phrases(report)))}",
        f"### Gradient by layer at {when(report)}",
        markdown_table(layer_columns(report.layers, report.shown)),
        *(
            ["### Residual stream", markdown_table(block_columns(report.blocks))]
            if report.blocks.size
            else []
        ),
        *(
            [
                "### At initialization, predicted against measured",
                markdown_table(comparison_columns(report.comparison)),
            ]
            if report.comparison
            else []
        ),
        "### Course of the run",
        markdown_table(course_columns(report)),
    ]
    return "\n\n".join(parts) + "\n"


def as_csv(report: Report) -> str:
    """For a spreadsheet: all layers of the step, in the columns of `layers.csv`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(report.layers.dtype.names or ())
    writer.writerows(report.layers.tolist())
    return text.getvalue()


def as_json(report: Report) -> str:
    """For a program: all that the report holds, all layers and all logged steps."""
    return json_text(
        {
            "run_id": report.id,
            "name": report.name,
            "status": report.status,
            "error": report.error or None,
            "config": report.config,
            "plugins": [asdict(plugin) for plugin in report.plugins],
            "step": report.step,
            "last_step": report.last_step,
            "verdict": asdict(report.verdict),
            "layers": objects(report.layers),
            "blocks": objects(report.blocks),
            "clipping": objects(report.clipping),
            "comparison": report.comparison and comparison_object(report.comparison),
            "course": objects(report.course),
        }
    )


FORMATS: dict[str, Callable[[Report], RenderableType]] = {
    "table": report_view,
    "markdown": as_markdown,
    "csv": as_csv,
    "json": as_json,
}
"""By name; what is not text yet becomes it on a console, in its width, colours and encoding."""


def render_report(
    run: StoredRun,
    console: Console,
    *,
    step: int | Literal["last"] = "last",
    format: str = "table",
    all_layers: bool = False,
) -> str:
    """The report on `run` at `step`, as text for the file of `console`.

    Raises:
        RequestError: no such format, or nothing was logged at this step.
    """
    page = choose(FORMATS, format)(build_report(run, step, all_layers=all_layers))
    return on_console(page, console)


def choose(formats: Mapping[str, Writer], format: str) -> Writer:
    """The format of this name.

    Raises:
        RequestError: there is none.
    """
    if format not in formats:
        allowed, suggestion = f"one of {', '.join(formats)}", nearest(format, list(formats))
        problem = Problem(f"no format is called {format!r}", "format", allowed, suggestion)
        raise RequestError(problem)
    return formats[format]


def on_console(page: RenderableType, console: Console) -> str:
    """The page as text for the file of `console`; what is text already, as it is."""
    if isinstance(page, str):
        return page
    with console.capture() as capture:
        console.print(page)
    return capture.get()
