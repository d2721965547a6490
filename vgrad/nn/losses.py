"""Losses: the value, and its gradient with respect to the network's outputs.

Outputs y and targets t are `(outputs, batch)`; for classes t is one-hot (or one row of 0 and 1).
`value_and_grad` returns the mean loss and writes ∂L/∂y into `grad`; `scratch` holds `n_scratch`
arrays of y's shape. None of these alias.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt

from vgrad.nn import kernels
from vgrad.nn.arrays import Array
from vgrad.nn.kernels import Compiler
from vgrad.nn.special import sigmoid, softplus_tail
from vgrad.registry import Registry

losses: Registry["Loss"] = Registry("loss")


class Loss:
    """The contract of the family."""

    n_scratch: ClassVar[int] = 1
    needs_classes: ClassVar[bool] = False
    """Whether the targets must be classes."""
    one_output_for_two_classes: ClassVar[bool] = False
    """Whether two classes are told apart by the sign of one logit."""

    def value_and_grad(self, y: Array, t: Array, *, grad: Array, scratch: Array) -> float:
        """The mean loss; ∂L/∂y goes into `grad`."""
        raise NotImplementedError

    def bind(
        self, y: Array, t: Array, *, grad: Array, scratch: Array, compiler: Compiler | None
    ) -> Callable[[], float]:
        """The same for C-contiguous arrays that stay where they are; with a `compiler` in fewer
        passes over them, to the same bits."""
        return partial(self.value_and_grad, y, t, grad=grad, scratch=scratch)


def total(values: Array) -> float:
    """The sum of all entries, accumulated in double precision."""
    return float(values.sum(dtype=np.float64))


@losses.register("mse", source="Legendre 1805; mean over examples and outputs as in PyTorch")
@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Mean of (y - t)²."""

    def value_and_grad(self, y: Array, t: Array, *, grad: Array, scratch: Array) -> float:
        error = scratch[0]
        np.subtract(y, t, out=error)
        np.multiply(error, 2.0 / y.size, out=grad)
        np.multiply(error, error, out=error)
        return total(error) / y.size


@losses.register("mae", source="Laplace 1774; mean over examples and outputs as in PyTorch")
@dataclass(frozen=True)
class MeanAbsoluteError(Loss):
    """Mean of |y - t|."""

    def value_and_grad(self, y: Array, t: Array, *, grad: Array, scratch: Array) -> float:
        error = scratch[0]
        np.subtract(y, t, out=error)
        np.sign(error, out=grad)
        grad *= 1.0 / y.size
        np.abs(error, out=error)
        return total(error) / y.size


@losses.register("huber", source="Huber 1964")
@dataclass(frozen=True)
class Huber(Loss):
    """Mean of e²/2 where |e| < delta, of delta·(|e| - delta/2) beyond; e = y - t."""

    delta: Annotated[float, Gt(0)] = 1.0

    n_scratch: ClassVar[int] = 2

    def value_and_grad(self, y: Array, t: Array, *, grad: Array, scratch: Array) -> float:
        """With c = clip(e, ±delta): the loss is c·(e - c/2) and its derivative c."""
        error, half = scratch[0], scratch[1]
        np.subtract(y, t, out=error)
        np.clip(error, -self.delta, self.delta, out=grad)
        np.multiply(grad, 0.5, out=half)
        error -= half
        error *= grad
        grad *= 1.0 / y.size
        return total(error) / y.size


@losses.register("cross_entropy", source="Bridle 1990")
@dataclass(frozen=True)
class CrossEntropy(Loss):
    """-log softmax(y) of the true class, mean over the batch."""

    n_scratch: ClassVar[int] = 2
    needs_classes: ClassVar[bool] = True

    def value_and_grad(self, y: Array, t: Array, *, grad: Array, scratch: Array) -> float:
        return self._bound(y, t, grad, scratch, None)()

    def bind(
        self, y: Array, t: Array, *, grad: Array, scratch: Array, compiler: Compiler | None
    ) -> Callable[[], float]:
        if type(self).value_and_grad is not CrossEntropy.value_and_grad:  # another formula
            return super().bind(y, t, grad=grad, scratch=scratch, compiler=compiler)
        return self._bound(y, t, grad, scratch, compiler)

    def _bound(
        self, y: Array, t: Array, grad: Array, scratch: Array, compiler: Compiler | None
    ) -> Callable[[], float]:
        shifted, row = scratch[0], scratch[1][:1]
        batch = int(y.shape[1])
        flat, true = shifted.reshape(-1), t.reshape(-1)
        if batch == 1:
            compiler = None  # NumPy adds up a single column in another order
        fewest = partial(kernels.fastest, compiler=compiler, dtype=y.dtype)
        centered, back = fewest(center), fewest(softmax_back)

        def value_and_grad() -> float:
            centered(y, row, shifted)  # the softmax is the same, and exp cannot overflow
            np.exp(shifted, grad)
            back(grad, t, row, 1.0 / batch)
            np.log(row, row)
            # both sums in the precision of y: double, of one of them, took a microsecond more
            return (float(np.add.reduce(row, None)) - float(flat.dot(true))) / batch

        return value_and_grad


@kernels.in_one_pass(kernels.CENTER)
def center(y: Array, row: Array, shifted: Array) -> None:
    """Write the largest of each column to `row`, `(1, batch)`, and y less that to `shifted`."""
    np.maximum.reduce(y, axis=0, keepdims=True, out=row)
    np.subtract(y, row, out=shifted)


@kernels.in_one_pass(kernels.SOFTMAX_BACK)
def softmax_back(grad: Array, t: Array, row: Array, scale: float) -> None:
    """With exp(y) in `grad`, write its sum over each column to `row` `(1, batch)`, and
    scale·(softmax(y) - t) to `grad`."""
    np.add.reduce(grad, axis=0, keepdims=True, out=row)
    grad /= row
    grad -= t
    grad *= scale


@losses.register("binary_cross_entropy", source="Cox 1958; mean over examples and outputs")
@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """-t·log σ(y) - (1 - t)·log(1 - σ(y)), from logits: one for two classes, else one each."""

    n_scratch: ClassVar[int] = 2
    needs_classes: ClassVar[bool] = True
    one_output_for_two_classes: ClassVar[bool] = True

    def value_and_grad(self, y: Array, t: Array, *, grad: Array, scratch: Array) -> float:
        """In logits: max(y, 0) - t·y + log(1 + exp(-|y|)), derivative σ(y) - t.

        The first two cancel exactly where the network is sure and right.
        """
        value, spare = scratch[0], scratch[1]
        np.maximum(y, 0.0, out=value)
        np.multiply(t, y, out=spare)
        value -= spare
        softplus_tail(y, out=spare)
        value += spare
        sigmoid(y, out=grad)
        grad -= t
        grad *= 1.0 / y.size
        return total(value) / y.size
