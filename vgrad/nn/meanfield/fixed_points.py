"""Where variance and correlation settle in a deep network, how fast, and in which phase.

References: Poole et al. 2016; Schoenholz et al. 2017, sections 3 and 4.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from vgrad.nn.meanfield.maps import LARGEST_Q, SAME_Q, SMALLEST_Q, MeanField, grid, root
from vgrad.nn.meanfield.mesh import at_zero
from vgrad.nn.meanfield.quadrature import pairs

Phase = Literal["ordered", "critical", "chaotic"]

CRITICAL_WITHIN = 1e-6
"""Of χ₁ around 1: it takes a million layers to matter."""
SAME_C = 1e-12  # correlations that differ less do so by rounding
MARGINAL = 1e-9  # of a factor around 1: what is nearby neither comes nor goes, but for rounding
DEPTH_PER_SCALE = 6.0  # ξ_c that a net can be deep and still train (Schoenholz 2017, figure 5)


@dataclass(frozen=True)
class FixedPoint:
    """q = V(q), and V′(q) there."""

    q: float
    slope: float

    @property
    def stable(self) -> bool:
        """Whether a variance nearby comes nearer exponentially: |V′| < 1. Otherwise it stays,
        creeps, or leaves."""
        return abs(self.slope) < 1.0 - MARGINAL


@dataclass(frozen=True)
class Settled:
    """What a deep network comes to.

    Depth scales ξ count layers and are signed: negative where the distance to the fixed point
    (ξ_q, ξ_c) or the gradient (ξ_∇) grows instead of shrinking, infinite where it stays.
    """

    q_star: float
    """Where the variance goes from where it starts: 0 if it dies out, infinite if it explodes."""
    variance_slope: float
    """V′(q*)."""
    chi_1: float
    """χ(q*)."""
    c_star: float
    """The correlation that any two inputs end with; nan where each pair keeps its own."""
    chi_c: float
    """σ_w²·E[φ′(u₁)φ′(u₂)] at c*."""

    @property
    def phase(self) -> Phase:
        """Ordered: inputs become alike and gradients vanish; chaotic: the opposite of both."""
        if abs(self.chi_1 - 1.0) <= CRITICAL_WITHIN:
            return "critical"
        return "ordered" if self.chi_1 < 1.0 else "chaotic"

    @property
    def xi_q(self) -> float:
        """-1/log|V′(q*)|."""
        return depth_scale(abs(self.variance_slope))

    @property
    def xi_c(self) -> float:
        """-1/log(σ_w²·E[φ′(u₁)φ′(u₂)]) at c*."""
        return depth_scale(self.chi_c)

    @property
    def xi_grad(self) -> float:
        """-1/log χ₁."""
        return depth_scale(self.chi_1)

    @property
    def trainable_depth(self) -> float:
        """6·|ξ_c|: beyond, inputs can no longer be told apart, or all look unrelated."""
        return DEPTH_PER_SCALE * abs(self.xi_c)


def depth_scale(factor: float) -> float:
    """The layers over which something that changes by `factor` per layer shrinks by e; nan where
    that is not known."""
    if math.isnan(factor):
        return math.nan
    rate = math.log(factor) if factor > 0.0 else -math.inf
    return math.inf if abs(rate) < MARGINAL else -1.0 / rate


def fixed_points(field: MeanField) -> tuple[FixedPoint, ...]:
    """All fixed points of the variance, ascending; none where every q is one.

    Told apart where they differ by more than the grid's steps, a factor of 1.5.
    """
    over = grid(field.activation)
    residual = (field.sigma_w**2 * over.phi2 + field.sigma_b**2) / over.q - 1.0
    (moving,) = np.nonzero(np.abs(residual) > SAME_Q)
    points = []
    if field.sigma_b == 0.0 and at_zero(field.activation) == 0.0 and moving.size:
        points.append(FixedPoint(0.0, field.variance_slope(SMALLEST_Q)))
    for low, high in pairwise(moving):
        if residual[low] * residual[high] < 0.0:
            q = root(lambda q: field.variance(q) / q - 1.0, float(over.q[low]), float(over.q[high]))
            points.append(FixedPoint(q, field.variance_slope(q)))
    return tuple(points)


def attractor(field: MeanField, start: float = 1.0) -> FixedPoint:
    """Where the variance goes from `start`: up or down to the next fixed point, 0 or infinity."""
    residual = field.variance(start) / start - 1.0
    if abs(residual) <= SAME_Q:
        return FixedPoint(start, field.variance_slope(start))
    points = fixed_points(field)
    if residual > 0.0:
        above = [point for point in points if point.q > start]
        return above[0] if above else FixedPoint(math.inf, field.variance_slope(LARGEST_Q))
    below = [point for point in points if point.q < start]
    return below[-1] if below else FixedPoint(0.0, field.variance_slope(SMALLEST_Q))


def correlation_fixed_point(field: MeanField, q: float) -> float:
    """The stable fixed point c* of the correlation at variance q; nan where every c is one, or
    no signal is left.

    C is convex, with C(1) = 1 (its power series has no negative coefficient): c* is 1 if
    C′(1) ≤ 1, and else the only other fixed point, to which Newton's method goes from the left.
    """
    variance = field.variance(q)
    if variance == 0.0:  # there is no signal left
        return math.nan
    scale = field.sigma_w**2 / variance
    slope_at_one = field.chi(q) * q / variance
    gap, apart = 1.0, pairs(field.activation, q, 1.0)
    c_of_none = 1.0 - scale * apart.distance
    if slope_at_one <= 1.0 + MARGINAL:
        kept = abs(c_of_none) <= SAME_C and slope_at_one >= 1.0 - MARGINAL
        return math.nan if kept else 1.0
    if abs(c_of_none) <= SAME_C:
        return 0.0
    for _ in range(100):
        step = (gap - scale * apart.distance) / (scale * q * apart.slope_product - 1.0)
        gap += step
        if abs(step) <= 1e-14 * gap:
            break
        apart = pairs(field.activation, q, gap)
    return 1.0 - gap


def settle(field: MeanField, start: float = 1.0) -> Settled:
    """What becomes of a signal that has variance `start` in the first layer."""
    point = attractor(field, start)
    q = min(max(point.q, SMALLEST_Q), LARGEST_Q)
    c_star, chi_1 = correlation_fixed_point(field, q), field.chi(q)
    alike = math.isnan(c_star) or c_star == 1.0
    chi_c = chi_1 if alike else field.chi_between(c_star, q)
    return Settled(point.q, point.slope, chi_1, c_star, chi_c)
