"""Gradient noise: g ← g + N(0, σ²) with σ² = η/(1 + t)^γ at step t = 0, 1, …

References: Neelakantan et al. 2015, equation 1, with γ = 0.55 and η of 0.01, 0.3 and 1.0.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from vgrad.nn.arrays import Array


@dataclass(frozen=True)
class GradientNoise:
    """The noise; false where there is none. It belongs after clipping, which would limit it."""

    eta: float = 0.0
    gamma: float = 0.55

    def __bool__(self) -> bool:
        return self.eta > 0.0

    def std(self, t: int) -> float:
        """σ after t updates."""
        return sqrt(self.eta / (1.0 + t) ** self.gamma)

    def add(self, grads: Array, t: int, rng: np.random.Generator, scratch: Array) -> None:
        """Add the noise of step t to the flat vector `grads`.

        It is drawn through `scratch`, a contiguous vector of any length and the same precision,
        and depends neither on that length nor on how the gradient is cut into calls.
        """
        std = self.std(t)
        for start in range(0, len(grads), len(scratch)):
            part = grads[start : start + len(scratch)]
            drawn = scratch[: len(part)]
            rng.standard_normal(out=drawn, dtype=drawn.dtype)
            drawn *= std
            part += drawn
