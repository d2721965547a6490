"""Gaussian expectations of an activation and its slope, in one variable and in two.

Gauss-Legendre rules on panels that end where the activation bends (`vgrad.nn.meanfield.mesh`) and
where the Gaussian does. Nothing is assumed of the activation's scale or of its smoothness.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vgrad.nn.activations import Activation
from vgrad.nn.meanfield.mesh import NODES, Values, derivative, distinct, forward, legendre, mesh

REACH = 8.5  # standard deviations; beyond lies a share of 2e-17
BELL = np.array([-REACH, -4.75, -2.25, 0.0, 2.25, 4.75, REACH])
"""Panels of the Gaussian itself, in standard deviations: its moments come out within 4e-13."""
SAME = 1e-20  # 1 - c below which two variables are one: their difference is lost in rounding


@dataclass(frozen=True, eq=False)
class Samples:
    """Nodes u, their weights under N(0, q), φ(u) and φ′(u): a row for each q, `(n, nodes)`."""

    q: Values  # (n,)
    u: Values
    weight: Values
    phi: Values
    slope: Values

    def mean(self, values: Values) -> Values:
        """E[values], for an array of values at the nodes: `(n,)`."""
        return np.asarray((self.weight * values).sum(axis=-1))

    @property
    def phi2(self) -> Values:
        """E[φ²]."""
        return self.mean(self.phi * self.phi)

    @property
    def slope2(self) -> Values:
        """E[φ′²]."""
        return self.mean(self.slope * self.slope)

    @property
    def phi2_growth(self) -> Values:
        """dE[φ²]/dq = E[u·φ·φ′]/q = E[φ′²] + E[φ·φ″], kinks included (Stein's lemma)."""
        return self.mean(self.u * self.phi * self.slope) / self.q


@dataclass(frozen=True, eq=False)
class Pairs:
    """Nodes of two variables N(0, q) of correlation c, `(nodes,)` each, and their weights."""

    activation: Activation
    u1: Values
    u2: Values
    weight: Values

    def mean(self, values: Values) -> float:
        """E[values], for values at the nodes of a function that is symmetric in the two."""
        return float(self.weight @ values)

    @cached_property
    def phi(self) -> tuple[Values, Values]:
        """φ of both."""
        return forward(self.activation, self.u1), forward(self.activation, self.u2)

    @cached_property
    def slope(self) -> tuple[Values, Values]:
        """φ′ of both."""
        phi1, phi2 = self.phi
        return (
            derivative(self.activation, self.u1, phi1),
            derivative(self.activation, self.u2, phi2),
        )

    @property
    def product(self) -> float:
        """E[φ(u₁)·φ(u₂)]."""
        phi1, phi2 = self.phi
        return self.mean(phi1 * phi2)

    @property
    def distance(self) -> float:
        """E[(φ(u₁) - φ(u₂))²]/2 = E[φ²] - E[φ(u₁)φ(u₂)], without cancellation as c → 1."""
        phi1, phi2 = self.phi
        return self.mean((phi1 - phi2) ** 2) / 2

    @property
    def slope_product(self) -> float:
        """E[φ′(u₁)·φ′(u₂)]."""
        slope1, slope2 = self.slope
        return self.mean(slope1 * slope2)


def samples(activation: Activation, q: Values | float) -> Samples:
    """One variable: N(0, q) for every q > 0 of an array `(n,)`, or for one."""
    q = np.atleast_1d(np.asarray(q, dtype=np.float64))
    scale = np.sqrt(q)[:, None]
    bends = _within(mesh(activation), REACH * float(scale.max(initial=0.0)))
    edges = np.concatenate([BELL * scale, np.broadcast_to(bends, (q.size, bends.size))], axis=1)
    u, weight = panels(edges, REACH * scale)
    weight *= _density(u, scale)
    phi = forward(activation, u)
    return Samples(q, u, weight, phi, derivative(activation, u, phi))


def pairs(activation: Activation, q: float, gap: float, nodes: int = NODES) -> Pairs:
    """Two variables N(0, q) of correlation c = 1 - gap, 0 ≤ gap ≤ 2.

    With m = (u₁ + u₂)/2 and d = (u₁ - u₂)/2, which are independent, the integral over m runs
    between the bends of both φ(m + d) and φ(m - d), however close they lie. For c < 0 it is
    u₂ = -(m - d), so that d is always the narrower one. Six nodes to a panel give five digits.
    """
    sign = 1.0 if gap <= 1.0 else -1.0
    narrow = max(min(gap, 2.0 - gap), SAME)
    wide_scale, scale = math.sqrt(q * (1.0 - narrow / 2)), math.sqrt(q * narrow / 2)
    reach = REACH * scale
    bends = _within(mesh(activation), REACH * wide_scale + reach)
    kinks = np.array([0.0, *activation.kinks])
    crossings = ((kinks[:, None] - sign * kinks) / 2).ravel()  # where two bends meet
    d_edges = np.concatenate([BELL * scale, crossings, *_graded(bends, reach)])
    low = 0.0 if sign > 0.0 else -reach  # u₁ and u₂ may be exchanged where c ≥ 0
    d, d_weight = panels(distinct(np.clip(d_edges, low, reach)), reach, nodes)
    d_weight *= _density(d, scale) * (2.0 if sign > 0.0 else 1.0)
    d = d[:, None]
    bell = np.broadcast_to(BELL * wide_scale, (d.size, BELL.size))
    m_edges = np.concatenate([bell, bends - d, sign * bends + d], axis=1)
    m, weight = panels(m_edges, REACH * wide_scale, nodes)
    weight *= _density(m, wide_scale) * d_weight[:, None]
    return Pairs(activation, (m + d).ravel(), (sign * (m - d)).ravel(), weight.ravel())


def panels(edges: Values, reach: Values | float, nodes: int = NODES) -> tuple[Values, Values]:
    """Gauss-Legendre nodes and weights on the panels between edges `(…, n)`, each `(…, nodes)`.

    The edges come in any order; panels beyond `reach` on either side have weight 0.
    """
    x, w = legendre(nodes)
    edges = np.sort(np.clip(edges, -reach, reach), axis=-1)
    half = np.diff(edges)[..., None] / 2
    u: Values = edges[..., :-1, None] + half * (1.0 + x)
    weight: Values = half * w
    flat: tuple[int, ...] = (*edges.shape[:-1], -1)
    return u.reshape(flat), weight.reshape(flat)


def _density(u: Values, scale: Values | float) -> Values:
    """Of N(0, scale²)."""
    z = u / scale
    density = np.exp(-0.5 * z * z)
    density /= scale * math.sqrt(2.0 * math.pi)
    return density


def _within(points: Values, reach: float) -> Values:
    return points[np.abs(points) < reach]


def _graded(bends: Values, reach: float) -> tuple[Values, Values]:
    """Edges on both sides of 0, doubling from the finest panel between bends up to `reach`."""
    finest = float(np.diff(bends).min(initial=np.inf))
    count = math.ceil(math.log2(reach / finest)) if finest < reach else 0
    edges: Values = np.ldexp(finest, np.arange(count))
    return edges, -edges
