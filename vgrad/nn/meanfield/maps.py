"""How variance, correlation and gradient change over one layer of an infinitely wide network.

The layer is z = W·φ(z_below) + b with W_ij ~ N(0, σ_w²/fan_in) and b_i ~ N(0, σ_b²); q is the
variance of z, c the correlation of the z of two inputs.

References: Poole et al. 2016, eq. 3 and 5; Schoenholz et al. 2017, section 2 and 4.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vgrad.nn.activations import Activation
from vgrad.nn.meanfield.mesh import Values
from vgrad.nn.meanfield.quadrature import pairs, samples

SMALLEST_Q, LARGEST_Q = 1e-20, 1e20
"""Beyond them an activation is a straight line on either side of 0, to ten digits."""
GRID_PER_DECADE = 6  # of q: how near two fixed points may lie and still be told apart
SAME_Q = 1e-11
"""Relative; a variance that changes less is kept. Quadrature itself is right to about 1e-13."""


@dataclass(frozen=True)
class MeanField:
    """The maps of one layer, whose σ_w and σ_b are standard deviations."""

    activation: Activation
    sigma_w: float
    sigma_b: float = 0.0

    def variance(self, q: float) -> float:
        """V(q) = σ_w²·E[φ(u)²] + σ_b² for u ~ N(0, q)."""
        return self.sigma_w**2 * float(samples(self.activation, q).phi2[0]) + self.sigma_b**2

    def variance_slope(self, q: float) -> float:
        """V′(q)."""
        return self.sigma_w**2 * float(samples(self.activation, q).phi2_growth[0])

    def chi(self, q: float) -> float:
        """χ(q) = σ_w²·E[φ′(u)²]: by what a layer multiplies the gradient's squared norm."""
        return self.sigma_w**2 * float(samples(self.activation, q).slope2[0])

    def correlation(self, c: float, q: float) -> float:
        """C(c) = (σ_w²·E[φ(u₁)φ(u₂)] + σ_b²)/V(q)."""
        return 1.0 - self.decorrelation(1.0 - c, q)

    def decorrelation(self, gap: float, q: float) -> float:
        """1 - C(c) for gap = 1 - c, without the cancellation as c → 1."""
        return self.sigma_w**2 * pairs(self.activation, q, gap).distance / self.variance(q)

    def chi_between(self, c: float, q: float) -> float:
        """σ_w²·E[φ′(u₁)φ′(u₂)] = C′(c)·V(q)/q: χ for the gradients' correlation."""
        return self.sigma_w**2 * pairs(self.activation, q, 1.0 - c).slope_product


@dataclass(frozen=True, eq=False)
class Grid:
    """E[φ²], dE[φ²]/dq and E[φ′²] over the whole range of q, `(n,)` each."""

    q: Values
    phi2: Values
    phi2_growth: Values
    slope2: Values


@lru_cache(maxsize=64)
def grid(activation: Activation) -> Grid:
    """Where to look for roots, whatever σ_w and σ_b."""
    decades = math.log10(LARGEST_Q / SMALLEST_Q)
    q = np.geomspace(SMALLEST_Q, LARGEST_Q, round(GRID_PER_DECADE * decades) + 1)
    at = samples(activation, q)
    return Grid(q, at.phi2, at.phi2_growth, at.slope2)


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where `function` changes its sign between 0 < low < high, to rounding.

    Illinois' variant of the false position, in the logarithm.
    """
    x0, x1 = math.log(low), math.log(high)
    f0, f1 = function(low), function(high)
    for _ in range(100):
        if f0 == 0.0 or f1 == f0:
            return math.exp(x0)
        x = x1 - f1 * (x1 - x0) / (f1 - f0)
        f = function(math.exp(x))
        if (f < 0.0) != (f1 < 0.0):
            x0, f0 = x1, f1
        else:
            f0 /= 2.0
        converged = abs(x - x1) < 1e-15 * max(abs(x), 1.0)
        x1, f1 = x, f
        if converged or f == 0.0:
            break
    return math.exp(x1)
