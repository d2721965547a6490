"""Activations φ: a formula and its derivative, nothing else.

Every activation works element by element on arrays of one shape. `forward` and `derivative`
write into `out`, which aliases none of their other arguments. `scratch` holds `n_scratch`
arrays of z's shape, free for temporaries. Where `needs_input` is False the derivative is
computed from the output alone, and the z that is handed in means nothing: the plan of the
network keeps only what is needed.
"""

from typing import ClassVar

from vgrad.nn.arrays import Array
from vgrad.registry import Registry

activations: Registry["Activation"] = Registry("activation")


class Activation:
    """The contract of the family."""

    needs_input: ClassVar[bool] = False
    """Whether the derivative is computed from z; otherwise from the output."""
    n_scratch: ClassVar[int] = 0
    """Temporaries of z's shape that forward or derivative use."""
    kinks: ClassVar[tuple[float, ...]] = ()
    """Where φ′ jumps; there it takes the value that PyTorch gives it."""

    @property
    def max_slope(self) -> float:
        """max|φ′| over the real line."""
        return 1.0

    @property
    def gain(self) -> float | None:
        """The weights' gain as in `torch.nn.init.calculate_gain`, None where it has none."""
        return None

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        """Write φ(z) into `out`.

        A kernel that does the same takes z and `out`.
        """
        raise NotImplementedError

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        """Write φ′(z) into `out`, given z and output = φ(z).

        A kernel that does the same takes the output, a gradient, and where φ′ times it goes.
        """
        raise NotImplementedError
