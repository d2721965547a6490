"""Highway networks: each layer learns how much of its input to carry on."""

from dataclasses import dataclass

from vgrad.nn.activations.saturating import Sigmoid
from vgrad.nn.graph import Graph, Signal
from vgrad.nn.operations.combine import Carry
from vgrad.nn.wiring.base import Builder, Connectivity, Model, connectivities


@connectivities.register("highway", source="Srivastava et al. 2015")
@dataclass(frozen=True)
class Highway(Connectivity):
    """x + t·(h - x) with a gate t = σ(W·x + b) of its own; `gate_bias` is the first b.

    The first layer, and any that changes the width, is a plain one.
    """

    gate_bias: float = -2.0

    def build(self, model: Model) -> Graph:
        builder = Builder(model)
        x = builder.input
        for number, width in enumerate(model.widths, 1):
            if number == 1 or width != x.rows:
                z = builder.linear(x, width, f"linear{number}")
                x = builder.activated(builder.normalized(z))
                continue
            name = f"highway{number}"
            z = builder.linear(x, width, f"{name}.linear")
            h = builder.activated(builder.normalized(z), out=Signal.of(width))
            gate = builder.linear(x, width, f"{name}.gate", normed=False, bias=self.gate_bias)
            t = builder.activated(gate, out=Signal.of(width), activation=Sigmoid())
            x = builder.append(Carry(x, h, t, Signal.of(width, ones=True)))
        return builder.finished(x)
