"""An activation at work in a graph."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from vgrad.nn.activations import Activation
from vgrad.nn.graph import Frame, Operation, Signal, Step
from vgrad.nn.kernels import kernel_of


class Activate(Operation):
    """h = φ(z). Backward: ∂L/∂z = φ′(z)·∂L/∂h."""

    def __init__(self, source: Signal, out: Signal, activation: Activation) -> None:
        self.sources, self.out, self.activation = (source,), out, activation
        self.reads_back = (source if activation.needs_input else out,)

    def temporaries(self, batch: int) -> Sequence[int]:
        scratch = self.activation.n_scratch
        return (scratch * self.out.rows * batch,) if scratch else ()

    def _scratch(self, frame: Frame) -> np.ndarray:
        shape = (self.activation.n_scratch, self.out.rows, frame.batch)
        return frame.temporary(0).reshape(shape) if shape[0] else np.empty(shape)

    def bind_forward(self, frame: Frame) -> Iterator[Step]:
        z, h = frame.value(self.sources[0]), frame.value(self.out)
        yield partial(self.activation.forward, z, out=h, scratch=self._scratch(frame))

    def bind_backward(self, frame: Frame) -> Iterator[Step]:
        target = frame.target(self.sources[0])
        if target is None:
            return
        z, h = frame.value(self.sources[0]), frame.value(self.out)
        kept = frame.slope()
        kernel = kernel_of(type(self.activation).derivative)
        if kept is None and frame.compiler is not None and kernel is not None:
            flat = [array.reshape(-1) for array in (h, frame.grad(self.out), target)]
            if (product := frame.compiler(kernel, h.dtype)) is not None:
                yield partial(product, *flat, *kernel.constants)
                return
        slope = target if kept is None else kept  # two arrays stay in cache better than three
        derivative = self.activation.derivative
        yield partial(derivative, z, h, out=slope, scratch=self._scratch(frame))
        yield partial(np.multiply, slope, frame.grad(self.out), target)
