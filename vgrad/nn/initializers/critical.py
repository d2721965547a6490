"""Weights and biases at the edge of chaos of the activation."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge

from vgrad.nn.activations import Activation
from vgrad.nn.arrays import Array
from vgrad.nn.initializers.base import Initializer, critical_sigma_w, initializers
from vgrad.nn.initializers.fixed import Gaussian
from vgrad.nn.initializers.orthogonal import Orthogonal
from vgrad.nn.initializers.scaled import LeCunNormal


@initializers.register("critical", source="Schoenholz et al. 2017; Hayou et al. 2019")
@dataclass(frozen=True)
class Critical(Initializer):
    """Variance σ_w²/fan_in at the edge of chaos, χ₁ = 1, together with biases N(0, sigma_b²).

    `model.bias_init`, where it is not 0, replaces those biases; σ_w is solved for sigma_b all the
    same. `orthogonal` weights are σ_w times an orthogonal matrix.
    """

    sigma_b: Annotated[float, Ge(0)] = 0.0
    distribution: Literal["normal", "orthogonal"] = "normal"

    def fill(self, weight: Array, *, activation: Activation, rng: np.random.Generator) -> None:
        self._matrix(activation).fill(weight, activation=activation, rng=rng)

    def variance(self, fan_in: int, fan_out: int, activation: Activation) -> float | None:
        return self._matrix(activation).variance(fan_in, fan_out, activation)

    @property
    def isometric(self) -> bool:
        return self.distribution == "orthogonal"

    @property
    def biases(self) -> Initializer | None:
        return Gaussian(self.sigma_b) if self.sigma_b > 0.0 else None

    def _matrix(self, activation: Activation) -> Initializer:
        sigma_w = critical_sigma_w(activation, self.sigma_b, "model.init")
        return LeCunNormal(sigma_w) if self.distribution == "normal" else Orthogonal(sigma_w)
