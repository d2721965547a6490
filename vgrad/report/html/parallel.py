"""Parallel coordinates (Inselberg 1985): each run a line over an axis for each swept key and the
measure. Drawn as plain lines and not by plotly's own `parcoords`: of that no point can be clicked,
and every point here leads to its run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.report.colours import SEQUENTIAL
from vgrad.report.html.plots import Numbers, Plot, Trace, literal
from vgrad.report.levels import levels_of, short_names, shortened_labels, spelt
from vgrad.report.measures import Measure
from vgrad.report.numbers import number
from vgrad.report.selection import evenly
from vgrad.store import Result

MOST_RUNS = 300  # lines that an eye can follow, and a browser draw as they are
SHADES = 8
MOST_LABELS = 9  # on an axis
LOG_FROM = 50.0  # greatest over least value, from which an axis is logarithmic
HEIGHT = 520
BAND, WIDEST_BAND = 0.3, 0.08  # of an axis, that the runs of one value are spread over
WIDEST = 14


@dataclass(frozen=True, eq=False)
class Axis:
    """Where each run crosses it, from 0 to 1, nan where it does not; and its labels."""

    title: str
    places: Numbers
    labels: tuple[tuple[float, str], ...]


def parallel(runs: Sequence[Result], keys: Sequence[str], measure: Measure) -> Plot | None:
    """The ranked `runs`, or so many of them, evenly from the best to the worst; None where fewer
    than two have a number."""
    known = [run for run in runs if math.isfinite(run.numbers[measure.name])]
    if len(known) < 2:
        return None
    drawn = [known[place] for place in evenly(len(known), MOST_RUNS)]
    names = short_names(keys)
    axes = [_axis_of_key(names[key], [run.varied[key] for run in drawn]) for key in keys]
    result = _axis_of_numbers(measure.title, [run.numbers[measure.name] for run in drawn], measure)
    axes.append(result)
    some = f"{len(drawn):,} of {len(known):,} runs, evenly from the best to the worst. "
    return Plot(
        name="parallel",
        title="Every run as a line",
        alt=f"Parallel coordinates of {len(drawn)} runs over {', '.join(names.values())} and "
        f"{measure.title}. The table below has the same numbers.",
        data=_lines(drawn, axes, result.places),
        layout=_layout(axes),
        note=(some if len(drawn) < len(known) else "")
        + f"Coloured by {measure.title}. A click on a point shows its run.",
        height=HEIGHT,
        wide=True,
    )


def _axis_of_key(title: str, texts: Sequence[str]) -> Axis:
    levels = levels_of(title, texts)
    values = [value for value in levels.values if isinstance(value, int | float)]
    if len(values) == len(levels) > MOST_LABELS:
        return _axis_of_numbers(title, [float(values[code]) for code in levels.codes])
    at = np.linspace(0.0, 1.0, len(levels)) if len(levels) > 1 else np.array([0.5])
    labels = shortened_labels([*map(str, levels.labels)], WIDEST)
    every = evenly(len(levels), MOST_LABELS)
    marked = tuple((float(at[place]), literal(labels[place])) for place in every)
    return Axis(title, at[levels.codes] + _spread(levels.codes, len(levels)), marked)


def _spread(codes: NDArray[np.intp], levels: int) -> Numbers:
    """How far above or below its level each run crosses the axis, so that runs of one value can
    be told apart: the better, the higher."""
    width = min(BAND / levels, WIDEST_BAND)
    shift = np.zeros(codes.size)
    for level in range(levels):
        (those,) = np.nonzero(codes == level)
        if those.size > 1:
            shift[those] = np.linspace(width, -width, those.size)
    return shift


def _axis_of_numbers(title: str, values: Sequence[float], measure: Measure | None = None) -> Axis:
    found = np.array(values)
    log = found.min() > 0.0 and found.max() > LOG_FROM * found.min()
    scaled = np.log10(found) if log else found
    low, high = float(scaled.min()), float(scaled.max())
    places = (scaled - low) / (high - low) if high > low else np.full(found.size, 0.5)
    spell = measure.spell if measure else number
    shares = np.linspace(0.0, 1.0, 5) if high > low else np.array([0.5])
    ends = low + shares * (high - low)
    labels = [spell(float(10.0**end if log else end)) for end in ends]
    return Axis(title, places, tuple(zip(shares.tolist(), map(literal, labels), strict=True)))


def _lines(runs: Sequence[Result], axes: Sequence[Axis], shade: Numbers) -> list[Trace]:
    """A trace for each shade, its runs one behind the other with gaps between."""
    shades = np.minimum((shade * SHADES).astype(int), SHADES - 1)
    places = np.stack([axis.places for axis in axes], axis=1)
    return [
        _trace([runs[at] for at in those.tolist()], places[those], colour)
        for colour in range(SHADES)
        if (those := np.flatnonzero(shades == colour)).size
    ]


def _trace(runs: Sequence[Result], places: NDArray[np.float64], colour: int) -> Trace:
    count, axes = places.shape
    x = np.tile(np.append(np.arange(axes, dtype=np.float64), np.nan), count)
    y = np.column_stack([places, np.full(count, np.nan)]).ravel()
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "mode": "lines+markers",
        "line": {"width": 1, "color": _colour(colour)},
        "marker": {"size": 5, "color": _colour(colour)},
        "opacity": 0.75,
        "customdata": [run.run_id for run in runs for _ in range(axes + 1)],
        "text": [_words(run) for run in runs for _ in range(axes + 1)],
        "hovertemplate": "%{text}<extra></extra>",
        "showlegend": False,
        "connectgaps": False,
    }


def _words(run: Result) -> str:
    varied = (f"{literal(key)} {literal(spelt(text))}" for key, text in run.varied.items())
    return "<br>".join((f"<b>{literal(run.run_id.partition('-')[0])}</b>", *varied))


def _colour(shade: int) -> str:
    """Of the sequential scale, without its palest end, which a light ground swallows."""
    anchors = np.array(SEQUENTIAL, np.float64)
    at, known = 0.9 * shade / (SHADES - 1), np.linspace(0.0, 1.0, len(anchors))
    rgb = [round(float(np.interp(at, known, anchors[:, part]))) for part in range(3)]
    return f"rgb{tuple(rgb)}"


def _labels(axes: Sequence[Axis]) -> list[dict[str, Any]]:
    """The labels beside each axis, on the page's ground: lines pass behind them."""
    return [
        {
            "x": place,
            "y": at,
            "text": label,
            "xanchor": "right",
            "xshift": -6,
            "opacity": 0.9,
            "showarrow": False,
        }
        for place, axis in enumerate(axes)
        for at, label in axis.labels
    ]


def _layout(axes: Sequence[Axis]) -> dict[str, Any]:
    return {
        "xaxis": {
            "tickvals": list(range(len(axes))),
            "ticktext": [literal(axis.title).replace(" ", "<br>") for axis in axes],
            "automargin": True,
            "range": [-0.4, len(axes) - 0.8],
            "showgrid": True,
            "gridwidth": 2,
            "zeroline": False,
            "showline": False,
            "side": "top",
        },
        "yaxis": {"visible": False, "range": [-0.1, 1.1]},
        "annotations": _labels(axes),
        "hovermode": "closest",
    }
