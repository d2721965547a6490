"""`vgrad report`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal

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
from vgrad.cli.pages import Html, Open, deliver

if TYPE_CHECKING:
    from vgrad.store import Run, Sweep

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
Plot = Annotated[
    bool, typer.Option("--plot", help="Of a run: pictures in characters instead of tables.")
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
    plot: Plot = False,
    html: Html = None,
    open_page: Open = False,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
    json: Json = False,
) -> None:
    """Show a stored run: its verdict, the gradient of each layer, and its course. Or a sweep: its
    runs from the best on, and what each key does to them. With --html as a page for a browser.

    Example: vgrad report latest --step 0

    Example: vgrad report latest --plot

    Example: vgrad report latest --html --open
    """
    from vgrad.store import Sweep, open_stored

    stored = open_stored(run, runs_dir)
    for_text = {
        "--format": format != "table",
        "--json": json,
        "--all-layers": all_layers,
        "--all": all_rows,
        "--by": by is not None,
        "--plot": plot,
    }
    for_runs = {"--step": step != "last", "--all-layers": all_layers, "--plot": plot}
    for_sweeps = {"--by": by is not None, "--metric": metric is not None, "--all": all_rows}
    if html is None:
        _refuse({"--open": open_page}, "there is no page to open", "--html")
        if plot:
            beside = ("--format", "--json", "--all-layers")
            others = {option: for_text[option] for option in beside}
            _refuse(others, "pictures stand for themselves", "reports without --plot")
    else:
        _refuse(for_text, "a page has it all", "reports in the terminal")
    if isinstance(stored, Sweep):
        _refuse(for_runs, f"{stored.id} is a sweep", "a run of it: SWEEP/RUN")
    else:
        _refuse(for_sweeps, f"{stored.id} is a run", "a sweep")
    at = parse_step(step)
    if html is not None:
        usual = stored.path / "report.html"
        deliver(lambda: _page(stored, at, metric), html, usual, open_it=open_page)
        return
    if isinstance(stored, Sweep):
        show(_sweep(stored, by, metric, "json" if json else format, all_rows))
    elif plot:
        from vgrad.report.text_plots import render_plots

        show(render_plots(stored, stdout_console(), step=at))
    else:
        from vgrad.report.formats import render_report

        format = "json" if json else format
        show(render_report(stored, stdout_console(), step=at, format=format, all_layers=all_layers))


def _page(stored: "Run | Sweep", step: int | Literal["last"], metric: str | None) -> str:
    from vgrad.report.html import run_page, sweep_page
    from vgrad.store import Sweep

    if isinstance(stored, Sweep):
        return sweep_page(stored, metric)
    return run_page(stored, step)


def _sweep(sweep: "Sweep", by: str | None, metric: str | None, format: str, all_rows: bool) -> str:
    from vgrad.report.sweeps import render_sweep

    keys = by.split(",") if by else ()
    console = stdout_console()
    return render_sweep(sweep, console, by=keys, metric=metric, format=format, all_rows=all_rows)


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
