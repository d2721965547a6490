"""A run as a notebook shows it."""

import io

from rich.console import Console

from vgrad.report.content import StoredRun, build_report
from vgrad.report.tables import report_view

WIDTH = 110  # columns; a cell of a notebook scrolls where it is narrower
FRAME = '<pre style="font-family: monospace; line-height: 1.25; overflow-x: auto">{code}</pre>\n'


def run_html(run: StoredRun) -> str:
    """The report on `run` as it stands in a terminal, in HTML with its own styles; of a run that
    has logged nothing yet, only that."""
    console = Console(record=True, file=io.StringIO(), width=WIDTH, force_jupyter=False)
    if run.layers.size:
        console.print(report_view(build_report(run)))
    else:
        console.print(f"run {run.id}, {run.status}: nothing was logged yet", markup=False)
    return console.export_html(inline_styles=True, code_format=FRAME)
