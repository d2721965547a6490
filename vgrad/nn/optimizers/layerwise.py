"""A rate per layer from the size of its weight: LARS, LAMB.

Both move each weight by a share of its own norm, whatever the size of its gradient. The weight is
taken without its bias. Biases, and vectors such as gains and gates, move with a ratio of 1 and
without weight decay, as in the authors' programs; so does what begins at zero, and would not move
by a share of nothing. (Passes run over whole tensors, which are contiguous, and the bias is put
right afterwards: without the first column a pass takes two to six times as long.)
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from vgrad.euclidean import norm
from vgrad.nn.arrays import Array
from vgrad.nn.optimizers.base import Coefficients, Decay, Positive, UpdateRule, optimizers
from vgrad.nn.optimizers.moments import Moments

Arrays = tuple[Array, ...]


@optimizers.register("lars", source="You et al. 2017, algorithm 1")
@dataclass(frozen=True)
class LARS(UpdateRule):
    """v ← momentum·v + lr·λ·(g + decay·w); w ← w - v: momentum at a rate λ per layer.

    λ = trust_coefficient·‖w‖/(‖g‖ + weight_decay·‖w‖ + eps), or 1 where ‖w‖ or ‖g‖ is 0. The
    paper has no eps; ours only keeps λ a number that single precision can hold.
    """

    lr: Positive = 0.1
    momentum: Decay = 0.9
    trust_coefficient: Positive = 1e-3
    eps: Positive = 1e-20

    layerwise: ClassVar[bool] = True
    slots: ClassVar[tuple[str, ...]] = ("velocity",)

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (velocity,), (step,) = slots, scratch
        (rate,) = coefficients
        if params.ndim == 1:
            np.multiply(grads, rate, out=step)
        else:
            np.multiply(params, self.weight_decay, out=step)
            step += grads
            step *= rate * self.trust(norm(params[:, 1:]), norm(grads[:, 1:]))
            np.multiply(grads[:, 0], rate, out=step[:, 0])
        velocity *= self.momentum
        velocity += step
        params -= velocity

    def trust(self, weight: float, grad: float) -> float:
        """λ, given ‖w‖ and ‖g‖."""
        if weight == 0.0 or grad == 0.0:
            return 1.0
        return self.trust_coefficient * weight / (grad + self.weight_decay * weight + self.eps)


@optimizers.register("lamb", source="You et al. 2020, algorithm 2")
@dataclass(frozen=True)
class LAMB(Moments):
    """w ← w - lr·‖w‖/‖u‖·u with u = m̂/(√v̂ + eps) + decay·w: Adam at a rate per layer.

    φ of the paper is the identity; the ratio is 1 where ‖w‖ or ‖u‖ is 0.
    """

    weight_decay: Annotated[float, Ge(0)] = 0.01
    eps: Positive = 1e-6

    layerwise: ClassVar[bool] = True
    n_scratch: ClassVar[int] = 2

    def coefficients(self, t: int, lr: float, memory: dict[str, float]) -> Coefficients:
        """The rate, then the factor and the eps of Adam's direction, as they act on the sums."""
        return (lr, *super().coefficients(t, 1.0, memory))

    def update(
        self,
        params: Array,
        grads: Array,
        slots: Arrays,
        scratch: Arrays,
        coefficients: Coefficients,
    ) -> None:
        (mean, square), (u, s) = slots, scratch
        rate, factor, eps = coefficients
        self.take_in(grads, mean, square, u)
        np.sqrt(square, out=u)
        u += eps
        np.divide(mean, u, out=u)
        u *= factor
        if params.ndim == 1:
            u *= rate
        else:
            np.multiply(params, self.weight_decay, out=s)
            s += u
            weight, direction = norm(params[:, 1:]), norm(s[:, 1:])
            s *= rate * (weight / direction if weight and direction else 1.0)
            np.multiply(u[:, 0], rate, out=s[:, 0])
            u = s
        params -= u
