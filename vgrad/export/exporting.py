"""An export: whichever runs, to whichever target, nothing twice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vgrad.errors import Problem, RequestError, RunError, nearest
from vgrad.export import mlflow, tables, tensorboard, wandb
from vgrad.export.target import Target
from vgrad.store import Run

TARGETS: dict[str, Target] = {
    one.name: one
    for one in (tensorboard.TARGET, tables.PARQUET, tables.CSV, mlflow.TARGET, wandb.TARGET)
}


@dataclass(frozen=True)
class Exported:
    """Which runs went where."""

    target: str
    folder: Path
    run_ids: tuple[str, ...]


def targets() -> dict[str, str]:
    """What each target is, by name."""
    return {name: target.about for name, target in TARGETS.items()}


def export(
    runs: Sequence[Run],
    to: str,
    folder: str | Path,
    *,
    force: bool = False,
    done: Callable[[Run], None] = lambda _: None,
) -> Exported:
    """Write `runs` into `folder` in the form of the target `to`, through its own library; `done`
    is called with each. With `force` runs that are there already are written anew.

    Raises:
        RequestError: there is no such target, its library is not installed, no run is given, one
            is there already, or the folder is a file.
        RunError: a run cannot be read, or the folder cannot be written.
    """
    if to not in TARGETS:
        allowed = f"one of {', '.join(TARGETS)}"
        raise RequestError(
            Problem(f"no target is called {to!r}", "", allowed, nearest(to, [*TARGETS]))
        )
    target, path = TARGETS[to], Path(folder)
    target.require()
    unique = list({run.path.resolve(): run for run in runs}.values())
    if not unique:
        raise RequestError(Problem("there is no run to export"))
    if path.exists() and not path.is_dir():
        raise RequestError(Problem(f"{path} is not a folder"))
    taken = set(target.taken(path, unique)) if path.exists() else set()
    if taken and not force:
        first, more = min(taken), f" and {len(taken) - 1} more" if len(taken) > 1 else ""
        raise RequestError(Problem(f"{path} has {first}{more} already", "", "--force replaces it"))
    try:
        path.mkdir(parents=True, exist_ok=True)
        for run in unique:
            if run.id in taken:
                target.remove(path, run)
        target.write(unique, path, done)
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror or error}") from None
    return Exported(to, path, tuple(run.id for run in unique))
