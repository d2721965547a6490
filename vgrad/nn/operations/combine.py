"""Where two signals meet: the end of a residual block, and that of a highway layer."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from vgrad.nn.graph import Frame, Junction, Operation, Param, Signal, Step


class Add(Junction):
    """out = skip + scale·branch, or skip + scale·g·branch with a learnable gate g.

    He et al. 2015, eq. 1; the gate as in ReZero (Bachlechner et al. 2020) and SkipInit (De &
    Smith 2020).
    """

    def __init__(
        self,
        skip: Signal,
        branch: Signal,
        out: Signal,
        *,
        scale: float,
        gate: Param | None,
        pass_on: bool,
    ) -> None:
        """`pass_on`: the skip's gradient may lie where that of `out` does."""
        self.sources, self.out = (skip, branch), out
        self.scale, self.gate = scale, gate
        self.passed = skip if pass_on else None
        if gate is not None:
            self.params, self.reads_back = (gate,), (branch,)

    def bind_forward(self, frame: Frame) -> Iterator[Step]:
        skip, branch = (frame.value(source) for source in self.sources)
        out = frame.value(self.out)
        if self.gate is not None:
            gate, scale = frame.param(self.gate), self.scale
            yield lambda: np.multiply(branch, scale * gate.item(), out)
        elif self.scale != 1.0:
            yield partial(np.multiply, branch, self.scale, out)
        else:
            yield partial(np.add, branch, skip, out)
            return
        yield partial(np.add, out, skip, out)

    def bind_backward(self, frame: Frame) -> Iterator[Step]:
        skip, branch = self.sources
        grad, scale = frame.grad(self.out), self.scale
        to_branch = frame.target(branch)
        assert to_branch is not None
        if self.gate is not None:
            gate, into = frame.param(self.gate), frame.param_grad(self.gate)
            flat, value = grad.reshape(-1), frame.value(branch).reshape(-1)

            def of_gate() -> None:
                into[0, 0] = scale * np.dot(flat, value)

            yield of_gate
            yield lambda: np.multiply(grad, scale * gate.item(), to_branch)
        else:
            yield partial(np.multiply, grad, scale, to_branch)
        if self.passed is None and (to_skip := frame.target(skip)) is not None:
            yield partial(np.copyto, to_skip, grad)


class Carry(Operation):
    """out = x + t·(h - x): the highway layer of Srivastava et al. 2015, eq. 3."""

    def __init__(self, x: Signal, h: Signal, t: Signal, out: Signal) -> None:
        self.sources, self.out, self.reads_back = (x, h, t), out, (x, h, t)

    def temporaries(self, batch: int) -> Sequence[int]:
        return (self.out.rows * batch,)

    def bind_forward(self, frame: Frame) -> Iterator[Step]:
        x, h, t = (frame.value(source) for source in self.sources)
        out = frame.value(self.out)
        yield partial(np.subtract, h, x, out)
        yield partial(np.multiply, out, t, out)
        yield partial(np.add, out, x, out)

    def bind_backward(self, frame: Frame) -> Iterator[Step]:
        x, h, t = (frame.value(source) for source in self.sources)
        to_x, to_h, to_t = (frame.target(source) for source in self.sources)
        grad = frame.grad(self.out)
        assert to_h is not None
        assert to_t is not None
        yield partial(np.multiply, grad, t, to_h)
        yield partial(np.subtract, h, x, to_t)
        yield partial(np.multiply, to_t, grad, to_t)
        if to_x is not None:
            yield partial(np.subtract, grad, to_h, to_x)  # g·(1 - t) = g - g·t
