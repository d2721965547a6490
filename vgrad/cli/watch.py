"""`vgrad watch`."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vgrad.cli.options import (
    DEFAULT_RUNS_DIR,
    RunsDir,
    complete_runs,
    show,
    stderr_console,
    stdout_console,
)

if TYPE_CHECKING:
    from vgrad.store.following import Source

Watched = Annotated[
    str,
    typer.Argument(
        metavar="RUN|URL",
        help="A run-id, any unambiguous part of one, SWEEP/RUN, a folder, 'latest', or the "
        "http(s) address of a run's folder.",
        autocompletion=complete_runs,
    ),
]
Interval = Annotated[
    float, typer.Option(metavar="SECONDS", min=0.05, help="How often to look for new rows.")
]


def register(app: typer.Typer) -> None:
    """Enter the command."""
    app.command("watch")(watch)


def watch(
    run: Watched = "latest",
    interval: Interval = 1.0,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
) -> None:
    """Follow a run that another process makes, here or on another machine, until it ends; then
    show its report. Ctrl-C leaves the run alone.

    Example: vgrad watch latest

    Example: vgrad watch http://gpu-box:8000/runs/20261124-101500-000-deep
    """
    from vgrad.interrupts import Interrupts
    from vgrad.report.formats import render_report
    from vgrad.report.live import watch as watcher
    from vgrad.store.following import follow

    console = stderr_console()
    with _source(run, runs_dir) as source:
        total = _total(source)
        with Interrupts().active(), closing(watcher(console, total)) as view:
            for record in follow(source, interval, say=lambda text: console.print(text)):
                view.on_record(record)
        show(render_report(source.run, stdout_console()))


@contextmanager
def _source(ref: str, runs_dir: Path) -> Iterator["Source"]:
    from tempfile import TemporaryDirectory

    from vgrad.store import open_run
    from vgrad.store.following import Folder, Server

    if not ref.startswith(("http://", "https://")):
        yield Folder(open_run(ref, runs_dir).path)
        return
    with TemporaryDirectory() as folder:
        named = Path(folder) / ref.rstrip("/").rpartition("/")[2]  # what a report calls it
        named.mkdir()
        yield Server(ref, named)


def _total(source: "Source") -> int:
    """The steps that it will make, 0 where its config counts in epochs."""
    train = source.run.config.get("train")
    steps = train.get("steps") if isinstance(train, dict) else None
    return steps if isinstance(steps, int) else 0
