"""What finite widths add: how far gradients vary over seeds.

To first order in depth/width. The n units of a layer are a sample: their mean φ² makes the
variance q above fluctuate, and their mean φ′² the gradient. With k = log q,

    δk_above = ρ·(g·δk + r),   δ log χ = h·δk + t,

g and h the elasticities of E[φ²] and E[φ′²], ρ the weights' share in q, r and t the layer's own
fluctuations, independent of other layers': Var r = (E[φ⁴]/E[φ²]² - 1)/n and Var t =
(3·E[φ′⁴]/E[φ′²]² - 1)/n. Those of two examples are correlated by as much as φ, φ′ and their
gradients are, and a mean over a batch fluctuates by the mean covariance.

The logarithm of ‖δ‖² is nearly normal. For one example, t leaves the mean of ‖δ‖² as it is at
infinite width, so that the median lies lower by half of t's variance; what q adds to the median is
not worth counting.

References: Hanin & Nica 2018, theorem 1, for ReLU, where t alone counts, with 5/n per layer;
Roberts, Yaida & Hanin 2022, chapters 4 and 9, for the fluctuations of q.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vgrad.nn.meanfield import pairs
from vgrad.nn.meanfield.mesh import distinct
from vgrad.theory.correlations import FURTHEST
from vgrad.theory.flow import Flow
from vgrad.theory.layers import Inputs, Layers
from vgrad.theory.moments import moments

Values = NDArray[np.float64]

LOOKED_AT = 12  # layers at which the covariance of two examples is computed; interpolated between
UNKNOWN = 1.0
"""Variance of log q beyond which the expansion ends: where nothing holds q it wanders on, but a
slope that changes with q has then changed already."""


@dataclass(frozen=True, eq=False)
class Spread:
    """Of log(‖δ‖²/‖δ of the last hidden layer‖²) over seeds, ‖δ‖² the mean over a batch.

    Of each hidden layer, `(depth,)`.
    """

    shift: Values
    """Its median, less its value at infinite width."""
    variance: Values


def spread_of(layers: Layers, inputs: Inputs, flow: Flow) -> Spread:
    """The spread around this flow."""
    if layers.depth < 2:
        return Spread(np.zeros(layers.depth), np.zeros(layers.depth))
    chain = _Chain.of(layers, flow)
    at = layers.moments.at
    phi4, slope4, mixed = (at(name, chain.log_q) for name in ("phi4", "slope4", "mixed"))
    same = np.ones_like(chain.log_q)
    one = chain.covariance(phi4, slope4, mixed, same, same)
    alone, bias = chain.accumulated(one), np.append(np.cumsum(one[1][::-1])[::-1], 0.0)
    if inputs.batch == 1:
        return Spread(-bias / 2.0, alone)
    two = chain.covariance(*_of_two(layers, inputs, flow))
    batch = chain.accumulated(two + (one - two) / inputs.batch)
    # the mean of ‖δ‖² over seeds is that of one example, and the median half a variance lower
    return Spread((alone - bias - batch) / 2.0, batch)


@dataclass(frozen=True, eq=False)
class _Chain:
    """How fluctuations arise and pass on: of each hidden layer but the last, `(depth - 1,)`."""

    log_q: Values
    width: Values
    growth: Values  # g
    slope_growth: Values  # h
    share: Values  # ρ of the layer above
    kept: float  # 2 if weights keep norms: then ‖z‖² and ‖Wᵀδ‖² do not vary by 2/n of their own

    @classmethod
    def of(cls, layers: Layers, flow: Flow) -> "_Chain":
        last, at = layers.depth - 1, layers.moments.at
        log_q, share = flow.log_q[:last], np.exp(flow.log_share[1 : last + 1])
        growth, slope_growth = at("growth", log_q), at("slope_growth", log_q)
        kept = 2.0 if layers.isometric else 0.0
        return cls(log_q, layers.fan_out[:last], growth, slope_growth, share, kept)

    def covariance(
        self, phi4: Values, slope4: Values, mixed: Values, c2: Values, overlap2: Values
    ) -> Values:
        """Cov(r, r), Cov(t, t) and Cov(r, t) of two examples, `(3, depth - 1)`.

        Given E[φ²φ²], E[φ′²φ′²] and E[φ²φ′²] of the two, relative to their means, and the squared
        correlations of their z and of their δ in the layer above.
        """
        g, h, kept = self.growth, self.slope_growth, self.kept
        own_q = phi4 - 1.0 - kept * c2 * g**2
        own_slope = slope4 * (1.0 + 2.0 * overlap2) - 1.0 - kept * (overlap2 + c2 * h**2)
        return np.array([own_q, own_slope, mixed - 1.0 - kept * c2 * g * h]) / self.width

    def accumulated(self, covariance: Values) -> Values:
        """The variance in each hidden layer, `(depth,)`."""
        of_k, passed = [0.0], []  # log q's variance, and what becomes of a deviation in the next
        added = self.share**2 * covariance[0]
        for factor, more in zip((self.share * self.growth).tolist(), added.tolist(), strict=True):
            of_k.append(min(factor**2 * of_k[-1] + more, UNKNOWN))
            room = max(of_k[-1] - more, 0.0)
            damped = math.sqrt(room / of_k[-2]) if of_k[-2] else abs(factor)
            passed.append(math.copysign(min(damped, abs(factor)), factor))
        varied_q = np.array(of_k[:-1])
        columns = (np.array(passed), self.share, self.slope_growth, *covariance, varied_q)
        variances, own, felt = [0.0], 0.0, 0.0  # what a deviation above does to all from there
        for factor, share, slope_growth, own_q, own_slope, both, varied in zip(
            *(column[::-1].tolist() for column in columns), strict=True
        ):
            above = share * felt
            own += own_slope + 2.0 * above * both + above**2 * own_q
            felt = slope_growth + factor * felt
            variances.append(own + felt**2 * varied)
        return np.maximum(variances[::-1], 0.0)


def _of_two(
    layers: Layers, inputs: Inputs, flow: Flow
) -> tuple[Values, Values, Values, Values, Values]:
    """What `_Chain.covariance` takes, for two different examples."""
    depth = layers.depth
    places = distinct(np.geomspace(1.0, depth, LOOKED_AT).round()).astype(int) - 1
    seen = np.array([_joint(layers, flow, place) for place in places]).T
    phi4, slope4, mixed, kept = (np.interp(np.arange(depth), places, row) for row in seen)
    overlap2 = [inputs.alignment]  # by chance it grows by 1/n per layer, however small it is
    by_chance = slope4 / layers.fan_out[:depth]
    for factor, chance in zip((kept**2)[::-1].tolist(), by_chance[::-1].tolist(), strict=True):
        overlap2.append(min(factor * overlap2[-1] + chance * (1.0 + 2.0 * overlap2[-1]), 1.0))
    c2 = (1.0 - flow.gap[: depth - 1]) ** 2
    return phi4[:-1], slope4[:-1], mixed[:-1], c2, np.array(overlap2[-2:0:-1])


def _joint(layers: Layers, flow: Flow, place: int) -> tuple[float, float, float, float]:
    """E[φ²φ²], E[φ′²φ′²] and E[φ²φ′²] of two examples in a layer, relative to their means, and
    E[φ′φ′]/E[φ′²], by which the correlation of their δ shrinks."""
    log_q = float(np.clip(layers.log_seen(flow.log_q[place]), -FURTHEST, FURTHEST))
    one = moments(layers.activation).one
    phi2, slope2 = math.exp(one("log_phi2", log_q)), math.exp(one("log_slope2", log_q))
    two = pairs(layers.activation, math.exp(log_q), min(float(flow.gap[place]), 2.0))
    phi, phi_too = (one / math.sqrt(phi2) for one in two.phi)
    slope, slope_too = (one / math.sqrt(slope2) for one in two.slope)
    return (
        two.mean((phi * phi_too) ** 2),
        two.mean((slope * slope_too) ** 2),
        two.mean((phi * slope_too) ** 2 + (phi_too * slope) ** 2) / 2.0,
        two.mean(slope * slope_too),
    )
