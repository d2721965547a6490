"""Growth of the gradient in networks that are not plain: residual blocks, batch and layer norm.

All in squared norm, backwards, per block or layer, at initialization and large width.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vgrad.nn.activations import Activation
from vgrad.nn.meanfield import samples
from vgrad.nn.meanfield.mesh import derivative, forward
from vgrad.nn.meanfield.quadrature import REACH, panels
from vgrad.theory.moments import moments

Values = NDArray[np.float64]

SMALLEST_BATCH = 4  # of smaller ones the mean of the squared gradient is infinite: E[1/χ²_{B-1}]
ANGLES = 16  # panels on half a circle, besides those that end where an activation bends
RADII = np.linspace(0.0, REACH, 9)


@dataclass(frozen=True, eq=False)
class Stream:
    """A residual stream, block by block."""

    square: Values
    """Mean of x² over units: what enters each block and, last, what leaves, `(blocks + 1,)`."""
    growth: Values
    """‖∂L/∂x‖² where a block begins over that where it ends, `(blocks,)`."""


def reduced_residual(
    activation: Activation,
    blocks: int,
    *,
    sigma_w: float = 1.0,
    sigma_b: float = 0.0,
    scale: float = 1.0,
    square: float = 1.0,
    mean: float = 0.0,
) -> Stream:
    """x + a·φ(W·x + b): q = σ_w²·E[x²] + σ_b², growth 1 + a²·χ(q).

    What φ puts out has the same mean in all units, and so has the stream then: its square grows
    by 2a·E[x]·E[φ] besides. In a deep net of an activation that is not odd the gradient does the
    same in the end, once a share of order 1/width has grown to outweigh the rest.

    References: Yang & Schoenholz 2017, theorems 5 and 6.
    """
    phi = moments(activation)
    squares, growth = [square], []
    for _ in range(blocks):
        log_q = math.log(sigma_w**2 * square + sigma_b**2)
        root = math.exp(phi.one("log_phi2", log_q) / 2)
        output = scale * phi.one("mean", log_q) * root
        square += 2.0 * mean * output + (scale * root) ** 2
        mean += output
        squares.append(square)
        growth.append(1.0 + (scale * sigma_w) ** 2 * math.exp(phi.one("log_slope2", log_q)))
    return Stream(np.array(squares), np.array(growth))


def full_residual(
    activation: Activation,
    blocks: int,
    *,
    sigma_v: float = 1.0,
    sigma_w: float = 1.0,
    sigma_b: float = 0.0,
    scale: float = 1.0,
    square: float = 1.0,
) -> Stream:
    """x + a·V·φ(W·x + b): growth 1 + a²·σ_v²·χ(q). V takes every mean away.

    References: Yang & Schoenholz 2017, theorems 5 and 6.
    """
    phi = moments(activation)
    squares, growth = [square], []
    for _ in range(blocks):
        log_q = math.log(sigma_w**2 * square + sigma_b**2)
        square += (scale * sigma_v) ** 2 * math.exp(phi.one("log_phi2", log_q))
        squares.append(square)
        slope2 = math.exp(phi.one("log_slope2", log_q))
        growth.append(1.0 + (scale * sigma_v * sigma_w) ** 2 * slope2)
    return Stream(np.array(squares), np.array(growth))


def layer_norm_growth(activation: Activation, sigma_w: float = 1.0, sigma_b: float = 0.0) -> float:
    """σ_w²·E[φ′²]/(σ_w²·E[φ²] + σ_b²) at q = 1: pre-activations of unit variance in each layer,
    whether layer norm or rms norm makes them so."""
    at = samples(activation, 1.0)
    phi2, slope2 = float(at.phi2[0]), float(at.slope2[0])
    return sigma_w**2 * slope2 / (sigma_w**2 * phi2 + sigma_b**2)


def batch_norm_growth(activation: Activation, batch: int | None = None) -> float:
    """With batch norm before each activation; `batch` examples, or infinitely many.

    The normalized y of a unit is uniform on the sphere of radius √B in the B - 1 dimensions that
    sum to 0, and backwards the gradient is isotropic there as well. With k = E[φ²] - E[φφ],

        B/(k(B - 3)(B - 1))·((B - 1)·E[φ′²(1 - 1/B - y²/B)] + (1 - 1/B)·E[φ′φ′(1 + yy)]),

    where products are of two examples; E[φ′²]/Var[φ] as B → ∞, (B - 2)/(B - 3) for a linear net.

    References: Yang et al. 2019, section 4, with π/(π - 1) for ReLU as B → ∞.
    """
    if batch is None:
        at = samples(activation, 1.0)
        return float(at.slope2[0]) / float(at.phi2[0] - at.mean(at.phi)[0] ** 2)
    return math.inf if batch < SMALLEST_BATCH else batch_norm_law(activation, batch).growth


@dataclass(frozen=True)
class BatchNormLaw:
    """Of an activation behind batch norm, over the batch."""

    growth: float
    """As `batch_norm_growth` has it."""
    square: float
    """E[φ²]."""
    product: float
    """E[φφ] of two examples."""


def batch_norm_law(activation: Activation, batch: int) -> BatchNormLaw:
    """The law of `batch` examples, at least `SMALLEST_BATCH`; see `batch_norm_growth`."""
    y, y_too, weight = _on_the_sphere(activation, batch)
    phi, phi_too = forward(activation, y), forward(activation, y_too)
    slope, slope_too = derivative(activation, y, phi), derivative(activation, y_too, phi_too)
    square, product = float(weight @ (phi * phi)), float(weight @ (phi * phi_too))
    spread = float(weight @ (phi * phi - phi * phi_too))
    alone = float(weight @ (slope * slope * (1.0 - 1.0 / batch - y * y / batch)))
    both = float(weight @ (slope * slope_too * (1.0 + y * y_too)))
    rate = batch / (spread * (batch - 3) * (batch - 1))
    growth = rate * ((batch - 1) * alone + (1.0 - 1.0 / batch) * both)
    return BatchNormLaw(growth, square, product)


def _on_the_sphere(activation: Activation, batch: int) -> tuple[Values, Values, Values]:
    """Normalized y of two examples, and weights, `(nodes,)` each.

    They are √(B - 1)·r·cos of an angle and of one by arccos(-1/(B - 1)) larger, and r² =
    1 - exp(-x²/(B - 3)) with x distributed as the radius of a Gaussian in the plane.
    """
    apart = math.acos(-1.0 / (batch - 1))
    kinks = np.array(activation.kinks)
    meet = [0.0, apart, apart / 2, apart / 2 + math.pi / 2]  # where y, or two kinks, change sides
    bends = np.mod(np.add.outer(np.array(meet), [math.pi / 2, 0.0]), math.pi).ravel()
    edges = np.union1d(np.linspace(0.0, math.pi, ANGLES + 1), bends)
    angle, angle_weight = panels(edges, math.pi)  # half a turn, and again with both signs changed
    cosines = np.cos(angle), np.cos(angle - apart)
    with np.errstate(divide="ignore", invalid="ignore"):
        reached = [np.multiply.outer(1.0 / cosine, kinks) ** 2 for cosine in cosines]
        at_kinks = [np.sqrt((3 - batch) * np.log1p(-one / (batch - 1))) for one in reached]
    known = np.broadcast_to(RADII, (angle.size, RADII.size))
    x, x_weight = panels(np.nan_to_num(np.hstack([known, *at_kinks])), REACH)
    x_weight *= x * np.exp(-x * x / 2) / (2 * math.pi)
    radius = np.sqrt(-np.expm1(-x * x / (batch - 3)) * (batch - 1))
    weight = (x_weight * angle_weight[:, None]).ravel()
    y, y_too = ((radius * cosine[:, None]).ravel() for cosine in cosines)
    return np.concatenate([y, -y]), np.concatenate([y_too, -y_too]), np.tile(weight, 2)
