"""One weight layer: z = W·x, h = φ(z), and the way back."""

from dataclasses import dataclass

import numpy as np

from vgrad.nn.activations import Activation
from vgrad.nn.arrays import Array


@dataclass(frozen=True, eq=False)
class Linear:
    """A fully connected layer over a view of the network's flat parameter vector.

    `weight` is `(fan_out, 1 + fan_in)`: the first column is the bias, for the first row of
    every input is a constant 1. One product computes W·x + b, one dW and db.
    """

    name: str
    weight: Array
    activation: Activation

    @property
    def fan_in(self) -> int:
        """Units that feed the layer, the constant left out."""
        return int(self.weight.shape[1]) - 1

    @property
    def fan_out(self) -> int:
        """Units of the layer."""
        return int(self.weight.shape[0])

    def forward(self, x: Array, *, z: Array, h: Array, scratch: Array) -> None:
        """Write z = W·x and h = φ(z).

        x is `(1 + fan_in, batch)`, z and h `(fan_out, batch)`; h may be z in a linear layer.
        """
        np.matmul(self.weight, x, out=z)
        if h is not z:
            self.activation.forward(z, out=h, scratch=scratch)

    def backward(self, delta: Array, x: Array, *, grad: Array, grad_x: Array | None) -> None:
        """Write ∂L/∂W = δ·xᵀ into `grad`, and ∂L/∂x = Wᵀ·δ without the constant's row.

        `grad` has the shape of the weight; `grad_x` is `(fan_in, batch)`, or None where nobody
        asks for it.
        """
        np.matmul(delta, x.T, out=grad)
        if grad_x is not None:
            np.matmul(self.weight[:, 1:].T, delta, out=grad_x)
