"""Adam and its relatives: a direction from the first moment, a scale from the second.

With m and v the running averages of g and g², and m̂ = m/(1 - β₁ᵗ), v̂ = v/(1 - β₂ᵗ), Adam is
θ ← θ - lr·m̂/(√v̂ + eps). The corrections are folded into the rate and eps, which saves passes:
lr·√(1 - β₂ᵗ)/(1 - β₁ᵗ)·m/(√v + eps·√(1 - β₂ᵗ)).
"""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from vgrad.nn.arrays import Array
from vgrad.nn.optimizers.base import (
    Coefficients,
    Decay,
    Positive,
    UpdateRule,
    average,
    average_square,
    optimizers,
)

Arrays = tuple[Array, ...]


@dataclass(frozen=True)
class Moments(UpdateRule):
    """What the family shares: the options and the two averages."""

    lr: Positive = 1e-3
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    eps: Positive = 1e-8

    slots: ClassVar[tuple[str, ...]] = ("mean", "square")

    def coefficients(self, t: int, lr: float, memory: dict[str, float]) -> Coefficients:
        """Adam's corrected rate and eps."""
        beta1, beta2 = self.betas
        root = math.sqrt(1.0 - beta2**t)
        return lr * root / (1.0 - beta1**t), self.eps * root

    def average_moments(self, grads: Array, mean: Array, square: Array, s: Array) -> None:
        """Let both moments take in the gradient."""
        average(mean, grads, self.betas[0], s)
        average_square(square, grads, self.betas[1], s)


def move(params: Array, mean: Array, square: Array, rate: float, eps: float, s: Array) -> None:
    """params ← params - rate·mean/(√square + eps)."""
    np.sqrt(square, out=s)
    s += eps
    np.divide(mean, s, out=s)
    s *= rate
    params -= s


@optimizers.register("adam", source="Kingma & Ba 2015, algorithm 1")
@dataclass(frozen=True)
class Adam(Moments):
    """θ ← θ - lr·m̂/(√v̂ + eps): a rate per weight from both moments."""

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (mean, square), (s,) = slots, scratch
        self.average_moments(grads, mean, square, s)
        rate, eps = coefficients
        move(params, mean, square, rate, eps, s)


@optimizers.register("amsgrad", source="Reddi et al. 2018, algorithm 2, as in PyTorch")
@dataclass(frozen=True)
class AMSGrad(Moments):
    """Adam with the largest second moment so far: a rate that cannot grow back."""

    slots: ClassVar[tuple[str, ...]] = ("mean", "square", "largest")

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (mean, square, largest), (s,) = slots, scratch
        self.average_moments(grads, mean, square, s)
        np.maximum(largest, square, out=largest)
        rate, eps = coefficients
        move(params, mean, largest, rate, eps, s)


@optimizers.register("adamw", source="Loshchilov & Hutter 2019, algorithm 2")
@dataclass(frozen=True)
class AdamW(Moments):
    """Adam, with θ ← (1 - lr·weight_decay)·θ beside it instead of a penalty in the loss."""

    weight_decay: Annotated[float, Ge(0)] = 0.01

    def coefficients(self, t: int, lr: float, memory: dict[str, float]) -> Coefficients:
        return (*super().coefficients(t, lr, memory), 1.0 - lr * self.weight_decay)

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (mean, square), (s,) = slots, scratch
        rate, eps, keep = coefficients
        params *= keep
        self.average_moments(grads, mean, square, s)
        move(params, mean, square, rate, eps, s)


@optimizers.register("adamax", source="Kingma & Ba 2015, algorithm 2, eps as in PyTorch")
@dataclass(frozen=True)
class Adamax(Moments):
    """Adam with the infinity norm: the scale is the largest recent |g|."""

    lr: Positive = 2e-3

    slots: ClassVar[tuple[str, ...]] = ("mean", "largest")

    def coefficients(self, t: int, lr: float, memory: dict[str, float]) -> Coefficients:
        return (lr / (1.0 - self.betas[0] ** t),)

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (mean, largest), (s,) = slots, scratch
        average(mean, grads, self.betas[0], s)
        np.abs(grads, out=s)
        s += self.eps
        largest *= self.betas[1]
        np.maximum(largest, s, out=largest)
        np.divide(mean, largest, out=s)
        s *= coefficients[0]
        params -= s


@optimizers.register("nadam", source="Dozat 2016, algorithm 2, as in PyTorch")
@dataclass(frozen=True)
class NAdam(Moments):
    """Adam with Nesterov's look-ahead and a momentum that warms up."""

    lr: Positive = 2e-3
    momentum_decay: Annotated[float, Ge(0)] = 4e-3

    n_scratch: ClassVar[int] = 2

    def coefficients(self, t: int, lr: float, memory: dict[str, float]) -> Coefficients:
        """Rates of the gradient and of the mean, and eps."""
        beta1, beta2 = self.betas
        mu = beta1 * (1.0 - 0.5 * 0.96 ** (t * self.momentum_decay))
        mu_next = beta1 * (1.0 - 0.5 * 0.96 ** ((t + 1) * self.momentum_decay))
        product = memory.get("mu_product", 1.0) * mu
        memory["mu_product"] = product
        root = math.sqrt(1.0 - beta2**t)
        of_grad = lr * root * (1.0 - mu) / (1.0 - product)
        of_mean = lr * root * mu_next / (1.0 - product * mu_next)
        return of_grad, of_mean, self.eps * root

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (mean, square), (s, direction) = slots, scratch
        of_grad, of_mean, eps = coefficients
        self.average_moments(grads, mean, square, s)
        np.multiply(grads, of_grad, out=direction)
        np.multiply(mean, of_mean, out=s)
        direction += s
        np.sqrt(square, out=s)
        s += eps
        direction /= s
        params -= direction


@optimizers.register("radam", source="Liu et al. 2020, algorithm 2, as in PyTorch")
@dataclass(frozen=True)
class RAdam(Moments):
    """Adam that moves by its mean alone until the second moment can be trusted."""

    RECTIFIED_ABOVE: ClassVar[float] = 5.0  # ρ_t from which the variance of the rate is bounded

    def coefficients(self, t: int, lr: float, memory: dict[str, float]) -> Coefficients:
        """(rate, eps) once rectified, (rate,) before."""
        beta1, beta2 = self.betas
        correction = 1.0 - beta2**t
        rho_end = 2.0 / (1.0 - beta2) - 1.0
        rho = rho_end - 2.0 * t * beta2**t / correction
        rate = lr / (1.0 - beta1**t)
        if rho <= self.RECTIFIED_ABOVE:
            return (rate,)
        rectified = (rho - 4.0) * (rho - 2.0) * rho_end
        rectified /= (rho_end - 4.0) * (rho_end - 2.0) * rho
        return rate * math.sqrt(correction * rectified), self.eps

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (mean, square), (s,) = slots, scratch
        self.average_moments(grads, mean, square, s)
        if len(coefficients) == 2:
            rate, eps = coefficients
            move(params, mean, square, rate, eps, s)
        else:
            np.multiply(mean, coefficients[0], out=s)
            params -= s
