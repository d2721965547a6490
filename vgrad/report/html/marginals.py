"""A measure by each swept key: its mean over the other settings, with its standard error."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vgrad.report.html.plots import (
    Plot,
    finite,
    linear_axis,
    literal,
    log_axis,
    positive,
    share_axis,
)
from vgrad.report.levels import shortened_labels
from vgrad.report.measures import Measure
from vgrad.report.runs_by_key import SEED, RunsByKey
from vgrad.report.sweep_content import SweepReport
from vgrad.report.sweep_tables import marginal_title

WIDEST_LABEL = 18
MOST_LEVELS = 200


def marginal_plots(report: SweepReport, table: RunsByKey, keys: Sequence[str]) -> list[Plot]:
    """A chart for each key that takes more than one value."""
    shown = [key for key in keys if key != SEED and 1 < len(table.levels(key)) <= MOST_LEVELS]
    return [plot for plot in (_marginal(report, table, key) for key in shown) if plot]


def _marginal(report: SweepReport, table: RunsByKey, key: str) -> Plot | None:
    measure, found = report.measure, table.marginal(key, report.measure)
    mean, error = found.measure["mean"], found.measure["error"]
    if not np.isfinite(mean).any():
        return None
    labels = [literal(one) for one in shortened_labels(found.levels.labels, WIDEST_LABEL)]
    trace: dict[str, Any] = {
        "type": "scatter",
        "x": labels,
        "y": positive(mean) if measure.geometric else finite(mean),
        "mode": "lines+markers" if found.levels.justify == "right" else "markers",
        "marker": {"size": 9},
        "error_y": _error(mean, error, measure),
        "text": [measure.spread(float(m), float(e)) for m, e in zip(mean, error, strict=True)],
        "hovertemplate": "%{x}: %{text}<extra></extra>",
        "showlegend": False,
    }
    title = marginal_title(found, report)
    return Plot(
        name=f"by-{key.replace('.', '-')}",
        title=f"{title[0].upper()}{title[1:]}",
        alt=f"{title}: "
        + "; ".join(f"{a} {b}" for a, b in zip(labels, trace["text"], strict=True)),
        data=[trace],
        layout={
            "xaxis": {"title": {"text": literal(key)}, "type": "category"},
            "yaxis": _axis(measure, trace["y"]),
        },
    )


def _error(
    mean: np.ndarray[Any, Any], error: np.ndarray[Any, Any], measure: Measure
) -> dict[str, Any]:
    """Of a geometric mean the error is a factor."""
    if not measure.geometric:
        return {"type": "data", "array": finite(error)}
    up, down = mean * (error - 1.0), mean * (1.0 - 1.0 / error)
    return {"type": "data", "symmetric": False, "array": finite(up), "arrayminus": finite(down)}


def _axis(measure: Measure, values: np.ndarray[Any, Any]) -> dict[str, Any]:
    if measure.geometric:
        return log_axis(measure.title, [values])
    if measure.name.endswith("accuracy"):
        return share_axis(measure.title)
    return linear_axis(measure.title, [values])
