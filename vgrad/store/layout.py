"""Where things lie in `runs/<run-id>/`, and how a run is called and found."""

import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from vgrad.errors import Problem, RequestError, nearest

CONFIG = "config.yaml"
METRICS = "metrics.csv"
LAYERS = "layers.csv"
SUMMARY = "summary.json"
ENVIRONMENT = "environment.json"
CHECKPOINT = "checkpoint.npz"
BLOCKS, CLIPPING = "blocks.csv", "clipping.csv"
PREDICTIONS = "predictions.csv"
SWEEP, RESULTS = "sweep.yaml", "results.csv"
FILES = (CONFIG, METRICS, LAYERS, SUMMARY, ENVIRONMENT, CHECKPOINT)

HIDDEN = "."  # what begins so in a runs folder is being made, or is no run
TRIES = 1000  # names tried when many runs begin in one millisecond
CANDIDATES = 5  # runs named in a message
LATEST = "latest"

Status = str
RUNNING, FINISHED, DIVERGED = "running", "finished", "diverged"
INTERRUPTED, FAILED, LOST, DAMAGED = "interrupted", "failed", "lost", "damaged"
STATUSES = (RUNNING, FINISHED, DIVERGED, INTERRUPTED, FAILED, LOST, DAMAGED)


def run_ids(name: str) -> Iterator[str]:
    """Names to try for a run that begins now: `YYYYMMDD-HHMMSS-mmm-name`, in UTC, so that runs
    sort by time; each a millisecond after the one before."""
    now = datetime.now(UTC)
    for delay in range(TRIES):
        moment = now + timedelta(milliseconds=delay)
        yield f"{moment:%Y%m%d-%H%M%S}-{moment.microsecond // 1000:03d}-{name}"


def claim(runs_dir: Path, filled: Path, name: str) -> Path:
    """Rename the complete folder `filled` to a run-id that nobody has, and return its path.

    Raises:
        OSError: the folder cannot be renamed.
    """
    for run_id in run_ids(name):
        path = runs_dir / run_id
        try:
            filled.rename(path)  # fails where the other run's folder stands, which is not empty
        except OSError:
            if not path.exists():
                raise
        else:
            return path
    raise FileExistsError(f"{runs_dir}: {TRIES} runs called {name} began at once")


def hidden_folder(runs_dir: Path) -> Path:
    """Make a new folder that no reader takes for a run.

    Raises:
        OSError: it cannot be made.
    """
    path = runs_dir / f"{HIDDEN}new-{os.getpid()}-{secrets.token_hex(8)}"
    path.mkdir()
    return path


def folder_names(runs_dir: Path) -> list[str]:
    """The names in a runs folder that may be runs, newest first; none where there is no folder."""
    try:
        with os.scandir(runs_dir) as entries:
            names = [entry.name for entry in entries if not entry.name.startswith(HIDDEN)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(names, reverse=True)


def is_run(path: Path) -> bool:
    """Whether a folder holds anything of a run."""
    return any(os.path.exists(path / name) for name in FILES)  # for any path, even a wrong one


def is_sweep(path: Path) -> bool:
    """Whether a folder holds a sweep."""
    return os.path.exists(path / SWEEP)


def is_stored(path: Path) -> bool:
    """Whether a folder holds a run or a sweep."""
    return is_sweep(path) or is_run(path)


def find_run(ref: str, runs_dir: Path) -> Path:
    """The folder of the run that `ref` stands for: a run-id, any unambiguous part of one, a path,
    or `latest`.

    Raises:
        RequestError: there is none, or more than one.
    """
    names = folder_names(runs_dir)
    if ref == LATEST:
        for name in names:
            if is_run(runs_dir / name):
                return runs_dir / name
        raise RequestError(Problem(f"there are no runs in {runs_dir}", allowed="try 'vgrad run'"))
    if ref in names and is_run(runs_dir / ref):
        return runs_dir / ref
    if os.sep in ref and is_run(Path(ref)):
        return Path(ref)
    fitting = [name for name in names if ref and ref in name and is_run(runs_dir / name)]
    if len(fitting) == 1:
        return runs_dir / fitting[0]
    if not fitting:
        raise RequestError(
            Problem(
                f"no run in {runs_dir} is called {ref!r}",
                allowed="'vgrad list' shows them",
                suggestion=nearest(ref, names),
            )
        )
    shown = ", ".join(fitting[:CANDIDATES])
    more = f" and {len(fitting) - CANDIDATES} more" if len(fitting) > CANDIDATES else ""
    raise RequestError(
        Problem(f"{ref!r} stands for {len(fitting)} runs", allowed=f"one of {shown}{more}")
    )
