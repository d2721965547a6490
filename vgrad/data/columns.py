"""Columns of a delimited text file: its cells as numbers, or as codes of its distinct texts.

A column is either all numbers or all text; which of them, its first cell tells. Rows are counted
as a spreadsheet shows them: from 1, the header and blank rows included.
"""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from vgrad.data.base import check_size
from vgrad.data.files import malformed, quoted, reading
from vgrad.data.targets import MOST_CLASSES

BLOCK_ROWS = 4096  # rows held as text at once

Row = tuple[int, list[str]]  # its number in the file, its cells


@dataclass(frozen=True, eq=False)
class Column:
    """One column: `values (n,)`, numbers or, where there are `texts`, indices into these."""

    name: str
    values: NDArray[np.float64]
    texts: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether its cells are words rather than numbers."""
        return bool(self.texts)


def read_columns(path: str, *, header: bool, delimiter: str) -> tuple[Column, ...]:
    """All columns of the table at `path`; without a header they are called `1`, `2`, …

    Blank rows are skipped.

    Raises:
        RequestError: the file cannot be read, is not UTF-8 or not well-formed, has no rows, or a
            cell is empty, not finite, or of another kind than its column. Says which row.
    """
    with reading(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        rows = ((number, cells) for number, cells in enumerate(reader, 1) if cells)
        try:
            return _read(path, rows, header)
        except UnicodeDecodeError:
            raise malformed(path, _undecodable(path)) from None
        except csv.Error as error:
            raise malformed(path, f"line {reader.line_num}: {error}") from None


def as_number(cell: str) -> float | None:
    """The number that a cell holds. `1_000` is Python's spelling, not a table's."""
    if "_" in cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def _read(path: str, rows: Iterator[Row], header: bool) -> tuple[Column, ...]:
    first = next(rows, None)
    if first is None:
        raise malformed(path, "is empty")
    names = _header(path, first) if header else [str(n + 1) for n in range(len(first[1]))]
    builders = [_Builder(path, name) for name in names]
    block = [] if header else [first]
    n_rows = 0
    while block := [*block, *islice(rows, BLOCK_ROWS)]:
        n_rows += len(block)
        check_size(n_rows, len(names), key="data.path", what=path)
        for number, cells in block:
            if len(cells) != len(names):
                raise malformed(
                    path, f"row {number} has {len(cells)} cells, row {first[0]} has {len(names)}"
                )
        numbers = [number for number, _ in block]
        columns = zip(*(cells for _, cells in block), strict=True)
        for builder, cells_of_column in zip(builders, columns, strict=True):
            builder.add(cells_of_column, numbers)
        block = []
    if not n_rows:
        raise malformed(path, "has a header but no rows below it")
    return tuple(builder.build() for builder in builders)


def _header(path: str, first: Row) -> list[str]:
    number, cells = first
    seen: dict[str, int] = {}
    for position, name in enumerate((cell.strip() for cell in cells), 1):
        if not name:
            raise malformed(path, f"row {number}: column {position} has no name in the header")
        if name in seen:
            raise malformed(
                path, f"row {number}: columns {seen[name]} and {position} are both called {name!r}"
            )
        seen[name] = position
    return list(seen)


class _Builder:
    """Gathers the cells of one column, block by block."""

    def __init__(self, path: str, name: str) -> None:
        self.path = path
        self.name = name
        self.blocks: list[NDArray[np.float64]] = []
        self.codes: dict[str, int] = {}  # of texts, in order of appearance
        self.first: tuple[int, str] | None = None  # the row and cell that told the kind

    def add(self, cells: Sequence[str], rows: Sequence[int]) -> None:
        """Take the cells of these rows."""
        if self.first is None:
            self.first = rows[0], cells[0]
        is_text = as_number(self.first[1]) is None
        self.blocks.append(self._texts(cells, rows) if is_text else self._numbers(cells, rows))

    def build(self) -> Column:
        """The column, its texts in alphabetical order."""
        values = np.concatenate(self.blocks)
        if not self.codes:
            return Column(self.name, values)
        texts = sorted(self.codes)
        place = np.empty(len(texts))
        place[[self.codes[text] for text in texts]] = np.arange(len(texts))
        return Column(self.name, place[values.astype(np.intp)], tuple(texts))

    def _numbers(self, cells: Sequence[str], rows: Sequence[int]) -> NDArray[np.float64]:
        try:
            values = np.fromiter(map(float, cells), np.float64, len(cells))
        except ValueError:
            values = np.full(len(cells), np.nan)
        if "_" in "".join(cells) or not np.isfinite(values).all():
            for cell, row in zip(cells, rows, strict=True):
                self._check(cell, row, text=False)
        return values

    def _texts(self, cells: Sequence[str], rows: Sequence[int]) -> NDArray[np.float64]:
        stripped = [cell.strip() for cell in cells]
        for text in dict.fromkeys(stripped):
            if text not in self.codes:
                self._check(text, rows[stripped.index(text)], text=True)
                self.codes[text] = len(self.codes)
        if len(self.codes) > MOST_CLASSES:
            raise self._wrong(
                f"has more than {MOST_CLASSES:,} different texts, {quoted(stripped[-1])} among them"
            )
        return np.array([self.codes[text] for text in stripped], np.float64)

    def _check(self, cell: str, row: int, *, text: bool) -> None:
        """Raise where a cell does not fit its column."""
        number = as_number(cell)
        if not cell.strip():
            raise self._wrong("the cell is empty", row, allowed="a value in every cell")
        if number is not None and not math.isfinite(number):
            raise self._wrong(f"{quoted(cell)} is not a finite number", row)
        if (number is None) != text and self.first is not None:
            other_row, other = self.first
            kinds = ("not a number", "a number")
            raise self._wrong(
                f"{quoted(cell)} is {kinds[text]}, {quoted(other)} in row {other_row} is "
                f"{kinds[not text]}",
                row,
                allowed="numbers only, or text only",
            )

    def _wrong(self, what: str, row: int = 0, allowed: str = "") -> Exception:
        place = f"row {row}, " if row else ""
        return malformed(self.path, f"{place}column {quoted(self.name)}: {what}", allowed=allowed)


def _undecodable(path: str) -> str:
    with reading(path) as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                byte = line[error.start]
                return f"line {number} is not UTF-8: byte {byte:#04x} at position {error.start + 1}"
    return "is not UTF-8"
