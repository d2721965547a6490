"""One weight layer: z = W·x, h = φ(z), and the way back.

Products of contiguous arrays go through `ndarray.dot`, which costs half a microsecond less than
`numpy.matmul`; where an operand is a slice, `dot` would copy it and `matmul` does not.
"""

from dataclasses import dataclass, field

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
    backward_weight: Array = field(init=False)
    """Wᵀ without the constant's row, `(fan_in, fan_out)`: a view."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "backward_weight", self.weight[:, 1:].T)

    @property
    def fan_in(self) -> int:
        """Units that feed the layer, the constant left out."""
        return int(self.weight.shape[1]) - 1

    @property
    def fan_out(self) -> int:
        """Units of the layer."""
        return int(self.weight.shape[0])

    def forward(self, x: Array, z: Array, h: Array, scratch: Array) -> None:
        """Write z = W·x and h = φ(z).

        x is `(1 + fan_in, batch)`, z and h `(fan_out, batch)`; h may be z in a linear layer.
        """
        self.weight.dot(x, z)
        if h is not z:
            self.activation.forward(z, out=h, scratch=scratch)

    def backward(
        self,
        delta: Array,
        x: Array,
        x_transposed: Array | None,
        grad: Array,
        grad_x: Array | None,
    ) -> None:
        """Write ∂L/∂W = δ·xᵀ into `grad`, and ∂L/∂x = Wᵀ·δ without the constant's row.

        `grad` has the shape of the weight; `grad_x` is `(fan_in, batch)`, or None where nobody
        asks for it. `x_transposed`, `(batch, 1 + fan_in)`, is scratch, or None where it does not
        pay: BLAS takes 14 µs for δ·xᵀ at 64 units and batch 128 as it stands, and 9 µs after a
        copy of xᵀ that takes 3.
        """
        if x_transposed is None:
            np.matmul(delta, x.T, out=grad)
        else:
            np.copyto(x_transposed, x.T)
            delta.dot(x_transposed, grad)
        if grad_x is not None:
            np.matmul(self.backward_weight, delta, out=grad_x)
