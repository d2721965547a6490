"""The page of several runs side by side."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.report.compare import Comparison, Gradients, compare
from vgrad.report.compare_tables import config_columns, gradients_title, legend, result_columns
from vgrad.report.content import StoredRun
from vgrad.report.html.page import Head, render
from vgrad.report.html.plots import (
    Numbers,
    Plot,
    finite,
    linear_axis,
    literal,
    log_axis,
    positive,
    share_axis,
)
from vgrad.report.html.profiles import line
from vgrad.report.html.theme import DASHES, LIGHT
from vgrad.report.selection import evenly

MOST_POINTS = 2000  # of a curve
LINEAR = ("grad_mean", "preact_mean", "act_mean", "preact_std", "act_std")
SHARES = ("grad_zero_fraction", "saturated_fraction", "dead_fraction")
COURSES: tuple[tuple[str, str, Callable[..., dict[str, Any]]], ...] = (
    ("train_loss", "Training loss", log_axis),
    ("test_loss", "Test loss", log_axis),
    ("train_accuracy", "Training accuracy", share_axis),
    ("test_accuracy", "Test accuracy", share_axis),
    ("grad_norm", "Gradient norm over all parameters", log_axis),
)
"""Column of `metrics.csv`, title, kind of the axis."""


def comparison_page(runs: Sequence[StoredRun], statistic: str = "grad_norm") -> str:
    """The page of `runs`, their curves over one another, their layers compared in a column of
    `layers.csv`. One HTML document that needs nothing else.

    Raises:
        RequestError: there are fewer than two runs, or too many; no such statistic; or a library
            that draws is not installed.
        RunError: one of them cannot be read.
    """
    found = compare(runs, statistic)
    names = [f"{letter} {run.name}" for letter, run in zip(found.letters, runs, strict=True)]
    return render(
        "comparison.html",
        head=Head(
            title=" · ".join(names),
            kind="comparison",
            id=f"{len(runs)} runs",
            facts=dict(zip(found.letters, found.ids, strict=True)),
        ),
        config=config_columns(found) if found.config else (),
        results=result_columns(found),
        gradients=_gradients(found, names),
        legend=legend(found),
        courses=[plot for one in COURSES if (plot := _course(runs, names, *one))],
    )


def _gradients(found: Comparison, names: Sequence[str]) -> list[Plot]:
    """At the first logged step and at the last."""
    both = (("first", found.first), ("last", found.last))
    axis = _axis(found.statistic, [found.first.values, found.last.values])
    return [_by_layer(found, names, when, one, axis) for when, one in both if one.labels]


def _axis(statistic: str, tables: Sequence[Numbers]) -> dict[str, Any]:
    if statistic in SHARES:
        return share_axis(statistic)
    return (linear_axis if statistic in LINEAR else log_axis)(statistic, tables)


def _by_layer(
    found: Comparison, names: Sequence[str], when: str, gradients: Gradients, axis: dict[str, Any]
) -> Plot:
    clean = positive if axis.get("type") == "log" else finite
    x = np.arange(len(gradients.labels), dtype=np.float64)
    labels = {"text": list(gradients.labels), "hovertemplate": "%{text}: %{y:.3g}"}
    data = [
        _line(place, x, clean(gradients.values[:, place]), name) | labels
        for place, name in enumerate(names)
    ]
    shown = evenly(len(gradients.labels), 6)
    title = gradients_title(found, when, gradients)
    ticks = {
        "tickvals": list(shown),
        "ticktext": [literal(gradients.labels[place]) for place in shown],
    }
    return Plot(
        name=f"layers-{when}",
        title=f"{title[0].upper()}{title[1:]}",
        alt=f"{title}, a curve for each run.",
        data=data,
        layout={
            "xaxis": {"title": {"text": found.aligned_by}} | ticks,
            "yaxis": axis,
            "hovermode": "x unified",
        },
    )


def _course(
    runs: Sequence[StoredRun],
    names: Sequence[str],
    column: str,
    title: str,
    kind: Callable[[str, Sequence[Numbers]], dict[str, Any]],
) -> Plot | None:
    """None where no run has a number."""
    clean = positive if kind is log_axis else finite
    data, tables = [], []
    for place, (run, name) in enumerate(zip(runs, names, strict=True)):
        steps, values = _thinned(run.metrics["step"], clean(run.metrics[column]))
        tables.append(values)
        data.append(_line(place, steps, values, name))
    if not any(values.size for values in tables):
        return None
    layout = {
        "xaxis": {"title": {"text": "step"}},
        "yaxis": kind(title, tables),
        "hovermode": "x unified",
    }
    return Plot(f"course-{column}", title, f"{title} by step, a curve for each run.", data, layout)


def _thinned(steps: NDArray[np.int64], values: Numbers) -> tuple[NDArray[np.int64], Numbers]:
    """The steps at which there is a number, as many as a curve needs."""
    known = np.flatnonzero(~np.isnan(values))
    kept = known[list(evenly(known.size, MOST_POINTS))]
    return steps[kept], values[kept]


def _line(place: int, x: Any, y: Numbers, name: str) -> dict[str, Any]:
    """Told apart by colour, and where colours come again, by dashes; both change at once, so that
    no colour is needed to follow one."""
    dash = DASHES[(place + place // len(LIGHT)) % len(DASHES)]
    return line(x, y, literal(name), dash=dash, width=2)
