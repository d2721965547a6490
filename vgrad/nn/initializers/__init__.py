"""Initializers by name. A new one is an entry in the file of its siblings."""

from vgrad.nn.initializers import critical, fixed, orthogonal, scaled, wired
from vgrad.nn.initializers.base import Branch, Initializer, initializers

__all__ = [
    "Branch",
    "Initializer",
    "critical",
    "fixed",
    "initializers",
    "orthogonal",
    "scaled",
    "wired",
]
