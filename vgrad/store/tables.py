"""`metrics.csv` and `layers.csv`: rows of numbers, and how they are spelled and read.

CSV as in RFC 4180 but for the line ends, which are a single newline; UTF-8; `nan` and `inf` so.
"""

import csv
import io
import math
from dataclasses import astuple
from pathlib import Path
from reprlib import repr as short
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.errors import RunError
from vgrad.records import (
    BLOCK_STATISTICS,
    METRICS_DTYPE,
    PREDICTION_DTYPE,
    PREDICTIONS,
    STATISTICS,
    Metrics,
    Record,
)
from vgrad.store import layout

OPTIONAL = {"train_accuracy", "test_loss", "test_accuracy"}
"""Metrics that do not apply everywhere: their nan is an empty field."""

STATISTIC_DIGITS = 9  # what tells any two numbers of single precision apart
NUMBER_FORMAT = f",%.{STATISTIC_DIGITS}g"
LAYER_FORMAT = "%d,%d,%s" + NUMBER_FORMAT * len(STATISTICS) + "\n"
BLOCK_FORMAT = "%d,%d,%s" + NUMBER_FORMAT * len(BLOCK_STATISTICS) + "\n"
PREDICTION_FORMAT = "%d,%s" + NUMBER_FORMAT * len(PREDICTIONS) + "\n"


def header(dtype: np.dtype[Any]) -> str:
    """The first line of a table of this dtype."""
    return ",".join(dtype.names or ()) + "\n"


def lines_of(record: Record) -> dict[str, bytes]:
    """What a logged step adds to each table, and to the journal of histograms; metrics, whose row
    says that all are there, last."""
    lines = {layout.LAYERS: layer_lines(record.layers).encode()}
    if record.blocks is not None:
        lines[layout.BLOCKS] = block_lines(record.blocks).encode()
    if record.clipping is not None:
        lines[layout.CLIPPING] = clipping_line(record.clipping).encode()
    if record.histograms is not None:
        lines[layout.JOURNAL] = record.histograms.tobytes()
    return lines | {layout.METRICS: metrics_line(record.metrics).encode()}


def beginning(name: str, dtype: np.dtype[Any]) -> bytes:
    """What a table begins with: its header, which the journal of histograms has none of."""
    return b"" if name == layout.JOURNAL else header(dtype).encode()


def metrics_line(metrics: Metrics) -> str:
    """A row of `metrics.csv`; each number is spelled so that it is read back exactly."""
    cells = []
    for name, value in zip(METRICS_DTYPE.names or (), astuple(metrics), strict=True):
        absent = name in OPTIONAL and math.isnan(value)
        cells.append("" if absent else str(value) if name == "step" else repr(float(value)))
    return ",".join(cells) + "\n"


def layer_lines(layers: NDArray[np.void]) -> str:
    """The rows of `layers.csv` for one step."""
    rows = layers.tolist()
    return "".join(
        LAYER_FORMAT % (step, layer, quoted(name), *numbers) for step, layer, name, *numbers in rows
    )


def block_lines(blocks: NDArray[np.void]) -> str:
    """The rows of `blocks.csv` for one step."""
    return "".join(
        BLOCK_FORMAT % (step, block, quoted(name), *numbers)
        for step, block, name, *numbers in blocks.tolist()
    )


def prediction_table(predictions: NDArray[np.void]) -> str:
    """`predictions.csv`, whole."""
    return header(PREDICTION_DTYPE) + "".join(
        PREDICTION_FORMAT % (layer, quoted(name), *numbers)
        for layer, name, *numbers in predictions.tolist()
    )


def clipping_line(clipping: NDArray[np.void]) -> str:
    """The row of `clipping.csv` for one step."""
    return "".join(
        f"{step}" + "".join(NUMBER_FORMAT % number for number in numbers) + "\n"
        for step, *numbers in clipping.tolist()
    )


def quoted(cell: str) -> str:
    """A cell as RFC 4180 spells it."""
    if any(sign in cell for sign in ',"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def whole_lines(path: Path) -> str:
    """The text of a table up to its last line end: a torn last line is left out.

    Raises:
        RunError: the file is missing or cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise RunError(f"{path}: is missing") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        return content[: content.rfind(b"\n") + 1].decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise RunError(f"{path}:{line}: is not UTF-8") from None


def length_until(path: Path, last_step: int) -> int:
    """The bytes of a table that its header and the rows of the steps up to `last_step` take.

    Raises:
        RunError: the file is missing, or a row before does not begin with a step.
    """
    length = 0
    for number, line in enumerate(io.StringIO(whole_lines(path), newline="\n"), 1):
        try:
            if number > 1 and int(line.partition(",")[0]) > last_step:
                break
        except ValueError:
            raise RunError(f"{path}:{number}: does not begin with a step") from None
        length += len(line.encode())
    return length


def read_table(path: Path, dtype: np.dtype[Any]) -> NDArray[np.void]:
    """The rows of a table as a structured array. Columns behind the known ones are left out.

    Raises:
        RunError: the file is missing, or damaged elsewhere than in a torn last line.
    """
    return _table(path, whole_lines(path), dtype)


def read_from(path: Path, dtype: np.dtype[Any], offset: int) -> tuple[NDArray[np.void], int]:
    """The rows of a table behind its first `offset` bytes, which end with a whole line, and how
    many bytes they reach to. Of a table that has become shorter, all rows.

    Raises:
        RunError: as `read_table`.
    """
    try:
        with path.open("rb") as file:
            if file.seek(0, io.SEEK_END) < offset:
                offset = 0
            file.seek(offset)
            content = file.read()
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    whole = content[: content.rfind(b"\n") + 1]
    head = header(dtype) if offset else ""
    text = head + whole.decode(errors="replace")
    return _table(path, text, dtype), offset + len(whole)


def _table(path: Path, text: str, dtype: np.dtype[Any]) -> NDArray[np.void]:
    names = dtype.names or ()
    rows, lines = _read_rows(path, text, names)
    table = np.empty(len(rows), dtype)
    for name, cells in zip(names, zip(*rows, strict=True), strict=False):
        table[name] = _column(path, name, cells, lines, dtype[name])
    return table


def header_of(path: Path) -> tuple[str, ...]:
    """The names of a table's columns.

    Raises:
        RunError: the file is missing or cannot be read.
    """
    return tuple(next(csv.reader(io.StringIO(whole_rows(path), newline="")), ()))


def read_cells(path: Path, names: tuple[str, ...]) -> list[tuple[int, list[str]]]:
    """The rows of a table as text, without its header, each with the line on which it begins.

    Raises:
        RunError: the file is missing, damaged, or has other columns.
    """
    rows, lines = _read_rows(path, whole_rows(path), names)
    return list(zip(lines, rows, strict=True))


def whole_rows(path: Path) -> str:
    """The text of a table up to the end of its last whole row: as `whole_lines`, for cells that
    may hold line ends, of which the last is within quotes where a row is torn.

    Raises:
        RunError: the file is missing or cannot be read.
    """
    text = whole_lines(path)
    end, open_quote = len(text), text.count('"') % 2
    while open_quote:
        start = text.rfind("\n", 0, end - 1) + 1
        open_quote ^= text.count('"', start, end) % 2
        end = start
    return text[:end]


def _read_rows(path: Path, text: str, names: tuple[str, ...]) -> tuple[list[list[str]], list[int]]:
    """The cells of the rows below the header, and the line on which each row begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    line = 1
    try:
        head = next(reader, None)
        if head is not None and tuple(head[: len(names)]) != names:
            raise RunError(f"{path}:1: the columns are not {', '.join(names)}")
        line = reader.line_num + 1
        for row in reader:
            if len(row) < len(names):
                raise RunError(f"{path}:{line}: has {len(row)} columns, not {len(names)}")
            rows.append(row[: len(names)])
            lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise RunError(f"{path}:{line}: {error}") from None
    return rows, lines


def _column(
    path: Path, name: str, cells: tuple[str, ...], lines: list[int], dtype: np.dtype[Any]
) -> NDArray[Any]:
    if dtype.kind == "U":
        return np.array(cells, dtype)
    convert = int if dtype.kind == "i" else _number
    try:
        return np.fromiter(map(convert, cells), dtype, len(cells))
    except (ValueError, OverflowError):
        for line, cell in zip(lines, cells, strict=True):
            try:
                dtype.type(convert(cell))
            except (ValueError, OverflowError):
                raise RunError(f"{path}:{line}: {name}: {short(cell)} is not a number") from None
        raise


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan
