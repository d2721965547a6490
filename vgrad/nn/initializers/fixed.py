"""Weights that do not look at the size of their layer."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt

from vgrad.nn.activations import Activation
from vgrad.nn.arrays import Array
from vgrad.nn.initializers.base import Initializer, initializers, squared


@initializers.register("zeros", source="the symmetry that Rumelhart et al. 1986 warn of")
@dataclass(frozen=True)
class Zeros(Initializer):
    """All weights 0: units stay alike, nothing flows."""

    for_biases: ClassVar[bool] = True

    def fill(self, weight: Array, *, activation: Activation, rng: np.random.Generator) -> None:
        weight.fill(0.0)


@initializers.register("constant", source="torch.nn.init.constant_")
@dataclass(frozen=True)
class Constant(Initializer):
    """Every weight the same value."""

    value: float

    for_biases: ClassVar[bool] = True

    def fill(self, weight: Array, *, activation: Activation, rng: np.random.Generator) -> None:
        weight.fill(self.value)


@initializers.register("gaussian", source="Krizhevsky et al. 2012")
@dataclass(frozen=True)
class Gaussian(Initializer):
    """N(0, std²), whatever the size of the layer."""

    std: Annotated[float, Ge(0)] = 0.01

    for_biases: ClassVar[bool] = True

    def fill(self, weight: Array, *, activation: Activation, rng: np.random.Generator) -> None:
        weight[...] = rng.normal(0.0, self.std, weight.shape)

    def variance(self, fan_in: int, fan_out: int, activation: Activation) -> float:
        return squared(self.std)


@initializers.register("uniform", source="Rumelhart et al. 1986")
@dataclass(frozen=True)
class Uniform(Initializer):
    """U(-limit, limit), whatever the size of the layer."""

    limit: Annotated[float, Ge(0)] = 0.05

    for_biases: ClassVar[bool] = True

    def fill(self, weight: Array, *, activation: Activation, rng: np.random.Generator) -> None:
        weight[...] = rng.uniform(-self.limit, self.limit, weight.shape)

    def variance(self, fan_in: int, fan_out: int, activation: Activation) -> float:
        return squared(self.limit) / 3.0


@initializers.register("sparse", source="Martens 2010, section 5")
@dataclass(frozen=True)
class Sparse(Initializer):
    """N(0, std²), but a share `sparsity` of each input unit's weights is 0."""

    sparsity: Annotated[float, Ge(0), Lt(1)] = 0.9
    std: Annotated[float, Gt(0)] = 0.01

    def fill(self, weight: Array, *, activation: Activation, rng: np.random.Generator) -> None:
        fan_out = weight.shape[0]
        weight[...] = rng.normal(0.0, self.std, weight.shape)
        zeros = math.ceil(self.sparsity * fan_out)
        ranks = rng.random(weight.shape).argsort(axis=0).argsort(axis=0)
        weight[ranks < zeros] = 0.0

    def variance(self, fan_in: int, fan_out: int, activation: Activation) -> float:
        return squared(self.std) * (1.0 - math.ceil(self.sparsity * fan_out) / fan_out)
