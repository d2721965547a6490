"""What theory expects of a network at initialization, in the words that measurements use."""

import math
import sys
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from vgrad.diagnosis import DEAD_FROM, Verdict, diagnose
from vgrad.nn.activations import Activation
from vgrad.nn.meanfield import MeanField, Settled, settle
from vgrad.nn.meanfield.mesh import derivative, forward
from vgrad.records import LAYER_DTYPE, PREDICTION_DTYPE
from vgrad.theory.correlations import FURTHEST
from vgrad.theory.finite_width import Spread, spread_of
from vgrad.theory.flow import Flow, flow_of
from vgrad.theory.layers import Inputs, Layers, NothingToSay
from vgrad.theory.normalized import settle_normalized

Values = NDArray[np.float64]

TAIL = 1.6448536269514722  # standard deviations of a normal beyond which lie 5 %
SATURATED_BELOW = 0.05  # of max|φ′|, as telemetry counts
ROUNDED_FROM = 0.999
"""Share of slopes that are 0, where only rounding makes them so, from which units may be dead."""
QUANTILES = 1001  # of z at which slopes are counted
KNOWN = 33  # variances for which they are


@dataclass(frozen=True, eq=False)
class Prediction:
    """Of a plain network, layer by layer, and as a whole."""

    layers: NDArray[np.void]
    """A `PREDICTION_DTYPE` row for each weight layer, the output layer last."""
    settled: Settled | None
    """What such layers come to if there are enough of them; None where they are not all alike."""
    verdict: Verdict
    blocks: Values | None = None
    """‖∂L/∂x‖² where each residual block begins, over that where it ends."""


def predict(layers: Layers, inputs: Inputs) -> Prediction:
    """Follow signal and gradient through these layers.

    Raises:
        NothingToSay: so many slopes are 0 that units may be dead on a whole batch.
    """
    flow = flow_of(layers, inputs)
    return concluded(layers, flow, spread_of(layers, inputs, flow), _settled(layers, flow))


def concluded(layers: Layers, flow: Flow, spread: Spread, settled: Settled | None) -> Prediction:
    """What follows from a flow, however it was found.

    Raises:
        NothingToSay: so many slopes are 0 that units may be dead on a whole batch.
    """
    with np.errstate(over="ignore", under="ignore"):  # beyond the range of numbers is an answer
        rows = _rows(layers, flow, spread)
    return Prediction(rows, settled, diagnose(as_measured(rows, layers)))


def as_measured(rows: NDArray[np.void], layers: Layers) -> NDArray[np.void]:
    """Predictions as the rows of a measured step: what is not predicted is nan."""
    measured = np.zeros(rows.size, LAYER_DTYPE)
    for name in LAYER_DTYPE.names or ():
        if name in rows.dtype.names:  # type: ignore[operator]
            measured[name] = rows[name]
        elif measured.dtype[name].kind == "f":
            measured[name] = np.nan
    weights = layers.fan_in * layers.fan_out
    measured["grad_norm"] = rows["grad_rms"] * np.sqrt(weights)
    measured["weight_norm"] = np.sqrt(weights * layers.weight_variance)
    return measured


def _rows(layers: Layers, flow: Flow, spread: Spread) -> NDArray[np.void]:
    rows = np.zeros(layers.depth + 1, PREDICTION_DTYPE)
    rows["layer"] = np.arange(1, rows.size + 1)
    rows["name"] = layers.names or [*(f"linear{n}" for n in range(1, rows.size)), "output"]
    rows["q"], rows["chi"] = np.exp(flow.log_mean_q), np.exp(flow.log_chi)
    rows["correlation"] = 1.0 - flow.gap
    shift, deviation = np.append(spread.shift, 0.0), np.append(np.sqrt(spread.variance), 0.0)
    last = max(layers.depth - 1, 0)
    log_units, log_weights = np.log(layers.fan_out), np.log(layers.fan_in * layers.fan_out)
    log_delta = flow.log_delta + shift - log_units + log_units[last]
    for name, side in (("delta_low", -TAIL), ("delta_rms", 0.0), ("delta_high", TAIL)):
        rows[name] = np.exp((log_delta + side * deviation) / 2.0)  # of ‖δ‖, not of its square
    log_grad = flow.log_grad + shift - log_weights + log_weights[last]
    rows["grad_rms"] = np.exp(log_grad / 2.0)
    _forward_rows(rows, layers, flow)
    return rows


def _forward_rows(rows: NDArray[np.void], layers: Layers, flow: Flow) -> None:
    at, hidden = layers.moments.at, rows[:-1]
    rows["preact_mean"], rows["preact_std"] = layers.bias_mean, np.exp(flow.log_mean_q / 2.0)
    for z, h in (("preact_mean", "act_mean"), ("preact_std", "act_std")):
        rows[h] = rows[z]  # of a linear layer
    log_q = (flow.log_mean_q if flow.log_activated is None else flow.log_activated)[:-1]
    curved = ~np.isnan(log_q)
    log_q = log_q[curved]
    root, mean = np.exp(at("log_phi2", log_q) / 2.0), at("mean", log_q)
    hidden["act_mean"][curved] = root * mean
    hidden["act_std"][curved] = root * np.sqrt(np.maximum(1.0 - mean**2, 0.0))
    phi, seen = layers.activation, layers.log_seen(log_q)
    limit = SATURATED_BELOW * phi.max_slope
    hidden["saturated_fraction"][curved] = _share_below(limit, phi, seen)
    from_here = DEAD_FROM if phi.kinks else ROUNDED_FROM
    if (_share_below(sys.float_info.min, phi, seen) >= from_here).any():
        raise NothingToSay(
            "most units pass nothing, and it cannot tell if any example revives them"
        )


def _share_below(limit: float, activation: Activation, log_q: Values) -> Values:
    """The share of |φ′| that is below, by counting; between a few q interpolated."""
    if not log_q.size:
        return log_q
    inside = np.clip(log_q, -FURTHEST, FURTHEST)
    known = np.linspace(inside.min(), inside.max(), KNOWN)
    z = _quantiles()
    u = np.exp(known / 2.0)[:, None] * z
    flat = np.abs(derivative(activation, u, forward(activation, u)))
    return np.interp(inside, known, np.mean(flat < limit, axis=1))


@cache
def _quantiles() -> Values:
    """Of the standard normal, evenly spaced in probability."""
    normal = NormalDist()
    return np.array([normal.inv_cdf((n + 0.5) / QUANTILES) for n in range(QUANTILES)])


def _settled(layers: Layers, flow: Flow) -> Settled | None:
    """By the weights between hidden layers; the first and the last may differ."""
    if not layers.alike:
        return None
    sigma2, bias = layers.sigma2[1:-1], layers.bias_variance[1:-1]
    field = MeanField(layers.activation, math.sqrt(sigma2[0]), math.sqrt(bias[0]))
    if layers.norm_eps is not None:
        return settle_normalized(field, layers.norm_eps)
    return settle(field, math.exp(min(max(flow.log_q[0], -FURTHEST), FURTHEST)))
