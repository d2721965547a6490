"""Each layer feeds the next."""

from collections.abc import Sequence
from dataclasses import dataclass

from vgrad.nn.activations import Activation
from vgrad.nn.graph import Graph
from vgrad.nn.wiring.base import Builder, Connectivity, Model, connectivities


@connectivities.register("plain", source="Rosenblatt 1961")
@dataclass(frozen=True)
class Plain(Connectivity):
    """Each layer feeds the next."""

    def build(self, model: Model) -> Graph:
        builder = Builder(model)
        signal = builder.input
        for number, width in enumerate(model.widths, 1):
            z = builder.linear(signal, width, f"linear{number}")
            signal = builder.activated(builder.normalized(z))
        return builder.finished(signal)


def perceptron(sizes: Sequence[int], activation: Activation) -> Graph:
    """A plain network with these units per layer, inputs first."""
    return Plain().build(Model(sizes[0], tuple(sizes[1:-1]), sizes[-1], activation))
