"""`vgrad report`."""

from collections.abc import Mapping
from typing import Annotated, Literal

import typer

from vgrad.cli.options import (
    DEFAULT_RUNS_DIR,
    AllLayers,
    Json,
    RunsDir,
    StoredRef,
    show,
    stdout_console,
)

Step = Annotated[str, typer.Option(metavar="STEP", help="A logged step, or 'last'.")]
Format = Annotated[str, typer.Option(help="table, markdown, csv or json.")]

By = Annotated[
    str | None,
    typer.Option(
        metavar="KEY[,KEY]",
        help="Of a sweep: the swept keys to show it by; of two, a matrix.",
        show_default=False,
    ),
]
Metric = Annotated[
    str | None,
    typer.Option(
        help="Of a sweep: what to rank by: test_accuracy, test_loss, gradient_ratio, ...",
        show_default=False,
    ),
]
AllRows = Annotated[bool, typer.Option("--all", help="Of a sweep: all runs, not only the best.")]


def register(app: typer.Typer) -> None:
    """Enter the command."""
    app.command("report")(report)


def report(
    run: StoredRef = "latest",
    step: Step = "last",
    by: By = None,
    metric: Metric = None,
    format: Format = "table",
    all_layers: AllLayers = False,
    all_rows: AllRows = False,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
    json: Json = False,
) -> None:
    """Show a stored run: its verdict, the gradient of each layer, and its course. Or a sweep: its
    runs from the best on, and what each key does to them.

    Example: vgrad report latest --step 0
    """
    from vgrad.report.formats import render_report
    from vgrad.report.sweeps import render_sweep
    from vgrad.store import Sweep, open_stored

    stored = open_stored(run, runs_dir)
    console, format = stdout_console(), "json" if json else format
    for_runs = {"--step": step != "last", "--all-layers": all_layers}
    for_sweeps = {"--by": by is not None, "--metric": metric is not None, "--all": all_rows}
    if isinstance(stored, Sweep):
        _refuse(for_runs, f"{stored.id} is a sweep", "a run of it: SWEEP/RUN")
        keys = by.split(",") if by else ()
        page = render_sweep(
            stored, console, by=keys, metric=metric, format=format, all_rows=all_rows
        )
    else:
        _refuse(for_sweeps, f"{stored.id} is a run", "a sweep")
        at = parse_step(step)
        page = render_report(stored, console, step=at, format=format, all_layers=all_layers)
    show(page)


def _refuse(given: Mapping[str, bool], what: str, allowed: str) -> None:
    """Options that make no sense for what is shown."""
    from vgrad.errors import Problem, RequestError

    problems = [
        Problem(f"{option}: {what}", "", f"goes with {allowed}")
        for option, is_given in given.items()
        if is_given
    ]
    if problems:
        raise RequestError(problems)


def parse_step(text: str) -> int | Literal["last"]:
    """A step as the user writes it.

    Raises:
        RequestError: it is neither a number nor `last`.
    """
    from vgrad.errors import Problem, RequestError

    if text == "last":
        return "last"
    try:
        return int(text)
    except ValueError:
        raise RequestError(
            Problem(f"--step {text} is not a step", allowed="a number, or last")
        ) from None
