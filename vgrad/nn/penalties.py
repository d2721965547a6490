"""L1 and L2 penalties: λ₁·‖W‖₁ + λ₂/2·‖W‖₂² over all weights, biases left out.

References: Tibshirani 1996; Hoerl & Kennard 1970; Goodfellow et al. 2016, section 7.1 (with its
½, so that the gradient is λ₂·W, PyTorch's `weight_decay`).
"""

from dataclasses import dataclass

import numpy as np

from vgrad.nn.arrays import Array


@dataclass(frozen=True)
class Penalties:
    """Both penalties; false where both are 0."""

    l1: float = 0.0
    l2: float = 0.0

    def __bool__(self) -> bool:
        return bool(self.l1 or self.l2)

    def add(self, weight: Array, grad: Array, scratch: Array) -> float:
        """Add the penalties' gradient to `grad`; return their value. All are of one shape."""
        value = 0.0
        if self.l2:
            np.multiply(weight, self.l2, out=scratch)
            grad += scratch
            scratch *= weight
            value += 0.5 * float(scratch.sum(dtype=np.float64))
        if self.l1:
            np.sign(weight, out=scratch)
            scratch *= self.l1
            grad += scratch
            np.abs(weight, out=scratch)
            value += self.l1 * float(scratch.sum(dtype=np.float64))
        return value
