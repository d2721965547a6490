"""Networks of every wiring and norm with numbers that a formula gives, and their gradients."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from drawn_graphs import NORMS, WIRINGS, graph_of
from reference.cases import Vector

from vgrad.nn.graph import Graph
from vgrad.nn.losses import losses
from vgrad.nn.network import Network
from vgrad.nn.plan import Plan

Named = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Wired:
    """What is compared: a network of this shape, its parameters and its batch from formulas."""

    wiring: Named
    norm: Named
    activation: str = "tanh"
    features: int = 3
    widths: tuple[int, ...] = (4, 4, 4, 4, 4)
    outputs: int = 2
    batch: int = 5

    @property
    def graph(self) -> Graph:
        """Ours."""
        return graph_of(
            self.wiring,
            self.norm,
            activation=self.activation,
            features=self.features,
            widths=self.widths,
            outputs=self.outputs,
        )

    @property
    def x(self) -> Vector:
        """`(features, batch)`."""
        return waves(self.features * self.batch, 0.9).reshape(self.features, self.batch)

    @property
    def t(self) -> Vector:
        """`(outputs, batch)`, numbers to predict."""
        return waves(self.outputs * self.batch, 1.7).reshape(self.outputs, self.batch)

    def params(self, size: int) -> Vector:
        """The flat vector."""
        return 0.7 * waves(size, 1.3)


def waves(size: int, rate: float) -> Vector:
    """Numbers between -1 and 1 without a pattern that could cancel."""
    i = np.arange(1.0, size + 1.0)
    return np.sin(rate * i + 0.01 * i * i)


def every_wired() -> Iterator[Wired]:
    """Every wiring with every norm, widths alike and, where they may, not."""
    smooth = ("tanh", "silu", "softplus", "sigmoid", "gelu")
    for number, (wiring, norm) in enumerate(product(WIRINGS, NORMS)):
        uneven = number % 2 and wiring[0] != "dense"
        widths = (4, 4, 3, 3, 5) if uneven else (4, 4, 4, 4, 4)
        yield Wired(wiring, norm, smooth[number % len(smooth)], widths=widths)


def ours(case: Wired) -> tuple[Network, Plan]:
    """The engine's network of the case, and a plan with its batch."""
    network = Network(case.graph, losses.build("mse"), np.dtype(np.float64))
    network.params[...] = case.params(network.params.size)
    plan = network.plan(case.batch)
    plan.inputs[0][1:], plan.targets[...] = case.x, case.t
    return network, plan


def our_results(case: Wired) -> tuple[float, Vector, float]:
    """Loss, flat gradient, and the loss in evaluation once statistics took in the batch."""
    network, plan = ours(case)
    value = network.differentiate(plan)
    gradient = network.grads.copy()
    network.commit(plan.lean)
    evaluation = network.plan(case.batch, training=False)
    evaluation.inputs[0][1:], evaluation.targets[...] = case.x, case.t
    return value, gradient, network.evaluate(evaluation)


def sketches(gradient: Vector, segments: Sequence[int]) -> Vector:
    """Of each segment of a gradient two numbers that small files can hold: its norm, and its
    product with waves."""
    parts = np.split(gradient, np.cumsum(segments)[:-1])
    weights = np.split(np.cos(np.arange(gradient.size)), np.cumsum(segments)[:-1])
    return np.array([[np.linalg.norm(g), g @ w] for g, w in zip(parts, weights, strict=True)])
