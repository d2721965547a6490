"""Activations by name. A new one is an entry in the file of its siblings."""

from vgrad.nn.activations import exponential, linear, saturating, smooth
from vgrad.nn.activations.base import Activation, activations

__all__ = ["Activation", "activations", "exponential", "linear", "saturating", "smooth"]
