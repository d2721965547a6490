"""Normalization of activities: over the batch, or over the units of each example.

All keep x̂, the normalized x, and 1/σ from forward to backward, and put out γ·x̂ + β.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar

import numpy as np

from vgrad.nn.arrays import Array
from vgrad.nn.graph import Frame, Operation, Param, Signal, Statistic, Step


class Normalize(Operation):
    """What the family shares. `axis` is what is averaged over: 0 the units, 1 the batch."""

    axis: ClassVar[int]
    centered: ClassVar[bool] = True
    """Whether the mean is taken off, and a shift learnt."""

    def __init__(self, source: Signal, out: Signal, eps: float) -> None:
        self.sources, self.out, self.eps = (source,), out, eps
        self.gain = Param((out.rows, 1), 1.0)
        self.shift = Param((out.rows, 1), 0.0) if self.centered else None
        self.params = (self.gain,) if self.shift is None else (self.gain, self.shift)

    def _groups(self, batch: int) -> int:
        """How many means and spreads there are."""
        return self.out.rows if self.axis else batch

    def kept(self, batch: int) -> Sequence[int]:
        groups = self._groups(batch)
        return self.out.rows * batch, groups, groups

    def temporaries(self, batch: int) -> Sequence[int]:
        groups = self._groups(batch)
        return self.out.rows * batch, groups, groups

    def _normalized(self, frame: Frame) -> tuple[Array, Array, Array]:
        """x̂ `(rows, batch)`, 1/σ and the mean, both so shaped that they spread over it."""
        shape = (-1, 1) if self.axis else (1, -1)
        normalized = frame.kept(0).reshape(self.out.rows, frame.batch)
        return normalized, frame.kept(1).reshape(shape), frame.kept(2).reshape(shape)

    def bind_forward(self, frame: Frame) -> Iterator[Step]:
        x, (normalized, inverse, mean) = frame.value(self.sources[0]), self._normalized(frame)
        n, axis = x.shape[self.axis], self.axis
        if self.centered:
            yield partial(np.add.reduce, x, axis, None, mean, keepdims=True)
            yield partial(np.multiply, mean, 1.0 / n, mean)
            yield partial(np.subtract, x, mean, normalized)
        else:
            yield partial(np.copyto, normalized, x)
        spare = frame.temporary(0).reshape(x.shape)
        yield partial(np.multiply, normalized, normalized, spare)
        yield partial(np.add.reduce, spare, axis, None, inverse, keepdims=True)
        yield partial(np.multiply, inverse, 1.0 / n, inverse)
        yield from self._inverse_root(inverse)
        yield partial(np.multiply, normalized, inverse, normalized)
        yield from self._rescale(frame, normalized)

    def _inverse_root(self, variance: Array) -> Iterator[Step]:
        """variance ← 1/√(variance + eps)."""
        yield partial(np.add, variance, self.eps, variance)
        yield partial(np.sqrt, variance, variance)
        yield partial(np.divide, 1.0, variance, variance)

    def _rescale(self, frame: Frame, normalized: Array) -> Iterator[Step]:
        out = frame.value(self.out)
        yield partial(np.multiply, normalized, frame.param(self.gain), out)
        if self.shift is not None:
            yield partial(np.add, out, frame.param(self.shift), out)

    def bind_backward(self, frame: Frame) -> Iterator[Step]:
        """With ĝ = γ·g: ∂L/∂x = (ĝ - mean ĝ - x̂·mean(ĝ·x̂))/σ, no mean ĝ where not centered."""
        (source,) = self.sources
        grad, target = frame.grad(self.out), frame.target(source)
        normalized, inverse, _ = self._normalized(frame)
        spare = frame.temporary(0).reshape(grad.shape)
        means = [frame.temporary(i).reshape(inverse.shape) for i in (1, 2)]
        n, axis = grad.shape[self.axis], self.axis
        yield partial(np.multiply, grad, normalized, spare)
        yield partial(np.add.reduce, spare, 1, None, frame.param_grad(self.gain), keepdims=True)
        if self.shift is not None:
            yield partial(np.add.reduce, grad, 1, None, frame.param_grad(self.shift), keepdims=True)
        assert target is not None
        gain = frame.param(self.gain)
        yield partial(np.multiply, spare, gain, spare)
        yield partial(np.add.reduce, spare, axis, None, means[0], keepdims=True)
        yield partial(np.multiply, means[0], 1.0 / n, means[0])
        yield partial(np.multiply, normalized, means[0], spare)
        yield partial(np.multiply, grad, gain, target)
        if self.centered:
            yield partial(np.add.reduce, target, axis, None, means[1], keepdims=True)
            yield partial(np.multiply, means[1], 1.0 / n, means[1])
            yield partial(np.subtract, target, means[1], target)
        yield partial(np.subtract, target, spare, target)
        yield partial(np.multiply, target, inverse, target)


class BatchNormalize(Normalize):
    """Over the batch; evaluation uses running means (Ioffe & Szegedy 2015, algorithms 1 and 2)."""

    axis: ClassVar[int] = 1
    committed = (1, 2)

    def __init__(self, source: Signal, out: Signal, eps: float, momentum: float) -> None:
        super().__init__(source, out, eps)
        self.momentum = momentum
        self.mean, self.variance = Statistic((out.rows, 1), 0.0), Statistic((out.rows, 1), 1.0)
        self.statistics = (self.mean, self.variance)

    def bind_forward(self, frame: Frame) -> Iterator[Step]:
        if frame.training:
            yield from super().bind_forward(frame)
            return
        x, (normalized, inverse, _) = frame.value(self.sources[0]), self._normalized(frame)
        yield partial(np.subtract, x, frame.statistic(self.mean), normalized)
        yield partial(np.copyto, inverse, frame.statistic(self.variance))
        yield from self._inverse_root(inverse)
        yield partial(np.multiply, normalized, inverse, normalized)
        yield from self._rescale(frame, normalized)

    def bind_commit(self, frame: Frame) -> Iterator[Step]:
        """running ← (1 - momentum)·running + momentum·batch; the variance unbiased, as torch."""
        _, inverse, mean = self._normalized(frame)
        running_mean, running_variance = map(frame.statistic, self.statistics)
        spare = frame.temporary(1).reshape(inverse.shape)
        unbiased = frame.batch / max(frame.batch - 1, 1)
        keep, take = 1.0 - self.momentum, self.momentum
        yield partial(np.multiply, running_mean, keep, running_mean)
        yield partial(np.multiply, mean, take, spare)
        yield partial(np.add, running_mean, spare, running_mean)
        yield partial(np.multiply, running_variance, keep, running_variance)
        yield partial(np.multiply, inverse, inverse, spare)  # 1/(variance + eps)
        yield partial(np.divide, take * unbiased, spare, spare)
        yield partial(np.subtract, spare, take * unbiased * self.eps, spare)
        yield partial(np.add, running_variance, spare, running_variance)


class LayerNormalize(Normalize):
    """Over the units of each example (Ba et al. 2016)."""

    axis: ClassVar[int] = 0


class RMSNormalize(Normalize):
    """Over the units of each example, by their root mean square (Zhang & Sennrich 2019)."""

    axis: ClassVar[int] = 0
    centered: ClassVar[bool] = False
