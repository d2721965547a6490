"""`vgrad list`: runs, or the catalogue of parts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vgrad.cli.options import DEFAULT_RUNS_DIR, Json, Plugins, RunsDir, complete_runs, show

if TYPE_CHECKING:
    from vgrad.registry import Registry

FAMILIES = {
    "activations": "vgrad.nn.activations:activations",
    "initializers": "vgrad.nn.initializers:initializers",
    "optimizers": "vgrad.nn.optimizers:optimizers",
    "losses": "vgrad.nn.losses:losses",
    "connectivities": "vgrad.nn.wiring:connectivities",
    "norms": "vgrad.nn.norms:norms",
    "schedules": "vgrad.nn.schedules:schedules",
    "clips": "vgrad.nn.clipping:clips",
    "data": "vgrad.data:datasets",
}
"""What can be listed beside runs, and where its registry lives."""

RUNS = "runs"


def complete_kinds(incomplete: str) -> list[str]:
    """Kinds of lists that begin with what was typed."""
    return [kind for kind in (RUNS, *FAMILIES) if kind.startswith(incomplete)]


Kind = Annotated[
    str,
    typer.Argument(
        metavar="[KIND]",
        help=f"{RUNS} (the default), {', '.join(FAMILIES)}.",
        autocompletion=complete_kinds,
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help="Only runs of which this holds, also with != < <= > >=; may be repeated.",
    ),
]
Status = Annotated[
    str | None,
    typer.Option(
        metavar="STATUS",
        help="Only runs that are running, finished, diverged, interrupted, failed, lost, damaged.",
    ),
]
InSweep = Annotated[
    str | None,
    typer.Option(
        "--sweep",
        metavar="SWEEP",
        help="The runs of this sweep.",
        autocompletion=complete_runs,
        show_default=False,
    ),
]
Limit = Annotated[int, typer.Option(min=0, help="Show the newest so many; 0 shows all.")]


def register(app: typer.Typer) -> None:
    """Enter the command."""
    app.command("list")(list_)


def list_(
    kind: Kind = RUNS,
    where: Where = None,
    status: Status = None,
    limit: Limit = 30,
    plugin: Plugins = None,
    sweep: InSweep = None,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
    json: Json = False,
) -> None:
    """List runs and sweeps, newest first, or the runs of a sweep, or the parts that a config may
    name.

    Example: vgrad list --where model.activation=tanh --status diverged
    """
    from vgrad.errors import Problem, RequestError, nearest
    from vgrad.report.catalogue import catalogue_json, catalogue_table

    if kind == RUNS and plugin:
        families = f"one of {', '.join(FAMILIES)}"
        raise RequestError(Problem("--plugin adds to a family of parts", "", families))
    if kind == RUNS:
        _list_runs(where or [], status, 0 if json else limit, sweep, runs_dir, json)
        return
    if kind not in FAMILIES:
        choices = (RUNS, *FAMILIES)
        allowed, near = f"one of {', '.join(choices)}", nearest(kind, choices)
        raise RequestError(Problem(f"there is no list of {kind!r}", "", allowed, near))
    if plugin:
        from vgrad.plugins import load_plugins

        load_plugins(plugin)
    if json:
        typer.echo(catalogue_json(_registry(kind)), nl=False)
    else:
        show(catalogue_table(_registry(kind)))


def _list_runs(
    where: list[str],
    status: str | None,
    limit: int,
    sweep: str | None,
    runs_dir: Path,
    json: bool,
) -> None:
    from vgrad.report.listing import runs_json, runs_table
    from vgrad.store import list_runs, list_sweep, matches, open_sweep

    within = open_sweep(sweep, runs_dir) if sweep is not None else None
    runs = list_sweep(within) if within else list(list_runs(runs_dir))
    chosen = matches(runs, where, status)
    if json:
        typer.echo(runs_json(chosen), nl=False)
        return
    if not chosen:
        what = "no run matches" if runs else "no runs yet; try 'vgrad run'"
        typer.echo(f"{within.path if within else runs_dir}: {what}", err=True)
        return
    shown = chosen[:limit] if limit else chosen
    show(runs_table(shown, [info.id for info in runs]))
    if left_out := len(chosen) - len(shown):
        older = "more" if within else "older"
        typer.echo(f"{left_out:,} {older} runs; --limit 0 shows all", err=True)


def _registry(kind: str) -> "Registry[Any]":
    from importlib import import_module

    module, name = FAMILIES[kind].split(":")
    registry: Registry[Any] = getattr(import_module(module), name)
    return registry
