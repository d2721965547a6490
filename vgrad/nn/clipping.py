"""Gradients as they are: the only clip so far."""

from dataclasses import dataclass

from vgrad.registry import Registry

clips: Registry[object] = Registry("clip")


@clips.register("none", source="—")
@dataclass(frozen=True)
class NoClip:
    """Gradients as they are."""
