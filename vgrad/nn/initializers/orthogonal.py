"""Weights whose rows or columns are orthonormal, but for a factor."""

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Gt, Lt

from vgrad.nn.activations import Activation
from vgrad.nn.arrays import Array
from vgrad.nn.initializers.base import Gain, Initializer, initializers, resolved_gain, squared


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

    def variance(self, fan_in: int, fan_out: int, activation: Activation) -> float:
        return squared(resolved_gain(self.gain, activation)) / max(fan_in, fan_out)

    @property
    def isometric(self) -> bool:
        return True


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
