"""Runs on disk: created, appended to, finished, found, listed, read. Knows nothing of engines."""

from vgrad.store.environment import collect_environment
from vgrad.store.listing import RunInfo, known_keys, list_runs, matches
from vgrad.store.reading import Run, open_run
from vgrad.store.recording import Recorder, RunBuffer
from vgrad.store.writing import RunWriter, create_run, reopen_run

__all__ = [
    "Recorder",
    "Run",
    "RunBuffer",
    "RunInfo",
    "RunWriter",
    "collect_environment",
    "create_run",
    "known_keys",
    "list_runs",
    "matches",
    "open_run",
    "reopen_run",
]
