"""Where things lie in `runs/<run-id>/` and `runs/<sweep-id>/`, and how a run is called."""

import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

CONFIG = "config.yaml"
METRICS = "metrics.csv"
LAYERS = "layers.csv"
SUMMARY = "summary.json"
ENVIRONMENT = "environment.json"
CHECKPOINT = "checkpoint.npz"
BLOCKS, CLIPPING = "blocks.csv", "clipping.csv"
PREDICTIONS = "predictions.csv"
HISTOGRAMS, JOURNAL = "histograms.npz", "histograms.part"
SWEEP, RESULTS = "sweep.yaml", "results.csv"
FILES = (CONFIG, METRICS, LAYERS, SUMMARY, ENVIRONMENT, CHECKPOINT)

HIDDEN = "."  # what begins so in a runs folder is being made, or is no run
TRIES = 1000  # names tried when many runs begin in one millisecond
LATEST = "latest"

Status = str
RUNNING, FINISHED, DIVERGED = "running", "finished", "diverged"
INTERRUPTED, FAILED, LOST, DAMAGED = "interrupted", "failed", "lost", "damaged"
OVER = (FINISHED, DIVERGED)  # how a run ends that is not resumed
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
            names = [
                entry.name
                for entry in entries
                if not (entry.name.startswith(HIDDEN) or entry.is_file(follow_symlinks=False))
            ]
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
