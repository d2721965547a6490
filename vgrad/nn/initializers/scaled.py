"""Independent weights of standard deviation gain/√fan: the families of Xavier, He and LeCun."""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from vgrad.nn.activations import Activation
from vgrad.nn.arrays import Array
from vgrad.nn.initializers.base import Gain, Initializer, initializers, resolved_gain, squared


class Scaled(Initializer):
    """Standard deviation gain/√fan: the family of Xavier, He and LeCun."""

    distribution: ClassVar[Literal["normal", "uniform"]]
    gain: Gain
    mode: Literal["fan_in", "fan_out", "fan_avg"]

    def fill(self, weight: Array, *, activation: Activation, rng: np.random.Generator) -> None:
        fan_out, fan_in = weight.shape
        std = self._std(fan_in, fan_out, activation)
        if self.distribution == "normal":
            weight[...] = rng.normal(0.0, std, weight.shape)
        else:
            limit = math.sqrt(3.0) * std  # U(-a, a) has variance a²/3
            weight[...] = rng.uniform(-limit, limit, weight.shape)

    def variance(self, fan_in: int, fan_out: int, activation: Activation) -> float:
        return squared(self._std(fan_in, fan_out, activation))

    def _std(self, fan_in: int, fan_out: int, activation: Activation) -> float:
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        return resolved_gain(self.gain, activation) / math.sqrt(fan)


@dataclass(frozen=True)
class Xavier(Scaled):
    """Variance gain²·2/(fan_in + fan_out)."""

    gain: Gain = 1.0
    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_avg"


@dataclass(frozen=True)
class He(Scaled):
    """Variance gain²/fan, the gain that of a rectifier."""

    gain: Gain = "rectifier"
    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in"


@dataclass(frozen=True)
class LeCun(Scaled):
    """Variance gain²/fan."""

    gain: Gain = 1.0
    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in"


@initializers.register("xavier_uniform", source="Glorot & Bengio 2010, eq. 16")
@dataclass(frozen=True)
class XavierUniform(Xavier):
    """Uniform of variance gain²·2/(fan_in + fan_out)."""

    distribution: ClassVar[Literal["normal", "uniform"]] = "uniform"


@initializers.register("xavier_normal", source="Glorot & Bengio 2010, eq. 12")
@dataclass(frozen=True)
class XavierNormal(Xavier):
    """Normal of variance gain²·2/(fan_in + fan_out)."""

    distribution: ClassVar[Literal["normal", "uniform"]] = "normal"


@initializers.register("he_uniform", source="He et al. 2015, eq. 10")
@dataclass(frozen=True)
class HeUniform(He):
    """Uniform of variance 2/fan_in, or 2/((1 + a²)·fan_in) before a leaky rectifier."""

    distribution: ClassVar[Literal["normal", "uniform"]] = "uniform"


@initializers.register("he_normal", source="He et al. 2015, eq. 10")
@dataclass(frozen=True)
class HeNormal(He):
    """Normal of variance 2/fan_in, or 2/((1 + a²)·fan_in) before a leaky rectifier."""

    distribution: ClassVar[Literal["normal", "uniform"]] = "normal"


@initializers.register("lecun_uniform", source="LeCun et al. 1998, eq. 16")
@dataclass(frozen=True)
class LeCunUniform(LeCun):
    """Uniform of variance gain²/fan_in."""

    distribution: ClassVar[Literal["normal", "uniform"]] = "uniform"


@initializers.register("lecun_normal", source="LeCun et al. 1998, eq. 16; Klambauer et al. 2017")
@dataclass(frozen=True)
class LeCunNormal(LeCun):
    """Normal of variance gain²/fan_in; what SELU asks for."""

    distribution: ClassVar[Literal["normal", "uniform"]] = "normal"
