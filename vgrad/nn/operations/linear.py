"""A weight layer: z = W·x + b, in one product each way.

Products of contiguous arrays go through `ndarray.dot`, which costs half a microsecond less than
`numpy.matmul`; where an operand is a slice, `dot` would copy it and `matmul` does not.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from vgrad.nn.arrays import Array, has_avx512
from vgrad.nn.graph import Frame, Operation, Param, Signal, Step

TRANSPOSED_UP_TO = 2**13 if has_avx512() else 0
"""Elements of δ up to which a transposed copy costs less than it then saves: at 64 units and batch
128 OpenBLAS takes 14 µs for δ·xᵀ with AVX-512 as it stands, and 9 µs after a copy that takes 3.
Without AVX-512 all its products of this size take the same time, and a copy is only lost."""

WHOLE_UP_TO = 2**13
"""Weights up to which ∂L/∂x is taken with a row more, the constant's: a product of the whole W has
no slice in it, which at 32 and 64 units saves more than the row costs."""


class Linear(Operation):
    """z = W·x, x with its row of ones. Backward: ∂L/∂W = δ·xᵀ and ∂L/∂x = Wᵀ·δ."""

    def __init__(self, source: Signal, out: Signal, weight: Param) -> None:
        self.sources, self.out, self.params = (source,), out, (weight,)
        self.reads_back = (source,)

    def temporaries(self, batch: int) -> Sequence[int]:
        return (self.out.rows * batch if self._copies(batch) else 0,)

    def _copies(self, batch: int) -> bool:
        """Whether a copy of δᵀ pays."""
        return self.out.rows * batch <= TRANSPOSED_UP_TO

    def bind_forward(self, frame: Frame) -> Iterator[Step]:
        weight = frame.param(self.params[0])
        yield partial(weight.dot, frame.augmented(self.sources[0]), frame.value(self.out))

    def bind_backward(self, frame: Frame) -> Iterator[Step]:
        (weight,) = self.params
        yield from self.bind_products(frame, frame.param(weight), frame.param_grad(weight))

    def bind_products(self, frame: Frame, weight: Array, grad: Array) -> Iterator[Step]:
        """∂L/∂W into `grad` and ∂L/∂x into the source's."""
        (source,) = self.sources
        x, delta = frame.augmented(source), frame.grad(self.out)
        if self._copies(frame.batch):
            transposed = frame.temporary(0).reshape(delta.shape[::-1])
            yield partial(np.copyto, transposed, delta.T)
            yield partial(transposed.T.dot, x.T, grad)
        else:
            yield partial(delta.dot, x.T, grad)
        if weight.size <= WHOLE_UP_TO:
            if (whole := frame.augmented_target(source)) is not None:
                yield partial(weight.T.dot, delta, whole)
        elif (target := frame.target(source)) is not None:
            yield partial(np.matmul, weight[:, 1:].T, delta, target)
