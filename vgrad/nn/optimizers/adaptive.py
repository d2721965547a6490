"""A rate per weight from the history of its gradient: AdaGrad, Adadelta, RMSprop."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from vgrad.nn.arrays import Array
from vgrad.nn.optimizers.base import (
    Coefficients,
    Decay,
    Positive,
    UpdateRule,
    average_square,
    optimizers,
)

Arrays = tuple[Array, ...]


@optimizers.register("adagrad", source="Duchi et al. 2011")
@dataclass(frozen=True)
class AdaGrad(UpdateRule):
    """θ ← θ - lr·g/(√Σg² + eps): the rate only ever falls."""

    lr: Positive = 0.01
    eps: Positive = 1e-10

    slots: ClassVar[tuple[str, ...]] = ("sum",)

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (total,), (s,) = slots, scratch
        np.multiply(grads, grads, out=s)
        total += s
        np.sqrt(total, out=s)
        s += self.eps
        np.divide(grads, s, out=s)
        s *= coefficients[0]
        params -= s


@optimizers.register("adadelta", source="Zeiler 2012, algorithm 1")
@dataclass(frozen=True)
class Adadelta(UpdateRule):
    """Steps measured in units of past steps: needs no rate of its own."""

    lr: Positive = 1.0
    rho: Decay = 0.9
    eps: Positive = 1e-6

    slots: ClassVar[tuple[str, ...]] = ("square", "step")
    n_scratch: ClassVar[int] = 2

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        """Δ = √(E[Δ²] + eps)/√(E[g²] + eps)·g."""
        (square, step), (delta, s) = slots, scratch
        average_square(square, grads, self.rho, s)
        np.add(step, self.eps, out=delta)
        np.sqrt(delta, out=delta)
        np.add(square, self.eps, out=s)
        np.sqrt(s, out=s)
        delta /= s
        delta *= grads
        average_square(step, delta, self.rho, s)
        delta *= coefficients[0]
        params -= delta


@optimizers.register("rmsprop", source="Tieleman & Hinton 2012, lecture 6.5")
@dataclass(frozen=True)
class RMSprop(UpdateRule):
    """θ ← θ - lr·g/(√E[g²] + eps)."""

    lr: Positive = 0.01
    alpha: Decay = 0.99
    eps: Positive = 1e-8

    slots: ClassVar[tuple[str, ...]] = ("square",)

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (square,), (s,) = slots, scratch
        average_square(square, grads, self.alpha, s)
        np.sqrt(square, out=s)
        s += self.eps
        np.divide(grads, s, out=s)
        s *= coefficients[0]
        params -= s
