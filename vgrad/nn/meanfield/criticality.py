"""The edge of chaos: weights and biases that carry a gradient through any depth, χ₁ = 1.

References: Schoenholz et al. 2017, section 3; Hayou et al. 2019, section 3; Roberts, Yaida &
Hanin 2022, section 5.3.4, for the half-stable point.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vgrad.nn.activations import Activation
from vgrad.nn.meanfield.fixed_points import FixedPoint
from vgrad.nn.meanfield.maps import grid, root
from vgrad.nn.meanfield.mesh import Values, at_zero
from vgrad.nn.meanfield.quadrature import Samples, samples

VANISHING_Q = 1e-40  # stands for the limit q → 0
EQUAL = 1e-10  # relative; expectations that differ less are equal but for rounding


@dataclass(frozen=True)
class CriticalPoint:
    """σ_w and σ_b with χ(q) = 1 at a fixed point q of the variance.

    A point that is not stable carries a gradient only as long as the variance is near it: that of
    GELU and its kin leaves.
    """

    sigma_w: float
    sigma_b: float
    point: FixedPoint
    """Its q is nan where every variance is a fixed point, as for ReLU."""


@lru_cache(maxsize=64)
def critical(activation: Activation, sigma_b: float = 0.0) -> CriticalPoint | None:
    """The edge of chaos at this σ_b, None where there is none.

    χ = 1 asks for σ_w² = 1/E[φ′²], and then q = V(q) for σ_b² = q - E[φ²]/E[φ′²]: one equation
    in q, whose smallest solution is taken.
    """
    over = grid(activation)
    with np.errstate(divide="ignore", invalid="ignore"):  # φ′ = 0 wherever a small q reaches
        balance = over.q - over.phi2 / over.slope2
    if (np.abs(balance) <= EQUAL * over.q).all():
        return _point(activation, 1.0, 0.0, q=math.nan) if sigma_b == 0.0 else None
    if sigma_b == 0.0 and at_zero(activation) == 0.0 and over.slope2[0] > 0.0:
        return _point(activation, VANISHING_Q, 0.0, q=0.0)
    excess = balance - sigma_b * sigma_b  # a power would raise an OverflowError instead of inf
    found = _crossing(activation, over.q, excess, lambda at: _balance(at, sigma_b))
    return None if found is None else _point(activation, found, sigma_b, q=found)


def half_stable(activation: Activation) -> CriticalPoint | None:
    """The critical point with V′(q) = 1 as well, q > 0: variances above come nearer, and those
    below leave it slowly. Smooth relatives of ReLU have one."""
    over = grid(activation)
    excess = over.slope2 - over.phi2_growth
    excess[np.abs(excess) <= EQUAL * over.slope2] = 0.0
    found = _crossing(
        activation, over.q, excess, lambda at: float(at.slope2[0] - at.phi2_growth[0])
    )
    if found is None:
        return None
    variance = _balance(samples(activation, found), 0.0)
    return _point(activation, found, math.sqrt(variance), q=found) if variance >= 0.0 else None


def _balance(at: Samples, sigma_b: float) -> float:
    return float(at.q[0] - at.phi2[0] / at.slope2[0]) - sigma_b * sigma_b


def _crossing(
    activation: Activation, q: Values, values: Values, function: Callable[[Samples], float]
) -> float | None:
    """The first root at which `function`, whose `values` at q are given, goes from - to +."""
    (up,) = np.nonzero((values[:-1] < 0.0) & (values[1:] > 0.0))
    if not up.size:
        return None
    low, high = q[up[0] : up[0] + 2]
    return root(lambda at: function(samples(activation, at)), float(low), float(high))


def _point(activation: Activation, at: float, sigma_b: float, *, q: float) -> CriticalPoint:
    here = samples(activation, at)
    slope2, growth = float(here.slope2[0]), float(here.phi2_growth[0])
    return CriticalPoint(1.0 / math.sqrt(slope2), sigma_b, FixedPoint(q, growth / slope2))
