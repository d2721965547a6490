"""Training steps with the norm of every layer's gradient at each of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

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
    for key, sections in plan.steps_back.items():
        plan.steps_back[key] = [
            (group, [one for one in steps if getattr(one, "func", None) is not np.add])
            for group, steps in sections
        ]
    return step


def vgrad_step(size: Size, graph: Graph | None = None) -> Callable[[], object]:
    """A step of ours, group by group as training makes it."""
    return step_and_plan(size, graph or wired(size, "plain"))[0]


def step_and_plan(size: Size, graph: Graph) -> tuple[Callable[[], object], Plan]:
    """The step, which was made once, and its buffers."""
    network = Network(graph, losses.build("cross_entropy"), np.dtype(np.float32))
    rng = np.random.default_rng(0)
    network.initialize(initializers.build("orthogonal"), initializers.build("zeros"), rng)
    rule = optimizers.build(size.optimizer, {"lr": RATES[size.optimizer]})
    optimizer = Optimizer(rule, network.params, [group.part for group in network.groups])
    plan = network.plan(size.batch)
    x, classes = size.examples()
    plan.inputs[0][1:] = x.T
    plan.targets[...] = np.eye(CLASSES)[:, classes]
    norms = np.empty(len(network.layers), np.float32)
    runs = {group.index: list(equal_runs(network, group)) for group in network.groups}

    def update(group: Group, grads: np.ndarray) -> None:
        for gradients, into in runs[group.index]:
            np.vecdot(gradients, gradients, out=norms[into])
        optimizer.update(group.index, grads)

    def step() -> object:
        optimizer.begin(rule.lr)
        network.differentiate(plan, plan.lean, update)
        return np.sqrt(norms, out=norms)

    step()
    return step, plan


def equal_runs(network: Network, group: Group) -> Iterator[tuple[np.ndarray, slice]]:
    """The gradients of a group's layers, `(k, weights)` for each k of one size in a row, and the
    places of these layers."""
    sizes = [network.group_grads[index].size for index in group.layers]
    start = group.layers.start
    for size, same in groupby(sizes):
        count = len(list(same))
        first = network.group_grads[start].reshape(-1)
        rows = np.lib.stride_tricks.as_strided(first, (count, size), (first.nbytes, first.itemsize))
        yield rows, slice(start, start + count)
        start += count


def torch_step(size: Size) -> Callable[[], object]:
    """The same in PyTorch, eager, as its tutorials write it."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    kind = {"tanh": nn.Tanh, "relu": nn.ReLU}[size.activation]
    widths = [FEATURES, *[size.width] * size.depth]
    blocks: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        linear = nn.Linear(fan_in, fan_out)
        nn.init.orthogonal_(linear.weight)
        nn.init.zeros_(linear.bias)
        blocks += [linear, kind()]
    model = nn.Sequential(*blocks, nn.Linear(widths[-1], CLASSES))
    make = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[size.optimizer]
    optimizer = make(model.parameters(), lr=RATES[size.optimizer])
    x, classes = (torch.from_numpy(array) for array in size.examples())
    weights = [module.weight for module in model if isinstance(module, nn.Linear)]

    def step() -> object:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), classes).backward()
        norms = [weight.grad.norm() for weight in weights]
        optimizer.step()
        return norms

    return step
