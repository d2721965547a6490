"""Each layer feeds the next: the only connectivity so far."""

from dataclasses import dataclass

from vgrad.registry import Registry

connectivities: Registry[object] = Registry("connectivity")


@connectivities.register("plain", source="Rosenblatt 1961")
@dataclass(frozen=True)
class Plain:
    """Each layer feeds the next."""
