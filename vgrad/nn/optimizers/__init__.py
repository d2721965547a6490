"""Optimizers by name. A new one is an entry in the file of its siblings."""

from vgrad.nn.optimizers import adaptive, descent, layerwise, moments
from vgrad.nn.optimizers.base import Optimizer, UpdateRule, optimizers

__all__ = ["Optimizer", "UpdateRule", "adaptive", "descent", "layerwise", "moments", "optimizers"]
