"""Weight layers whose weight is a function of what is learnt."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import ClassVar

import numpy as np

from vgrad.nn.activations import Activation
from vgrad.nn.arrays import Array
from vgrad.nn.graph import Frame, Param, Signal, Step
from vgrad.nn.operations.linear import Linear


class ReparametrizedLinear(Linear):
    """z = Ŵ·x with Ŵ = g·(V - mean)/size, row by row; the bias is learnt as it is.

    Keeps Ŵ, V̂ = (V - mean)/size and 1/size from forward to backward.
    """

    centered: ClassVar[bool]

    def __init__(self, source: Signal, out: Signal, weight: Param, gain: float | None) -> None:
        super().__init__(source, out, weight)
        self.weight, self.gain = weight, Param((out.rows, 1), gain)
        self.params = (self.weight, self.gain)

    def kept(self, batch: int) -> Sequence[int]:
        rows, columns = self.weight.shape
        return rows * columns, rows * (columns - 1), rows

    def temporaries(self, batch: int) -> Sequence[int]:
        rows, columns = self.weight.shape
        return *super().temporaries(batch), rows * columns, rows * (columns - 1), rows

    def _views(self, frame: Frame) -> tuple[Array, Array, Array]:
        rows, columns = self.weight.shape
        return (
            frame.kept(0).reshape(rows, columns),
            frame.kept(1).reshape(rows, columns - 1),
            frame.kept(2).reshape(rows, 1),
        )

    def bind_forward(self, frame: Frame) -> Iterator[Step]:
        effective, direction, inverse = self._views(frame)
        weight, gain = frame.param(self.weight), frame.param(self.gain)
        v, spare = weight[:, 1:], frame.temporary(2).reshape(direction.shape)
        if self.centered:
            yield partial(np.add.reduce, v, 1, None, inverse, keepdims=True)
            yield partial(np.multiply, inverse, 1.0 / v.shape[1], inverse)
            yield partial(np.subtract, v, inverse, direction)
        else:
            yield partial(np.copyto, direction, v)
        yield partial(np.multiply, direction, direction, spare)
        yield partial(np.add.reduce, spare, 1, None, inverse, keepdims=True)
        yield partial(np.sqrt, inverse, inverse)
        yield partial(np.maximum, inverse, np.finfo(inverse.dtype).tiny, out=inverse)
        yield partial(np.divide, 1.0, inverse, inverse)
        yield partial(np.multiply, direction, inverse, direction)
        yield partial(np.multiply, direction, gain, effective[:, 1:])
        yield partial(np.copyto, effective[:, :1], weight[:, :1])
        yield partial(effective.dot, frame.augmented(self.sources[0]), frame.value(self.out))

    def bind_backward(self, frame: Frame) -> Iterator[Step]:
        """With G = ∂L/∂Ŵ: ∂L/∂g = Σ G·V̂, ∂L/∂V = g/size·(G - mean G - V̂·∂L/∂g)."""
        effective, direction, inverse = self._views(frame)
        grad = frame.temporary(1).reshape(effective.shape)
        yield from self.bind_products(frame, effective, grad)
        into, of_gain = frame.param_grad(self.weight), frame.param_grad(self.gain)
        spare, column = frame.temporary(2).reshape(direction.shape), frame.temporary(3)
        column = column.reshape(inverse.shape)
        outer, target = grad[:, 1:], into[:, 1:]
        yield partial(np.copyto, into[:, :1], grad[:, :1])
        yield partial(np.multiply, outer, direction, spare)
        yield partial(np.add.reduce, spare, 1, None, of_gain, keepdims=True)
        yield partial(np.multiply, direction, of_gain, spare)
        yield partial(np.subtract, outer, spare, target)
        if self.centered:
            yield partial(np.add.reduce, outer, 1, None, column, keepdims=True)
            yield partial(np.multiply, column, 1.0 / outer.shape[1], column)
            yield partial(np.subtract, target, column, target)
        yield partial(np.multiply, inverse, frame.param(self.gain), column)
        yield partial(np.multiply, target, column, target)


class WeightNormalizedLinear(ReparametrizedLinear):
    """Ŵ = g·V/‖V‖, row by row (Salimans & Kingma 2016, eq. 2); g begins at ‖V‖."""

    centered: ClassVar[bool] = False

    def __init__(self, source: Signal, out: Signal, weight: Param) -> None:
        super().__init__(source, out, weight, None)

    def begin(self, values: Callable[[Param], Array]) -> None:
        lengths = np.linalg.norm(values(self.weight)[:, 1:], axis=1, keepdims=True)
        values(self.gain)[...] = lengths


class WeightStandardizedLinear(ReparametrizedLinear):
    """Ŵ = g·(V - μ)/(σ√fan_in), row by row (Brock et al. 2021, "Characterizing signal
    propagation", eq. 2): σ√fan_in is the norm of V - μ. g begins where φ keeps variance 1."""

    centered: ClassVar[bool] = True

    def __init__(self, source: Signal, out: Signal, weight: Param, activation: Activation) -> None:
        super().__init__(source, out, weight, variance_gain(activation))


def variance_gain(activation: Activation) -> float:
    """1/√Var[φ(z)] for z ~ N(0, 1) (Brock et al. 2021, section 4)."""
    z = np.linspace(-12.0, 12.0, 24001)
    weight = np.exp(-0.5 * z * z)
    weight /= weight.sum()
    h, scratch = np.empty_like(z), np.empty((activation.n_scratch, z.size))
    with np.errstate(all="ignore"):  # a slope beyond 1e150: a gain of 0 or nan is a result
        activation.forward(z, out=h, scratch=scratch)
        return float(1.0 / np.sqrt(weight @ (h - weight @ h) ** 2))
