"""Runs on disk: created, appended to, finished, found, listed, read. Knows nothing of engines."""

from vgrad.store.environment import collect_environment
from vgrad.store.finding import find_sweep
from vgrad.store.listing import RunInfo, known_keys, list_runs, list_sweep, matches
from vgrad.store.reading import Run
from vgrad.store.recording import Recorder, RunBuffer
from vgrad.store.sweep_info import SweepInfo
from vgrad.store.sweep_writing import SweepWriter, create_sweep, reopen_sweep
from vgrad.store.sweeps import Result, Sweep, open_run, open_stored, open_sweep
from vgrad.store.writing import RunWriter, create_run, reopen_run

__all__ = [
    "Recorder",
    "Result",
    "Run",
    "RunBuffer",
    "RunInfo",
    "RunWriter",
    "Sweep",
    "SweepInfo",
    "SweepWriter",
    "collect_environment",
    "create_run",
    "create_sweep",
    "find_sweep",
    "known_keys",
    "list_runs",
    "list_sweep",
    "matches",
    "open_run",
    "open_stored",
    "open_sweep",
    "reopen_run",
    "reopen_sweep",
]
