"""The gradient, layer by layer."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, RenderResult

from vgrad.diagnosis import LayerState, layer_states
from vgrad.report.bars import LogScale, bar
from vgrad.report.grid import GAP, Column, Grid, fitting, total_width
from vgrad.report.numbers import counted, number, percent
from vgrad.report.selection import left_out_before

Rows = NDArray[np.void]

NARROWEST_BAR, USUAL_BAR, WIDEST_BAR = 16, 20, 40
BAR_TITLES = ("grad norm, log scale", "grad norm", "")  # the longest that fits

STATE_STYLES: dict[LayerState, str] = {
    "vanished": "red",
    "exploding": "magenta",
    "non-finite": "bold magenta",
    "fine": "green",
}
STATE_MARKS: dict[LayerState, str] = {
    "vanished": "↓",
    "exploding": "↑",
    "non-finite": "!",
    "fine": "",
}
"""What the colours say, for those who see none."""


@dataclass(frozen=True)
class Shown:
    """How one statistic of the layers is shown."""

    title: str
    values: Callable[[Rows], NDArray[np.float64]]
    rank: int
    spell: Callable[..., str] = number


def ratio_to_output(layers: Rows) -> NDArray[np.float64]:
    """‖g‖ of each layer over that of the last; nan where that is 0."""
    norm = layers["grad_norm"]
    with np.errstate(all="ignore"):  # a quotient that is not finite is shown as such
        return np.where(norm[-1:] == 0.0, np.nan, norm / norm[-1:])


BEFORE_BAR = (
    Shown("grad\nnorm", lambda rows: rows["grad_norm"], 0),
    Shown("grad\nrms", lambda rows: rows["grad_rms"], 7),
    Shown("δ\nrms", lambda rows: rows["delta_rms"], 9),
    Shown("ratio\nto last", ratio_to_output, 1),
)
AFTER_BAR = (
    Shown("z\nmean", lambda rows: rows["preact_mean"], 8),
    Shown("z\nstd", lambda rows: rows["preact_std"], 5),
    Shown("h\nmean", lambda rows: rows["act_mean"], 10),
    Shown("h\nstd", lambda rows: rows["act_std"], 6),
    Shown("sat.", lambda rows: rows["saturated_fraction"], 2, percent),
    Shown("dead", lambda rows: rows["dead_fraction"], 3, percent),
    Shown("update\nratio", lambda rows: rows["update_ratio"], 4),
)
"""The lower the rank, the narrower the terminal that still shows it."""


@dataclass(frozen=True, eq=False)
class LayerTable:
    """The `shown` ones of a step's `layers`, in the columns that the width has room for."""

    layers: Rows
    shown: Sequence[int]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Grid(layer_columns(self.layers, self.shown, options.max_width))


def layer_columns(layers: Rows, shown: Sequence[int], width: int | None = None) -> list[Column]:
    """The table's columns, all of them or as many as `width` has room for; the bar of the
    gradient's norm takes what the others leave."""
    table = _Columns(layers, shown, layer_states(layers))
    first = [*table.labels(), *table.numbers(BEFORE_BAR)]
    last = table.numbers(AFTER_BAR)
    room = USUAL_BAR
    if width is not None:
        kept = fitting([*first, *last], width - NARROWEST_BAR - GAP)
        room = min(max(width - total_width(kept) - GAP, NARROWEST_BAR), WIDEST_BAR)
        first, last = ([one for one in part if one in kept] for part in (first, last))
    return [*first, table.bars(room), *last]


def layer_label(row: np.void) -> str:
    """The layer's name, with its number where the name does not hold it."""
    name, layer = str(row["name"]), str(row["layer"])
    return name if layer in re.findall(r"\d+", name) else f"{layer} {name}".rstrip()


@dataclass(frozen=True, eq=False)
class _Columns:
    layers: Rows
    shown: Sequence[int]
    states: Sequence[LayerState]

    def labels(self) -> list[Column]:
        """Names and, where a layer is not fine, marks."""
        names = self._cells([layer_label(row) for row in self.layers], notes=True)
        columns = [Column("layer", names, justify="left")]
        if any(state != "fine" for state in self.states):
            marks = [STATE_MARKS[state] for state in self.states]
            columns.append(Column("", self._cells(marks), self._styles()))
        return columns

    def numbers(self, family: Sequence[Shown]) -> list[Column]:
        return [Column(one.title, self._cells(self._spelt(one)), rank=one.rank) for one in family]

    def bars(self, width: int) -> Column:
        norms = self.layers["grad_norm"].tolist()
        scale = LogScale.spanning(norms)
        cells = [bar(scale.fraction(norm), width) for norm in norms]
        title = next(title for title in BAR_TITLES if len(title) <= width)
        title += f"\n{scale.ruler(width)}"
        return Column(title, self._cells(cells), self._styles(), justify="left")

    def _spelt(self, one: Shown) -> list[str]:
        """A nan in a layer that broke is one; elsewhere the statistic does not apply."""
        missing = ["nan" if state == "non-finite" else "—" for state in self.states]
        values = one.values(self.layers).tolist()
        return [
            one.spell(value, missing=instead)
            for value, instead in zip(values, missing, strict=True)
        ]

    def _cells(self, cells: Sequence[str], *, notes: bool = False) -> list[str]:
        """The shown ones of a cell per layer, with a line where layers are left out."""
        lines = []
        for index, left_out in zip(self.shown, left_out_before(self.shown), strict=True):
            if left_out:
                lines.append(f"⋮ {counted(left_out, 'layer')}" if notes else "")
            lines.append(cells[index])
        return lines

    def _styles(self) -> list[str]:
        return self._cells([STATE_STYLES[state] for state in self.states])
