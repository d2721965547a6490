"""A measure by two swept keys, for any two of them and any measure: what a page offers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from vgrad.report.colours import DIVERGING
from vgrad.report.html import theme
from vgrad.report.html.plots import literal
from vgrad.report.levels import shortened_labels
from vgrad.report.matrix import NO_VALUE, scale_of
from vgrad.report.measures import MEASURES, Measure
from vgrad.report.runs_by_key import SEED, Matrix, RunsByKey

MOST_CELLS = 4_000  # of all that a page holds of one measure: some 0.2 MB
WIDEST_LABEL = 24
NOT_CHOSEN = ("steps", "seconds")


@dataclass(frozen=True, eq=False)
class Choice:
    """The matrices that a page can show: a drawing for each pair of keys and each measure."""

    keys: tuple[str, ...]
    measures: tuple[Measure, ...]
    drawings: dict[str, dict[str, Any]]

    @property
    def first(self) -> tuple[str, str]:
        """The keys of rows and columns that are shown at first."""
        rows, _, columns = next(iter(self.drawings)).partition("|")
        return rows, columns.partition("|")[0]


def choices(table: RunsByKey, keys: Sequence[str], measures: Sequence[Measure]) -> Choice | None:
    """Of the keys that have more than one value, the seed last; None where there is no pair."""
    varied = [key for key in keys if key != SEED and len(table.levels(key)) > 1]
    if SEED in keys and len(table.levels(SEED)) > 1:
        varied.append(SEED)
    drawings: dict[str, dict[str, Any]] = {}
    cells, known = 0, []
    for rows, columns in combinations(varied, 2):
        size = len(table.levels(rows)) * len(table.levels(columns))
        if cells + size > MOST_CELLS:
            continue
        cells += size
        known += [rows, columns]
        for measure in measures:
            drawn = _drawing(table.matrix(rows, columns, measure))
            drawings["|".join((rows, columns, measure.name))] = drawn
    if not drawings:
        return None
    return Choice(tuple(dict.fromkeys(known)), tuple(measures), drawings)


def chosen_measures(first: Measure, known: Sequence[str]) -> list[Measure]:
    """The measures that any run has, the sweep's own first."""
    names = [name for name in MEASURES if name in known and name not in NOT_CHOSEN]
    return [first, *(MEASURES[name] for name in names if name != first.name)]


def _drawing(matrix: Matrix) -> dict[str, Any]:
    """What the page's script makes a heat map of: rows, columns, colours, texts."""
    measure, scale = matrix.measure, scale_of(matrix)
    means = matrix.averages["mean"]
    return {
        "rows": _labels(matrix.rows.labels),
        "columns": _labels(matrix.columns.labels),
        "z": [[_shade(value, log=scale.log) for value in row] for row in means.tolist()],
        "text": [[_text(cell, measure) for cell in row] for row in matrix.averages],
        "hover": [[_spread(cell, measure) for cell in row] for row in matrix.averages],
        "range": [scale.low, scale.high],
        "ends": [measure.spell(end) for end in scale.ends],
        "colours": "diverging" if scale.anchors is DIVERGING else "sequential",
        "reversed": scale.anchors not in (DIVERGING,) and measure.goal == "minimize",
    }


def colour_scales() -> dict[str, Any]:
    """By the names that drawings call them."""
    return {"sequential": theme.sequential(), "diverging": theme.diverging()}


def _labels(labels: Sequence[str]) -> list[str]:
    return [literal(label) for label in shortened_labels(labels, WIDEST_LABEL)]


def _shade(value: float, *, log: bool) -> float | None:
    if log:
        value = math.log10(value) if value > 0.0 else math.nan
    return value if math.isfinite(value) else None


def _text(cell: np.void, measure: Measure) -> str:
    if not cell["runs"]:
        return NO_VALUE if cell["ended"] else ""
    return measure.cells[0].spell(float(cell["mean"]))


def _spread(cell: np.void, measure: Measure) -> str:
    if not cell["runs"]:
        return "no number" if cell["ended"] else "no run"
    runs = f"{cell['runs']} run{'' if cell['runs'] == 1 else 's'}"
    return f"{measure.spread(float(cell['mean']), float(cell['error']))}<br>{runs}"
