"""Every buffer that one batch size needs, allocated once.

`inputs[l]` is what layer l reads, `(1 + fan_in, batch)` with a first row of ones; the activated
output of layer l - 1 is `inputs[l][1:]`. Pre-activations z and signals δ stand on one of two
tapes. The lean one lets all layers share a buffer wherever nothing is needed twice, so that a
step stays in cache; the full one keeps every layer's, for the steps that are looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from vgrad.nn.activations import Activation
from vgrad.nn.arrays import Array, aligned

TRANSPOSED_UP_TO = 2**13
"""Elements of a layer's input: beyond, copying it transposed costs more than BLAS then saves."""


@dataclass(frozen=True, eq=False)
class Tape:
    """Where a step writes z, φ′(z) and δ of each layer, `(fan_out, batch)` each.

    The last layer is linear and has no φ′: there are `slopes` of the hidden layers only.
    """

    preactivations: tuple[Array, ...]
    slopes: tuple[Array, ...]
    deltas: tuple[Array, ...]


@dataclass(frozen=True)
class Shape:
    """What the buffers' sizes depend on: `sizes` are the units of each layer, inputs first."""

    sizes: tuple[int, ...]
    activation: Activation
    loss_scratch: int
    dtype: np.dtype[np.floating[Any]]

    @property
    def hidden(self) -> tuple[int, ...]:
        """Units of the hidden layers."""
        return self.sizes[1:-1]

    @property
    def widest(self) -> int:
        """Units of the widest layer."""
        return max(self.sizes)

    def transposed_sizes(self, batch: int) -> tuple[int, ...]:
        """The fan-ins of which a transposed copy of the input pays in the backward pass."""
        return tuple(n for n in self.sizes[:-1] if n * batch <= TRANSPOSED_UP_TO)

    def plan_bytes(self, batch: int, *, training: bool) -> int:
        """The memory of a `Plan` of this shape."""
        inputs = sum(1 + n for n in self.sizes[:-1]) if training else 2 * (1 + self.widest)
        shared = (4 + self.activation.n_scratch) * self.widest
        copied = self.transposed_sizes(batch) if training else ()
        shared += 1 + max(copied) if copied else 0
        outputs = (2 + self.loss_scratch) * self.sizes[-1]
        full = 3 * sum(self.hidden) + self.sizes[-1] if training else 0
        return (inputs + shared + outputs + full) * batch * self.dtype.itemsize


class Arena:
    """One block of memory, handed out from the front.

    Neighbours in time are neighbours in memory, and what a plan takes is known beforehand.
    """

    def __init__(self, nbytes: int, dtype: np.dtype[np.floating[Any]]) -> None:
        self.nbytes = nbytes
        self._block = aligned((nbytes // dtype.itemsize,), dtype)
        self._taken = 0

    def take(self, *shape: int) -> Array:
        """The next elements of the block as an array of this shape."""
        start, self._taken = self._taken, self._taken + prod(shape)
        return view(self._block[start:], *shape)


class Plan:
    """The buffers for `batch` examples; those of evaluation (`training=False`) are reused
    from layer to layer, and cannot go backward.
    """

    def __init__(self, shape: Shape, batch: int, *, training: bool) -> None:
        self.batch = batch
        arena = Arena(shape.plan_bytes(batch, training=training), shape.dtype)
        self._new = arena.take
        self.nbytes = arena.nbytes
        sizes, hidden, outputs = shape.sizes, shape.hidden, shape.sizes[-1]
        self.inputs = self._own_inputs(sizes) if training else self._alternating_inputs(shape)
        self.outputs = self._new(outputs, batch)
        self.targets = self._new(outputs, batch)
        self.loss_scratch = self._new(shape.loss_scratch, outputs, batch)
        self.activated = (*(x[1:] for x in self.inputs[1:]), self.outputs)

        z, delta, grad, slope = (self._new(shape.widest * batch) for _ in range(4))
        copied = shape.transposed_sizes(batch) if training else ()
        transposed = self._new((1 + max(copied)) * batch if copied else 0)
        n_scratch = shape.activation.n_scratch
        scratch = self._new(n_scratch * shape.widest * batch)
        self.scratch = [view(scratch, n_scratch, n, batch) for n in hidden]
        self.scratch.append(view(scratch, 0, outputs, batch))
        self.grad_outputs = [view(grad, n, batch) for n in hidden]
        self.transposed = [
            view(transposed, batch, 1 + n) if n in copied else None for n in sizes[:-1]
        ]
        lean_z = (*(view(z, n, batch) for n in hidden), self.outputs)
        lean_slopes = tuple(view(slope, n, batch) for n in hidden)
        lean_deltas = tuple(view(delta, n, batch) for n in sizes[1:])
        self.lean = self.full = Tape(lean_z, lean_slopes, lean_deltas)
        if training:
            full_z = (*(self._new(n, batch) for n in hidden), self.outputs)
            full_slopes = tuple(self._new(n, batch) for n in hidden)
            self.full = Tape(full_z, full_slopes, tuple(self._new(n, batch) for n in sizes[1:]))
            if shape.activation.needs_input:
                self.lean = Tape(full_z, lean_slopes, lean_deltas)

    def _own_inputs(self, sizes: Sequence[int]) -> list[Array]:
        inputs = [self._new(1 + n, self.batch) for n in sizes[:-1]]
        for x in inputs:
            x[0] = 1.0
        return inputs

    def _alternating_inputs(self, shape: Shape) -> list[Array]:
        blocks = [self._new((1 + shape.widest) * self.batch) for _ in range(2)]
        for block in blocks:
            block[: self.batch] = 1.0  # the first row, however many follow it
        return [
            view(blocks[layer % 2], 1 + n, self.batch) for layer, n in enumerate(shape.sizes[:-1])
        ]


def view(block: Array, *shape: int) -> Array:
    """The first elements of a block as an array of this shape."""
    return block[: prod(shape)].reshape(shape)
