"""Units left out at random while training; evaluation uses them all."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from vgrad.nn.graph import Frame, Operation, Signal, Step


class Dropout(Operation):
    """out = h·d/(1 - rate), each d 0 with probability `rate` and 1 otherwise.

    Srivastava et al. 2014, with the scale at training time.
    """

    random = True

    def __init__(self, source: Signal, out: Signal, rate: float) -> None:
        self.sources, self.out, self.rate = (source,), out, rate

    @property
    def scale(self) -> float:
        """What a unit that stays is multiplied with."""
        return 1.0 / (1.0 - self.rate)

    def kept(self, batch: int) -> Sequence[int]:
        return (self.out.rows * batch,)

    def bind_forward(self, frame: Frame) -> Iterator[Step]:
        h, out = frame.value(self.sources[0]), frame.value(self.out)
        if not frame.training:
            yield partial(np.copyto, out, h)
            return
        mask = frame.kept(0).reshape(h.shape)
        yield partial(frame.rng.random, dtype=mask.dtype, out=mask)
        yield partial(np.greater_equal, mask, self.rate, mask)
        yield partial(np.multiply, mask, self.scale, mask)
        yield partial(np.multiply, h, mask, out)

    def bind_backward(self, frame: Frame) -> Iterator[Step]:
        grad, target = frame.grad(self.out), frame.target(self.sources[0])
        assert target is not None
        yield partial(np.multiply, grad, frame.kept(0).reshape(grad.shape), target)


class AlphaDropout(Dropout):
    """Dropout to -λα, where SELU saturates, and back to mean 0 and variance 1.

    out = a·(h·d - λα·(1 - d)) + b with a, b of Klambauer et al. 2017, section 2.
    """

    SATURATED = -1.0507009873554805 * 1.6732632423543772

    @property
    def scale(self) -> float:
        rate = self.rate
        return float(((1.0 - rate) * (1.0 + rate * self.SATURATED**2)) ** -0.5)

    def temporaries(self, batch: int) -> Sequence[int]:
        return (self.out.rows * batch,)

    def bind_forward(self, frame: Frame) -> Iterator[Step]:
        yield from super().bind_forward(frame)
        if not frame.training:
            return
        out = frame.value(self.out)
        mask, rest = (flat.reshape(out.shape) for flat in (frame.kept(0), frame.temporary(0)))
        shift = self.scale * self.SATURATED * (1.0 - self.rate)  # a·(-λα) + b
        yield partial(np.multiply, mask, -self.SATURATED, rest)
        yield partial(np.add, rest, shift, rest)
        yield partial(np.add, out, rest, out)
