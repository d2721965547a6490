"""No normalization: the only norm so far."""

from dataclasses import dataclass

from vgrad.registry import Registry

norms: Registry[object] = Registry("norm")


@norms.register("none", source="—")
@dataclass(frozen=True)
class NoNorm:
    """No normalization."""
