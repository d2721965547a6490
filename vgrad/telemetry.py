"""Per-layer statistics out of named arrays, whoever offers them.

`Telemetry.measure` reduces borrowed arrays at once to rows of `vgrad.records.STATISTICS`. It
knows neither networks nor optimizers, so that another framework's model can be looked at too.
Layers of one shape come as one stack and are measured together: at 50 layers of 64 units that
takes a third of the time of one layer after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.euclidean import norm, norms
from vgrad.records import BLOCK_DTYPE, LAYER_DTYPE, STATISTICS

Array = NDArray[np.floating[Any]]
Doubles = NDArray[np.float64]
Column = NDArray[np.floating[Any]] | float
"""A statistic of each layer of a stack, or one number for all."""

SATURATED_BELOW = 0.05
"""Of max|φ′|: where a unit's slope is below, nearly nothing of the gradient passes."""
ONE_PASS_UP_TO = 0.95
"""Of the rms: where the mean is below, the spread is the difference of the two to all but four
bits, and needs no second pass."""
RESOLUTION = 3e-5
"""Of the mean: a spread below drowns in the rounding of a mean in single precision."""


@dataclass(frozen=True, eq=False)
class LayerStack:
    """What k layers of one shape show of one step; only read, and only until the next step.

    `weight`, `gradient` and `previous_weight` (before the last update; None where there was
    none) are `(k, fan_out, fan_in)` without the bias; `delta` (of the mean loss),
    `preactivation`, `output` and `slope` = φ′(z) are `(k, fan_out, batch)`. `slope` is None for
    linear layers. `max_slope` is max|φ′| over the real line. `places` are the layers' places in
    the network, from 0; None: they follow those of the stack before.
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
    places: tuple[int, ...] | None = None

    @cached_property
    def names_array(self) -> NDArray[np.str_]:
        """The names as the records hold them."""
        return np.array(self.names, LAYER_DTYPE["name"])

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
        """A `LAYER_DTYPE` row per layer, numbered from 1 in the order of their places."""
        rows = layer_rows(step, sum(len(stack.names) for stack in stacks))
        self.write(rows, stacks)
        return rows

    def write(self, rows: NDArray[np.void], stacks: Sequence[LayerStack]) -> None:
        """Fill in the rows of these layers, at their places among all; a row does not depend on
        which layers are measured with it."""
        numbers = statistics_of(rows)
        start = 0
        with np.errstate(all="ignore"):  # a non-finite value is a result
            for stack in stacks:
                stop = start + len(stack.names)
                places = slice(start, stop) if stack.places is None else list(stack.places)
                rows["name"][places] = stack.names_array
                values = np.empty((len(STATISTICS), stop - start))
                for number, column in enumerate(self._columns(stack)):
                    values[number] = column
                numbers[places] = values.T
                start = stop

    def _columns(self, stack: LayerStack) -> tuple[Column, ...]:
        """The statistics in their order, each for all layers of the stack."""
        return (
            *self._gradients(stack.gradient),
            self._delta_rms(stack.delta),
            *self._weights(stack.weight, stack.previous_weight),
            *self._mean_and_std(stack.preactivation.reshape(len(stack.names), -1)),
            *self._mean_and_std(stack.output.reshape(len(stack.names), -1)),
            *self._flatness(stack.slope, stack.max_slope),
        )

    def _gradients(self, gradient: Array) -> tuple[Column, ...]:
        """Norm, rms, mean, std, largest |g|, share of zeros."""
        flat = self._flat(gradient)
        size = flat.shape[1]
        norm = norms(flat)
        rms = norm / np.sqrt(size)
        mean, std = self._mean_and_std(flat, rms)
        np.abs(flat, out=flat)
        largest = np.maximum.reduce(flat, axis=1)
        zeros: Column = 0.0
        if not np.minimum.reduce(flat, axis=None) > 0.0:
            zero = self._flags[: flat.size].reshape(flat.shape)
            np.equal(flat, 0.0, out=zero)
            zeros = counts(zero) / size
        return norm, rms, mean, std, largest, zeros

    def _delta_rms(self, delta: Array) -> Column:
        layers, units, batch = delta.shape
        of_mean_loss = norms(delta.reshape(layers, -1)) / np.sqrt(units * batch)
        rms: Column = of_mean_loss * batch
        return rms

    def _weights(self, weight: Array, previous: Array | None) -> tuple[Column, Column]:
        """Norm, and the last update's in its units."""
        flat = self._flat(weight)
        norm = norms(flat)
        if previous is None:
            return norm, np.nan
        change = flat.reshape(weight.shape)
        np.subtract(change, previous, out=change)
        moved = norms(flat)
        return norm, np.where(moved == 0.0, 0.0, moved / norm)

    def _mean_and_std(self, flat: Array, rms: Doubles | None = None) -> tuple[Column, Column]:
        """Of each row, as products with BLAS, in a third of the time of `np.std`; `rms` of the
        rows, where it is known."""
        size = flat.shape[1]
        mean = self._means(flat)
        if rms is None:
            rms = norms(flat) / np.sqrt(size)
        near = ~(np.abs(mean) < ONE_PASS_UP_TO * rms)
        std = spread(rms, mean)
        if near.any():
            mean[near], std[near] = self._two_passes(flat, mean, near)
        return mean, std

    def _two_passes(
        self, flat: Array, means: Doubles, where: NDArray[np.bool_]
    ) -> tuple[Doubles, Doubles]:
        """Mean and spread of some rows, by way of their differences from the mean."""
        mean = means[where]
        centered = self._centered[: mean.size * flat.shape[1]].reshape(mean.size, -1)
        np.compress(where, flat, axis=0, out=centered)
        rounded = mean.astype(flat.dtype)
        np.subtract(centered, rounded[:, np.newaxis], out=centered)
        first, std = self._recenter(centered, rounded.astype(np.float64))
        lost = RESOLUTION * np.abs(first) > std  # the rounded mean was off by a spread
        if lost.any():
            again, narrow = self._recenter(centered, first)
            first, std = np.where(lost, again, first), np.where(lost, narrow, std)
        return first, std

    def _recenter(self, centered: Array, mean: Doubles) -> tuple[Doubles, Doubles]:
        """Mean and spread of rows from which a rounded mean was taken; takes the rest too."""
        rest = self._means(centered)
        std = spread(norms(centered) / np.sqrt(centered.shape[1]), rest)
        np.subtract(centered, rest[:, np.newaxis].astype(centered.dtype), out=centered)
        return mean + rest, std

    def _means(self, flat: Array) -> Doubles:
        """The mean of each row; in double precision where the sum overflows single.

        One dot product a row: those of a matrix and a vector round differently with the number
        of rows.
        """
        size = flat.shape[1]
        sums: Doubles = np.vecdot(flat, self._ones[:size]).astype(np.float64)
        for row in np.flatnonzero(~np.isfinite(sums)):
            sums[row] = flat[row].sum(dtype=np.float64)
        sums /= size
        return sums

    def _flatness(self, slope: Array | None, max_slope: float) -> tuple[Column, Column]:
        """Share of saturated entries, share of dead units."""
        if slope is None:
            return 0.0, 0.0
        _, units, batch = slope.shape
        flags = self._flags[: slope.size].reshape(slope.shape)
        lowest = np.minimum.reduce(slope, axis=None)
        if not lowest >= 0.0:  # most activations never fall: their slopes need no copy
            steepness = self._scratch[: slope.size].reshape(slope.shape)
            slope = np.abs(slope, out=steepness)
        if lowest >= SATURATED_BELOW * max_slope:
            return 0.0, 0.0
        np.less(slope, SATURATED_BELOW * max_slope, out=flags)
        saturated = counts(flags) / (units * batch)
        if lowest > 0.0:
            return saturated, 0.0
        np.not_equal(slope, 0.0, out=flags)
        return saturated, 1.0 - counts(np.logical_or.reduce(flags, axis=2)) / units

    def _flat(self, array: Array) -> Array:
        """A contiguous copy, a row per layer, in scratch."""
        copy = self._scratch[: array.size].reshape(array.shape)
        np.copyto(copy, array)
        flat: Array = copy.reshape(len(array), -1)
        return flat


@dataclass(frozen=True, eq=False)
class BlockView:
    """What a residual block shows of one step: the stream that enters it and what its branch
    adds but for `scale` and `gate`, an array of one number or None; `(units, batch)` each."""

    name: str
    stream: Array
    branch: Array
    scale: float
    gate: Array | None


def measure_blocks(step: int, blocks: Sequence[BlockView]) -> NDArray[np.void]:
    """A `BLOCK_DTYPE` row per block, numbered from 1."""
    rows = np.empty(len(blocks), BLOCK_DTYPE)
    with np.errstate(all="ignore"):  # a non-finite value is a result
        for row, block in zip(rows, blocks, strict=True):
            gate = np.nan if block.gate is None else block.gate.item()
            factor = block.scale * (1.0 if block.gate is None else abs(gate))
            size = np.sqrt(block.stream.size)
            stream = norm(block.stream.reshape(-1)) / size
            branch = factor * norm(block.branch.reshape(-1)) / size
            ratio = np.float64(branch) / stream
            row["name"], row["stream_rms"], row["branch_rms"] = block.name, stream, branch
            row["branch_ratio"], row["gate"] = ratio, gate
    rows["step"], rows["block"] = step, np.arange(1, len(rows) + 1)
    return rows


def layer_rows(step: int, count: int) -> NDArray[np.void]:
    """`LAYER_DTYPE` rows of a step, numbered from 1, their statistics yet to be written."""
    rows = np.empty(count, LAYER_DTYPE)
    rows["step"], rows["layer"] = step, np.arange(1, count + 1)
    return rows


def statistics_of(rows: NDArray[np.void]) -> Doubles:
    """The statistics of `LAYER_DTYPE` rows as a view `(rows, statistics)`: written at once, they
    take a tenth of the time of field by field."""
    assert LAYER_DTYPE.fields is not None
    first = LAYER_DTYPE.fields[next(iter(STATISTICS))][1]
    shape, strides = (len(rows), len(STATISTICS)), (LAYER_DTYPE.itemsize, 8)
    return np.ndarray(shape, np.float64, rows.data, first, strides)


def spread(rms: Doubles, mean: Doubles) -> Doubles:
    """√(rms² - mean²), in factors that neither overflow nor vanish."""
    size = np.abs(mean)
    std: Doubles = np.sqrt(np.maximum(rms - size, 0.0)) * np.sqrt(rms + size)
    return std


def counts(flags: NDArray[np.bool_]) -> Doubles:
    """How many are set in each layer; `np.count_nonzero` with an axis takes ten times as long."""
    return np.array([np.count_nonzero(layer) for layer in flags], np.float64)
