"""An activation at work in a graph."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from vgrad.nn.activations import Activation
from vgrad.nn.arrays import Array, flat
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
        forward = self.activation.forward
        one_pass = _in_one_pass(frame, type(self.activation).forward, z, h)
        yield one_pass or partial(forward, z, out=h, scratch=self._scratch(frame))

    def bind_backward(self, frame: Frame) -> Iterator[Step]:
        target = frame.target(self.sources[0])
        if target is None:
            return
        z, h = frame.value(self.sources[0]), frame.value(self.out)
        grad, kept = frame.grad(self.out), frame.slope()
        derivative = self.activation.derivative
        if kept is None:
            one_pass = _in_one_pass(frame, type(self.activation).derivative, h, grad, target)
            if one_pass is not None:
                yield one_pass
                return
        slope = target if kept is None else kept  # two arrays stay in cache better than three
        yield partial(derivative, z, h, out=slope, scratch=self._scratch(frame))
        yield partial(np.multiply, slope, grad, target)


def _in_one_pass(frame: Frame, method: Callable[..., None], *arrays: Array) -> Step | None:
    """The kernel of an activation's method, bound to its vectors; None where there is none."""
    kernel = kernel_of(method)
    if kernel is None or frame.compiler is None:
        return None
    compiled = frame.compiler(kernel, arrays[0].dtype)
    return compiled and partial(compiled, *map(flat, arrays), *kernel.constants)
