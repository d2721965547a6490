"""A forecast for the eyes and for programs: phase, depth scales, verdict, and layer by layer."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from vgrad.diagnosis import EXPLODING_ABOVE, VANISHED_BELOW, LayerState
from vgrad.forecast.content import Depths, Forecast
from vgrad.report.bars import LogScale, bar
from vgrad.report.documents import json_text, objects
from vgrad.report.grid import GAP, Column, Grid, fitting, total_width
from vgrad.report.layers import NARROWEST_BAR, STATE_MARKS, STATE_STYLES, WIDEST_BAR, layer_label
from vgrad.report.numbers import counted, number, percent
from vgrad.report.phrases import Items
from vgrad.report.portable import Portable
from vgrad.report.selection import left_out_before, select_layers
from vgrad.report.settings import settings_of
from vgrad.report.tables import verdict_view

Rows = NDArray[np.void]

MOST_LAYERS = 1e6  # of a depth that is spelled out: beyond, it is as good as any

COLUMNS = (
    ("δ\nrms", "delta_rms", 0),
    ("δ\n5%", "delta_low", 1),
    ("δ\n95%", "delta_high", 1),
    ("∂L/∂W\nrms", "grad_rms", 4),
    ("q", "q", 2),
    ("χ", "chi", 3),
    ("c", "correlation", 5),
    ("z\nstd", "preact_std", 7),
)
"""Title, column of `PREDICTION_DTYPE`, and rank: the lower, the narrower the terminal that still
shows it."""
LEGEND = (
    "δ and ∂L/∂W: over those of {last}, median and limits of 90% of seeds. q: mean of z², z the "
    "pre-activation. χ: ‖δ‖² over that of the layer above. c: correlation of two inputs. sat.: "
    "slopes below 5% of the steepest."
)


def forecast_view(forecast: Forecast, config: Mapping[str, Any], *, all_layers: bool) -> Portable:
    """All of it, as something that a rich console prints at any width."""
    shown = select_layers(forecast.layers.size, all_layers=all_layers)
    names = forecast.layers["name"]
    legend = LEGEND.format(last=names[-2] if names.size > 1 else names[-1])
    return Portable(
        Group(
            _header(forecast, config),
            Text(),
            verdict_view(forecast.verdict),
            Text(),
            *(Text(sentence) for sentence in (forecast.explanation, *forecast.notes)),
            *_depths(forecast),
            Text("\nExpected at initialization, by layer\n", style="bold"),
            ForecastTable(forecast.layers, shown),
            Text(legend, style="dim"),
        )
    )


def forecast_json(forecast: Forecast, config: Mapping[str, Any]) -> str:
    """For a program: null where there is no such number."""
    return json_text(
        {
            **asdict(forecast.depths),
            "verdict": forecast.verdict.kind,
            "sentence": forecast.verdict.sentence,
            "explanation": forecast.explanation,
            "notes": forecast.notes,
            "source": forecast.source,
            "reason": forecast.reason or None,
            "seeds": forecast.seeds or None,
            "config": config,
            "layers": objects(forecast.layers),
        }
    )


def _header(forecast: Forecast, config: Mapping[str, Any]) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(ratio=1)
    settings = tuple(f"{title} {value}" for title, value in settings_of(config).items())
    grid.add_row("settings", Items(settings))
    grid.add_row("source", Text(source_sentence(forecast)))
    return grid


def source_sentence(forecast: Forecast) -> str:
    """Where the numbers come from."""
    if forecast.source == "theory":
        return "mean-field theory; nothing was drawn or trained"
    passes = f"measured in {counted(forecast.seeds, 'network')} at initialization"
    return f"{passes}, since theory has nothing to say here: {forecast.reason}"


def _depths(forecast: Forecast) -> Sequence[RenderableType]:
    """Fixed points and depth scales, a line each; nothing where there are none."""
    depths = forecast.depths
    if depths.phase is None:
        return ()
    grid = Table.grid(padding=(0, 2))
    for justify in ("left", "right"):
        grid.add_column(justify=justify, no_wrap=True)
    grid.add_column(ratio=1)
    hidden = forecast.layers.size - 1
    for name, value, words in depth_lines(depths, hidden):
        grid.add_row(Text(name), Text(value, style="bold"), Text(words))
    return Text("\nFixed points and depth scales\n", style="bold"), grid


def depth_lines(depths: Depths, hidden: int) -> list[tuple[str, str, str]]:
    """A symbol, its value, and what it means for a net of so many hidden layers."""
    return [
        ("q*", number(depths.q_star), f"variance of z, {_approached(depths.xi_q, 'ξ_q')}"),
        ("c*", number(depths.c_star), f"correlation of two inputs, {_correlated(depths)}"),
        ("χ₁", number(depths.chi_1, 4), _gradient(depths)),
        ("phase", str(depths.phase), PHASES[str(depths.phase)]),
        ("depth", number(depths.trainable_depth), _trainable(depths.trainable_depth, hidden)),
    ]


PHASES = {
    "ordered": "all inputs come to look alike, and gradients vanish",
    "critical": "between order and chaos: neither exponentially better nor worse with depth",
    "chaotic": "inputs that are alike come apart, and gradients explode",
}


def _approached(scale: float, symbol: str) -> str:
    if scale == 0.0:
        return "from the second layer on"
    if math.isinf(scale):
        return f"with {symbol} infinite: kept, or changing ever more slowly"
    if scale < 0.0:
        return f"which grows e-fold in {symbol} = {number(-scale)} layers"
    return f"e times nearer in {symbol} = {number(scale)} layers"


def _correlated(depths: Depths) -> str:
    if math.isnan(depths.c_star):
        return "which each pair keeps"
    if math.isnan(depths.xi_c):
        return "of a batch"
    if math.isinf(depths.xi_c):
        return "with ξ_c infinite: it changes ever more slowly"
    return f"e times nearer in ξ_c = {number(abs(depths.xi_c))} layers"


def _gradient(depths: Depths) -> str:
    scale = depths.xi_grad
    if math.isinf(scale):
        return "times ‖δ‖² per layer back: kept (ξ_grad infinite)"
    change = "shrinks" if scale > 0.0 else "grows"
    return f"times ‖δ‖² per layer back: {change} e-fold in ξ_grad = {number(abs(scale))} layers"


def _trainable(depth: float, hidden: int) -> str:
    if math.isnan(depth):
        return "hidden layers trainable: not known of such nets"
    if depth >= MOST_LAYERS:
        return "hidden layers trainable, 6·ξ_c: no limit"
    judged = "within it" if hidden <= depth else "beyond it"
    return f"hidden layers trainable, about 6·ξ_c; this net has {hidden:,}: {judged}"


@dataclass(frozen=True, eq=False)
class ForecastTable:
    """The `shown` ones of `PREDICTION_DTYPE` rows, in the columns that the width has room for."""

    rows: Rows
    shown: Sequence[int]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Grid(forecast_columns(self.rows, self.shown, options.max_width))


def forecast_columns(rows: Rows, shown: Sequence[int], width: int) -> list[Column]:
    """Those for which there is room, with a bar of δ in what they leave."""
    left_out = left_out_before(shown)
    lines = _Lines(rows[list(shown)], left_out)
    states = [_state(delta) for delta in lines.rows["delta_rms"].tolist()]
    names = [layer_label(row) for row in lines.rows]
    columns = [Column("layer", lines.noted(names), justify="left")]
    if any(state != "fine" for state in states):
        columns.append(Column("", lines.spaced([STATE_MARKS[state] for state in states])))
    columns += [Column(title, lines.spelled(name), rank=rank) for title, name, rank in COLUMNS]
    columns.append(Column("sat.", lines.spelled("saturated_fraction", percent), rank=6))
    kept = fitting(columns, width - NARROWEST_BAR - GAP)
    room = min(max(width - total_width(kept) - GAP, NARROWEST_BAR), WIDEST_BAR)
    scale = LogScale.spanning(rows["delta_rms"].tolist())
    bars = [bar(scale.fraction(delta), room) for delta in lines.rows["delta_rms"].tolist()]
    styles = [STATE_STYLES[state] for state in states]
    title = f"δ, log scale\n{scale.ruler(room)}"
    picture = Column(title, lines.spaced(bars), lines.spaced(styles), justify="left")
    at = next(place for place, one in enumerate(kept) if one.title.startswith("δ")) + 1
    return [*kept[:at], picture, *kept[at:]]


def _state(delta: float) -> LayerState:
    if not math.isfinite(delta):
        return "non-finite"
    if delta < VANISHED_BELOW:
        return "vanished"
    return "exploding" if delta > EXPLODING_ABOVE else "fine"


@dataclass(frozen=True, eq=False)
class _Lines:
    """The rows that are shown, each with how many were left out right before it."""

    rows: Rows
    left_out: Sequence[int]

    def spelled(self, name: str, spell: Callable[[float], str] = number) -> list[str]:
        return self.spaced([spell(value) for value in self.rows[name].tolist()])

    def spaced(self, cells: Sequence[str]) -> list[str]:
        """A cell for each line, blank where layers are left out."""
        return self._with(cells, [""] * len(cells))

    def noted(self, cells: Sequence[str]) -> list[str]:
        """The same, but with how many are left out."""
        return self._with(cells, [f"⋮ {counted(count, 'layer')}" for count in self.left_out])

    def _with(self, cells: Sequence[str], notes: Sequence[str]) -> list[str]:
        lines = []
        for cell, count, note in zip(cells, self.left_out, notes, strict=True):
            lines += [note, cell] if count else [cell]
        return lines
