"""Networks of every wiring and norm, drawn by hypothesis or from a seed."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from vgrad.nn.activations import activations
from vgrad.nn.graph import Graph
from vgrad.nn.initializers import initializers
from vgrad.nn.losses import losses
from vgrad.nn.network import Network
from vgrad.nn.norms import norms
from vgrad.nn.plan import Plan
from vgrad.nn.wiring import Model, connectivities

ORDERS = ("post", "pre", "inside")
WIRINGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("plain", {}),
    *(("residual", {"every": k, "order": order}) for k in (1, 2, 3) for order in ORDERS),
    ("residual", {"gate": 0.5, "scale": "1/sqrt(depth)"}),
    ("residual", {"gate": 0.3, "order": "pre", "scale": 0.5, "every": 1}),
    ("residual", {"order": "inside", "scale": "1/sqrt(blocks)"}),
    ("highway", {}),
    ("highway", {"gate_bias": 0.5}),
    ("dense", {"growth": 3}),
    ("dense", {"growth": 2, "bottleneck": 2}),
    ("dense", {"growth": 3, "every": 2, "compression": 0.6}),
    ("dense", {"growth": 2, "every": 1, "bottleneck": 1}),
)
"""Every connectivity, with options that change what it does."""
NORMS: tuple[tuple[str, dict[str, Any]], ...] = tuple(
    (entry.name, options)
    for entry in norms
    for options in (
        [{"placement": "before"}, {"placement": "after", "eps": 1e-2}]
        if "placement" in entry.part.__dataclass_fields__
        else [{}]
    )
)
"""Every norm, at each of its places."""


def graph_of(
    wiring: tuple[str, dict[str, Any]],
    norm: tuple[str, dict[str, Any]] = ("none", {}),
    *,
    activation: str = "tanh",
    features: int = 4,
    widths: tuple[int, ...] = (5, 5, 5, 5, 5),
    outputs: int = 3,
    dropout: float = 0.0,
) -> Graph:
    """The graph of such a network."""
    model = Model(
        features,
        widths,
        outputs,
        activations.build(activation),
        norms.build(*norm),
        dropout,
    )
    return connectivities.build(*wiring).build(model)


@st.composite
def graphs(draw: st.DrawFn, dropout: float = 0.0) -> Graph:
    """Any wiring, norm, activation and sizes."""
    name, options = wiring = draw(st.sampled_from(WIRINGS))
    depth = draw(st.integers(1 + options.get("every", 2), 7))
    width = draw(st.integers(2, 7))
    widths = (width,) * depth
    if name != "dense" and draw(st.booleans()):
        widths = tuple(draw(st.lists(st.integers(2, 7), min_size=depth, max_size=depth)))
    return graph_of(
        wiring,
        draw(st.sampled_from(NORMS)),
        activation=draw(st.sampled_from(activations.names())),
        features=draw(st.integers(1, 6)),
        widths=widths,
        outputs=draw(st.integers(1, 4)),
        dropout=dropout,
    )


def network_of(graph: Graph, loss: str = "mse", dtype: Any = np.float64, seed: int = 0) -> Network:
    """A network with random parameters, none of them where it begins."""
    network = Network(graph, losses.build(loss), np.dtype(dtype))
    rng = np.random.default_rng(seed)
    start = initializers.build("lecun_normal")
    network.initialize(start, initializers.build("gaussian", {"std": 0.1}), rng)
    network.params += 0.1 * rng.normal(size=network.params.shape)
    return network


def fill(plan: Plan, seed: int) -> None:
    """Write a random batch."""
    rng = np.random.default_rng(seed)
    plan.inputs[0][1:] = rng.normal(size=plan.inputs[0][1:].shape)
    plan.targets[...] = np.eye(len(plan.targets))[:, rng.integers(0, len(plan.targets), plan.batch)]
