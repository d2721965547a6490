"""What the mean-field expectations are compared with: closed forms, and a slow naive quadrature."""

# ruff: noqa: ARG002 — the contract of activations hands each all arguments

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from reference.cases import OPTIONS

from vgrad.nn.activations import Activation, activations
from vgrad.nn.arrays import Array
from vgrad.nn.meanfield.mesh import forward
from vgrad.nn.special import normal_cdf, normal_pdf

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Erf(Activation):
    """erf(z): of all sigmoids the one whose expectations are known in closed form."""

    needs_input: ClassVar[bool] = True
    n_scratch: ClassVar[int] = 4

    @property
    def max_slope(self) -> float:
        return 2.0 / math.sqrt(math.pi)

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        np.multiply(z, math.sqrt(2.0), out=scratch[3])
        normal_cdf(scratch[3], out=out, scratch=scratch)
        out *= 2.0
        out -= 1.0

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        np.multiply(z, math.sqrt(2.0), out=scratch[0])
        normal_pdf(scratch[0], out=out)
        out *= 2.0 * math.sqrt(2.0)


@dataclass(frozen=True)
class Steep(Activation):
    """tanh(100·(z - 1.37)): bends far from 0, on a scale that nothing announces."""

    BEND: ClassVar[float] = 1.37  # for the naive quadrature only

    @property
    def max_slope(self) -> float:
        return 100.0

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        np.tanh(100.0 * (z - self.BEND), out=out)

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        np.subtract(1.0, output * output, out=out)
        out *= 100.0


@dataclass(frozen=True)
class Sine(Activation):
    """sin(z), which never ceases to bend."""

    needs_input: ClassVar[bool] = True

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        np.sin(z, out=out)

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        np.cos(z, out=out)


@dataclass(frozen=True)
class Ramp(Activation):
    """max(z - 0.3, 0), which says nothing of its kink."""

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        np.maximum(z - 0.3, 0.0, out=out)

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        np.greater(output, 0.0, out=out)


EXTREMES: list[tuple[str, dict[str, float]]] = [
    *(("celu", {"alpha": alpha}) for alpha in (1e-6, 1e-3, 1e3)),
    *(("elu", {"alpha": alpha}) for alpha in (1e-3, 1e3)),
    *(("leaky_relu", {"negative_slope": slope}) for slope in (0.0, 1.0)),
]


def every_activation() -> list[Activation]:
    """All registered ones, with their defaults, other options and extreme ones."""
    names = activations.names()
    others = [(name, OPTIONS[name]) for name in names if name in OPTIONS]
    return [*map(activations.build, names), *(activations.build(*one) for one in others + EXTREMES)]


def naive_nodes(activation: Activation, q: float) -> tuple[Vector, Vector]:
    """Nodes and weights under N(0, q): the double exponential rule (Takahasi & Mori 1974) between
    0 and the kinks and from the outermost on. Its nodes crowd at their ends on all scales."""
    t, step = np.arange(-6.5, 6.5, 2.0**-7), 2.0**-7
    with np.errstate(over="ignore"):  # 1/(1 + inf) is the 0 that is meant
        outer = np.exp(math.pi / 2 * np.sinh(t))  # (0, ∞)
        inner = 1.0 / (1.0 + np.exp(-math.pi * np.sinh(t)))  # (0, 1)
    outer_weight = step * math.pi / 2 * np.cosh(t) * outer
    inner_weight = step * math.pi * np.cosh(t) * inner * (1.0 - inner)
    kinks = sorted({0.0, *activation.kinks, getattr(activation, "BEND", 0.0)})
    nodes = [kinks[0] - outer, kinks[-1] + outer]
    nodes += [low + (high - low) * inner for low, high in pairwise(kinks)]
    weights = [outer_weight, outer_weight]
    weights += [(high - low) * inner_weight for low, high in pairwise(kinks)]
    u, weight = np.concatenate(nodes), np.concatenate(weights)
    near = np.abs(u) < 40.0 * math.sqrt(q)
    u, weight = u[near], weight[near]
    return u, weight * np.exp(-u * u / (2.0 * q)) / math.sqrt(2.0 * math.pi * q)


def relu_product(q: float, gap: float) -> float:
    """E[φ(u₁)φ(u₂)] of ReLU: Cho & Saul 2009, the arc-cosine kernel of degree 1."""
    theta = 2.0 * math.asin(math.sqrt(gap / 2.0))
    return q * (math.sin(theta) + (math.pi - theta) * math.cos(theta)) / (2.0 * math.pi)


def relu_slope_product(gap: float) -> float:
    """E[φ′(u₁)φ′(u₂)] of ReLU: Cho & Saul 2009, degree 0."""
    return 0.5 - math.asin(math.sqrt(gap / 2.0)) / math.pi


def hermite_product(activation: Activation, q: float, c: float, terms: int) -> float:
    """E[φ(u₁)φ(u₂)] = Σ aₙ²·cⁿ, aₙ the coefficients in orthonormal Hermite polynomials
    (Mehler's formula); for |c| so small that the series ends."""
    u, weight = naive_nodes(activation, q)
    weighted, z = weight * forward(activation, u), u / math.sqrt(q)
    below, at, total = np.zeros_like(z), np.ones_like(z), 0.0
    for n in range(terms):
        total += float(weighted @ at) ** 2 * c**n
        below, at = at, (z * at - math.sqrt(n) * below) / math.sqrt(n + 1)
    return total
