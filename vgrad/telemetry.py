"""Per-layer statistics out of named arrays, whoever offers them.

`Telemetry.measure` reduces borrowed arrays at once to rows of `vgrad.records.STATISTICS`. It
knows neither networks nor optimizers, so that another framework's model can be looked at too.
Layers of one shape come as one stack and are measured together: at 50 layers of 64 units that
takes a third of the time of one layer after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.records import LAYER_DTYPE

Array = NDArray[np.floating[Any]]

SATURATED_BELOW = 0.05
"""Of max|φ′|: where a unit's slope is below, nearly nothing of the gradient passes."""
ONE_PASS_BELOW = 10.0
"""Of the variance: where the squared mean is below, the difference of mean squares keeps all but
two bits of its precision, and the spread needs no second pass."""
SAFE_SQUARES = (1e-20, 1e30)
"""Sums of squares within are exact enough in single precision. A vanished gradient's entries have
squares below its smallest number, an exploded one's above its largest: those go to double."""


@dataclass(frozen=True, eq=False)
class LayerStack:
    """What k layers of one shape show of one step; only read, and only until the next step.

    `weight`, `gradient` and `previous_weight` (before the last update; None where there was
    none) are `(k, fan_out, fan_in)` without the bias; `delta` (of the mean loss),
    `preactivation`, `output` and `slope` = φ′(z) are `(k, fan_out, batch)`. `slope` is None for
    linear layers. `max_slope` is max|φ′| over the real line.
    """

    names: tuple[str, ...]
    weight: Array
    gradient: Array
    previous_weight: Array | None
    delta: Array
    preactivation: Array
    output: Array
    slope: Array | None
    max_slope: float

    @property
    def largest(self) -> int:
        """Elements of its largest array."""
        return max(self.weight.size, self.delta.size)


class Telemetry:
    """Measures the same layers again and again, without allocating anything large."""

    def __init__(self, largest: int, dtype: np.dtype[np.floating[Any]]) -> None:
        """`largest`: elements of the largest stack of arrays that will be seen."""
        self._scratch = np.empty(largest, dtype)
        self._centered = np.empty(largest, dtype)
        self._flags = np.empty(largest, np.bool_)
        self._ones = np.ones(largest, dtype)

    def measure(self, step: int, stacks: Sequence[LayerStack]) -> NDArray[np.void]:
        """A `LAYER_DTYPE` row per layer, numbered from 1 in the order of the stacks."""
        rows = np.empty(sum(len(stack.names) for stack in stacks), LAYER_DTYPE)
        rows["step"] = step
        rows["layer"] = np.arange(1, len(rows) + 1)
        start = 0
        with np.errstate(all="ignore"):  # a non-finite value is a result
            for stack in stacks:
                part = rows[start : start + len(stack.names)]
                start += len(part)
                part["name"] = stack.names
                self._gradients(stack, part)
                self._weights(stack, part)
                self._signals(stack, part)
        return rows

    def _gradients(self, stack: LayerStack, rows: NDArray[np.void]) -> None:
        flat = self._flat(stack.gradient)
        size = flat.shape[1]
        squares = sums_of_squares(flat)
        rows["grad_norm"] = np.sqrt(squares)
        rows["grad_rms"] = np.sqrt(squares / size)
        rows["grad_mean"], rows["grad_std"] = self._mean_and_std(flat)
        zero = self._flags[: flat.size].reshape(flat.shape)
        np.equal(flat, 0.0, out=zero)
        rows["grad_zero_fraction"] = counts(zero) / size
        np.abs(flat, out=flat)
        rows["grad_max_abs"] = np.maximum.reduce(flat, axis=1)

    def _weights(self, stack: LayerStack, rows: NDArray[np.void]) -> None:
        norm = norms(self._flat(stack.weight))
        rows["weight_norm"] = norm
        if stack.previous_weight is None:
            rows["update_ratio"] = np.nan
            return
        change = self._scratch[: stack.weight.size].reshape(stack.weight.shape)
        np.subtract(stack.weight, stack.previous_weight, out=change)
        moved = norms(change.reshape(len(change), -1))
        rows["update_ratio"] = np.where(moved == 0.0, 0.0, moved / norm)

    def _signals(self, stack: LayerStack, rows: NDArray[np.void]) -> None:
        layers, units, batch = stack.delta.shape
        of_mean_loss = norms(stack.delta.reshape(layers, -1)) / np.sqrt(units * batch)
        rows["delta_rms"] = of_mean_loss * batch
        for name, array in (("preact", stack.preactivation), ("act", stack.output)):
            flat = array.reshape(layers, -1)
            rows[f"{name}_mean"], rows[f"{name}_std"] = self._mean_and_std(flat)
        rows["saturated_fraction"], rows["dead_fraction"] = self._flatness(stack)

    def _mean_and_std(self, flat: Array) -> tuple[Array, Array]:
        """Of each row, as products with BLAS, in a third of the time of `np.std`."""
        size = flat.shape[1]
        mean = np.vecdot(flat, self._ones[:size]).astype(np.float64) / size
        variance = sums_of_squares(flat) / size - mean**2
        if not np.all(mean**2 < ONE_PASS_BELOW * variance):
            centered = self._centered[: flat.size].reshape(flat.shape)
            np.subtract(flat, mean[:, np.newaxis].astype(flat.dtype), out=centered)
            variance = sums_of_squares(centered) / size
        return mean, np.sqrt(variance)

    def _flatness(self, stack: LayerStack) -> tuple[Array | float, Array | float]:
        """Share of saturated entries, share of dead units, of each layer."""
        slope = stack.slope
        if slope is None:
            return 0.0, 0.0
        _, units, batch = slope.shape
        steepness = self._scratch[: slope.size].reshape(slope.shape)
        flags = self._flags[: slope.size].reshape(slope.shape)
        np.abs(slope, out=steepness)
        np.less(steepness, SATURATED_BELOW * stack.max_slope, out=flags)
        saturated = counts(flags) / (units * batch)
        if not saturated.any():
            return 0.0, 0.0  # a dead unit would be saturated on every example
        np.not_equal(steepness, 0.0, out=flags)
        alive = counts(np.logical_or.reduce(flags, axis=2))
        return saturated, 1.0 - alive / units

    def _flat(self, array: Array) -> Array:
        """A contiguous copy, a row per layer, in scratch."""
        copy = self._scratch[: array.size].reshape(array.shape)
        np.copyto(copy, array)
        flat: Array = copy.reshape(len(array), -1)
        return flat


def sums_of_squares(flat: Array) -> NDArray[np.float64]:
    """‖x‖² of each row x, right from the smallest to the largest number that x can hold."""
    squares: NDArray[np.float64] = np.vecdot(flat, flat).astype(np.float64)
    low, high = SAFE_SQUARES
    for row in np.flatnonzero(~((squares > low) & (squares < high))):
        double = flat[row].astype(np.float64)
        squares[row] = np.dot(double, double)
    return squares


def norms(flat: Array) -> NDArray[np.float64]:
    """‖x‖₂ of each row x."""
    return np.sqrt(sums_of_squares(flat))


def counts(flags: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How many are set in each layer; `np.count_nonzero` with an axis takes ten times as long."""
    return np.array([np.count_nonzero(layer) for layer in flags], np.float64)
