"""Residual nets whose stream is a sum, block by block: orders `pre` and `inside`.

x + a·F(x) with a branch F of weight layers, in which all follows as in a plain net. What branches
add is independent of what they are added to, so that squares add, forward and backward:

    E[x²] ← E[x²] + a²·E[F²],   ‖∂L/∂x‖² ← ‖∂L/∂x‖²·(1 + a²·χ_F).

References: Yang & Schoenholz 2017, theorems 5 and 6; He et al. 2016 for the order `pre`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vgrad.theory.finite_width import Spread
from vgrad.theory.flow import FOLLOWED, Flow, log_mean, log_sum, log_variances
from vgrad.theory.layers import Inputs, Layers, NothingToSay
from vgrad.theory.moments import NOTHING
from vgrad.theory.prediction import Prediction, concluded

Values = NDArray[np.float64]

SYMMETRIC = 1e-9  # |E[φ]|/√E[φ²] that is 0 but for rounding


@dataclass(frozen=True)
class Blocks:
    """How layers are wired, after a first one: branches of `lengths` layers each, times `scale`."""

    order: Literal["pre", "inside"]
    lengths: tuple[int, ...]
    scale: float

    def parts(self) -> Iterator[range]:
        """The places of each branch's layers."""
        start = 1
        for length in self.lengths:
            yield range(start, start + length)
            start += length


def predict_residual(layers: Layers, inputs: Inputs, blocks: Blocks) -> Prediction:
    """Follow signal and gradient through stream and branches.

    Raises:
        NothingToSay: branches are shut, or what they add has a mean that all units share.
    """
    if blocks.scale == 0.0 or not (layers.sigma2 > 0.0).all():
        raise NothingToSay("it has no ratios for branches that pass nothing")
    forward = _Forward(layers, inputs, blocks)
    if blocks.order == "inside" and blocks.lengths.count(1) > 1 and forward.skewed:
        raise NothingToSay("it does not follow a mean that all units of the stream share")
    backward = _Backward(layers, blocks, forward)
    flow = _flow(layers, inputs, blocks, forward)
    found = concluded(layers, flow, _spread(layers, inputs, blocks, forward, backward), None)
    return replace(found, blocks=np.exp(backward.log_growth))


class _Forward:
    """Of each layer log q, the gap 1 - c, log E[h_below²], and what its activation is applied to;
    of the stream log E[x²] where each block begins and, last, where it ends."""

    def __init__(self, layers: Layers, inputs: Inputs, blocks: Blocks) -> None:
        self._phi, self._apart = layers.moments, layers.distances()
        self._variances = log_variances(layers)
        count = layers.depth + 1
        self.log_q, self.gap, self.log_below = np.empty(count), np.empty(count), np.empty(count)
        self.log_activated = np.full(count, np.nan)
        self.skewed = False
        square = max(inputs.square, NOTHING)
        gap = max(1.0 - inputs.overlap / square, 0.0)
        stream = self._linear(0, math.log(square), gap)
        self.log_stream = [stream[0]]
        for part in blocks.parts():
            stream = self._added(stream, self._branch(part, stream, blocks), blocks.scale)
            self.log_stream.append(stream[0])
            if blocks.order == "pre":
                self.log_activated[part[-1]] = stream[0]
        if blocks.order == "pre":
            self.log_activated[0] = self.log_stream[0]
            stream = self._activated(*stream)
        self._linear(count - 1, *stream)

    def _branch(
        self, part: range, stream: tuple[float, float], blocks: Blocks
    ) -> tuple[float, float]:
        signal = self._activated(*stream) if blocks.order == "pre" else stream
        for place in part:
            signal = self._linear(place, *signal)
            if place < part[-1] or (blocks.order == "inside" and len(part) == 1):
                self.log_activated[place] = signal[0]
                signal = self._activated(*signal)
        return signal

    def _linear(self, place: int, log_h2: float, gap: float) -> tuple[float, float]:
        from_weights, from_biases = self._variances[place]
        log_q = log_sum(from_weights + log_h2, from_biases)
        gap *= math.exp(from_weights + log_h2 - log_q)
        self.log_q[place], self.gap[place], self.log_below[place] = log_q, gap, log_h2
        return log_q, gap

    def _activated(self, log_q: float, gap: float) -> tuple[float, float]:
        log_h2 = self._phi.one("log_phi2", log_q)
        self.skewed = self.skewed or abs(self._phi.one("mean", log_q)) > SYMMETRIC
        return log_h2, gap * self._apart.ratio(log_q, gap) * math.exp(log_q - log_h2)

    @staticmethod
    def _added(
        stream: tuple[float, float], branch: tuple[float, float], scale: float
    ) -> tuple[float, float]:
        scaled = branch[0] + 2.0 * math.log(scale)
        total = log_sum(stream[0], scaled)
        gap = stream[1] * math.exp(stream[0] - total) + branch[1] * math.exp(scaled - total)
        return total, gap


class _Backward:
    """log‖δ‖² of each layer over that of the output layer, and what each block multiplies the
    gradient of the stream by."""

    def __init__(self, layers: Layers, blocks: Blocks, forward: _Forward) -> None:
        log_weights = np.log(layers.sigma2).tolist()
        slope2 = layers.moments.at("log_slope2", np.nan_to_num(forward.log_activated))
        passed = np.where(np.isnan(forward.log_activated), 0.0, slope2).tolist()
        entered = np.zeros(len(blocks.lengths) + 1)  # of the φ before a branch, or at the end
        if blocks.order == "pre":
            entered = layers.moments.at("log_slope2", np.array(forward.log_stream))
        growth, self.log_delta = [], np.zeros(layers.depth + 1)
        stream = log_weights[-1] + float(entered[-1])
        for number, part in reversed(list(enumerate(blocks.parts()))):
            delta = stream + 2.0 * math.log(blocks.scale)
            for place in reversed(part):
                if place < part[-1] or blocks.order == "inside":
                    delta += passed[place]
                self.log_delta[place] = delta
                delta += log_weights[place]
            through = delta + float(entered[number]) - stream
            growth.append(log_sum(0.0, through))
            stream += growth[-1]
        self.log_delta[0] = stream
        self.log_growth = np.array(growth[::-1])


def _flow(layers: Layers, inputs: Inputs, blocks: Blocks, forward: _Forward) -> Flow:
    followed = [(1.0, forward)]
    if inputs.groups and layers.depth <= FOLLOWED:
        followed = [
            (share, _Forward(layers, Inputs(square, square), blocks))
            for share, square in inputs.groups
        ]
    shares = np.array([share for share, _ in followed])
    deltas = np.array([_Backward(layers, blocks, one).log_delta for _, one in followed])
    log_delta = log_mean(deltas, shares)
    log_grad = log_mean(deltas + [one.log_below for _, one in followed], shares)
    log_grad += np.log(layers.fan_in)
    last = layers.depth - 1
    return Flow(
        forward.log_q,
        log_mean(np.array([one.log_q for _, one in followed]), shares),
        np.zeros_like(log_delta),
        forward.gap,
        np.append(-np.diff(log_delta), np.nan),
        log_delta - log_delta[last],
        log_grad - log_grad[last],
        forward.log_activated,
    )


def _spread(
    layers: Layers, inputs: Inputs, blocks: Blocks, forward: _Forward, backward: _Backward
) -> Spread:
    """Roughly: that of a branch, as in a plain net, and that of its product with what passes by,
    which is 4·r/n of one example, r = ‖through the branch‖²/‖past it‖². Over a batch both are
    taken to be as much less as errors of different examples are not aligned."""
    activated = forward.log_activated
    slope4 = layers.moments.at("slope4", np.nan_to_num(activated))
    slope4[np.isnan(activated)] = 1.0
    own = (3.0 * slope4 - 1.0) / np.append(layers.fan_out[:-1], np.inf)
    passed = np.expm1(backward.log_growth).tolist()
    variance, above = np.zeros(layers.depth), 0.0
    for r, part in reversed(list(zip(passed, blocks.parts(), strict=True))):
        inside = np.cumsum(own[part][::-1])[::-1]
        variance[part] = above + inside - own[part[-1]]
        crossed = 4.0 * r / layers.fan_out[part[0]]
        above += (crossed + r * r * inside[0]) / (1.0 + r) ** 2
    variance[0] = above
    variance *= min(inputs.alignment + 1.0 / inputs.batch, 1.0)
    return Spread(-variance / 2.0, variance)
