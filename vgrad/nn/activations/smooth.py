"""Smooth relatives of ReLU; all but softplus need their input for the derivative."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from vgrad.nn.activations.base import Activation, activations
from vgrad.nn.arrays import Array
from vgrad.nn.special import normal_cdf, normal_pdf, sigmoid, softplus


@activations.register("gelu", source="Hendrycks & Gimpel 2016")
@dataclass(frozen=True)
class GELU(Activation):
    """z·Φ(z), Φ the normal distribution function, exact."""

    needs_input: ClassVar[bool] = True
    n_scratch: ClassVar[int] = 3

    @property
    def max_slope(self) -> float:
        return 1.1289042  # at z = √2

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        normal_cdf(z, out=out, scratch=scratch)
        out *= z

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        """φ′(z) = Φ(z) + z·Φ′(z)."""
        normal_cdf(z, out=out, scratch=scratch)
        density = scratch[0]
        normal_pdf(z, out=density)
        density *= z
        out += density


@activations.register("gelu_tanh", source="Hendrycks & Gimpel 2016, section 2")
@dataclass(frozen=True)
class GELUTanh(Activation):
    """z·(1 + tanh(√(2/π)(z + 0.044715 z³)))/2, the fast approximation of GELU."""

    needs_input: ClassVar[bool] = True
    n_scratch: ClassVar[int] = 1

    RATE: ClassVar[float] = math.sqrt(2.0 / math.pi)
    CUBIC: ClassVar[float] = 0.044715

    @property
    def max_slope(self) -> float:
        return 1.1289931

    def _tanh_of_cubic(self, z: Array, out: Array) -> None:
        np.multiply(z, z, out=out)
        out *= self.RATE * self.CUBIC
        out += self.RATE
        out *= z
        np.tanh(out, out=out)

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        self._tanh_of_cubic(z, out)
        out += 1.0
        out *= z
        out *= 0.5

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        """φ′ = (1 + t)/2 + z(1 - t²)/2·√(2/π)(1 + 3·0.044715 z²), t = tanh(…)."""
        t = scratch[0]
        self._tanh_of_cubic(z, t)
        np.multiply(z, z, out=out)
        out *= 1.5 * self.RATE * self.CUBIC
        out += 0.5 * self.RATE
        out *= z
        t += 1.0
        out *= t  # (1 - t²) = (1 + t)(2 - (1 + t))
        np.subtract(2.0, t, out=t)
        out *= t
        np.subtract(2.0, t, out=t)
        t *= 0.5
        out += t


@activations.register("silu", source="Elfwing et al. 2018; swish, Ramachandran et al. 2017")
@dataclass(frozen=True)
class SiLU(Activation):
    """z·σ(z), also called swish."""

    needs_input: ClassVar[bool] = True
    n_scratch: ClassVar[int] = 1

    @property
    def max_slope(self) -> float:
        return 1.0998393

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        sigmoid(z, out=out)
        out *= z

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        """φ′ = σ(1 + z(1 - σ))."""
        s = scratch[0]
        sigmoid(z, out=s)
        np.subtract(1.0, s, out=out)
        out *= z
        out += 1.0
        out *= s


@activations.register("mish", source="Misra 2020")
@dataclass(frozen=True)
class Mish(Activation):
    """z·tanh(softplus(z))."""

    needs_input: ClassVar[bool] = True
    n_scratch: ClassVar[int] = 2

    @property
    def max_slope(self) -> float:
        return 1.0884982

    ONE_FROM: ClassVar[float] = 20.0  # tanh(softplus(20)) is 1 in both precisions

    def _tanh_of_softplus(self, z: Array, out: Array, spare: Array) -> None:
        """t = n/(n + 2), n = exp(z)(exp(z) + 2): one exponential instead of three functions."""
        np.minimum(z, self.ONE_FROM, out=out)
        np.exp(out, out=out)
        np.add(out, 2.0, out=spare)
        out *= spare
        np.add(out, 2.0, out=spare)
        out /= spare

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        self._tanh_of_softplus(z, out, scratch[0])
        out *= z

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        """φ′ = t + z(1 - t²)σ(z), t = tanh(softplus(z))."""
        t, s = scratch[0], scratch[1]
        self._tanh_of_softplus(z, t, s)
        np.multiply(t, t, out=out)
        np.subtract(1.0, out, out=out)
        sigmoid(z, out=s)
        out *= s
        out *= z
        out += t


@activations.register("softplus", source="Dugas et al. 2001")
@dataclass(frozen=True)
class Softplus(Activation):
    """log(1 + exp(z)), a smooth ReLU."""

    n_scratch: ClassVar[int] = 1

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        softplus(z, out=out, scratch=scratch)

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        """φ′ = σ(z) = 1 - exp(-φ)."""
        np.negative(output, out=out)
        np.expm1(out, out=out)
        np.negative(out, out=out)
