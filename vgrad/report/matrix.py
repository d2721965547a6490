"""A measure by two keys, every cell coloured by its value: the picture that papers print.

As in the phase diagrams of Poole et al. 2016 and Schoenholz et al. 2017 (depth × σ_w), with the
numbers in it, so that it reads without colours, too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

from vgrad.report.colours import Scale
from vgrad.report.levels import shortened_labels
from vgrad.report.measures import Spelling
from vgrad.report.runs_by_key import Matrix

WIDEST_LABEL = 20
GAP = 2  # blanks between the rows' labels and the cells
NO_VALUE = "—"  # of runs that failed, or have no such number
RAMP = 16  # cells of the legend

Line = list[Segment]


def scale_of(matrix: Matrix) -> Scale:
    """The colours of a matrix's cells: bright is good, or, of a ratio, white is 1."""
    means = matrix.averages["mean"].ravel().tolist()
    if matrix.measure.geometric:
        return Scale.about_one(means)
    return Scale.linear(means, reverse=matrix.measure.goal == "minimize")


def cell_texts(matrix: Matrix, spelling: Spelling) -> list[list[str]]:
    """The means as text, blank where no run has ended."""
    return [[_text(cell, spelling) for cell in row] for row in matrix.averages]


def _text(cell: np.void, spelling: Spelling) -> str:
    if not cell["runs"]:
        return NO_VALUE if cell["ended"] else ""
    return spelling.spell(float(cell["mean"]))


@dataclass(frozen=True, eq=False)
class MatrixView:
    """The matrix in cells as wide as the room allows; where the narrowest are still too wide,
    block by block of columns."""

    matrix: Matrix

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        drawn = [_Drawn(self.matrix, spelling) for spelling in self.matrix.measure.cells]
        best = next((one for one in drawn if one.width <= options.max_width), drawn[-1])
        colours = console.color_system is not None and not console.no_color
        for line in best.lines(options.max_width, colours=colours):
            yield from line
            yield Segment.line()


@dataclass(frozen=True, eq=False)
class _Drawn:
    """A matrix in one spelling of its cells."""

    matrix: Matrix
    spelling: Spelling

    @cached_property
    def _texts(self) -> list[list[str]]:
        return cell_texts(self.matrix, self.spelling)

    @cached_property
    def _labels(self) -> list[str]:
        return shortened_labels(self.matrix.rows.labels, WIDEST_LABEL)

    @cached_property
    def _titles(self) -> list[str]:
        return shortened_labels(self.matrix.columns.labels, WIDEST_LABEL)

    @cached_property
    def _label_width(self) -> int:
        return max(map(cell_len, (self.matrix.rows.key, *self._labels)))

    @cached_property
    def _widths(self) -> list[int]:
        """Of the columns, a blank on either side."""
        return [
            max(map(cell_len, (title, *(row[at] for row in self._texts)))) + 2
            for at, title in enumerate(self._titles)
        ]

    @property
    def width(self) -> int:
        """In cells of the terminal, all columns side by side."""
        return self._label_width + GAP + sum(self._widths)

    def lines(self, room: int, *, colours: bool) -> Iterator[Line]:
        scale = scale_of(self.matrix)
        for number, block in enumerate(self._blocks(room - self._label_width - GAP)):
            if number:
                yield []
            yield from self._block(block, scale)
        margin = " " * (self._label_width + GAP + 1)
        if self.spelling.note:
            yield [Segment(margin + self.spelling.note)]
        if colours:
            yield [Segment(margin), *self._legend(scale)]

    def _blocks(self, room: int) -> Iterator[range]:
        """Neighbouring columns that fit the room, at least one at a time."""
        start, used = 0, 0
        for at, width in enumerate(self._widths):
            if at > start and used + width > room:
                yield range(start, at)
                start, used = at, 0
            used += width
        yield range(start, len(self._widths))

    def _block(self, columns: Sequence[int], scale: Scale) -> Iterator[Line]:
        bold, margin = Style(bold=True), " " * (self._label_width + GAP)
        yield [Segment(f"{margin} {self.matrix.columns.key}", bold)]
        titles = "".join(self._padded(self._titles[at], at) for at in columns)
        yield [Segment(self._label(self.matrix.rows.key) + titles, bold)]
        means = self.matrix.averages["mean"]
        for row, label in enumerate(self._labels):
            cells = [
                Segment(self._padded(self._texts[row][at], at), scale.style(means[row, at]))
                for at in columns
            ]
            yield [Segment(self._label(label), bold), *cells]

    def _padded(self, text: str, column: int) -> str:
        return " " * (self._widths[column] - 1 - cell_len(text)) + text + " "

    def _label(self, text: str) -> str:
        return " " * (self._label_width - cell_len(text)) + text + " " * GAP

    def _legend(self, scale: Scale) -> Line:
        low, high = map(self.matrix.measure.spell, scale.ends)
        ramp = [Segment(" ", style) for style in scale.ramp(RAMP)]
        return [Segment(f"{low} "), *ramp, Segment(f" {high}")]
