"""Activations that are straight lines between their kinks."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le

from vgrad.nn import kernels
from vgrad.nn.activations.base import Activation, activations
from vgrad.nn.arrays import Array


@activations.register("identity", source="the linear networks of Saxe et al. 2014")
@dataclass(frozen=True)
class Identity(Activation):
    """z itself: a linear layer."""

    @property
    def gain(self) -> float:
        return 1.0

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        np.copyto(out, z)

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        out.fill(1.0)


@activations.register("relu", source="Nair & Hinton 2010")
@dataclass(frozen=True)
class ReLU(Activation):
    """max(z, 0)."""

    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    @property
    def gain(self) -> float:
        return math.sqrt(2.0)

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        np.maximum(z, 0.0, out=out)

    @kernels.in_one_pass(kernels.RELU_BACK)
    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        np.greater(output, 0.0, out=out)


@activations.register("leaky_relu", source="Maas et al. 2013")
@dataclass(frozen=True)
class LeakyReLU(Activation):
    """z for z > 0, negative_slope·z otherwise."""

    negative_slope: Annotated[float, Ge(0), Le(1)] = 0.01

    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    @property
    def gain(self) -> float:
        return math.sqrt(2.0 / (1.0 + self.negative_slope**2))

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        np.multiply(z, self.negative_slope, out=out)
        np.maximum(z, out, out=out)

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        np.greater(output, 0.0, out=out)
        out *= 1.0 - self.negative_slope
        out += self.negative_slope


class Clipped(Activation):
    """slope·z + center, clipped to [lowest, 1]: the piecewise linear sigmoid and tanh."""

    lowest: ClassVar[float]
    center: ClassVar[float]
    slope: ClassVar[float]

    @property
    def max_slope(self) -> float:
        return self.slope

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        np.multiply(z, self.slope, out=out)
        out += self.center
        np.maximum(out, self.lowest, out=out)
        np.minimum(out, 1.0, out=out)

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        """φ′ = slope strictly between the kinks, 0 elsewhere."""
        below, above = self.kinks
        inside = scratch[0]
        np.greater(z, below, out=out)
        np.less(z, above, out=inside)
        out *= inside
        out *= self.slope


@activations.register("hard_sigmoid", source="Courbariaux et al. 2015; slope 1/6 as in PyTorch")
@dataclass(frozen=True)
class HardSigmoid(Clipped):
    """z/6 + 1/2 clipped to [0, 1]."""

    needs_input: ClassVar[bool] = True  # rounding can take an inner z to an output of exactly 1
    n_scratch: ClassVar[int] = 1
    kinks: ClassVar[tuple[float, ...]] = (-3.0, 3.0)
    lowest: ClassVar[float] = 0.0
    center: ClassVar[float] = 0.5
    slope: ClassVar[float] = 1.0 / 6.0


@activations.register("hard_tanh", source="Collobert 2004")
@dataclass(frozen=True)
class HardTanh(Clipped):
    """z clipped to [-1, 1]."""

    needs_input: ClassVar[bool] = True
    n_scratch: ClassVar[int] = 1
    kinks: ClassVar[tuple[float, ...]] = (-1.0, 1.0)
    lowest: ClassVar[float] = -1.0
    center: ClassVar[float] = 0.0
    slope: ClassVar[float] = 1.0
