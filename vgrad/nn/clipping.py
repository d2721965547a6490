"""Limits to the gradient, between the backward pass and the optimizer.

A clip is bound once to the flat vectors, or to those of a group of layers; what it then does at
each step allocates nothing large. Where a norm is not finite, the gradient that has it is left
as it is: a non-finite value is a result, and clipping would only spread or hide it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt
from numpy.typing import NDArray

from vgrad.euclidean import Doubles, norm, norms
from vgrad.nn.arrays import Array
from vgrad.nn.segments import Segment, blocks
from vgrad.registry import Registry

clips: Registry["Clip"] = Registry("clip")

Positive = Annotated[float, Gt(0)]
Clipper = Callable[[], bool]
"""Clips the gradient that it is bound to, in place; whether it changed anything."""

NORM_EPS = 1e-6
"""Added to a norm that is divided by, as in PyTorch's `clip_grad_norm_`."""


class Clip:
    """The contract of the family. A part's first option is the one that `{name: value}` sets."""

    needs_all: ClassVar[bool] = False
    """Whether it needs the whole gradient at once; otherwise it can take group after group."""

    def bind(self, params: Array, grads: Array, segments: Sequence[Segment]) -> Clipper:
        """What clips `grads` from now on.

        `params` and `grads` are flat vectors `(n,)` that hold the `segments`, which follow each
        other without gaps, from the first to the last: all of them, or a group's.
        """
        raise NotImplementedError


@clips.register("none", source="—")
@dataclass(frozen=True)
class NoClip(Clip):
    """Gradients as they are."""

    def bind(self, params: Array, grads: Array, segments: Sequence[Segment]) -> Clipper:
        return lambda: False


@clips.register("norm", source="Pascanu et al. 2013, algorithm 1, as in PyTorch")
@dataclass(frozen=True)
class NormClip(Clip):
    """g ← g·min(1, max_norm/(‖g‖₂ + 1e-6)), g the gradient of all parameters."""

    max_norm: Positive = 1.0

    needs_all: ClassVar[bool] = True

    def bind(self, params: Array, grads: Array, segments: Sequence[Segment]) -> Clipper:
        def clip() -> bool:
            size = norm(grads)
            factor = self.max_norm / (size + NORM_EPS)
            if not (factor < 1.0 and math.isfinite(size)):
                return False
            times = _multiplications(factor, grads)
            for _ in range(times):
                np.multiply(grads, factor ** (1.0 / times), out=grads)
            return True

        return clip


@clips.register("value", source="Mikolov 2012, as in PyTorch")
@dataclass(frozen=True)
class ValueClip(Clip):
    """Each entry of the gradient limited to ±clip_value; this turns the gradient."""

    clip_value: Positive = 0.5

    def bind(self, params: Array, grads: Array, segments: Sequence[Segment]) -> Clipper:
        bound = float(grads.dtype.type(self.clip_value))  # as the entries can hold it

        def clip() -> bool:
            farthest = max(float(grads.max()), -float(grads.min()))
            if not (farthest > bound and math.isfinite(farthest)):
                return False
            np.clip(grads, -bound, bound, out=grads)
            return True

        return clip


@clips.register("layer", source="McMahan et al. 2018, per-layer clipping")
@dataclass(frozen=True)
class LayerClip(Clip):
    """As norm, for each layer's own gradient: weight and bias together."""

    max_norm: Positive = 1.0

    def bind(self, params: Array, grads: Array, segments: Sequence[Segment]) -> Clipper:
        found = (arrays for _, arrays in blocks(segments, grads))
        layers = [_Vectors(block.reshape(len(block), -1)) for (block,) in found]
        negligible = max(0.0, self.max_norm - NORM_EPS)
        return lambda: sum(one.limit(self.max_norm, negligible, NORM_EPS) for one in layers) > 0


@clips.register("agc", source="Brock et al. 2021, equation 3")
@dataclass(frozen=True)
class AdaptiveClip(Clip):
    """Each unit's gradient limited to clipping·max(‖w‖, eps), w the unit's weights.

    A unit's weights are a row without the bias; the biases of a layer, and the gains or gates
    of one, are each one vector, as in the authors' program. The output layer is left alone, as in
    the paper, unless `exclude_output` is false.
    """

    clipping: Positive = 0.01
    eps: Positive = 1e-3
    exclude_output: bool = True

    def bind(self, params: Array, grads: Array, segments: Sequence[Segment]) -> Clipper:
        units = [
            (weights, np.empty(weights.shape[:-1]), _Vectors(gradients))
            for is_output, (w, g) in blocks(segments, params, grads)
            if not (is_output and self.exclude_output)
            for weights, gradients in zip(_units(w), _units(g), strict=True)
        ]

        def clip() -> bool:
            clipped = False
            for weights, limits, gradients in units:
                norms(weights, out=limits, negligible=self.eps)
                np.maximum(limits, self.eps, out=limits)
                limits *= self.clipping
                clipped |= gradients.limit(limits, negligible=self.clipping * self.eps)
            return clipped

        return clip


def _units(block: Array) -> tuple[Array, ...]:
    """A block `(k, *shape)` as arrays of the vectors, along the last axis, that AGC compares."""
    return (block[:, :, 1:], block[:, :, 0]) if block.ndim == 3 else (block,)


class _Vectors:
    """Gradients along the last axis of an array, each with a norm of its own."""

    def __init__(self, grads: Array) -> None:
        self._grads = grads
        shape = grads.shape[:-1]
        self._norms, self._quotients = np.empty(shape), np.empty(shape)
        self._factors = np.empty((*shape, 1), grads.dtype)
        self._beyond, self._finite = np.empty(shape, np.bool_), np.empty(shape, np.bool_)

    def limit(self, limits: Doubles | float, negligible: float, eps: float = 0.0) -> bool:
        """g ← g·min(1, limit/(‖g‖ + eps)); whether any g changed. None does of which the norm is
        below `negligible`."""
        found, quotients, beyond = self._norms, self._quotients, self._beyond
        norms(self._grads, out=found, negligible=negligible)
        with np.errstate(all="ignore"):  # a norm of 0 is within every limit
            np.add(found, eps, out=quotients)
            np.divide(limits, quotients, out=quotients)
            np.less(quotients, 1.0, out=beyond)
        np.isfinite(found, out=self._finite)
        beyond &= self._finite
        if not beyond.any():
            return False
        self._shrink(quotients, beyond)
        return True

    def _shrink(self, quotients: Doubles, where: NDArray[np.bool_]) -> None:
        times = _multiplications(float(quotients.min(where=where, initial=1.0)), self._grads)
        np.power(quotients, 1.0 / times, out=quotients, where=where)
        self._factors.fill(1.0)
        np.copyto(self._factors[..., 0], quotients, casting="same_kind", where=where)
        for _ in range(times):
            np.multiply(self._grads, self._factors, out=self._grads)


def _multiplications(factor: float, grads: Array) -> int:
    """In how many steps to scale by the factor: one, or two where the gradient is so large that
    the factor is too small for its precision, and would count as 0."""
    return 1 if factor >= np.finfo(grads.dtype).tiny else 2
