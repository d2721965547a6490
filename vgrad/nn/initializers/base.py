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
from vgrad.registry import Registry

initializers: Registry["Initializer"] = Registry("initializer")

Gain = Annotated[float, Gt(0)] | Literal["activation", "rectifier"]
"""A number; `activation` for the value of `torch.nn.init.calculate_gain`; `rectifier` for
√(2/(1 + a²)), a the activation's negative slope (He et al. 2015, eq. 15) or 0."""


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

    def arrange(self, blocks: Sequence["Branch"]) -> None:
        """Change what the residual blocks of the network begin with, after all were filled.

        Raises:
            RequestError: it needs blocks, or gates, that this network does not have.
        """

    def correction(self, preactivation: Array) -> float | None:
        """What to multiply the weights by, given z `(fan_out, batch)`; None: leave them."""
        return None


def resolved_gain(gain: Gain, activation: Activation) -> float:
    """The gain as a number.

    Raises:
        RequestError: `activation` was asked for and the literature gives this one no gain.
    """
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
