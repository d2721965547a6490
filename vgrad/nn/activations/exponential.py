"""Linear above 0, exponential below: the family that drives its own mean towards 0."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt

from vgrad.nn.activations.base import Activation, activations
from vgrad.nn.arrays import Array


class ExponentialLinear(Activation):
    """scale·z for z > 0, scale·alpha·(exp(rate·z) - 1) otherwise: ELU, SELU and CELU."""

    n_scratch: ClassVar[int] = 1
    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    @property
    def shape(self) -> tuple[float, float, float]:
        """(scale, alpha, rate)."""
        raise NotImplementedError

    @property
    def max_slope(self) -> float:
        scale, alpha, rate = self.shape
        return scale * max(1.0, alpha * rate)

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        scale, alpha, rate = self.shape
        positive = scratch[0]
        np.minimum(z, 0.0, out=out)
        out *= rate
        np.expm1(out, out=out)
        out *= scale * alpha
        np.maximum(z, 0.0, out=positive)
        positive *= scale
        out += positive

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        scale, alpha, rate = self.shape
        np.minimum(output, 0.0, out=out)
        out *= rate
        out += scale * alpha * rate
        if alpha * rate != 1.0:
            step = scratch[0]
            np.greater(output, 0.0, out=step)
            step *= scale * (1.0 - alpha * rate)
            out += step


@activations.register("elu", source="Clevert et al. 2016")
@dataclass(frozen=True)
class ELU(ExponentialLinear):
    """z for z > 0, alpha·(exp(z) - 1) otherwise."""

    alpha: Annotated[float, Gt(0)] = 1.0

    @property
    def shape(self) -> tuple[float, float, float]:
        return 1.0, self.alpha, 1.0


@activations.register("selu", source="Klambauer et al. 2017")
@dataclass(frozen=True)
class SELU(ExponentialLinear):
    """λ·z for z > 0, λα·(exp(z) - 1) otherwise; keeps mean 0 and variance 1."""

    SCALE: ClassVar[float] = 1.0507009873554804934193349852946
    ALPHA: ClassVar[float] = 1.6732632423543772848170429916717

    @property
    def gain(self) -> float:
        return 0.75

    @property
    def shape(self) -> tuple[float, float, float]:
        return self.SCALE, self.ALPHA, 1.0


@activations.register("celu", source="Barron 2017")
@dataclass(frozen=True)
class CELU(ExponentialLinear):
    """z for z > 0, alpha·(exp(z/alpha) - 1) otherwise; smooth for every alpha."""

    alpha: Annotated[float, Ge(1e-30)] = 1.0  # its inverse must be a number in single precision

    kinks: ClassVar[tuple[float, ...]] = ()

    @property
    def shape(self) -> tuple[float, float, float]:
        return 1.0, self.alpha, 1.0 / self.alpha
