"""Wirings: how weight layers, activations, norms and skips make a network."""

from vgrad.nn.wiring import dense, highway, plain, residual
from vgrad.nn.wiring.base import Connectivity, Model, connectivities
from vgrad.nn.wiring.plain import perceptron

__all__ = [
    "Connectivity",
    "Model",
    "connectivities",
    "dense",
    "highway",
    "perceptron",
    "plain",
    "residual",
]
