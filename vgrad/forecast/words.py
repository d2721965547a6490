"""Forecasts in sentences: the cause in numbers, and what else should be known."""

import math

import numpy as np
from numpy.typing import NDArray

from vgrad.nn.meanfield import MeanField, fixed_points
from vgrad.theory import Layers, Prediction

Rows = NDArray[np.void]
Values = NDArray[np.float64]

ALIKE = 1.05  # quotient of the largest and the smallest, from which on both are named
NOTED = 0.3  # orders of magnitude by which finite widths must count to be named


def explained(layers: Layers, prediction: Prediction) -> str:
    """What each layer or block does to the gradient, and what comes of it: a sentence or two."""
    rows = prediction.layers
    if layers.depth < 2:
        return "With fewer than two hidden layers there is nothing that adds up."
    if prediction.blocks is not None:
        return _of_blocks(prediction.blocks)
    chi = rows["chi"][: layers.depth - 1]
    orders = _orders(chi)
    mean = 10.0 ** (orders / chi.size / 2.0)
    first, last = rows["name"][0], rows["name"][layers.depth - 1]
    return (
        f"Going back, {_cause(layers, chi)}, and so δ by {_digits(mean)} on average: "
        f"from {last} to {first} by {_power(orders / 2.0)}.{_finite(layers, rows, orders)}"
    )


def _cause(layers: Layers, chi: Values) -> str:
    if layers.norm_eps is not None:
        return f"each layer with its norm multiplies ‖δ‖² by χ = {_range(chi)}"
    sigma2 = layers.sigma2[1 : layers.depth]
    with np.errstate(all="ignore"):
        slope2 = chi / sigma2
    flattest = layers.activation.max_slope
    bounded = f" (φ′ is at most {flattest:.3g})" if flattest < 1.0 else ""
    return (
        f"each layer multiplies ‖δ‖² by χ = σ_w²·E[φ′²] = {_range(sigma2)} × "
        f"{_range(slope2)} = {_range(chi)}{bounded}"
    )


def _of_blocks(growth: Values) -> str:
    orders = _orders(growth)
    return (
        f"Going back, each block multiplies ‖∂L/∂x‖² of the stream by {_range(growth)}: 1 for the "
        f"skip and the rest for the branch; over {growth.size} blocks that is "
        f"{_power(orders)}, and for ∂L/∂x {_power(orders / 2.0)}."
    )


def _orders(factors: Values) -> float:
    """Of magnitude, of their product."""
    with np.errstate(all="ignore"):
        return float(np.sum(np.log10(factors))) if (factors > 0.0).all() else -math.inf


def _finite(layers: Layers, rows: Rows, orders: float) -> str:
    """What widths that are not infinite add for a typical seed, where that is worth a sentence."""
    last = layers.depth - 1
    with np.errstate(all="ignore"):
        total = 2.0 * np.log10(rows["delta_rms"][0]) + math.log10(
            layers.fan_out[0] / layers.fan_out[last]
        )
        added = float(total - orders) / 2.0
    if not abs(added) > NOTED:
        return ""
    return f" Layers of finite width multiply it by {_power(added)} more, for a typical seed."


def repelled(layers: Layers, prediction: Prediction) -> tuple[str, ...]:
    """Sentences about fixed points of the variance that signals leave: |V′(q*)| > 1."""
    if prediction.settled is None or layers.norm_eps is not None:
        return ()
    field = MeanField(
        layers.activation, math.sqrt(layers.sigma2[1]), math.sqrt(layers.bias_variance[1])
    )
    unstable = [point for point in fixed_points(field) if point.q and abs(point.slope) > 1.0]
    q = prediction.layers["q"]
    return tuple(
        f"q = {_digits(point.q)} is a fixed point that repels (V′ = {_digits(point.slope)}): "
        f"what is predicted is the actual course, q = {_digits(q[0])} in {_name(prediction, 0)} "
        f"and {_digits(q[layers.depth - 1])} in {_name(prediction, layers.depth - 1)}."
        for point in unstable
    )


def measured(rows: Rows, seeds: int) -> str:
    """What became of the gradient in networks that were drawn: a sentence."""
    first = rows[0]
    if not first["delta_rms"] > 0.0:
        return (
            f"In {seeds} networks that were drawn nothing of the gradient reaches {first['name']}."
        )
    low, middle, high = (float(first[f"delta_{side}"]) for side in ("low", "rms", "high"))
    return (
        f"In {seeds} networks that were drawn the δ of {first['name']} is {_digits(middle)} times "
        f"that of the last hidden layer ({_digits(low)} to {_digits(high)})."
    )


def _name(prediction: Prediction, place: int) -> str:
    return str(prediction.layers["name"][place])


def _range(values: Values) -> str:
    """One number, or the two between which they lie."""
    low, high = float(values.min()), float(values.max())
    if high <= ALIKE * low:
        return _digits(math.exp(float(np.log(values).mean())) if low > 0.0 else low)
    return f"{_digits(low)}–{_digits(high)}"


def _digits(value: float) -> str:
    """Three that count; more near 1, where it takes many layers to matter."""
    off = abs(value - 1.0)
    return f"{value:.{3 if off > 0.1 else 4 if off > 1e-3 else 6}g}"


def _power(orders: float) -> str:
    """A factor, as a power of ten where it is far from 1."""
    if math.isinf(orders):
        return "0" if orders < 0 else "∞"
    return f"10^{orders:.1f}" if abs(orders) >= 2.0 else _digits(10.0**orders)
