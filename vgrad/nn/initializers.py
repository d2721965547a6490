"""Initializers: what the weights are before the first step.

`fill` writes one layer's weight matrix, without its bias. A data-driven initializer also looks
at the layer's pre-activations on real inputs and says by what to multiply the weights.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Lt

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


@initializers.register("uniform", source="Rumelhart et al. 1986")
@dataclass(frozen=True)
class Uniform(Initializer):
    """U(-limit, limit), whatever the size of the layer."""

    limit: Annotated[float, Ge(0)] = 0.05

    for_biases: ClassVar[bool] = True

    def fill(self, weight: Array, *, activation: Activation, rng: np.random.Generator) -> None:
        weight[...] = rng.uniform(-self.limit, self.limit, weight.shape)


class Scaled(Initializer):
    """Standard deviation gain/√fan: the family of Xavier, He and LeCun."""

    distribution: ClassVar[Literal["normal", "uniform"]]
    gain: Gain
    mode: Literal["fan_in", "fan_out", "fan_avg"]

    def fill(self, weight: Array, *, activation: Activation, rng: np.random.Generator) -> None:
        fan_out, fan_in = weight.shape
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        std = resolved_gain(self.gain, activation) / math.sqrt(fan)
        if self.distribution == "normal":
            weight[...] = rng.normal(0.0, std, weight.shape)
        else:
            limit = math.sqrt(3.0) * std  # U(-a, a) has variance a²/3
            weight[...] = rng.uniform(-limit, limit, weight.shape)


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


def fill_orthogonal(weight: Array, gain: float, rng: np.random.Generator) -> None:
    """Write gain times a Haar-distributed matrix with orthonormal rows or columns.

    References: Saxe et al. 2014, section 3; the signs by Mezzadri 2007, eq. 5.35.
    """
    rows, columns = weight.shape
    normal = rng.normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(normal)
    q *= np.where(np.diag(r) < 0.0, -1.0, 1.0)
    weight[...] = gain * (q if rows >= columns else q.T)


@initializers.register("orthogonal", source="Saxe et al. 2014")
@dataclass(frozen=True)
class Orthogonal(Initializer):
    """gain times an orthogonal matrix: all singular values alike."""

    gain: Gain = 1.0

    def fill(self, weight: Array, *, activation: Activation, rng: np.random.Generator) -> None:
        fill_orthogonal(weight, resolved_gain(self.gain, activation), rng)


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


@initializers.register("fixup", source="Zhang et al. 2019, section 3")
@dataclass(frozen=True)
class Fixup(Initializer):
    """He's, each branch of m layers in L blocks scaled by L^(-1/(2m - 2)), its last layer 0.

    The paper also begins the output layer at 0 and gives each branch a multiplier of 1: see
    `connectivity: {name: residual, gate: 1.0}`. With branches of one layer, that layer is 0.
    """

    gain: Gain = "rectifier"

    def fill(self, weight: Array, *, activation: Activation, rng: np.random.Generator) -> None:
        std = resolved_gain(self.gain, activation) / math.sqrt(weight.shape[1])
        weight[...] = rng.normal(0.0, std, weight.shape)

    def arrange(self, blocks: Sequence[Branch]) -> None:
        _need(blocks, "fixup scales the branches of residual blocks, and there are none")
        for block in blocks:
            *inner, last = block.weights
            last.fill(0.0)
            for weight in inner:
                weight *= len(blocks) ** (-1.0 / (2 * len(block.weights) - 2))


@initializers.register("rezero", source="Bachlechner et al. 2020, section 3")
@dataclass(frozen=True)
class ReZero(Initializer):
    """Xavier's, and every branch shut: its gate begins at 0."""

    gain: Gain = 1.0

    def fill(self, weight: Array, *, activation: Activation, rng: np.random.Generator) -> None:
        fan_out, fan_in = weight.shape
        std = resolved_gain(self.gain, activation) * math.sqrt(2.0 / (fan_in + fan_out))
        weight[...] = rng.normal(0.0, std, weight.shape)

    def arrange(self, blocks: Sequence[Branch]) -> None:
        gates = [block.gate for block in blocks if block.gate is not None]
        _need(gates, "rezero shuts the gates of residual blocks, and there are none")
        for gate in gates:
            gate.fill(0.0)


def _need(found: Sequence[object], problem: str) -> None:
    if not found:
        allowed = "connectivity residual, with a gate" if "gates" in problem else "residual"
        raise RequestError(Problem(problem, "model.init", allowed))


@initializers.register("lsuv", source="Mishkin & Matas 2016, algorithm 1")
@dataclass(frozen=True)
class LSUV(Initializer):
    """Orthogonal, then each layer in turn scaled until its pre-activations have variance 1."""

    tolerance: Annotated[float, Gt(0), Lt(1)] = 0.1
    max_corrections: Annotated[int, Gt(0)] = 10

    def fill(self, weight: Array, *, activation: Activation, rng: np.random.Generator) -> None:
        fill_orthogonal(weight, 1.0, rng)

    def correction(self, preactivation: Array) -> float | None:
        variance = float(np.var(preactivation, dtype=np.float64))
        if abs(variance - 1.0) < self.tolerance or not 0.0 < variance < math.inf:
            return None
        return 1.0 / math.sqrt(variance)
