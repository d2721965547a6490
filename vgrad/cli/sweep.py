"""`vgrad sweep`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vgrad.cli.options import (
    DEFAULT_RUNS_DIR,
    Json,
    Plugins,
    Quiet,
    RunsDir,
    complete_configs,
    complete_runs,
    show,
    stderr_console,
    stdout_console,
)

if TYPE_CHECKING:
    from vgrad.store import Sweep
    from vgrad.sweep import How, Wishes

Source = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG|SWEEP",
        help="A YAML experiment file, or a sweep file.",
        autocompletion=complete_configs,
    ),
]
Axes = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUES]...",
        help="model.depth=5,10,20 'optimizer.lr=log(1e-4,1e-1,7)' 'seed=range(0,5)'; one value "
        "overrides.",
    ),
]
Method = Annotated[
    str | None,
    typer.Option(help="grid, random, list or bayes (Optuna's).", show_default=False),
]
Runs = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="At most so many.", show_default=False)
]
Ranked = Annotated[
    str | None,
    typer.Option("--metric", metavar="NAME", help="What runs are ranked by.", show_default=False),
]
WorkerCount = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        metavar="N",
        help="Processes; by default one per core.",
        show_default=False,
    ),
]
Dask = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", help="Run on the workers of this Dask scheduler.", show_default=False
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        min=0.0, metavar="SECONDS", help="A run that takes longer fails.", show_default=False
    ),
]
Resume = Annotated[
    str | None,
    typer.Option(
        metavar="SWEEP",
        help="Go on with a sweep that was left; takes no CONFIG.",
        autocompletion=complete_runs,
        show_default=False,
    ),
]
Retry = Annotated[bool, typer.Option("--retry-failed", help="With --resume: failed runs again.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show the runs, their memory and time; start none.")
]


def register(app: typer.Typer) -> None:
    """Enter the command."""
    app.command("sweep")(sweep)


def sweep(
    source: Source = "",
    overrides: Axes = None,
    method: Method = None,
    runs: Runs = None,
    metric: Ranked = None,
    workers: WorkerCount = None,
    dask: Dask = None,
    timeout: Timeout = None,
    resume: Resume = None,
    retry_failed: Retry = False,
    dry_run: DryRun = False,
    plugin: Plugins = None,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make many runs of an experiment, side by side, and show what they have in common.

    Each is kept as it ends, in RUNS_DIR/<sweep-id>/; --resume goes on with a sweep that was left.

    Example: vgrad sweep configs/quickstart.yaml model.depth=5,10,20 'seed=range(0,3)'
    """
    from vgrad.sweep import How

    _check_request(source, overrides, resume, retry_failed, dry_run, (method, runs, metric))
    _check_timeout(timeout)
    how = How(workers, dask, timeout)
    if dry_run:
        _dry_run(source, overrides or [], _wishes(method, runs, metric), how, plugin, json)
        return
    stored = _carried_out(
        source,
        overrides or [],
        _wishes(method, runs, metric),
        how,
        resume=resume,
        retry_failed=retry_failed,
        plugin=plugin or [],
        runs_dir=runs_dir,
        quiet=quiet,
    )
    _show(stored, json=json, quiet=quiet)


def _check_request(
    source: str,
    overrides: list[str] | None,
    resume: str | None,
    retry_failed: bool,
    dry_run: bool,
    wishes: tuple[object, ...],
) -> None:
    from vgrad.errors import Problem, RequestError

    if resume is not None and (source or overrides or dry_run or any(wishes)):
        raise RequestError(Problem("--resume takes a sweep's own file", "", "no CONFIG beside"))
    if retry_failed and resume is None:
        raise RequestError(Problem("--retry-failed goes with --resume", "", "--resume SWEEP"))
    if resume is None and not source:
        what = Problem("there is no CONFIG", "", "a YAML experiment or sweep file")
        raise RequestError(what)


def _check_timeout(timeout: float | None) -> None:
    from vgrad.errors import Problem, RequestError

    if timeout is not None and not timeout > 0:
        raise RequestError(Problem("--timeout leaves no time", "", "a number of seconds above 0"))


def _wishes(method: str | None, runs: int | None, metric: str | None) -> "Wishes":
    from vgrad.sweep import wishes

    return wishes(method, runs, metric)


def _carried_out(
    source: str,
    overrides: list[str],
    wishes: "Wishes",
    how: "How",
    *,
    resume: str | None,
    retry_failed: bool,
    plugin: list[str],
    runs_dir: Path,
    quiet: bool,
) -> "Sweep":
    from vgrad import sweep
    from vgrad.report.sweep_live import Checking, watching

    console = stderr_console()
    shared = {
        "how": how,
        "plugins": plugin,
        "runs_dir": runs_dir,
        "watch": None if quiet else watching(console, str(runs_dir)),
        "on_checked": None if quiet else Checking(console),
    }
    if resume is not None:
        return sweep.resume_sweep(resume, retry_failed=retry_failed, **shared)  # type: ignore[arg-type]
    return sweep.run_sweep(source, overrides, wish=wishes, **shared)  # type: ignore[arg-type]


def _show(stored: "Sweep", *, json: bool, quiet: bool) -> None:
    from vgrad.report.sweeps import render_sweep

    if quiet:
        typer.echo(stored.id)
    else:
        show(render_sweep(stored, stdout_console(), format="json" if json else "table"))
    if any(result.status == "failed" for result in stored.results):
        raise typer.Exit(1)


def _dry_run(
    source: str,
    overrides: list[str],
    wishes: "Wishes",
    how: "How",
    plugin: list[str] | None,
    json: bool,
) -> None:
    from vgrad.report.sweep_plan import plan_json, plan_page
    from vgrad.sweep.outlook import outlook

    plan = outlook(source, overrides, wishes, how.workers, plugin or ())
    if json:
        typer.echo(plan_json(plan), nl=False)
    else:
        show(plan_page(plan))
