"""Pictures of a run in characters: the gradient by layer, and the run's course."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from vgrad.errors import Problem, RequestError
from vgrad.report.content import Report, StoredRun, build_report
from vgrad.report.formats import on_console
from vgrad.report.numbers import number
from vgrad.report.portable import Portable
from vgrad.report.powers import decades, power
from vgrad.report.tables import header_view, verdict_view, when

Numbers = NDArray[np.float64]

HEIGHT = 16  # lines: two plots and the verdict on a screen of 50
WIDEST = 110
TICKS = 6
MARKERS = ("×", "○", "●")
COLOURS = ("green+", "orange+", "blue+")
"""Of three series; of fewer the last ones."""


@dataclass(frozen=True, eq=False)
class Series:
    """Points that are marked alike."""

    name: str
    x: Numbers
    y: Numbers


@dataclass(frozen=True, eq=False)
class TextPlot:
    """Series over one another, as wide as the room allows; with `log`, of their logarithms."""

    title: str
    x_title: str
    series: Sequence[Series]
    log: bool

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        drawn = self._drawn()
        yield Text(f"\n{self.title}", style="bold")
        if not drawn:
            yield Text("no number that could be drawn")
            return
        coloured = console.color_system is not None and not console.no_color
        text = _plot(drawn, self.x_title, min(options.max_width, WIDEST), self.log)
        yield Text.from_ansi(text) if coloured else Text(Text.from_ansi(text).plain)

    def _drawn(self) -> list[Series]:
        """The points that a plot can hold."""
        found = []
        for one in self.series:
            with np.errstate(all="ignore"):  # a gradient of 0 has no place on a log scale
                y = np.log10(one.y) if self.log else one.y
            known = np.isfinite(y)
            if known.any():
                found.append(Series(one.name, one.x[known], y[known]))
        return found


def _plot(series: Sequence[Series], x_title: str, width: int, log: bool) -> str:
    """plotext's own drawing. Its state is the module's: cleared before, and after."""
    import plotext

    plotext.clear_figure()
    try:
        plotext.theme("clear")
        plotext.plotsize(width, HEIGHT)
        markers, colours = MARKERS[-len(series) :], COLOURS[-len(series) :]
        for one, marker, colour in zip(series, markers, colours, strict=True):
            plotext.scatter(
                one.x.tolist(), one.y.tolist(), label=f" {one.name}", marker=marker, color=colour
            )
        low, high = _limits(np.concatenate([one.y for one in series]), log=log)
        plotext.ylim(low, high)
        plotext.yticks(*_ticks(low, high, log=log))
        left = min(float(one.x.min()) for one in series)
        right = max(float(one.x.max()) for one in series)
        plotext.xlim(left, max(right, left + 1.0))
        places = sorted({round(x) for x in np.linspace(left, right, TICKS).tolist()})
        plotext.xticks(places, [f"{place:,}" for place in places])
        plotext.xlabel(x_title)
        return str(plotext.build())
    finally:
        plotext.clear_figure()


def _limits(y: Numbers, *, log: bool) -> tuple[float, float]:
    """A little beyond the numbers: at least a decade, or some of their size."""
    low, high = float(y.min()), float(y.max())
    least = 1.0 if log else 0.1 * max(abs(low), abs(high), 1e-30)
    room = max(0.05 * (high - low), (least - (high - low)) / 2.0)
    return low - room, high + room


def _ticks(low: float, high: float, *, log: bool) -> tuple[list[float], list[str]]:
    if log and len(found := decades(low, high, TICKS)) > 1:
        return [float(tick) for tick in found], [power(tick) for tick in found]
    places = np.linspace(low, high, TICKS).tolist()
    return places, [number(10.0**place if log else place) for place in places]


def plots_view(run: StoredRun, report: Report) -> RenderableType:
    """The verdict, and the pictures."""
    return Portable(
        Group(header_view(report), Text(), verdict_view(report.verdict), *_plots(run, report))
    )


def _plots(run: StoredRun, report: Report) -> list[TextPlot]:
    course = report.course
    steps = course["step"].astype(np.float64)
    loss = [
        Series("train", steps, course["train_loss"]),
        Series("test", steps, course["test_loss"]),
    ]
    ends = [
        Series("first layer", steps, course["first_grad_norm"]),
        Series("output layer", steps, course["last_grad_norm"]),
    ]
    return [
        _by_layer(run, report),
        TextPlot("Mean loss by step", "step", loss, log=_wide(loss)),
        TextPlot("‖g‖ by step", "step", ends, log=True),
    ]


def _by_layer(run: StoredRun, report: Report) -> TextPlot:
    """δ rather than g: it is what theory predicts, and what a verdict goes by."""
    layers = report.layers["layer"].astype(np.float64)
    series = [Series(f"step {report.step}", layers, report.layers["delta_rms"])]
    first = run.layers_at(int(run.layers["step"][0]))
    if first["step"][0] != report.step:
        series.insert(0, Series(f"step {first['step'][0]}", layers, first["delta_rms"]))
    if report.comparison is not None:  # below what was measured, which hides it where they agree
        hidden = report.comparison.predicted.size
        scaled = report.comparison.predicted * first["delta_rms"][hidden - 1]
        series.insert(0, Series("theory, step 0", layers[:hidden], scaled))
    title = f"δ = ∂ℓ/∂z by layer, rms, at {when(report)}"
    return TextPlot(title, "layer", series, log=True)


def _wide(series: Sequence[Series]) -> bool:
    """Whether a linear axis would hide the smallest numbers."""
    found = np.concatenate([one.y for one in series])
    found = found[np.isfinite(found) & (found > 0.0)]
    return bool(found.size) and math.log10(found.max() / found.min()) > 2.0


def render_plots(run: StoredRun, console: Console, *, step: Any = "last") -> str:
    """The pictures of `run` at `step`, as text for the file of `console`.

    Raises:
        RequestError: plotext is not installed, or nothing was logged at this step.
    """
    if find_spec("plotext") is None:
        allowed = "pip install 'vgrad[plot]'"
        raise RequestError(Problem("--plot needs plotext, which is not installed", "", allowed))
    return on_console(plots_view(run, build_report(run, step)), console)
