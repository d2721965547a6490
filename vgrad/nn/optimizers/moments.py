"""Adam and its relatives: a direction from the first moment, a scale from the second.

With m and v the running averages of g and g², and m̂ = m/(1 - β₁ᵗ), v̂ = v/(1 - β₂ᵗ), Adam is
θ ← θ - lr·m̂/(√v̂ + eps). The slots keep M = m/(1 - β₁) and V = v/(1 - β₂), and the constants and
corrections are folded into rate and eps: with k² = (1 - β₂)/(1 - β₂ᵗ) the same update is
θ ← θ - lr·(1 - β₁)/(1 - β₁ᵗ)/k·M/(√V + eps/k), in ten passes over memory instead of fourteen.
"""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from vgrad.nn import kernels
from vgrad.nn.arrays import Array
from vgrad.nn.optimizers.base import (
    Coefficients,
    Decay,
    Positive,
    UpdateRule,
    discount,
    optimizers,
)

Arrays = tuple[Array, ...]


@dataclass(frozen=True)
class Moments(UpdateRule):
    """What the family shares: the options and the two moments, as discounted sums."""

    lr: Positive = 1e-3
    betas: tuple[Decay, Decay] = (0.9, 0.999)
    eps: Positive = 1e-8

    slots: ClassVar[tuple[str, ...]] = ("mean", "square")

    def coefficients(self, t: int, lr: float, memory: dict[str, float]) -> Coefficients:
        """Adam's rate and eps, as they act on the sums."""
        k = self.root_correction(t)
        return self.mean_rate(t, lr) / k, self.eps / k

    def mean_rate(self, t: int, lr: float) -> float:
        """lr·m̂ = mean_rate·M."""
        beta = self.betas[0]
        return lr * (1.0 - beta) / (1.0 - beta**t)

    def root_correction(self, t: int) -> float:
        """k of √v̂ = k·√V."""
        beta = self.betas[1]
        return math.sqrt((1.0 - beta) / (1.0 - beta**t))

    def take_in(self, grads: Array, mean: Array, square: Array, s: Array) -> None:
        """Let both moments take in the gradient."""
        discount(mean, grads, self.betas[0])
        np.multiply(grads, grads, out=s)
        discount(square, s, self.betas[1])


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

    def coefficients(self, t: int, lr: float, memory: dict[str, float]) -> Coefficients:
        """β₁, β₂, and rate and eps as they act on the sums."""
        return *self.betas, *super().coefficients(t, lr, memory)

    @kernels.in_one_pass(kernels.ADAM)
    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (mean, square), (s,) = slots, scratch
        self.take_in(grads, mean, square, s)
        _, _, rate, eps = coefficients
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
        self.take_in(grads, mean, square, s)
        np.maximum(largest, square, out=largest)
        rate, eps = coefficients
        move(params, mean, largest, rate, eps, s)


@optimizers.register("adamw", source="Loshchilov & Hutter 2019, algorithm 2")
@dataclass(frozen=True)
class AdamW(Adam):
    """Adam, with θ ← (1 - lr·weight_decay)·θ beside it instead of a penalty in the loss."""

    weight_decay: Annotated[float, Ge(0)] = 0.01


@optimizers.register("adamax", source="Kingma & Ba 2015, algorithm 2, eps as in PyTorch")
@dataclass(frozen=True)
class Adamax(Moments):
    """Adam with the infinity norm: the scale is the largest recent |g|."""

    lr: Positive = 2e-3

    slots: ClassVar[tuple[str, ...]] = ("mean", "largest")

    def coefficients(self, t: int, lr: float, memory: dict[str, float]) -> Coefficients:
        return (self.mean_rate(t, lr),)

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (mean, largest), (s,) = slots, scratch
        discount(mean, grads, self.betas[0])
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
        beta1 = self.betas[0]
        mu = beta1 * (1.0 - 0.5 * 0.96 ** (t * self.momentum_decay))
        mu_next = beta1 * (1.0 - 0.5 * 0.96 ** ((t + 1) * self.momentum_decay))
        product = memory.get("mu_product", 1.0) * mu
        memory["mu_product"] = product
        k = self.root_correction(t)
        of_grad = lr / k * (1.0 - mu) / (1.0 - product)
        of_mean = lr / k * mu_next * (1.0 - beta1) / (1.0 - product * mu_next)
        return of_grad, of_mean, self.eps / k

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
        self.take_in(grads, mean, square, s)
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
        beta = self.betas[1]
        rho_end = 2.0 / (1.0 - beta) - 1.0
        rho = rho_end - 2.0 * t * beta**t / (1.0 - beta**t)
        rate = self.mean_rate(t, lr)
        if rho <= self.RECTIFIED_ABOVE:
            return (rate,)
        rectified = (rho - 4.0) * (rho - 2.0) * rho_end
        rectified /= (rho_end - 4.0) * (rho_end - 2.0) * rho
        root = math.sqrt(1.0 - beta)  # its eps is added to √v, which is not corrected yet
        correction = math.sqrt(1.0 - beta**t) * math.sqrt(rectified)
        return rate * correction / root, self.eps / root

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (mean, square), (s,) = slots, scratch
        self.take_in(grads, mean, square, s)
        if len(coefficients) == 2:
            rate, eps = coefficients
            move(params, mean, square, rate, eps, s)
        else:
            np.multiply(mean, coefficients[0], out=s)
            params -= s
