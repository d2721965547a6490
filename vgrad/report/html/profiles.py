"""Statistics by layer, at the step of the slider."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.report.html.plots import (
    Numbers,
    Plot,
    Stepped,
    Trace,
    finite,
    linear_axis,
    log_axis,
    positive,
    share_axis,
)
from vgrad.report.html.series import Series
from vgrad.report.html.theory_lines import Expected

FEW = 60  # points of a line, up to which each is marked
BAND = "rgba(128,128,128,0.25)"  # in which nine of ten networks lie


@dataclass(frozen=True)
class Panel:
    """A statistic, what it is called, its unit on the axis, and the kind of its scale."""

    statistic: str
    title: str
    axis: str
    scale: Callable[[str, Sequence[Numbers]], dict[str, Any]]
    note: str = ""

    @property
    def clean(self) -> Callable[[Numbers], Numbers]:
        """The values as the axis can show them."""
        return positive if self.scale is log_axis else finite


PANELS = (
    Panel("grad_norm", "Gradient", "‖g‖, g = ∂L/∂W", log_axis),
    Panel("delta_rms", "Back-propagated signal", "rms of δ = ∂ℓ/∂z", log_axis),
    Panel("act_std", "Activation spread", "std of h", linear_axis),
    Panel(
        "saturated_fraction",
        "Saturation",
        "share of slopes",
        share_axis,
        "Slopes below 5 % of the steepest.",
    ),
    Panel(
        "dead_fraction",
        "Dead units",
        "share of units",
        share_axis,
        "Units that pass no gradient for any example.",
    ),
    Panel(
        "update_ratio",
        "Update ratio",
        "‖ΔW‖ / ‖W‖",
        log_axis,
        "Of the update that led to this step's weights: there is none at step 0.",
    ),
)


def profile(panel: Panel, series: Series, expected: Expected | None) -> Plot:
    """One statistic by layer: at the slider's step, at the first logged one, and as theory
    expected it there."""
    values = panel.clean(series.at(panel.statistic, series.positions))
    labels = {"text": list(series.labels), "hovertemplate": "%{text}: %{y:.3g}"}
    moving = line(series.numbers, values[-1], "at the slider", width=2.5) | labels
    first = line(series.numbers, values[0], f"step {series.steps[0]}", dash="dot") | labels
    theory = _theory_lines(panel, series, expected)
    tables = [values, *(np.asarray(trace["y"]) for trace in theory)]
    return Plot(
        name=f"by-layer-{panel.statistic.replace('_', '-')}",
        title=panel.title,
        alt=f"{panel.title} by layer at the step of the slider ({panel.axis}).",
        data=[moving, first, *theory],
        layout={
            "xaxis": {"title": {"text": "layer"}},
            "yaxis": panel.scale(panel.axis, tables),
            "hovermode": "x unified",
        },
        note=panel.note,
        stepped=Stepped((0,), (values,)),
    )


def _theory_lines(panel: Panel, series: Series, expected: Expected | None) -> list[Trace]:
    if expected is None or not np.isfinite(expected.middle).any():
        return []
    middle = line(series.numbers, panel.clean(expected.middle), "theory, step 0", dash="dash")
    if expected.low is None or expected.high is None or not np.isfinite(expected.low).any():
        return [middle]
    edge = {"type": "scatter", "x": series.numbers, "mode": "lines", "hoverinfo": "skip"}
    edge |= {"line": {"width": 0}}
    low = edge | {"y": panel.clean(expected.low), "showlegend": False}
    high = edge | {"y": panel.clean(expected.high), "name": "90 % of seeds"}
    return [middle, low, high | {"fill": "tonexty", "fillcolor": BAND}]


def line(
    x: NDArray[Any], y: Numbers, name: str, *, dash: str = "solid", width: float = 1.5
) -> Trace:
    """A line, its points marked where they are few."""
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "name": name,
        "mode": "lines+markers" if len(x) <= FEW else "lines",
        "line": {"dash": dash, "width": width},
        "marker": {"size": 5},
        "connectgaps": False,
    }
