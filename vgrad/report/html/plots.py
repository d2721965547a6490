"""A chart of a page: a plotly figure, what it is called, what it shows to those who cannot see it,
and, where it follows the slider, its values at each step."""

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vgrad.report.html.libraries import as_json
from vgrad.report.powers import decades, power

USUAL_HEIGHT = 320  # pixels
WITHIN_A_DECADE = {"dtick": "D2", "tickformat": ".3~g"}  # ticks at 1, 2, 5
Trace = dict[str, Any]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stepped:
    """What a chart shows at each position of the slider: for each of its `traces` the values of y,
    (positions, points), and, where they change, those of x."""

    traces: tuple[int, ...]
    y: tuple[Numbers, ...]
    x: tuple[Numbers, ...] = ()


@dataclass(frozen=True, eq=False)
class Plot:
    """`data` and `layout` are plotly's. `title` stands above, `note` below; `alt` is what a screen
    reader says instead."""

    name: str
    title: str
    alt: str
    data: Sequence[Trace]
    layout: Mapping[str, Any]
    note: str = ""
    height: int = USUAL_HEIGHT
    wide: bool = False
    stepped: Stepped | None = None

    @cached_property
    def json(self) -> str:
        """What the page's script draws, for a `<script>` element.

        Raises:
            ValueError: plotly does not know one of the attributes.
        """
        import plotly.graph_objects as go

        figure = go.Figure(list(self.data), dict(self.layout))
        drawn = json.loads(figure.to_json())
        drawn["layout"].pop("template", None)  # the page brings its own
        if self.stepped:
            drawn["stepped"] = {
                "traces": self.stepped.traces,
                "y": [packed(values) for values in self.stepped.y],
                "x": [packed(values) for values in self.stepped.x],
            }
        return as_json(drawn)


def packed(values: Numbers) -> dict[str, Any]:
    """A table as the page's script unpacks it: its rows one behind the other, float64 where
    float32 would not hold them, as bytes in base64. What is not finite becomes nan: a gap."""
    table = finite(values)
    size = np.abs(table[np.isfinite(table) & (table != 0.0)])
    fits = not size.size or (size.min() > np.finfo(np.float32).tiny and size.max() < 1e38)
    bits = 32 if fits else 64
    return {
        "bits": bits,
        "width": table.shape[1],
        "bytes": b64encode(table.astype(f"<f{bits // 8}").tobytes()).decode("ascii"),
    }


def finite(values: ArrayLike) -> Numbers:
    """The values, nan for what is infinite: plotly leaves a gap there."""
    table = np.array(values, np.float64)
    table[~np.isfinite(table)] = np.nan
    return table


def positive(values: ArrayLike) -> Numbers:
    """The values as a logarithmic axis can show them: nan for what is not above 0."""
    table = finite(values)
    table[~(table > 0.0)] = np.nan
    return table


def literal(text: str) -> str:
    """A user's own text as plotly shows it: plotly takes some HTML in its labels."""
    return escape(text, quote=False)


def log_axis(title: str, tables: Iterable[Numbers]) -> dict[str, Any]:
    """A logarithmic axis that holds all positive numbers of the tables, with powers of ten for
    ticks; at least a decade long."""
    found = np.concatenate([positive(table).ravel() for table in tables])
    logs = np.log10(found[~np.isnan(found)])
    low, high = (float(logs.min()), float(logs.max())) if logs.size else (-1.0, 0.0)
    room = max(1.0 - (high - low), 0.05 * (high - low)) / 2.0 + 0.02
    low, high = low - room, high + room
    ticks = decades(low, high)
    spelt = {"tickvals": [10.0**tick for tick in ticks], "ticktext": [power(t) for t in ticks]}
    axis: dict[str, Any] = {"title": {"text": title}, "type": "log", "range": [low, high]}
    inside = all(-300 < tick < 300 for tick in ticks)
    return axis | (spelt if inside and len(ticks) > 1 else WITHIN_A_DECADE)


def linear_axis(title: str, tables: Iterable[Numbers]) -> dict[str, Any]:
    """An axis from 0, or from below it, to the largest number of the tables."""
    found = np.concatenate([finite(table).ravel() for table in tables])
    found = found[~np.isnan(found)]
    low, high = (min(float(found.min()), 0.0), float(found.max())) if found.size else (0.0, 1.0)
    room = 0.05 * (high - low) or 0.5
    return {"title": {"text": title}, "range": [low - (room if low < 0.0 else 0.0), high + room]}


def share_axis(title: str, _: Iterable[Numbers] = ()) -> dict[str, Any]:
    """An axis from 0 to 100 %, whatever the numbers."""
    return {"title": {"text": title}, "range": [-0.02, 1.02], "tickformat": ".0%"}
