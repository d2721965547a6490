"""Writing a run: nothing that was logged is ever lost, and a reader never sees half a file."""

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from vgrad.errors import Problem, RequestError
from vgrad.records import (
    BLOCK_DTYPE,
    CLIPPING_DTYPE,
    HISTOGRAM_DTYPE,
    LAYER_DTYPE,
    METRICS_DTYPE,
    Record,
)
from vgrad.store import layout
from vgrad.store.documents import read_json, replace, write_arrays, write_json
from vgrad.store.environment import now
from vgrad.store.folders import FolderWriter, create, in_one_line, write_whole
from vgrad.store.histograms import journal_until, npz_bytes, read_journal
from vgrad.store.locks import lock
from vgrad.store.tables import beginning, length_until, lines_of, prediction_table

EXTRA_TABLES = {
    layout.BLOCKS: BLOCK_DTYPE,
    layout.CLIPPING: CLIPPING_DTYPE,
    layout.JOURNAL: HISTOGRAM_DTYPE,
}
"""Tables that a run has only where there is something to put into them."""
OUTCOME = ("verdict", "steps", "final", "gradient_ratio", "slope_per_layer", "seconds", "error")
"""What `summary.json` says of a run once it has ended."""


class RunWriter(FolderWriter):
    """A run under way. Closing it releases the lock that says so.

    Whatever cannot be written raises `RunError`; the rows that were written before stay.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with ExitStack() as opened:
            extra = [name for name in EXTRA_TABLES if (path / name).exists()]
            self._dtypes = dtypes_of(extra)
            self._tables = {name: opened.enter_context(self._open(name)) for name in self._dtypes}
            if not lock(self._tables[layout.METRICS]):
                raise RequestError(Problem(f"{path.name} is being written by another process"))
            self._files = opened.pop_all()

    def _open(self, name: str) -> IO[bytes]:
        with in_one_line(self.path / name):
            # without creating it: a table that is gone is an error, not an empty one
            return open(self.path / name, "ab", 0, opener=lambda p, f: os.open(p, f & ~os.O_CREAT))

    def append(self, record: Record) -> None:
        """Write the rows of a logged step; that of metrics, the last, says that all are there."""
        for name, lines in lines_of(record).items():
            with in_one_line(self.path / name):
                write_whole(self._tables[name], lines)

    def rewind(self, last_step: int | None) -> None:
        """Forget the rows of steps after `last_step`; None forgets all.

        The rows before are not touched, so that nothing can happen to them.
        """
        for name, file in self._tables.items():
            path = self.path / name
            until = journal_until if name == layout.JOURNAL else length_until
            kept = until(path, -1 if last_step is None else last_step)
            with in_one_line(path):
                file.truncate(kept)
                if not kept:
                    write_whole(file, beginning(name, self._dtypes[name]))

    def checkpoint(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep a trainer's state, in place of the one before."""
        path = self.path / layout.CHECKPOINT
        with in_one_line(path):
            write_arrays(path, arrays)

    def finish(self, **fields: object) -> None:
        """Write what the run came to: fields of `summary.json` beside those that stand there."""
        self._keep_histograms(over=fields.get("status") in layout.OVER)
        self._update(layout.SUMMARY, fields)
        self._update(layout.ENVIRONMENT, {"end_time": now()})

    def _keep_histograms(self, *, over: bool) -> None:
        """Make the journal the file that others read; it stays where the run may be resumed."""
        journal, path = self.path / layout.JOURNAL, self.path / layout.HISTOGRAMS
        if layout.JOURNAL not in self._dtypes:
            return
        with in_one_line(path):
            content = npz_bytes(read_journal(journal))
            replace(path, lambda file: file.write(content))
            if over:
                journal.unlink()

    def resume(self, environment: Mapping[str, object]) -> None:
        """Say that the run goes on, in this environment."""
        self._update(layout.SUMMARY, {"status": layout.RUNNING, "error": None})
        begun = read_json(self.path / layout.ENVIRONMENT)
        again = [*begun.get("resumed", []), environment]
        self._update(layout.ENVIRONMENT, {"resumed": again, "end_time": None})

    def _update(self, name: str, fields: Mapping[str, object]) -> None:
        path = self.path / name
        with in_one_line(path):
            write_json(path, {**read_json(path), **fields})

    def close(self) -> None:
        """Release the lock."""
        self._files.close()


def create_run(
    runs_dir: Path,
    *,
    name: str,
    config_yaml: str,
    config: Mapping[str, object],
    environment: Mapping[str, object],
    tables: Iterable[str] = (),
    predictions: NDArray[np.void] | None = None,
) -> RunWriter:
    """Make `runs_dir/<run-id>/` with the files of a run that has just begun.

    `config` is the resolved config as dotted keys: `summary.json` repeats it, so that listing
    thousands of runs reads one small file each. `tables` names those of `EXTRA_TABLES` that its
    records have, `predictions` are the rows of `predictions.csv`, which is written here and never
    again.

    Raises:
        RequestError: the folder cannot be made or written.
    """

    def begin(folder: Path) -> RunWriter:
        _fill(folder, name, config_yaml, config, environment, tables)
        if predictions is not None:
            text = prediction_table(predictions)
            (folder / layout.PREDICTIONS).write_text(text, encoding="utf-8")
        return RunWriter(folder)

    return create(
        runs_dir, name, begin, lambda run: run._update(layout.SUMMARY, {"run_id": run.id})
    )


def _fill(
    folder: Path,
    name: str,
    config_yaml: str,
    config: Mapping[str, object],
    environment: Mapping[str, object],
    tables: Iterable[str],
) -> None:
    (folder / layout.CONFIG).write_text(config_yaml, encoding="utf-8")
    for table, dtype in dtypes_of(tables).items():
        (folder / table).write_bytes(beginning(table, dtype))
    write_json(folder / layout.ENVIRONMENT, environment)
    write_json(folder / layout.SUMMARY, first_summary(name, config))


def dtypes_of(extra_tables: Iterable[str]) -> dict[str, np.dtype[Any]]:
    """The dtype of each table of a run that has these of `EXTRA_TABLES`."""
    own = {layout.METRICS: METRICS_DTYPE, layout.LAYERS: LAYER_DTYPE}
    return own | {name: EXTRA_TABLES[name] for name in extra_tables}


def first_summary(name: str, config: Mapping[str, object]) -> dict[str, object]:
    """`summary.json` of a run that has just begun; its run-id is not known yet."""
    summary: dict[str, object] = {"run_id": None, "name": name, "status": layout.RUNNING}
    return summary | dict.fromkeys(OUTCOME) | {"steps": 0, "config": config}


def reopen_run(path: Path) -> RunWriter:
    """Go on writing a run that was left.

    Raises:
        RequestError: another process is writing it.
        RunError: it cannot be written.
    """
    return RunWriter(path)
