"""The gradient of every layer at every logged step as one picture, theory beside its first."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vgrad.report.html import theme
from vgrad.report.html.plots import Numbers, Plot, Trace, literal, positive
from vgrad.report.html.series import Series
from vgrad.report.html.theory_lines import Expected
from vgrad.report.powers import decades, power

HEIGHT = 460
THEORY_SHARE = 0.05  # of the width, for the column of what was predicted
HOVER = "layer %{y} · step %{x}<br>‖g‖ = 10^%{z:.2f}<extra></extra>"
HOVER_THEORY = "layer %{y} · step 0, predicted<br>‖g‖ = 10^%{z:.2f}<extra></extra>"


def heat_map(series: Series, expected: Expected | None) -> Plot:
    """‖g‖ by layer and step, in colours of its decimal logarithm."""
    measured = _logarithms(series.at("grad_norm", series.mapped))
    theory = _logarithms(expected.middle) if expected else np.empty(0)
    beside = bool(np.isfinite(theory).any())
    steps = series.steps[series.mapped]
    data = [_map(steps.astype(np.float64), series, measured.T, HOVER, "x")]
    layout = _layout(series, [measured, theory], beside=beside)
    if beside:
        data.append(_map(np.zeros(1), series, theory[:, None], HOVER_THEORY, "x2"))
    return Plot(
        name="heat-map",
        title="Gradient norm by layer and step",
        alt=_alt(series, measured),
        data=data,
        layout=layout,
        note=_note(series, measured, beside=beside),
        height=HEIGHT,
        wide=True,
    )


def _logarithms(values: Numbers) -> Numbers:
    return np.log10(positive(values))


def _map(x: Numbers, series: Series, z: Numbers, hover: str, axis: str) -> Trace:
    return {
        "type": "heatmap",
        "x": x,
        "y": series.numbers,
        "z": z.astype(np.float32),
        "coloraxis": "coloraxis",
        "hovertemplate": hover,
        "hoverongaps": False,
        "xaxis": axis,
        "yaxis": "y",
    }


def _layout(series: Series, tables: Sequence[Numbers], *, beside: bool) -> dict[str, Any]:
    start = THEORY_SHARE + 0.02 if beside else 0.0
    layout: dict[str, Any] = {
        "xaxis": {"title": {"text": "step"}, "domain": [start, 1.0], "showgrid": False},
        "yaxis": {"title": {"text": "layer"}, "showgrid": False, "autorange": "reversed"},
        "coloraxis": {"colorscale": theme.sequential(), "colorbar": _colour_bar(tables)},
    }
    if series.steps.size == 1:
        layout["xaxis"] |= {"tickvals": series.steps.tolist(), "ticktext": [str(series.steps[0])]}
    if beside:
        layout["yaxis"]["anchor"] = "x2"
        layout["xaxis2"] = {
            "domain": [0.0, THEORY_SHARE],
            "tickvals": [0],
            "ticktext": ["theory"],
            "showgrid": False,
            "fixedrange": True,
        }
    return layout


def _colour_bar(tables: Sequence[Numbers]) -> dict[str, Any]:
    logs = np.concatenate([table[~np.isnan(table)] for table in tables])
    bar: dict[str, Any] = {"title": {"text": "‖g‖"}}
    if logs.size:
        ticks = decades(float(logs.min()), float(logs.max()))
        if len(ticks) > 1:
            bar |= {"tickvals": ticks, "ticktext": [power(tick) for tick in ticks]}
    return bar


def _note(series: Series, measured: Numbers, *, beside: bool) -> str:
    words = ["Layer 1 is at the top, where the gradient arrives last."]
    if beside:
        words.append("The narrow column is what theory predicted for step 0.")
    if np.isnan(measured).any():
        words.append("Cells left blank: a gradient that is exactly 0, or not a number.")
    if series.mapped.size < series.steps.size:
        words.append(f"{series.mapped.size:,} of {series.steps.size:,} logged steps.")
    if series.shown.size < series.depth:
        words.append(f"{series.shown.size:,} of {series.depth:,} layers.")
    return " ".join(words)


def _alt(series: Series, measured: Numbers) -> str:
    ends = [
        f"{literal(series.labels[place])} {_span(measured[:, place])}"
        for place in (0, len(series.labels) - 1)
    ]
    return f"Heat map of the gradient norm by layer and step: {'; '.join(ends)}."


def _span(logs: Numbers) -> str:
    known = logs[~np.isnan(logs)]
    if not known.size:
        return "zero or not a number throughout"
    return f"from 10^{known[0]:.1f} to 10^{known[-1]:.1f}"
