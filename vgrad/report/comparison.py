"""Theory beside measurement: what was predicted of the first step, and what it showed."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vgrad.report.grid import Column
from vgrad.report.numbers import number
from vgrad.report.selection import select_layers

Rows = NDArray[np.void]
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Comparison:
    """At initialization. δ are rms over that of the last hidden layer, `(depth,)` each."""

    names: tuple[str, ...]
    predicted: Values
    low: Values
    high: Values
    """Between them lie nine of ten networks."""
    measured: Values
    predicted_std: Values
    measured_std: Values
    """Of the pre-activation."""

    @property
    def slopes(self) -> tuple[float, float]:
        """Of log‖δ‖² per layer going back, least squares: predicted, measured."""
        return slope(self.predicted), slope(self.measured)

    @property
    def within(self) -> float:
        """The share of layers whose δ lies in the predicted interval; nan where there is none."""
        known = ~np.isnan(self.low) & (np.arange(self.low.size) < self.low.size - 1)
        inside = (self.low <= self.measured) & (self.measured <= self.high)
        return float(inside[known].mean()) if known.any() else math.nan


def compared(predictions: Rows, layers: Rows) -> Comparison | None:
    """Theory beside step 0; None where one is missing, or there is nothing to compare: fewer
    than two hidden layers, or a gradient that is 0 where all else is measured by it."""
    first = layers[layers["step"] == 0]
    depth = predictions.size - 1
    if depth < 2 or first.size != predictions.size or not first["delta_rms"][depth - 1] > 0.0:
        return None
    hidden, measured = predictions[:depth], first[:depth]
    return Comparison(
        tuple(measured["name"].tolist()),
        hidden["delta_rms"],
        hidden["delta_low"],
        hidden["delta_high"],
        measured["delta_rms"] / measured["delta_rms"][-1],
        hidden["preact_std"],
        measured["preact_std"],
    )


def slope(delta: Values) -> float:
    """The change of log δ² per layer going back; nan where fewer than two are positive numbers."""
    (places,) = np.nonzero(np.isfinite(delta) & (delta > 0.0))
    if places.size < 2:
        return math.nan
    x = places - places.mean()
    return -float(x @ (2.0 * np.log(delta[places])) / (x @ x))


def comparison_columns(comparison: Comparison) -> list[Column]:
    """Two rows, predicted and measured."""
    first, last = comparison.names[0], comparison.names[-1]
    low, high = number(float(comparison.low[0])), number(float(comparison.high[0]))
    interval = f"{low} – {high}" if low != "—" else "—"
    pairs = zip(
        (comparison.predicted, comparison.measured),
        comparison.slopes,
        (comparison.predicted_std, comparison.measured_std),
        strict=True,
    )
    rows = [
        (number(s), number(float(d[0])), number(float(std[0])), number(float(std[-1])))
        for d, s, std in pairs
    ]
    slopes, deltas, first_stds, last_stds = zip(*rows, strict=True)
    inside = comparison.within
    share = "" if math.isnan(inside) else f"{inside:.0%} within"
    return [
        Column("", ["predicted", "measured"], justify="left"),
        Column("log‖δ‖² per\nlayer back", slopes),
        Column(f"δ of {first}\nover {last}", deltas),
        Column("90% of\nseeds", [interval, share], rank=1),
        Column(f"z std\n{first}", first_stds, rank=2),
        Column(f"z std\n{last}", last_stds, rank=3),
    ]


def comparison_by_layer(comparison: Comparison, *, all_layers: bool = False) -> list[Column]:
    """A row for each hidden layer that a reader is shown; a mark where it left the interval."""
    shown = list(select_layers(len(comparison.names), all_layers=all_layers))
    outside = (comparison.measured < comparison.low) | (comparison.measured > comparison.high)

    def spelled(values: Values) -> list[str]:
        return [number(value) for value in values[shown].tolist()]

    return [
        Column("layer", [comparison.names[place] for place in shown], justify="left"),
        Column("δ\npredicted", spelled(comparison.predicted)),
        Column("δ\n5%", spelled(comparison.low), rank=1),
        Column("δ\n95%", spelled(comparison.high), rank=1),
        Column("δ\nmeasured", spelled(comparison.measured)),
        Column("", ["←" if one else "" for one in outside[shown].tolist()]),
        Column("z std\npredicted", spelled(comparison.predicted_std), rank=2),
        Column("z std\nmeasured", spelled(comparison.measured_std), rank=2),
    ]


def comparison_object(comparison: Comparison) -> dict[str, object]:
    """For a program."""
    predicted, measured = comparison.slopes
    columns = ("predicted", "low", "high", "measured")
    values = zip(*(getattr(comparison, name).tolist() for name in columns), strict=True)
    return {
        "predicted_slope": predicted,
        "measured_slope": measured,
        "within": comparison.within,
        "delta_rms": [
            {"name": name, **dict(zip(columns, row, strict=True))}
            for name, row in zip(comparison.names, values, strict=True)
        ],
    }
