"""One picture of a running run: how far it is, how well it does, where its gradient goes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress_bar import ProgressBar
from rich.segment import Segment

from vgrad.diagnosis import LayerState, layer_states
from vgrad.records import Metrics, Record
from vgrad.report.bars import LogScale, bar
from vgrad.report.grid import GAP, Column, Grid, total_width
from vgrad.report.layers import STATE_STYLES, WIDEST_BAR, layer_label
from vgrad.report.numbers import duration, number
from vgrad.report.phrases import RESULTS, Items, result_phrase

MOST_BARS = 15  # with the lines besides a picture of 20
LINES_BESIDES = 6  # progress, metrics, headings, and one to spare
WORST_FIRST: tuple[LayerState, ...] = ("non-finite", "vanished", "exploding", "fine")


@dataclass(frozen=True)
class Pace:
    """How far a run is: at `step` of `total`, `seconds` after it set out from `start`."""

    step: int
    total: int
    start: int
    seconds: float

    @property
    def phrases(self) -> tuple[str, ...]:
        """Steps made, steps per second and time left; the last two once they can be known."""
        steps = f"step {self.step:,} of {self.total:,}"
        made = self.step - self.start
        if made <= 0 or self.seconds <= 0.0:
            return (steps,)
        speed = made / self.seconds
        rate = number(speed) if speed < 100.0 else f"{speed:,.0f}"
        left = (self.total - self.step) * self.seconds / made
        return steps, f"{rate} steps/s", f"{duration(left)} left"


def metric_phrases(metrics: Metrics) -> tuple[str, ...]:
    """The losses and accuracies that were taken at this step."""
    values = {name: float(getattr(metrics, name)) for name in RESULTS}
    return tuple(result_phrase(name, value) for name, value in values.items() if value == value)


@dataclass(frozen=True, eq=False)
class Frame:
    """The picture; with bars on `scale` once there is a record."""

    pace: Pace
    record: Record | None
    scale: LogScale

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        total = max(self.pace.total, 1)
        yield ProgressBar(total=total, completed=self.pace.step, width=options.max_width)
        yield Segment.line()
        yield Items(self.pace.phrases)
        if self.record is None:
            return
        yield Items(metric_phrases(self.record.metrics))
        most = min(MOST_BARS, max(console.height - LINES_BESIDES, 1))
        yield Grid(self._columns(self.record.layers, most, options.max_width))

    def _columns(self, layers: NDArray[np.void], most: int, width: int) -> list[Column]:
        pools = pooled(layers, most)
        styles = [STATE_STYLES[pool.state] for pool in pools]
        norms = [number(pool.grad_norm, missing="nan") for pool in pools]
        named = [
            Column("layer", [pool.label for pool in pools], justify="left"),
            Column("grad norm", norms),
        ]
        room = min(max(width - total_width(named) - GAP, 1), WIDEST_BAR)
        bars = [bar(self.scale.fraction(pool.grad_norm), room) for pool in pools]
        return [*named, Column(self.scale.ruler(room), bars, styles, justify="left")]


@dataclass(frozen=True)
class Pool:
    """Neighbouring layers as one: the geometric mean of their gradients' norms (0 where all
    are, nan where one is not finite), the worst of their states."""

    label: str
    grad_norm: float
    state: LayerState


def pooled(layers: NDArray[np.void], most: int) -> list[Pool]:
    """At most `most` pools: of the hidden layers as evenly as can be, the output on its own."""
    states = layer_states(layers)
    hidden = np.array_split(np.arange(layers.size - 1), min(max(most - 1, 1), layers.size - 1 or 1))
    parts = [part for part in (*hidden, np.array([layers.size - 1])) if part.size]
    return [_pool(layers[part], [states[i] for i in part]) for part in parts]


def _pool(layers: NDArray[np.void], states: Sequence[LayerState]) -> Pool:
    label = layer_label(layers[0])
    if layers.size > 1:
        label = f"{label} – {layers['layer'][-1]}"
    state = min(states, key=WORST_FIRST.index)
    norms = layers["grad_norm"]
    if not np.isfinite(norms).all():
        return Pool(label, float("nan"), state)
    positive = norms[norms > 0.0]
    mean = float(np.exp(np.log(positive).mean())) if positive.size else 0.0
    return Pool(label, mean, state)
