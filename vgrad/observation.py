"""What is seen of one logged step, stretch after stretch of the way back."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vgrad.histograms import histogram_rows, write_histograms
from vgrad.stacks import StretchView
from vgrad.telemetry import Telemetry, layer_rows, measure_blocks

Rows = NDArray[np.void]


class Observation:
    """A step's rows of layers and blocks, and histograms where they are asked for."""

    def __init__(
        self,
        step: int,
        views: Sequence[StretchView],
        telemetry: Telemetry,
        *,
        histograms: bool,
        moved: bool,
    ) -> None:
        """`moved`: the parameters before the last update are known."""
        self._step, self._views, self._telemetry = step, views, telemetry
        self._moved = moved
        count = sum(len(view.layers) for view in views)
        self.layers = layer_rows(step, count)
        self.histograms = histogram_rows(step, count) if histograms else None
        self._blocks: list[Rows] = []

    def take_in(self, stretch: int) -> None:
        """Measure a stretch while it is in memory; the last one comes first."""
        view = self._views[stretch]
        stacks = view.stacks
        if not self._moved:
            stacks = [replace(stack, previous_weight=None) for stack in stacks]
        self._telemetry.write(self.layers, stacks)
        if self.histograms is not None:
            write_histograms(self.histograms, stacks)
        if view.blocks:
            self._blocks.append(measure_blocks(self._step, view.blocks))

    @property
    def blocks(self) -> Rows | None:
        """A row per block; None where there are none."""
        if not self._blocks:
            return None
        rows: Rows = np.concatenate(self._blocks[::-1])
        rows["block"] = np.arange(1, len(rows) + 1)
        return rows
