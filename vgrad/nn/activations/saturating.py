"""Activations that level out on both sides, where the gradient dies."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from vgrad.nn import kernels
from vgrad.nn.activations.base import Activation, activations
from vgrad.nn.arrays import Array
from vgrad.nn.special import sigmoid


@activations.register("sigmoid", source="Rumelhart et al. 1986")
@dataclass(frozen=True)
class Sigmoid(Activation):
    """1/(1 + exp(-z)); its slope is at most 1/4."""

    @property
    def gain(self) -> float:
        return 1.0

    @property
    def max_slope(self) -> float:
        return 0.25

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        sigmoid(z, out=out)

    @kernels.in_one_pass(kernels.SIGMOID_BACK)
    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        """φ′ = φ(1 - φ)."""
        np.subtract(1.0, output, out=out)
        out *= output


@activations.register("tanh", source="LeCun et al. 1998")
@dataclass(frozen=True)
class Tanh(Activation):
    """The hyperbolic tangent; slope 1 at 0."""

    @property
    def gain(self) -> float:
        return 5.0 / 3.0

    @kernels.in_one_pass(kernels.TANH)
    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        np.tanh(z, out=out)

    @kernels.in_one_pass(kernels.TANH_BACK)
    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        """φ′ = 1 - φ²."""
        np.multiply(output, output, out=out)
        np.subtract(1.0, out, out=out)


@activations.register("lecun_tanh", source="LeCun et al. 1998, section 4.4")
@dataclass(frozen=True)
class LeCunTanh(Activation):
    """1.7159·tanh(2z/3): near unit variance and slope at ±1."""

    AMPLITUDE: ClassVar[float] = 1.7159
    RATE: ClassVar[float] = 2.0 / 3.0

    @property
    def max_slope(self) -> float:
        return self.AMPLITUDE * self.RATE

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        np.multiply(z, self.RATE, out=out)
        np.tanh(out, out=out)
        out *= self.AMPLITUDE

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        """φ′ = rate·(amplitude - φ²/amplitude)."""
        np.multiply(output, output, out=out)
        out *= -self.RATE / self.AMPLITUDE
        out += self.RATE * self.AMPLITUDE


@activations.register("softsign", source="Bergstra et al. 2009")
@dataclass(frozen=True)
class Softsign(Activation):
    """z/(1 + |z|): saturates slower than tanh."""

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        np.abs(z, out=out)
        out += 1.0
        np.divide(z, out, out=out)

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        """φ′ = 1/(1 + |z|)² = (1 - |φ|)²."""
        np.abs(output, out=out)
        np.subtract(1.0, out, out=out)
        np.multiply(out, out, out=out)
