"""JSON documents and arrays, written whole: to a temporary name, then renamed."""

import json
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from vgrad.errors import RunError

T = TypeVar("T")


def to_json(value: object) -> object:
    """`value` with numbers that JSON lacks spelled out: nan is null, infinities "inf", "-inf"."""
    if isinstance(value, Mapping):
        return {str(key): to_json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Write a JSON object.

    Raises:
        OSError: it cannot be written; what stood there before still does.
    """
    content = json_bytes(document)
    replace(path, lambda file: file.write(content))


def json_bytes(document: Mapping[str, object]) -> bytes:
    """A JSON object as the content of a file."""
    text = json.dumps(to_json(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode(errors="backslashreplace")  # a path that is not UTF-8, as JSON spells it


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as an npz file.

    Raises:
        OSError: they cannot be written; what stood there before still does.
    """
    replace(path, lambda file: np.savez(file, **dict(arrays)))  # type: ignore[arg-type]


def replace(path: Path, write: Callable[[IO[bytes]], T]) -> T:
    """Let `write` fill a temporary file beside `path`, then put it in its place; what `write`
    returned is returned."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            result = write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        return result
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        RunError: the file is missing or damaged.
    """
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise RunError(f"{path}: is missing") from None
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{path}: cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise RunError(f"{path}: is not a JSON object")
    return document
