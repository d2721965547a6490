"""`vgrad report`."""

from typing import Annotated, Literal

import typer

from vgrad.cli.options import (
    DEFAULT_RUNS_DIR,
    AllLayers,
    Json,
    RunRef,
    RunsDir,
    show,
    stdout_console,
)

Step = Annotated[str, typer.Option(metavar="STEP", help="A logged step, or 'last'.")]
Format = Annotated[str, typer.Option(help="table, markdown, csv or json.")]


def register(app: typer.Typer) -> None:
    """Enter the command."""
    app.command("report")(report)


def report(
    run: RunRef = "latest",
    step: Step = "last",
    format: Format = "table",
    all_layers: AllLayers = False,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
    json: Json = False,
) -> None:
    """Show a stored run: its verdict, the gradient of each layer, and its course.

    Example: vgrad report latest --step 0
    """
    from vgrad.report.formats import render_report
    from vgrad.store import open_run

    page = render_report(
        open_run(run, runs_dir),
        stdout_console(),
        step=parse_step(step),
        format="json" if json else format,
        all_layers=all_layers,
    )
    show(page)


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
