"""What is wrong with a gradient, from the statistics of one step's layers.

The measure is δ, the signal that each example's loss sends back to a layer's pre-activations: it
depends neither on the batch size nor on how strong the layer's input is, so a net whose forward
signal has died does not pass for healthy. Rows are those of `vgrad.records.LAYER_DTYPE`: the
hidden layers in order, then the output layer. In residual and highway nets the gates and the
projections of skips stand beside the way that is judged, and a branch may be shut: it gets no
gradient, while the layers below it do.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Kind = Literal["vanishing", "exploding", "dead", "saturated", "healthy"]
KINDS: tuple[Kind, ...] = get_args(Kind)
LayerState = Literal["vanished", "exploding", "non-finite", "fine"]

Rows = NDArray[np.void]
Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

VANISHED_BELOW = 1e-3
"""Of the last hidden layer's δ. All layers share one learning rate: what the last one learns in a
step takes such a layer a thousand, more than most trainings have. Nets of one or two hidden
layers, whose layers easily differ by a factor of 10, stay clear of it."""
EXPLODING_ABOVE = 1e3
"""The mirror image: a rate that this layer survives is a thousand times too small for the last."""
DEAD_FROM = 0.75
"""Share of a layer's units. Not 0.5: in a deep ReLU net all inputs come to look alike, and the
units that happen to be off, half of them ± 0.06 at width 64, are then off for the whole batch,
while the gradient flows on through the other half. And a single feature switches half of all
unbiased ReLUs off: the four-point line is learnt with 64 % of them dead."""
SATURATED_FROM = 0.9
"""Share of a layer's slopes. Half of a ReLU's are 0 in its best of health, three quarters in a
sparse one."""
BLAMED_FROM = 0.8
"""Share of saturated slopes from which they are named as the reason of a vanishing gradient: more
than chance makes of a ReLU's half in any of a thousand layers (0.71 was seen, at width 64)."""
UNEVEN_FROM = 1.0
"""Orders of magnitude between first and last layer from which a healthy gradient is uneven."""

BESIDE = (".gate", ".projection")
"""How the names of layers end that stand beside the way from input to output."""

_FORWARD = ("weight_norm", "preact_mean", "preact_std", "act_mean", "act_std")
_BACKWARD = ("grad_norm", "grad_rms", "grad_max_abs", "delta_rms")


@dataclass(frozen=True)
class Verdict:
    """The gradient's state in one word, in one sentence, and in numbers.

    `factor_per_layer` is the least-squares factor by which δ changes per layer going backwards
    (nan with fewer than two hidden layers, 0 where it is lost at once), `orders` the log10 of
    its ratio between the first and the last hidden layer (negative: it shrinks; -inf: it is
    exactly 0 in the first), `gradient_ratio` ‖g‖ of the first layer over that of the output
    layer, `layers` the first and last layer concerned (None where there are none).
    """

    kind: Kind
    sentence: str
    factor_per_layer: float
    orders: float
    gradient_ratio: float
    layers: tuple[int, int] | None

    @property
    def slope_per_layer(self) -> float:
        """How much ln‖δ‖² changes per layer going backwards: what theory calls ln χ."""
        if self.factor_per_layer == 0.0:
            return -math.inf
        return 2.0 * math.log(self.factor_per_layer)


def diagnose(layers: Rows) -> Verdict:
    """The verdict on one step. Never raises, whatever the numbers.

    What comes first wins: numbers that are not finite, dead units, a vanishing or exploding
    gradient, saturated units.
    """
    flow = _Flow.of(layers)
    checks = (_not_finite, _dead, _vanishing, _exploding, _saturated)
    found = (check(flow) for check in checks)
    kind, sentence, concerned = next((hit for hit in found if hit), None) or _healthy(flow)
    return Verdict(
        kind,
        sentence,
        flow.factor,
        flow.orders,
        gradient_ratio(layers),
        _span(flow.rows["layer"][concerned]),
    )


def diagnose_run(first: Rows, last: Rows, *, diverged: bool = False) -> Verdict:
    """The verdict on a run, from its first and last logged step: that of its end, and what has
    become of its beginning. A run that `diverged` has exploded, however finite its last row."""
    start, end = diagnose(first), diagnose(last)
    broken = _not_finite(_Flow.of(last)) is not None
    if diverged and not broken:
        after = f" after step {last['step'][-1]}" if last.size else ""
        seen = end.sentence[0].lower() + end.sentence[1:]
        sentence = f"The run diverged{after}: its numbers are no longer finite. Before, {seen}"
        return replace(end, kind="exploding", sentence=sentence)
    if start.sentence == end.sentence or (start.kind == end.kind and not broken):
        return end
    return replace(end, sentence=f"{end.sentence} {_at_initialization(start)}")


def layer_states(layers: Rows) -> list[LayerState]:
    """The state of each row, by the same measure as the verdict's."""
    flow = _Flow.of(layers)
    states = np.full(layers.size, "fine", dtype=object)
    states[flow.way[flow.vanished]] = "vanished"
    states[flow.way[flow.exploding]] = "exploding"
    states[_broken_forward(layers) | _broken_backward(layers)] = "non-finite"
    return list(states)


def gradient_ratio(layers: Rows) -> float:
    """‖g‖ of the first layer over that of the output layer; nan where that is 0 or missing."""
    if not layers.size:
        return math.nan
    first, last = float(layers["grad_norm"][0]), float(layers["grad_norm"][-1])
    return first / last if last else math.nan


@dataclass(frozen=True, eq=False)
class _Flow:
    """δ along the hidden layers, and what it is measured against."""

    rows: Rows
    way: NDArray[np.intp]  # places of the hidden layers on the way from input to output
    signal: Numbers  # of these, 0 where it is not a positive number
    reference: float  # δ of the last hidden layer that has any, or else of the output layer

    @classmethod
    def of(cls, rows: Rows) -> "_Flow":
        column = "grad_rms" if np.isnan(rows["delta_rms"]).any() else "delta_rms"
        values = rows[column]
        signal = np.where(np.isfinite(values) & (values > 0.0), values, 0.0)
        names = rows["name"][:-1].tolist()
        way = np.array([i for i, name in enumerate(names) if not name.endswith(BESIDE)], np.intp)
        alive = signal[way][signal[way] > 0.0]
        reference = alive[-1] if alive.size else signal[-1] if rows.size else 0.0
        return cls(rows, way, signal[way], float(reference))

    @property
    def depth(self) -> int:
        return self.way.size

    @property
    def hidden(self) -> Rows:
        return self.rows[self.way]

    @property
    def shut(self) -> Flags:
        """Layers of branches that pass nothing: some layer below them gets its gradient."""
        alive = self.signal > 0.0
        return np.asarray(~alive & np.logical_or.accumulate(alive))

    @property
    def lost(self) -> Flags:
        """Layers where nothing is left of the gradient."""
        return np.asarray((self.signal == 0.0) & ~self.shut)

    @property
    def vanished(self) -> Flags:
        return np.asarray((self.signal < VANISHED_BELOW * self.reference) & ~self.shut)

    @property
    def exploding(self) -> Flags:
        return np.asarray(self.signal > EXPLODING_ABOVE * self.reference)

    @property
    def factor(self) -> float:
        (index,) = np.nonzero(self.signal)
        if index.size < 2:
            return 0.0 if self.lost.any() and self.reference else math.nan
        x = index - index.mean()
        slope = float(x @ np.log(self.signal[index]) / (x @ x))
        return math.exp(min(-slope, 700.0))  # e^700 is nearly the largest double

    @property
    def orders(self) -> float:
        if not self.depth or not self.reference:
            return math.nan
        first = float(self.signal[0])
        return math.log10(first) - math.log10(self.reference) if first else -math.inf


_Hit = tuple[Kind, str, Flags]  # a kind, its sentence, and which rows it concerns


def _not_finite(flow: _Flow) -> _Hit | None:
    forward, backward = _broken_forward(flow.rows), _broken_backward(flow.rows)
    if forward.any():
        where = int(flow.rows["layer"][forward][0])
        return "exploding", f"The signal explodes: it is not finite from layer {where} on.", forward
    if backward.any():
        where = int(flow.rows["layer"][backward][-1])
        sentence = f"The gradient explodes: it is not finite from layer {where} back."
        return "exploding", sentence, backward
    return None


def _dead(flow: _Flow) -> _Hit | None:
    share = flow.hidden["dead_fraction"]
    dead = share >= DEAD_FROM
    if not dead.any():
        return None
    sentence = (
        f"Units are dead: {_up_to(share[dead])} of them in {_layers(flow, dead)}, where no example "
        "of the batch lets any gradient through"
    )
    lost = flow.lost
    if lost.any():
        sentence += f"; the gradient is exactly 0 in {_layers(flow, lost)}"
    return "dead", f"{sentence}.", _of_all(flow, dead)


def _vanishing(flow: _Flow) -> _Hit | None:
    if not flow.vanished[:1].any():
        return None
    concerned = _layers(flow, flow.vanished)
    learn = "hardly learn" if " to " in concerned else "hardly learns"
    sentence = f"The gradient vanishes{_reason(flow)}: {_course(flow)}"
    if flow.signal.any():
        sentence += f"; {concerned} {learn}"
    return "vanishing", f"{sentence}.", _of_all(flow, flow.vanished)


def _exploding(flow: _Flow) -> _Hit | None:
    if not flow.exploding[:1].any():
        return None
    sentence = (
        f"The gradient explodes: {_course(flow)}; {_layers(flow, flow.exploding)} "
        f"{'get' if flow.exploding.sum() > 1 else 'gets'} over {EXPLODING_ABOVE:,.0f} times as "
        f"much as layer {int(flow.hidden['layer'][-1])}."
    )
    return "exploding", sentence, _of_all(flow, flow.exploding)


def _saturated(flow: _Flow) -> _Hit | None:
    share = flow.hidden["saturated_fraction"]
    flat = share >= SATURATED_FROM
    if not flat.any():
        return None
    sentence = (
        f"Units are saturated: {_up_to(share[flat])} of them in {_layers(flow, flat)} sit where "
        "the activation is flat and little gradient passes."
    )
    return "saturated", sentence, _of_all(flow, flat)


def _healthy(flow: _Flow) -> _Hit:
    everywhere = np.ones(flow.rows.size, bool)
    if not flow.depth:
        return "healthy", "There is no hidden layer for a gradient to get lost in.", everywhere
    if not flow.reference:
        sentence = "The gradient is exactly 0 in every layer: this batch leaves nothing to learn."
    elif flow.depth == 1:
        sentence = "The gradient is healthy: it reaches the only hidden layer."
    else:
        uneven = abs(flow.orders) >= UNEVEN_FROM
        sentence = f"The gradient is healthy{', if uneven' if uneven else ''}: {_course(flow)}."
    if flow.shut.any() and flow.reference:
        sentence = (
            "The gradient is healthy: it reaches the first layer, past branches that are still "
            f"shut and get none ({_layers(flow, flow.shut)})."
        )
    return "healthy", sentence, _of_all(flow, np.ones(flow.depth, bool))


def _course(flow: _Flow) -> str:
    """How δ changes from the last hidden layer back to the first, in words."""
    lost = flow.lost
    zeros = f"it is exactly 0 in {_layers(flow, lost)}" if lost.any() else ""
    alive = flow.signal[flow.signal > 0.0]
    if alive.size < 2:
        return zeros
    orders = math.log10(flow.reference) - math.log10(float(alive[0]))
    change = "shrinks" if orders >= 0.0 else "grows"
    first, last = flow.hidden["layer"][[0, -1]]
    pace = f" by a factor of {_factor(flow.factor)} per layer,"
    if (orders >= 0.0) != (flow.factor <= 1.0):  # no steady course: the fit would mislead
        pace = ""
    words = f"from layer {last} back to layer {first} it {change}{pace} over "
    words += f"{'more than ' if zeros else ''}{abs(orders):.1f} orders of magnitude"
    return f"{words}, until {zeros}" if zeros else words


def _reason(flow: _Flow) -> str:
    share = flow.hidden["saturated_fraction"]
    flat = share >= BLAMED_FROM
    if not flat.any():
        return ""
    return f" because {_up_to(share[flat])} of the units are saturated in {_layers(flow, flat)}"


def _at_initialization(start: Verdict) -> str:
    size = f", over {abs(start.orders):.1f} orders of magnitude"
    over = size if math.isfinite(start.orders) else ""
    words = {
        "vanishing": f"the gradient vanished{over}",
        "exploding": f"the gradient exploded{over}",
        "dead": "units were dead",
        "saturated": "units were saturated",
        "healthy": "the gradient was healthy",
    }
    return f"At initialization {words[start.kind]}."


def _broken_forward(rows: Rows) -> Flags:
    """Rows with an infinity going forward, or a nan that the gradient shares: on its own a nan
    only says that a statistic does not apply."""
    infinite = np.logical_or.reduce([np.isinf(rows[name]) for name in _FORWARD])
    missing = np.logical_or.reduce([np.isnan(rows[name]) for name in _FORWARD])
    return np.asarray(infinite | (missing & ~np.isfinite(rows["grad_norm"])))


def _broken_backward(rows: Rows) -> Flags:
    infinite = np.logical_or.reduce([np.isinf(rows[name]) for name in _BACKWARD])
    return np.asarray(infinite | np.isnan(rows["grad_norm"]))


def _of_all(flow: _Flow, hidden: Flags) -> Flags:
    """Flags of the judged layers as flags of all rows."""
    flags = np.zeros(flow.rows.size, bool)
    flags[flow.way[hidden]] = True
    return flags


def _span(numbers: NDArray[np.int64]) -> tuple[int, int] | None:
    return (int(numbers[0]), int(numbers[-1])) if numbers.size else None


def _layers(flow: _Flow, which: Flags) -> str:
    first, last = flow.hidden[which][[0, -1]]
    words = f"layer {first['layer']}"
    if first["layer"] != last["layer"]:
        words = f"layers {first['layer']} to {last['layer']}"
    blocks = [name.partition(".")[0] for name in (first["name"], last["name"]) if "." in name]
    return f"{words} ({' to '.join(dict.fromkeys(blocks))})" if blocks else words


def _up_to(shares: Numbers) -> str:
    return f"{'up to ' if shares.size > 1 else ''}{float(shares.max()):.0%}"


def _factor(value: float) -> str:
    """Two digits; one more near 1, where it takes many layers to matter."""
    return f"{value:.3f}" if 0.9 < value < 1.1 else f"{value:.2g}"
