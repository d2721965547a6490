"""`vgrad export`."""

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vgrad.cli.options import DEFAULT_RUNS_DIR, Json, RunsDir, complete_runs, stderr_console

if TYPE_CHECKING:
    from vgrad.store import Run

References = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN|SWEEP... DIR",
        help="Runs, or sweeps with all their runs, and last the folder to write into.",
        autocompletion=complete_runs,
        show_default=False,
    ),
]
To = Annotated[
    str,
    typer.Option(
        metavar="TARGET",
        help="tensorboard, parquet, csv, mlflow or wandb-offline.",
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace runs that are there already.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def register(app: typer.Typer) -> None:
    """Enter the command."""
    app.command("export")(export)


def export(
    runs: References,
    to: To,
    force: Force = False,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write runs in the form of another tool, through that tool's own library.

    Example: vgrad export latest --to tensorboard boards
    """
    from vgrad.errors import Problem, RequestError
    from vgrad.export import export
    from vgrad.interrupts import Interrupts

    *refs, folder = runs
    if not refs:
        raise RequestError(Problem("there is no folder to write into", "", "RUN... DIR"))
    stored = [run for ref in refs for run in _opened(ref, runs_dir)]
    with Interrupts().active(), stderr_console().status("") as status:
        counted = count(1)

        def done(run: "Run") -> None:
            status.update(f"{next(counted):,} of {len(stored):,}: {run.id}")

        found = export(stored, to, folder, force=force, done=done)
    if json:
        from vgrad.report.documents import json_text

        document = {"target": to, "folder": str(found.folder), "runs": list(found.run_ids)}
        typer.echo(json_text(document), nl=False)
    elif not quiet:
        typer.echo(str(Path(folder)))


def _opened(ref: str, runs_dir: Path) -> list["Run"]:
    """The run, or all runs of the sweep, that have left files."""
    from vgrad.store import Sweep, open_stored

    stored = open_stored(ref, runs_dir)
    if not isinstance(stored, Sweep):
        return [stored]
    there = [one.run_id for one in stored.results if (stored.path / one.run_id).is_dir()]
    return [stored.run(run_id) for run_id in there]
