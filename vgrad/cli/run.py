"""`vgrad run`."""

from typing import TYPE_CHECKING, Annotated

import typer

from vgrad.cli.options import (
    DEFAULT_RUNS_DIR,
    AllLayers,
    ConfigFile,
    Json,
    Overrides,
    Plugins,
    Quiet,
    RunsDir,
    complete_runs,
    show,
    stderr_console,
    stdout_console,
)

if TYPE_CHECKING:
    from vgrad.session import Watcher

CheckpointEvery = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Keep a checkpoint every N steps, for --resume.", show_default=False
    ),
]
Resume = Annotated[
    str | None,
    typer.Option(
        metavar="RUN",
        help="Go on with a run that was interrupted or lost; takes no CONFIG.",
        autocompletion=complete_runs,
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Enter the command."""
    app.command("run")(run)


def run(
    config: ConfigFile = "",
    overrides: Overrides = None,
    plugin: Plugins = None,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
    checkpoint_every: CheckpointEvery = None,
    resume: Resume = None,
    all_layers: AllLayers = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a network and show where its gradient goes.

    Everything is kept in RUNS_DIR/<run-id>/; 'vgrad report' shows it again.

    Example: vgrad run configs/quickstart.yaml model.depth=50
    """
    from vgrad import runner
    from vgrad.errors import Problem, RequestError
    from vgrad.report.formats import render_report

    console = stderr_console()

    def watch(total: int, start: int) -> "Watcher":
        from vgrad.report.live import watch

        return watch(console, total, start=start)

    options = {
        "plugins": plugin or (),
        "runs_dir": runs_dir,
        "checkpoint_every": checkpoint_every,
        "watch": None if quiet else watch,
    }
    if resume is not None:
        if config or overrides:
            raise RequestError(Problem("--resume takes a run's own config", "", "no CONFIG beside"))
        stored = runner.resume(resume, **options)  # type: ignore[arg-type]
    elif not config:
        raise RequestError(
            Problem("there is no CONFIG", "", "a YAML file; 'vgrad init' writes one to begin with")
        )
    else:
        stored = runner.run(config, overrides or (), **options)  # type: ignore[arg-type]
    if quiet:
        typer.echo(stored.id)
        return
    page = render_report(
        stored,
        stdout_console(),
        format="json" if json else "table",
        all_layers=all_layers or json,
    )
    show(page)
