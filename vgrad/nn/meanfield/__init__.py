"""Mean field: what an infinitely wide random network does to variance, correlation and gradient.

An activation, σ_w and σ_b are all it takes. Expectations are computed, not sampled, and right to
at least eight digits for any activation, so that a new one needs nothing but its own file.
"""

from vgrad.nn.meanfield.criticality import CriticalPoint, critical, half_stable
from vgrad.nn.meanfield.fixed_points import (
    FixedPoint,
    Phase,
    Settled,
    attractor,
    fixed_points,
    settle,
)
from vgrad.nn.meanfield.maps import MeanField
from vgrad.nn.meanfield.quadrature import Pairs, Samples, pairs, samples

__all__ = [
    "CriticalPoint",
    "FixedPoint",
    "MeanField",
    "Pairs",
    "Phase",
    "Samples",
    "Settled",
    "attractor",
    "critical",
    "fixed_points",
    "half_stable",
    "pairs",
    "samples",
    "settle",
]
