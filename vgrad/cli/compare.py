"""`vgrad compare`."""

from typing import Annotated

import typer

from vgrad.cli.options import DEFAULT_RUNS_DIR, AllLayers, Json, RunsDir, complete_runs, show

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


def register(app: typer.Typer) -> None:
    """Enter the command."""
    app.command("compare")(compare)


def compare(
    runs: Runs = None,
    statistic: Statistic = "grad_norm",
    all_layers: AllLayers = False,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
    json: Json = False,
) -> None:
    """Show runs side by side: what differs in their configs, what they came to, and where the
    gradient goes in each.

    Example: vgrad compare latest deep-sigmoid --statistic delta_rms
    """
    from vgrad.report.compare import compare
    from vgrad.report.compare_tables import comparison_json, comparison_view
    from vgrad.store import open_run

    found = compare([open_run(run, runs_dir) for run in runs or ()], statistic)
    if json:
        typer.echo(comparison_json(found), nl=False)
    else:
        show(comparison_view(found, all_layers=all_layers))
