"""Where an activation bends: panels on each of which a quadrature rule follows it exactly.

Found once per activation by looking at its slope, so that a new activation, or an option that
moves its bend from 1 to 10⁻⁶, needs no word said about it.
"""

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from vgrad.nn.activations import Activation

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

NODES = 10  # of the rule on each panel: fewer need more panels, more are wasted on them
RESOLVED = 1e-7
"""Of the largest slope: how far the polynomial through the nodes of a panel may miss φ′ between
them. The rule is exact for twice its degree, and integrals come out better by far."""
FLAT = 1e-13  # of the largest slope: φ′ that changes less is constant but for its rounding
POWERS: Values = np.ldexp(1.0, np.arange(-40, 61))
"""Bends nearer to 0 than 10⁻¹² or farther than 10¹⁸ are not looked for."""
BISECTIONS = 45  # from a panel of length 1 to one of 10⁻¹³, around a jump that was not declared
MOST_BENDS = 512
"""No further, for what bends without end, as a sine: it is then resolved up to about |u| = 30."""


def forward(activation: Activation, u: Values) -> Values:
    """φ(u), element by element."""
    out = np.empty_like(u)
    with np.errstate(all="ignore"):  # exp(10¹⁸) on the way to σ = 1
        activation.forward(u, out=out, scratch=np.empty((activation.n_scratch, *u.shape)))
    return out


def derivative(activation: Activation, u: Values, phi: Values) -> Values:
    """φ′(u), element by element, given φ(u)."""
    out = np.empty_like(u)
    with np.errstate(all="ignore"):
        activation.derivative(u, phi, out=out, scratch=np.empty((activation.n_scratch, *u.shape)))
    return out


def distinct(*values: Values) -> Values:
    """All of them, ascending, each once; `np.unique` would import masked arrays, in 16 ms."""
    ascending: Values = np.sort(np.concatenate(values))
    first = np.append(True, np.diff(ascending) > 0.0)
    return np.asarray(ascending[first[: ascending.size]])


def at_zero(activation: Activation) -> float:
    """φ(0)."""
    return float(forward(activation, np.zeros(1))[0])


@cache
def legendre(nodes: int = NODES) -> tuple[Values, Values]:
    """Nodes and weights of the rule on [-1, 1], `(nodes,)` each."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    return x, w


@lru_cache(maxsize=64)
def mesh(activation: Activation) -> Values:
    """Points `(n,)`, ascending, between any two neighbours of which φ′ is resolved.

    Beyond the outermost it is constant. All kinks are among them; a straight line has none.
    """
    edges = distinct(np.array([0.0, *activation.kinks]))
    for sign in (1.0, -1.0):
        edges = distinct(edges, _beyond_center(activation, sign * POWERS))
    left, right = edges[:-1], edges[1:]
    for _ in range(BISECTIONS):
        rough = ~_is_resolved(activation, left, right)
        if not rough.any() or edges.size > MOST_BENDS:
            break
        left, right = left[rough], right[rough]
        middle = (left + right) / 2
        edges = distinct(edges, middle)
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
    return _without_flat(activation, edges)


@cache
def _between() -> tuple[Values, Values]:
    """Test points on [-1, 1], dense at its ends, and the matrix that interpolates the values at
    the nodes there, `(points, NODES)`."""
    x, w = legendre()
    near = 1.0 - 2.0 ** -np.arange(1.0, 41.0)
    points = np.concatenate([-near, [0.0], near])
    basis = np.polynomial.legendre.legvander
    degrees = np.arange(NODES)[:, None]
    coefficients = (degrees + 0.5) * (basis(x, NODES - 1) * w[:, None]).T
    return points, basis(points, NODES - 1) @ coefficients


def _slopes(activation: Activation, left: Values, right: Values, x: Values) -> Values:
    """φ′ at the points x of [-1, 1] carried over to each panel, `(panels, points)`."""
    middle, half = (left + right) / 2, (right - left) / 2
    u = middle[:, None] + half[:, None] * x
    return derivative(activation, u, forward(activation, u))


def _is_resolved(activation: Activation, left: Values, right: Values) -> Flags:
    points, interpolate = _between()
    at_nodes = _slopes(activation, left, right, legendre()[0])
    between = _slopes(activation, left, right, points)
    missed = np.abs(at_nodes @ interpolate.T - between).max(axis=1, initial=0.0)
    return np.asarray(missed <= RESOLVED * activation.max_slope)


def _beyond_center(activation: Activation, points: Values) -> Values:
    """`points`, going away from 0, without those that a panel from 0 need not stop at."""
    start = np.zeros_like(points)
    resolved = _is_resolved(activation, start, points)
    if resolved.all():
        return points[:0]
    return points[max(int(np.argmin(resolved)) - 1, 0) :]


def _without_flat(activation: Activation, edges: Values) -> Values:
    """`edges` without those on both sides of which φ′ is the same constant."""
    if edges.size < 2:
        return edges
    outer = np.concatenate([[2 * edges[0] - 1.0], edges, [2 * edges[-1] + 1.0]])
    slopes = _slopes(activation, outer[:-1], outer[1:], legendre()[0])
    both = np.concatenate([slopes[:-1], slopes[1:]], axis=1)  # of the panels beside each edge
    bends: Flags = np.ptp(both, axis=1) > FLAT * activation.max_slope
    return edges[bends]
