"""A folder of a run or a sweep that comes into being: complete and locked before anyone sees it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeVar

from vgrad.errors import Problem, RequestError, RunError
from vgrad.store import layout


class FolderWriter:
    """Who writes into a folder, and holds its lock until closed."""

    path: Path

    @property
    def id(self) -> str:
        """The run-id or sweep-id."""
        return self.path.name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the lock."""
        raise NotImplementedError


W = TypeVar("W", bound=FolderWriter)


def create(runs_dir: Path, name: str, begin: Callable[[Path], W], seen: Callable[[W], None]) -> W:
    """Make a folder called after `name` and this moment. `begin` fills it, while it is hidden, and
    returns its writer; `seen` is called once it has its own name.

    Raises:
        RequestError: the folder cannot be made or written.
    """
    try:
        runs_dir.mkdir(parents=True, exist_ok=True)
        with ExitStack() as undo:
            folder = layout.hidden_folder(runs_dir)
            undo.callback(lambda: shutil.rmtree(folder, ignore_errors=True))
            writer = begin(folder)
            undo.callback(writer.close)
            folder = writer.path = layout.claim(runs_dir, folder, name)
            seen(writer)
            undo.pop_all()
    except OSError as error:
        problem = f"cannot write runs into {runs_dir}: {error.strerror or error}"
        raise RequestError(Problem(problem, allowed="see --runs-dir")) from None
    except RunError as error:
        raise RequestError(Problem(str(error), allowed="see --runs-dir")) from None
    return writer


def write_whole(file: IO[bytes], data: bytes) -> None:
    """Append all of it; where the disk is full part-way, nothing.

    Raises:
        OSError: it could not be written.
    """
    before = os.fstat(file.fileno()).st_size
    try:
        written = 0
        while written < len(data):
            written += file.write(data[written:])
    except OSError:
        file.truncate(before)
        raise


@contextmanager
def in_one_line(path: Path) -> Iterator[None]:
    """Turn an error of the file system into one clear line."""
    try:
        yield
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from None
