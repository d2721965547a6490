"""Parts of your own: an activation, an initializer and an optimizer, in one file.

    vgrad run configs/plugins/my_parts.yaml --plugin configs/plugins/my_parts.py

A part is a frozen dataclass: its fields are the options that a config may give, its docstring's
first line and `source` what `vgrad list activations --plugin …` shows. When the file is loaded each
part is tried: the activation's derivative against differences of its values, the optimizer on a
valley, and so on. What is wrong is told with its line.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt

from vgrad.plugins import (
    Activation,
    Array,
    Coefficients,
    Decay,
    Initializer,
    Positive,
    UpdateRule,
    activations,
    initializers,
    optimizers,
)


@activations.register("squareplus", source="Barron 2021")
@dataclass(frozen=True)
class Squareplus(Activation):
    """(z + √(z² + b))/2: a smooth ReLU that needs no exponential."""

    b: Annotated[float, Gt(0)] = 4.0

    # φ′ is cheapest from z. Where it can be had from φ alone, leave this out: z is then not kept.
    needs_input: ClassVar[bool] = True
    n_scratch: ClassVar[int] = 1

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        # Every step of a training comes through here: write into `out`, and make no new arrays.
        root = self._root(z, scratch)
        np.add(z, root, out=out)
        out *= 0.5

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        """φ′ = (1 + z/√(z² + b))/2."""
        root = self._root(z, scratch)
        np.divide(z, root, out=out)
        out += 1.0
        out *= 0.5

    def _root(self, z: Array, scratch: Array) -> Array:
        root = scratch[0]
        np.hypot(z, np.sqrt(self.b), out=root)
        return root


@initializers.register("noisy_identity", source="in the manner of Le et al. 2015")
@dataclass(frozen=True)
class NoisyIdentity(Initializer):
    """The identity, as far as the layer's shape has one, plus N(0, std²)."""

    std: Annotated[float, Gt(0)] = 0.05

    def fill(self, weight: Array, *, activation: Activation, rng: np.random.Generator) -> None:
        weight[...] = rng.normal(0.0, self.std, weight.shape)
        weight += np.eye(*weight.shape)


@optimizers.register("signum", source="Bernstein et al. 2018, algorithm 2")
@dataclass(frozen=True)
class Signum(UpdateRule):
    """θ ← θ - lr·sign(m), m the running mean of the gradient."""

    lr: Positive = 1e-3
    beta: Decay = 0.9

    slots: ClassVar[tuple[str, ...]] = ("mean",)

    def update(
        self,
        params: Array,
        grads: Array,
        slots: tuple[Array, ...],
        scratch: tuple[Array, ...],
        coefficients: Coefficients,
    ) -> None:
        (mean,), (spare,), (lr,) = slots, scratch, coefficients
        mean *= self.beta
        np.multiply(grads, 1.0 - self.beta, out=spare)
        mean += spare
        np.sign(mean, out=spare)
        spare *= lr
        params -= spare
