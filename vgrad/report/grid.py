"""Columns of short cells, as many as the width has room for.

rich's own Table measures and wraps every cell, 0.6 ms for a row of ten: `vgrad list` of 10,000
runs would take six seconds. Here nothing wraps, what does not fit is left out by column, and such
a list takes a tenth of a second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

GAP = 2  # blanks between columns


@dataclass(frozen=True, eq=False)
class Column:
    """A title over a cell per row. `styles` (as rich spells them) go with the cells where given.

    When room is scarce the columns of the lowest `rank` stay; those of rank 0 always do.
    """

    title: str
    cells: Sequence[str]
    styles: Sequence[str] = ()
    justify: Literal["left", "right"] = "right"
    rank: int = 0

    @cached_property
    def width(self) -> int:
        """In cells of the terminal."""
        return max(map(cell_len, (*self.title.split("\n"), *self.cells)))

    def padded(self, text: str) -> str:
        """`text` at the column's width."""
        blanks = " " * (self.width - cell_len(text))
        return text + blanks if self.justify == "left" else blanks + text


def fitting(columns: Sequence[Column], width: int) -> list[Column]:
    """The columns that share `width`, in their order: by rank, up to the first without room."""
    kept: list[Column] = []
    for column in sorted(columns, key=lambda column: column.rank):
        if column.rank > 0 and total_width([*kept, column]) > width:
            break
        kept.append(column)
    return [column for column in columns if column in kept]


def total_width(columns: Sequence[Column]) -> int:
    """The columns and the gaps between them."""
    return sum(column.width for column in columns) + GAP * max(len(columns) - 1, 0)


@dataclass(frozen=True)
class Note:
    """Phrases in a row of a grid, behind its first cells, `after` of them."""

    after: int
    phrases: Sequence[str]

    def text(self, columns: Sequence[Column], width: int) -> str:
        """As many of the phrases as have room, and whether there were more."""
        room = width - total_width(columns[: self.after]) - GAP
        for count in range(len(self.phrases), 1, -1):
            more = "" if count == len(self.phrases) else " …"
            text = " · ".join(self.phrases[:count]) + more
            if cell_len(text) <= room:
                return text
        return self.phrases[0][: max(room, 0)]


@dataclass(frozen=True)
class Grid:
    """The columns side by side under their titles and a rule; cropped where nothing helps.

    A row of `notes` has, behind its first cells, a text in place of the others.
    """

    columns: Sequence[Column]
    notes: Mapping[int, "Note"] = field(default_factory=dict)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = fitting(self.columns, options.max_width)
        yield from self._head(columns, console)
        styles = {name: console.get_style(name) for column in columns for name in column.styles}
        for row in range(len(columns[0].cells)):
            cells = [
                (column.padded(column.cells[row]), styles[column.styles[row]])
                if column.styles
                else (column.padded(column.cells[row]), None)
                for column in columns
            ]
            if note := self.notes.get(row):
                cells[note.after :] = [(note.text(columns, options.max_width), None)]
            yield from _line(cells)

    def _head(self, columns: Sequence[Column], console: Console) -> RenderResult:
        titles = [column.title.split("\n") for column in columns]
        height = max(map(len, titles))
        bold = console.get_style("bold")
        for i in range(-height, 0):
            line = [title[i] if len(title) >= -i else "" for title in titles]
            yield from _line(
                [(column.padded(text), bold) for column, text in zip(columns, line, strict=True)]
            )
        rule = console.get_style("bright_black")
        rules = [("─" if column.title else " ") * column.width for column in columns]
        yield from _line([(line, rule) for line in rules])


def _line(cells: Sequence[tuple[str, Style | None]]) -> RenderResult:
    """A row as segments; neighbours without a style in one, since rich takes its time for each."""
    filled = [i for i, (text, _) in enumerate(cells) if not text.isspace()]
    plain, last = "", filled[-1] if filled else -1
    for i, (text, style) in enumerate(cells[: last + 1]):
        text = text.rstrip() if i == last else text
        plain += " " * GAP if i else ""
        if style is None:
            plain += text
        else:
            yield Segment(plain)
            yield Segment(text, style)
            plain = ""
    yield Segment(f"{plain}\n")
