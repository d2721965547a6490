"""Signal and gradient through a plain network of infinite width, layer by layer.

Nothing is assumed to have settled: each layer's variance follows from the one below, with its own
sizes. References: Poole et al. 2016; Schoenholz et al. 2017, section 2 and 4.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vgrad.theory.layers import Inputs, Layers
from vgrad.theory.moments import NOTHING

Values = NDArray[np.float64]

ALIKE = 1e-4
"""Difference of log q from which on two inputs are followed as one: what is left of it adds less
than that to the logarithm of a gradient."""
FOLLOWED = 1000  # layers in which a difference has become constant, or too small to matter
SCALE_FREE = 1e-12  # of d log χ/d log q: χ does not depend on q but for rounding


@dataclass(frozen=True, eq=False)
class Flow:
    """Of each weight layer, the output layer last, `(depth + 1,)`; in logarithms, for over a
    thousand layers they leave the range of numbers."""

    log_q: Values
    """Variance of the pre-activation, of an input of the data's mean square."""
    log_mean_q: Values
    """Its mean over the inputs."""
    log_share: Values
    """Share of it that comes from the weights, the rest from the biases."""
    gap: Values
    """1 - c, c the correlation of two inputs' pre-activations."""
    log_chi: Values
    """χ = fan_in·E[w²]·E[φ′²], w those of the layer above: the mean of ‖δ‖² over the inputs, over
    that of the layer above. nan for the output layer."""
    log_delta: Values
    """Mean of ‖δ‖² over that of the last hidden layer."""
    log_grad: Values
    """Mean of ‖∂ℓ/∂W‖² = ‖δ‖²·‖h_below‖² over that of the last hidden layer."""
    log_activated: Values | None = None
    """Variance of what the activation behind a layer is applied to, nan where there is none; by
    default that of z."""


def flow_of(layers: Layers, inputs: Inputs) -> Flow:
    """The flow of these inputs, whose outputs all send back errors of the same size."""
    phi = layers.moments
    log_q, log_share, gap, log_below = _forward(layers, inputs)
    followed = [(1.0, log_q, log_below)]
    if inputs.groups and np.abs(phi.at("slope_growth", log_q)).max() > SCALE_FREE:
        followed = [
            (share, *_beside(layers, square, log_q, log_below)) for share, square in inputs.groups
        ]
    log_weights = np.log(np.maximum(layers.sigma2[1:], NOTHING))
    shares = np.array([share for share, _, _ in followed])
    own_q = np.array([own for _, own, _ in followed])
    chis = [log_weights + phi.at("log_slope2", own[:-1]) for own in own_q]
    deltas = np.array([np.append(np.cumsum(chi[::-1])[::-1], 0.0) for chi in chis])
    log_delta = log_mean(deltas, shares)  # over that of the output layer
    log_grad = log_mean(deltas + [below for _, _, below in followed], shares)
    log_grad += np.log(layers.fan_in)
    log_chi, last = np.append(-np.diff(log_delta), np.nan), max(layers.depth - 1, 0)
    log_delta, log_grad = log_delta - log_delta[last], log_grad - log_grad[last]
    return Flow(log_q, log_mean(own_q, shares), log_share, gap, log_chi, log_delta, log_grad)


def _forward(layers: Layers, inputs: Inputs) -> tuple[Values, Values, Values, Values]:
    """log q, log of the weights' share, gap, and log E[h_below²], each `(depth + 1,)`."""
    phi, apart = layers.moments, layers.distances()
    square = max(inputs.square, NOTHING)
    log_below = math.log(square)
    difference = max(1.0 - inputs.overlap / square, 0.0)  # of two inputs, E[(h - h′)²]/2 over it
    rows = []
    for from_weights, from_biases in log_variances(layers):
        log_weighted = from_weights + log_below
        log_q = log_sum(log_weighted, from_biases)
        log_share = log_weighted - log_q
        gap = difference * math.exp(log_share)
        rows.append((log_q, log_share, gap, log_below))
        log_below = phi.one("log_phi2", log_q)
        difference = gap * apart.ratio(log_q, gap) * math.exp(log_q - log_below)
    return tuple(np.array(rows).T)


def _beside(
    layers: Layers, square: float, log_q: Values, log_below: Values
) -> tuple[Values, Values]:
    """log q and log E[h_below²] of another input, which joins the one that is given."""
    phi, below = layers.moments, math.log(max(square, NOTHING))
    own_q, own_below = log_q.copy(), log_below.copy()
    apart, place = 0.0, 0
    for place, (from_weights, from_biases) in enumerate(log_variances(layers)[:FOLLOWED]):
        own = log_sum(from_weights + below, from_biases)
        own_q[place], own_below[place] = own, below
        apart = own - float(log_q[place])
        if abs(apart) < ALIKE:
            break
        below = phi.one("log_phi2", own)
    own_q[place + 1 :] += apart
    own_below[place + 1 :] += apart
    return own_q, own_below


def log_variances(layers: Layers) -> list[tuple[float, float]]:
    """log σ_w² and log σ_b² of each layer."""
    with np.errstate(divide="ignore"):
        biases = np.log(layers.bias_variance).tolist()
    return list(zip(np.log(np.maximum(layers.sigma2, NOTHING)).tolist(), biases, strict=True))


def log_sum(a: float, b: float) -> float:
    """log(eᵃ + eᵇ), a finite."""
    high, low = max(a, b), min(a, b)
    return high + math.log1p(math.exp(low - high))


def log_mean(rows: Values, shares: Values) -> Values:
    """log of the mean of the exponentials of each column."""
    highest = rows.max(axis=0)
    return np.asarray(highest + np.log(shares @ np.exp(rows - highest)))
