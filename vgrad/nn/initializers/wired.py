"""Weights for residual nets, which look at the blocks that they are in."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vgrad.errors import Problem, RequestError
from vgrad.nn.activations import Activation
from vgrad.nn.arrays import Array
from vgrad.nn.initializers.base import (
    Branch,
    Gain,
    Initializer,
    initializers,
    resolved_gain,
    squared,
)


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

    def variance(self, fan_in: int, fan_out: int, activation: Activation) -> float:
        return squared(resolved_gain(self.gain, activation)) / fan_in

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

    def variance(self, fan_in: int, fan_out: int, activation: Activation) -> float:
        return squared(resolved_gain(self.gain, activation)) * 2.0 / (fan_in + fan_out)

    def arrange(self, blocks: Sequence[Branch]) -> None:
        gates = [block.gate for block in blocks if block.gate is not None]
        _need(gates, "rezero shuts the gates of residual blocks, and there are none")
        for gate in gates:
            gate.fill(0.0)


def _need(found: Sequence[object], problem: str) -> None:
    if not found:
        allowed = "connectivity residual, with a gate" if "gates" in problem else "residual"
        raise RequestError(Problem(problem, "model.init", allowed))
