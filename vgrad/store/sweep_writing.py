"""Writing a sweep: a folder with `sweep.yaml`, `results.csv` and its runs."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from vgrad.errors import Problem, RequestError, RunError
from vgrad.records import RESULT_COLUMNS
from vgrad.store import layout
from vgrad.store.documents import read_json, replace
from vgrad.store.folders import FolderWriter, create, in_one_line, write_whole
from vgrad.store.locks import lock
from vgrad.store.tables import quoted, read_cells, whole_rows

Cells = Mapping[str, str]


class SweepWriter(FolderWriter):
    """A sweep under way. Closing it releases the lock that says so.

    `ended` has the results of the runs that had ended when it was opened, by run-id.
    """

    def __init__(self, path: Path, keys: Sequence[str]) -> None:
        """
        Raises:
            RequestError: another process is at it.
            RunError: its results cannot be read or written.
        """
        self.path = path
        self.columns = ("run_id", *keys, *RESULT_COLUMNS)
        with ExitStack() as opened, in_one_line(self._results):
            self._file: IO[bytes] = opened.enter_context(self._results.open("ab", 0))
            if not (lock(self._file) and self._is_current()):
                raise RequestError(Problem(f"{path.name} is being written by another process"))
            self._file.truncate(len(whole_rows(self._results).encode()))
            if not self._file.seek(0, os.SEEK_END):
                write_whole(self._file, self._header)
            self.ended = {row["run_id"]: row for row in self._rows()}
            opened.pop_all()

    def _is_current(self) -> bool:
        """Whether what was locked still stands there: who had the lock may have replaced it."""
        return os.path.samestat(os.fstat(self._file.fileno()), self._results.stat())

    @property
    def _results(self) -> Path:
        return self.path / layout.RESULTS

    def keep(
        self, run_id: str, varied: Cells, summary: Mapping[str, object], files: Mapping[str, bytes]
    ) -> Cells:
        """Store a run that has ended, its files first and then its row, which is returned.

        Raises:
            RunError: it cannot be written; of this run nothing is left then.
        """
        path = self.path / run_id
        with in_one_line(path):
            shutil.rmtree(path, ignore_errors=True)  # of a run that is made again
            if files:
                self._store(path, files)
        return self._add(run_id, varied, summary)

    def recover(self, run_id: str, varied: Cells) -> Cells | None:
        """The row, written now, of a run whose files were stored and then no more; None where
        there are none."""
        try:
            summary = read_json(self.path / run_id / layout.SUMMARY)
        except RunError:
            return None
        return self._add(run_id, varied, summary)

    def _store(self, path: Path, files: Mapping[str, bytes]) -> None:
        folder = layout.hidden_folder(self.path)
        try:
            for name, content in files.items():
                (folder / name).write_bytes(content)
            folder.rename(path)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _add(self, run_id: str, varied: Cells, summary: Mapping[str, object]) -> Cells:
        row = {"run_id": run_id, **varied, **result_cells(summary)}
        with in_one_line(self._results):
            write_whole(self._file, self._line(row))
        return row

    def forget(self, statuses: Sequence[str]) -> None:
        """Take out the rows of runs of these statuses, so that they are made again."""
        forgotten = {id_ for id_, row in self.ended.items() if row["status"] in statuses}
        self.ended = {id_: row for id_, row in self.ended.items() if id_ not in forgotten}
        for path in self._runs():
            if path.name in forgotten:
                shutil.rmtree(path, ignore_errors=True)
        self._rewrite()

    def finish(self) -> None:
        """Put the results into the order of the runs."""
        self.ended = {row["run_id"]: row for row in self._rows()}
        self._rewrite()

    def _rewrite(self) -> None:
        """The rows of `ended`, sorted, in place of what stands there."""
        rows = (self.ended[run_id] for run_id in sorted(self.ended))
        content = self._header + b"".join(map(self._line, rows))
        with in_one_line(self._results), ExitStack() as unless_replaced:

            def fill(file: IO[bytes]) -> IO[bytes]:
                file.write(content)
                successor = unless_replaced.enter_context(Path(file.name).open("ab", 0))
                lock(successor)  # before it stands where another process finds it
                return successor

            successor = replace(self._results, fill)
            unless_replaced.pop_all()
            self._file.close()
            self._file = successor

    def _rows(self) -> Iterator[Cells]:
        for _, cells in read_cells(self._results, self.columns):
            yield dict(zip(self.columns, cells, strict=True))

    def _runs(self) -> Iterator[Path]:
        return (path for path in self.path.iterdir() if path.is_dir())

    @property
    def _header(self) -> bytes:
        return self._line({name: name for name in self.columns})

    def _line(self, row: Cells) -> bytes:
        text = ",".join(quoted(row.get(name, "")) for name in self.columns) + "\n"
        return text.encode(errors="backslashreplace")  # as in JSON: a path that is not UTF-8

    def close(self) -> None:
        """Release the lock."""
        self._file.close()


def create_sweep(runs_dir: Path, name: str, sweep_yaml: str, keys: Sequence[str]) -> SweepWriter:
    """Make `runs_dir/<sweep-id>/` of a sweep over `keys` that begins now.

    Raises:
        RequestError: the folder cannot be made or written.
    """

    def begin(folder: Path) -> SweepWriter:
        (folder / layout.SWEEP).write_text(sweep_yaml, encoding="utf-8")
        (folder / layout.RESULTS).touch()
        return SweepWriter(folder, keys)

    return create(runs_dir, name, begin, lambda _: None)


def reopen_sweep(path: Path, keys: Sequence[str]) -> SweepWriter:
    """Go on writing a sweep that was left; what was being written then is cleared away.

    Raises:
        RequestError: another process is at it.
        RunError: it cannot be read or written.
    """
    writer = SweepWriter(path, keys)
    for half in path.glob(f"{layout.HIDDEN}*"):
        shutil.rmtree(half, ignore_errors=True)
    return writer


def result_cells(summary: Mapping[str, object]) -> dict[str, str]:
    """A run's summary as the cells of its row."""
    final = summary.get("final")
    facts = {**summary, **(final if isinstance(final, Mapping) else {})}
    return {name: _cell(facts.get(name)) for name in RESULT_COLUMNS}


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if value != value else repr(value)
    return str(value)
