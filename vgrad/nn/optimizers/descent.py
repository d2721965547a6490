"""Steepest descent, with and without memory, and its sign-only relatives."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt, Lt

from vgrad.nn import kernels
from vgrad.nn.arrays import Array
from vgrad.nn.optimizers.base import (
    Coefficients,
    Decay,
    Positive,
    UpdateRule,
    average,
    optimizers,
)

Arrays = tuple[Array, ...]


@optimizers.register("sgd", source="Robbins & Monro 1951")
@dataclass(frozen=True)
class SGD(UpdateRule):
    """θ ← θ - lr·g: steepest descent on the batch."""

    lr: Positive = 0.1

    @kernels.in_one_pass(kernels.SGD)
    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (s,) = scratch
        np.multiply(grads, coefficients[0], out=s)
        params -= s


@optimizers.register("momentum", source="Polyak 1964; Sutskever et al. 2013")
@dataclass(frozen=True)
class Momentum(UpdateRule):
    """v ← momentum·v + g; θ ← θ - lr·v: the heavy ball."""

    lr: Positive = 0.01
    momentum: Decay = 0.9

    slots: ClassVar[tuple[str, ...]] = ("velocity",)

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (velocity,), (s,) = slots, scratch
        velocity *= self.momentum
        velocity += grads
        np.multiply(velocity, coefficients[0], out=s)
        params -= s


@optimizers.register("nesterov", source="Nesterov 1983; Sutskever et al. 2013, as in PyTorch")
@dataclass(frozen=True)
class Nesterov(UpdateRule):
    """v ← momentum·v + g; θ ← θ - lr·(g + momentum·v): momentum that looks ahead."""

    lr: Positive = 0.01
    momentum: Decay = 0.9

    slots: ClassVar[tuple[str, ...]] = ("velocity",)

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (velocity,), (s,) = slots, scratch
        velocity *= self.momentum
        velocity += grads
        np.multiply(velocity, self.momentum, out=s)
        s += grads
        s *= coefficients[0]
        params -= s


@optimizers.register("rprop", source="Riedmiller & Braun 1993")
@dataclass(frozen=True)
class Rprop(UpdateRule):
    """A step size per weight that grows while its gradient keeps its sign; for full batches."""

    lr: Positive = 0.01
    etas: tuple[Annotated[float, Gt(0), Lt(1)], Annotated[float, Gt(1)]] = (0.5, 1.2)
    step_sizes: tuple[Positive, Positive] = (1e-6, 50.0)

    slots: ClassVar[tuple[str, ...]] = ("previous", "size")
    n_scratch: ClassVar[int] = 2

    def initial(self, slot: str) -> float:
        return self.lr if slot == "size" else 0.0

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        """Rprop⁻ of Igel & Hüsken 2000: after a change of sign the weight rests for a step."""
        (previous, size), (agreement, s) = slots, scratch
        shrink, grow = self.etas
        np.sign(grads, out=agreement)
        np.sign(previous, out=s)
        agreement *= s
        np.greater(agreement, 0.0, out=s)
        s *= grow - 1.0
        s += 1.0
        size *= s
        np.less(agreement, 0.0, out=s)
        s *= shrink - 1.0
        s += 1.0
        size *= s
        np.clip(size, *self.step_sizes, out=size)
        np.greater_equal(agreement, 0.0, out=s)
        np.multiply(grads, s, out=previous)
        np.sign(previous, out=s)
        s *= size
        params -= s


@optimizers.register("signsgd", source="Bernstein et al. 2018")
@dataclass(frozen=True)
class SignSGD(UpdateRule):
    """θ ← θ - lr·sign(g): the size of the gradient does not matter."""

    lr: Positive = 0.001

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (s,) = scratch
        np.sign(grads, out=s)
        s *= coefficients[0]
        params -= s


@optimizers.register("lion", source="Chen et al. 2023, algorithm 2")
@dataclass(frozen=True)
class Lion(UpdateRule):
    """θ ← θ - lr·sign(β₁m + (1-β₁)g): signs of a momentum."""

    lr: Positive = 1e-4
    betas: tuple[Decay, Decay] = (0.9, 0.99)

    slots: ClassVar[tuple[str, ...]] = ("momentum",)
    n_scratch: ClassVar[int] = 2

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (momentum,), (direction, s) = slots, scratch
        np.multiply(momentum, self.betas[0], out=direction)
        np.multiply(grads, 1.0 - self.betas[0], out=s)
        direction += s
        np.sign(direction, out=direction)
        direction *= coefficients[0]
        params -= direction
        average(momentum, grads, self.betas[1], s)
