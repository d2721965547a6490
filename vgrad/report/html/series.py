"""A run's layers as tables, (logged steps, layers), thinned to what an eye and a file can hold."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.report.content import StoredRun
from vgrad.report.html.plots import Numbers
from vgrad.report.layers import layer_label
from vgrad.report.selection import evenly

MOST_LAYERS = 1000  # a chart is as many pixels wide
MOST_CELLS = 500_000  # of the heat map: 2.7 MB of the page
MOST_VALUES = 60_000  # of one statistic at the slider's positions: 0.3 MB, or 0.6
MOST_POSITIONS = 100  # of the slider

Rows = NDArray[np.void]


@dataclass(frozen=True, eq=False)
class Series:
    """Of a run the rows of `layers.csv`. Every logged step has the same layers."""

    rows: Rows

    @classmethod
    def of(cls, run: StoredRun) -> "Series":
        """Those of a run."""
        return cls(run.layers)

    @cached_property
    def steps(self) -> NDArray[np.int64]:
        """The logged steps."""
        return np.unique(self.rows["step"])

    @property
    def depth(self) -> int:
        """How many layers there are, the output among them."""
        return self.rows.size // max(self.steps.size, 1)

    @cached_property
    def shown(self) -> NDArray[np.intp]:
        """The layers that are drawn."""
        return np.array(evenly(self.depth, MOST_LAYERS), np.intp)

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """Of the layers that are drawn."""
        found: NDArray[np.int64] = self._table("layer")[0, self.shown]
        return found

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Of the layers that are drawn."""
        return tuple(layer_label(row) for row in self.rows[: self.depth][self.shown])

    @cached_property
    def mapped(self) -> NDArray[np.intp]:
        """The places of the logged steps that the heat map shows."""
        most = max(MOST_CELLS // self.shown.size, 2)
        return np.array(evenly(self.steps.size, most), np.intp)

    @cached_property
    def positions(self) -> NDArray[np.intp]:
        """The places of the logged steps that the slider stops at."""
        most = min(max(MOST_VALUES // self.shown.size, 2), MOST_POSITIONS)
        return np.array(evenly(self.steps.size, most), np.intp)

    def at(self, statistic: str, places: NDArray[np.intp]) -> Numbers:
        """A statistic at some of the logged steps, (places, layers that are drawn)."""
        found: Numbers = self._table(statistic)[np.ix_(places, self.shown)]
        return found

    def _table(self, column: str) -> NDArray[Any]:
        return self.rows[column].reshape(self.steps.size, self.depth)
