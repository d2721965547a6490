"""`vgrad compare`."""

from pathlib import Path
from typing import Annotated

import typer

from vgrad.cli.options import DEFAULT_RUNS_DIR, AllLayers, Json, RunsDir, complete_runs, show
from vgrad.cli.pages import Html, Open, deliver

Runs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RUN RUN...",
        help="Two runs or more: run-ids, unambiguous parts of them, SWEEP/RUN, folders, 'latest'.",
        autocompletion=complete_runs,
        show_default=False,
    ),
]
Statistic = Annotated[
    str, typer.Option(metavar="NAME", help="What to compare by layer: a column of layers.csv.")
]
PAGE = Path("comparison.html")


def register(app: typer.Typer) -> None:
    """Enter the command."""
    app.command("compare")(compare)


def compare(
    runs: Runs = None,
    statistic: Statistic = "grad_norm",
    all_layers: AllLayers = False,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
    json: Json = False,
    html: Html = None,
    open_page: Open = False,
) -> None:
    """Show runs side by side: what differs in their configs, what they came to, and where the
    gradient goes in each.

    Example: vgrad compare latest deep-sigmoid --statistic delta_rms
    """
    from vgrad.report.compare import compare
    from vgrad.report.compare_tables import comparison_json, comparison_view
    from vgrad.store import open_run

    opened = [open_run(run, runs_dir) for run in runs or ()]
    if html is not None:
        from vgrad.report.html import comparison_page

        deliver(lambda: comparison_page(opened, statistic), html, PAGE, open_it=open_page)
        return
    found = compare(opened, statistic)
    if json:
        typer.echo(comparison_json(found), nl=False)
    else:
        show(comparison_view(found, all_layers=all_layers))
