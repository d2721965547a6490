"""Norms: what keeps the activities, or the weights, of each hidden layer to scale.

A norm of activities is an operation before or after each activation; a norm of weights is
another kind of weight layer.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt, Le

from vgrad.nn.activations import Activation
from vgrad.nn.graph import Operation, Param, Signal
from vgrad.nn.operations.linear import Linear
from vgrad.nn.operations.normalize import BatchNormalize, LayerNormalize, RMSNormalize
from vgrad.nn.operations.reparametrize import WeightNormalizedLinear, WeightStandardizedLinear
from vgrad.registry import Registry

norms: Registry["Norm"] = Registry("norm")

Placement = Literal["before", "after"]
Epsilon = Annotated[float, Gt(0)]


class Norm:
    """The contract of the family."""

    placement: Placement = "before"
    """Where `operation` stands, of the activation."""
    over_batch: bool = False
    """Whether it needs more than one example."""

    def operation(self, source: Signal, out: Signal) -> Operation | None:
        """The normalization of activities, if that is what it is."""
        return None

    def linear(
        self, source: Signal, out: Signal, weight: Param, activation: Activation
    ) -> Operation:
        """The weight layer of a hidden layer with this activation."""
        return Linear(source, out, weight)


@norms.register("none", source="—")
@dataclass(frozen=True)
class NoNorm(Norm):
    """No normalization."""


@norms.register("batch", source="Ioffe & Szegedy 2015")
@dataclass(frozen=True)
class BatchNorm(Norm):
    """Each unit to mean 0 and variance 1 over the batch, then a learnt gain and shift."""

    placement: Placement = "before"
    momentum: Annotated[float, Gt(0), Le(1)] = 0.1
    eps: Epsilon = 1e-5

    over_batch = True

    def operation(self, source: Signal, out: Signal) -> Operation:
        return BatchNormalize(source, out, self.eps, self.momentum)


@norms.register("layer", source="Ba et al. 2016")
@dataclass(frozen=True)
class LayerNorm(Norm):
    """Each example to mean 0 and variance 1 over the units, then a learnt gain and shift."""

    placement: Placement = "before"
    eps: Epsilon = 1e-5

    def operation(self, source: Signal, out: Signal) -> Operation:
        return LayerNormalize(source, out, self.eps)


@norms.register("rms", source="Zhang & Sennrich 2019")
@dataclass(frozen=True)
class RMSNorm(Norm):
    """Each example to root mean square 1 over the units, then a learnt gain."""

    placement: Placement = "before"
    eps: Epsilon = 1e-5

    def operation(self, source: Signal, out: Signal) -> Operation:
        return RMSNormalize(source, out, self.eps)


@norms.register("weight", source="Salimans & Kingma 2016")
@dataclass(frozen=True)
class WeightNorm(Norm):
    """Each unit's weights as a direction and a learnt length, which begins as it was."""

    def linear(
        self, source: Signal, out: Signal, weight: Param, activation: Activation
    ) -> Operation:
        return WeightNormalizedLinear(source, out, weight)


@norms.register("weight_standardization", source="Brock et al. 2021, eq. 2 of NF-ResNets")
@dataclass(frozen=True)
class WeightStandardization(Norm):
    """Each unit's weights to mean 0 and norm 1, times a learnt gain that keeps φ's variance 1."""

    def linear(
        self, source: Signal, out: Signal, weight: Param, activation: Activation
    ) -> Operation:
        return WeightStandardizedLinear(source, out, weight, activation)
