"""Training steps with the norm of every layer's gradient at each of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise

import numpy as np

from vgrad.compiling import compiled
from vgrad.nn.activations import activations
from vgrad.nn.graph import Graph
from vgrad.nn.initializers import initializers
from vgrad.nn.losses import losses
from vgrad.nn.network import Group, Network
from vgrad.nn.optimizers import Optimizer, optimizers
from vgrad.nn.plan import Plan
from vgrad.nn.wiring import Model, connectivities

FEATURES, CLASSES = 64, 10
RATES = {"sgd": 0.01, "adam": 1e-3}


@dataclass(frozen=True)
class Size:
    """A perceptron of `depth` hidden layers of `width` units, and its batch."""

    depth: int
    width: int
    batch: int
    activation: str = "tanh"
    optimizer: str = "adam"

    def __str__(self) -> str:
        shape = f"{self.depth}×{self.width}×{self.batch}"
        return f"{shape} {self.activation} {self.optimizer}"

    def examples(self) -> tuple[np.ndarray, np.ndarray]:
        """Features `(batch, FEATURES)` and classes `(batch,)`."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=(self.batch, FEATURES)).astype(np.float32)
        return x, rng.integers(0, CLASSES, self.batch)


def wired(size: Size, name: str, **options: object) -> Graph:
    """A network of this size with another wiring."""
    activation = activations.build(size.activation)
    model = Model(FEATURES, (size.width,) * size.depth, CLASSES, activation)
    return connectivities.build(name, options).build(model)


def without_sums(step: Callable[[], object], plan: Plan) -> Callable[[], object]:
    """The step with nothing left in it that only its wiring asks for: gradients that meet are not
    added up. Its numbers mean nothing, but its products are the same."""
    for key, legs in plan.steps_back.items():
        plan.steps_back[key] = [
            leg._replace(steps=[s for s in leg.steps if getattr(s, "func", None) is not np.add])
            for leg in legs
        ]
    return step


def vgrad_step(
    size: Size, graph: Graph | None = None, *, one_pass: bool = True
) -> Callable[[], object]:
    """A step of ours, group by group as training makes it: as a long run does, with compiled
    kernels if Numba is there, unless they are not wanted."""
    return step_and_plan(size, graph or wired(size, "plain"), one_pass=one_pass)[0]


def step_and_plan(
    size: Size, graph: Graph, *, one_pass: bool = True
) -> tuple[Callable[[], object], Plan]:
    """The step, which was made once, and its buffers."""
    compiler = compiled if one_pass else None
    loss = losses.build("cross_entropy")
    network = Network(graph, loss, np.dtype(np.float32), compiler=compiler)
    rng = np.random.default_rng(0)
    network.initialize(initializers.build("orthogonal"), initializers.build("zeros"), rng)
    rule = optimizers.build(size.optimizer, {"lr": RATES[size.optimizer]})
    parts = [group.part for group in network.groups]
    optimizer = Optimizer(rule, network.params, parts, compiler=compiler)
    plan = network.plan(size.batch)
    x, classes = size.examples()
    plan.inputs[0][1:] = x.T
    plan.targets[...] = np.eye(CLASSES)[:, classes]
    norms = np.empty(len(network.layers), np.float32)
    squares = {group.index: list(squared(network, group, norms)) for group in network.groups}

    def update(group: Group, grads: np.ndarray) -> None:
        for square in squares[group.index]:
            square()
        optimizer.update(group.index, grads)

    def step() -> object:
        optimizer.begin(rule.lr)
        network.differentiate(plan, plan.lean, update)
        return np.sqrt(norms, out=norms)

    step()
    return step, plan


def squared(network: Network, group: Group, norms: np.ndarray) -> Iterator[Callable[[], object]]:
    """What writes the squares of the norms of a group's gradients to their places in `norms`:
    layers of one size in a row at once."""
    sizes = [network.group_grads[index].size for index in group.layers]
    start = group.layers.start
    for size, same in groupby(sizes):
        count = len(list(same))
        first = network.group_grads[start].reshape(-1)
        if count == 1:
            yield partial(first.dot, first, norms[start, ...])
        else:
            strides = (first.nbytes, first.itemsize)
            rows = np.lib.stride_tricks.as_strided(first, (count, size), strides)
            yield partial(np.vecdot, rows, rows, norms[start : start + count])
        start += count


def floor_step(size: Size) -> Callable[[], object]:
    """Nothing but the matrix products of a step: of each layer z = W·x, ∂L/∂W = δ·xᵀ and, above
    the first, ∂L/∂x = Wᵀ·δ, in the same memory layout, biases as a column of the weights."""
    rng = np.random.default_rng(0)
    widths = [FEATURES, *[size.width] * size.depth, CLASSES]

    def drawn(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    inputs = [drawn(1 + width, size.batch) for width in widths]
    deltas = {width: drawn(width, size.batch) for width in widths}
    forward, back = [], []
    for place, (fan_in, fan_out) in enumerate(pairwise(widths)):
        weight = drawn(fan_out, 1 + fan_in) / np.float32(np.sqrt(fan_in))  # so that none overflows
        x, delta = inputs[place], deltas[fan_out]
        forward.append((weight, x, inputs[place + 1][1:]))
        back.append((delta, x.T, np.empty_like(weight)))
        if place:
            back.append((weight[:, 1:].T, delta, np.empty_like(deltas[fan_in])))
    products = [*forward, *reversed(back)]

    def step() -> object:
        for left, right, out in products:
            np.matmul(left, right, out=out)
        return None

    return step
