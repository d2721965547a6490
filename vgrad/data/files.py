"""Reading files that others made: opened with care, and every fault a sentence."""

import gzip
import os
import reprlib
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from vgrad.errors import Problem, RequestError, nearest

GZIP_MAGIC = b"\x1f\x8b"
NEIGHBOURS = 1000  # names compared with a missing one; more would take seconds

_FAULTS: dict[type[BaseException], str] = {
    PermissionError: "may not be read: permission denied",
    gzip.BadGzipFile: "is a damaged gzip file",
    zlib.error: "is a damaged gzip file",
    EOFError: "is a gzip file that ends too early",
}
_READING_FAULTS: tuple[type[BaseException], ...] = (OSError, *_FAULTS)

_shortened = reprlib.Repr()
_shortened.maxstring = 40  # enough to find a cell by; a message stays one line


def quoted(text: str) -> str:
    """`text` in quotes, cut in the middle where it is long, fit for a message."""
    return _shortened.repr(text)


def malformed(
    path: str, what: str, *, key: str = "data.path", allowed: str = "", suggestion: str = ""
) -> RequestError:
    """The error that says what is wrong with the file at `path`."""
    return RequestError(Problem(f"{path}: {what}", key=key, allowed=allowed, suggestion=suggestion))


@contextmanager
def reading(path: str) -> Iterator[BinaryIO]:
    """The file at `path`, open for reading bytes.

    Raises:
        RequestError: it is missing, no regular file or not readable, here or inside the block.
    """
    try:
        # A pipe would block the open, a device never end: look before opening.
        if not stat.S_ISREG(_status(path).st_mode):
            raise malformed(path, "is not a regular file")
        with open(path, "rb") as file:
            yield file
    except _READING_FAULTS as error:
        reason = next((said for kind, said in _FAULTS.items() if isinstance(error, kind)), None)
        raise malformed(path, reason or f"cannot be read: {_reason(error)}") from error


def unpacked(file: BinaryIO) -> BinaryIO:
    """`file` itself, or its content where it is gzipped, whatever its name says."""
    start = file.read(len(GZIP_MAGIC))
    file.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=file)) if start == GZIP_MAGIC else file


def listing(path: str) -> frozenset[str]:
    """The names in the folder at `path`.

    Raises:
        RequestError: it is missing, no folder, or not readable.
    """
    try:
        if not stat.S_ISDIR(_status(path, folder=True).st_mode):
            raise malformed(path, "is a file", allowed="a folder that holds the files")
        return frozenset(os.listdir(path))
    except OSError as error:
        raise malformed(path, f"cannot be read: {_reason(error)}") from error


def _status(path: str, *, folder: bool = False) -> os.stat_result:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise malformed(path, "does not exist", suggestion=_neighbour(path)) from None
    except ValueError as error:  # a NUL in the path
        raise malformed(quoted(path), f"is no path: {error}") from None
    if stat.S_ISDIR(status.st_mode) and not folder:
        raise malformed(path, "is a folder", allowed="a file")
    return status


def _reason(error: BaseException) -> str:
    """The operating system's words, without its number and without the path again."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _neighbour(path: str) -> str:
    """The nearest name in the same folder, as a path; "" where none is close."""
    missing = Path(path)
    try:
        names = sorted(os.listdir(missing.parent))[:NEIGHBOURS]
    except OSError:
        return ""
    name = nearest(missing.name, names)
    return str(missing.parent / name) if name else ""
