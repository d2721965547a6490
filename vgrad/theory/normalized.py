"""Layers whose pre-activations are normalized, example by example, before the activation.

With y = z/√(q + ε) a unit is ψ(z) = φ(y), so that all follows as without a norm, from the moments
of ψ. References: Ba et al. 2016; Zhang & Sennrich 2019; Yang et al. 2019, appendix, on layer norm.
"""

import math

import numpy as np
from numpy.typing import NDArray

from vgrad.nn.activations import Activation
from vgrad.nn.meanfield import MeanField, Settled
from vgrad.nn.meanfield.fixed_points import correlation_fixed_point
from vgrad.nn.meanfield.maps import SMALLEST_Q
from vgrad.theory.correlations import Distances
from vgrad.theory.moments import ActivationMoments, moments

Values = NDArray[np.float64]

MOST_STEPS = 100  # towards q*, which ε moves by little


class NormalizedMoments:
    """`MOMENTS` of ψ."""

    def __init__(self, inner: ActivationMoments, eps: float) -> None:
        self._inner, self._log_eps = inner, math.log(eps)

    def one(self, name: str, log_q: float) -> float:
        """One of `MOMENTS` at one place."""
        high, low = max(log_q, self._log_eps), min(log_q, self._log_eps)
        log_scale = high + math.log1p(math.exp(low - high))
        inner = self._inner.one(name, log_q - log_scale)
        if name == "log_slope2":
            return inner - log_scale
        if name not in ("growth", "slope_growth"):
            return inner
        free = math.exp(self._log_eps - log_scale)  # what of a change of log q is left in log y²
        return inner * free - (1.0 - free if name == "slope_growth" else 0.0)

    def at(self, name: str, log_q: Values) -> Values:
        """One of `MOMENTS` at many places, `(n,)`."""
        log_scale = np.logaddexp(log_q, self._log_eps)
        inner = self._inner.at(name, log_q - log_scale)
        if name == "log_slope2":
            return np.asarray(inner - log_scale)
        if name not in ("growth", "slope_growth"):
            return inner
        free = np.exp(self._log_eps - log_scale)
        return np.asarray(inner * free - (1.0 - free if name == "slope_growth" else 0.0))


class NormalizedDistances:
    """How far apart ψ is at two variables, against themselves; as `Distances`."""

    def __init__(self, activation: Activation, eps: float) -> None:
        self._inner, self._log_eps = Distances(activation), math.log(eps)

    def ratio(self, log_q: float, gap: float) -> float:
        """E[(ψ(u₁) - ψ(u₂))²]/E[(u₁ - u₂)²]."""
        log_scale = float(np.logaddexp(log_q, self._log_eps))
        return self._inner.ratio(log_q - log_scale, gap) * math.exp(-log_scale)


def normalized_moments(activation: Activation, eps: float) -> NormalizedMoments:
    """Of this activation behind a norm."""
    return NormalizedMoments(moments(activation), eps)


def settle_normalized(field: MeanField, eps: float) -> Settled:
    """What becomes of a signal in layers of this field, with a norm before each activation."""
    q = field.variance(1.0)
    for _ in range(MOST_STEPS):
        before, q = q, field.variance(max(q / (q + eps), SMALLEST_Q))
        if q == before:
            break
    y2, scale = max(q / (q + eps), SMALLEST_Q), q + eps
    c_star = correlation_fixed_point(field, y2)
    chi_1 = field.chi(y2) / scale
    alike = math.isnan(c_star) or c_star == 1.0
    chi_c = chi_1 if alike else field.chi_between(c_star, y2) / scale
    return Settled(q, field.variance_slope(y2) * eps / scale**2, chi_1, c_star, chi_c)
