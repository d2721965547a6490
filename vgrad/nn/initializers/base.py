"""Initializers: what the weights are before the first step.

`fill` writes one layer's weight matrix, without its bias. A data-driven initializer also looks
at the layer's pre-activations on real inputs and says by what to multiply the weights.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Gt

from vgrad.errors import Problem, RequestError
from vgrad.nn.activations import Activation
from vgrad.nn.arrays import Array
from vgrad.nn.meanfield import critical
from vgrad.registry import Registry

initializers: Registry["Initializer"] = Registry("initializer")

Gain = Annotated[float, Gt(0)] | Literal["activation", "rectifier", "critical"]
"""A number; `activation` for the value of `torch.nn.init.calculate_gain`; `rectifier` for
√(2/(1 + a²)), a the activation's negative slope (He et al. 2015, eq. 15) or 0; `critical` for σ_w
at the activation's edge of chaos without biases (Schoenholz et al. 2017)."""


@dataclass(frozen=True, eq=False)
class Branch:
    """A residual block as an initializer sees it: the weights of its branch's layers in order,
    `(fan_out, fan_in)` each, and its gate `(1, 1)`, if it has one."""

    weights: tuple[Array, ...]
    gate: Array | None


class Initializer:
    """The contract of the family."""

    for_biases: ClassVar[bool] = False
    """Whether it makes sense for a bias, which has no fan."""
    max_corrections: int = 0
    """How many times `correction` is asked for each layer; 0: not data-driven."""

    def fill(self, weight: Array, *, activation: Activation, rng: np.random.Generator) -> None:
        """Write the weights, `(fan_out, fan_in)`, of a net with this hidden activation.

        Raises:
            RequestError: the gain was to come from an activation that has none.
        """
        raise NotImplementedError

    def variance(self, fan_in: int, fan_out: int, activation: Activation) -> float | None:
        """E[w²] of what `fill` writes, if it is random, of mean 0, and (nearly) independent; None
        if not, or if data decides.

        Raises:
            RequestError: as `fill`.
        """
        return None

    @property
    def isometric(self) -> bool:
        """Whether all singular values of what `fill` writes are alike."""
        return False

    @property
    def biases(self) -> "Initializer | None":
        """What the biases begin with where `model.bias_init` is left at 0; None: with 0."""
        return None

    def arrange(self, blocks: Sequence["Branch"]) -> None:
        """Change what the residual blocks of the network begin with, after all were filled.

        Raises:
            RequestError: it needs blocks, or gates, that this network does not have.
        """

    def correction(self, preactivation: Array) -> float | None:
        """What to multiply the weights by, given z `(fan_out, batch)`; None: leave them."""
        return None


def squared(deviation: float) -> float:
    """A standard deviation as a variance, infinite beyond the range of numbers."""
    return deviation * deviation  # where deviation**2 raises OverflowError


def resolved_gain(gain: Gain, activation: Activation) -> float:
    """The gain as a number.

    Raises:
        RequestError: `activation` was asked for and the literature gives this one no gain, or
            `critical` and it has no edge of chaos.
    """
    if gain == "critical":
        return critical_sigma_w(activation, 0.0, "model.init.gain")
    if gain == "rectifier":
        return math.sqrt(2.0 / (1.0 + getattr(activation, "negative_slope", 0.0) ** 2))
    if gain == "activation":
        if activation.gain is None:
            name = type(activation).__name__
            raise RequestError(
                Problem(f"{name} has no gain in torch.nn.init", "model.init.gain", "a number")
            )
        return activation.gain
    return gain


def critical_sigma_w(activation: Activation, sigma_b: float, key: str) -> float:
    """σ_w at the edge of chaos.

    Raises:
        RequestError: there is none; with this key.
    """
    point = critical(activation, sigma_b)
    if point is not None:
        return point.sigma_w
    name = type(activation).__name__
    where = f"with biases of standard deviation {sigma_b:g}" if sigma_b else "without biases"
    unbiased, allowed = critical(activation, 0.0), "another activation"
    if unbiased is not None:
        allowed = f"sigma_b: 0, where σ_w is {unbiased.sigma_w:.6g}"
    raise RequestError(Problem(f"{name} has no edge of chaos {where}", key, allowed))
