"""Writing a run: nothing that was logged is ever lost, and a reader never sees half a file."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from numpy.typing import NDArray

from vgrad.errors import Problem, RequestError, RunError
from vgrad.records import LAYER_DTYPE, METRICS_DTYPE, Record
from vgrad.store import layout
from vgrad.store.documents import read_json, write_arrays, write_json
from vgrad.store.environment import now
from vgrad.store.locks import lock
from vgrad.store.tables import header, layer_lines, metrics_line, whole_lines


class RunWriter:
    """A run under way. Closing it releases the lock that says so.

    Whatever cannot be written raises `RunError`; the rows that were written before stay.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._metrics = self._open(layout.METRICS)
        self._layers = self._open(layout.LAYERS)
        if not lock(self._metrics):
            self.close()
            raise RequestError(Problem(f"{path.name} is being written by another process"))

    @property
    def id(self) -> str:
        """The run-id."""
        return self.path.name

    def __enter__(self) -> "RunWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self, name: str) -> IO[bytes]:
        with in_one_line(self.path / name):
            return (self.path / name).open("ab", buffering=0)

    def append(self, record: Record) -> None:
        """Write the rows of a logged step, in one piece each."""
        self._append(self._layers, layer_lines(record.layers))
        self._append(self._metrics, metrics_line(record.metrics))

    def _append(self, file: IO[bytes], text: str) -> None:
        with in_one_line(self.path / Path(file.name).name):
            write_whole_lines(file, text.encode())

    def rewind(self, last_step: int | None) -> None:
        """Forget the rows of steps after `last_step`; None forgets all."""
        for file, dtype in ((self._metrics, METRICS_DTYPE), (self._layers, LAYER_DTYPE)):
            path = self.path / Path(file.name).name
            head, *rows = whole_lines(path).splitlines(keepends=True) or [header(dtype)]
            kept = [] if last_step is None else [row for row in rows if _step(row) <= last_step]
            with in_one_line(path):
                file.truncate(0)
                write_whole_lines(file, (head + "".join(kept)).encode())

    def checkpoint(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep a trainer's state, in place of the one before."""
        path = self.path / layout.CHECKPOINT
        with in_one_line(path):
            write_arrays(path, arrays)

    def finish(self, **fields: object) -> None:
        """Write what the run came to: fields of `summary.json` beside those that stand there."""
        self._update(layout.SUMMARY, fields)
        self._update(layout.ENVIRONMENT, {"end_time": now()})

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
        for file in (getattr(self, "_metrics", None), getattr(self, "_layers", None)):
            if file is not None:
                file.close()


def create_run(
    runs_dir: Path,
    *,
    name: str,
    config_yaml: str,
    config: Mapping[str, object],
    environment: Mapping[str, object],
) -> RunWriter:
    """Make `runs_dir/<run-id>/` with the files of a run that has just begun.

    `config` is the resolved config as dotted keys: `summary.json` repeats it, so that listing
    thousands of runs reads one small file each.

    Raises:
        RequestError: the folder cannot be made or written.
    """
    try:
        runs_dir.mkdir(parents=True, exist_ok=True)
        folder = layout.hidden_folder(runs_dir)
        try:
            (folder / layout.CONFIG).write_text(config_yaml, encoding="utf-8")
            for table, dtype in ((layout.METRICS, METRICS_DTYPE), (layout.LAYERS, LAYER_DTYPE)):
                (folder / table).write_text(header(dtype), encoding="utf-8")
            write_json(folder / layout.ENVIRONMENT, environment)
            summary: dict[str, object] = {
                "run_id": None,
                "name": name,
                "status": layout.RUNNING,
                "verdict": None,
            }
            summary |= {"steps": 0, "final": None, "gradient_ratio": None, "seconds": None}
            write_json(folder / layout.SUMMARY, {**summary, "error": None, "config": config})
            writer = RunWriter(folder)  # locked before anyone can see it
            writer.path = layout.claim(runs_dir, folder, name)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    except (OSError, RunError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise RequestError(
            Problem(f"cannot write runs into {runs_dir}: {reason}", allowed="see --runs-dir")
        ) from None
    writer._update(layout.SUMMARY, {"run_id": writer.id})
    return writer


def reopen_run(path: Path) -> RunWriter:
    """Go on writing a run that was left.

    Raises:
        RequestError: another process is writing it.
        RunError: it cannot be written.
    """
    return RunWriter(path)


def write_whole_lines(file: IO[bytes], data: bytes) -> None:
    """Write all of it; where the disk is full part-way, cut off the rest of a torn line.

    Raises:
        OSError: not all could be written.
    """
    written = file.write(data)
    try:
        while written < len(data):
            written += file.write(data[written:])
    except OSError:
        torn = written - (data.rfind(b"\n", 0, written) + 1)
        file.truncate(os.fstat(file.fileno()).st_size - torn)
        raise


@contextmanager
def in_one_line(path: Path) -> Iterator[None]:
    """Turn an error of the file system into one clear line."""
    try:
        yield
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from None


def _step(row: str) -> int:
    return int(row.partition(",")[0])
