"""What telemetry sees of a network under way: its layers, those alike in one stack each."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vgrad.experiment import STACK
from vgrad.nn.arrays import Array, stacked
from vgrad.nn.network import Network
from vgrad.nn.plan import Plan
from vgrad.telemetry import BlockView, LayerStack


@dataclass(frozen=True, eq=False)
class StretchView:
    """What is in memory at once of a step: a stretch's weight layers, and the residual blocks that
    end there."""

    layers: Sequence[int]
    stacks: list[LayerStack]
    blocks: list[BlockView]


def stretch_views(network: Network, plan: Plan, previous: Array) -> list[StretchView]:
    """The plan's stretches, as steps on the watched tape leave them; `previous` holds the
    parameters before the last update."""
    written = {id(operation): n for n, operation in enumerate(network.graph.operations)}
    ends = [written[id(block.end)] for block in network.graph.blocks]
    blocks = block_views(network, plan)
    return [
        StretchView(
            layers,
            list(layer_stacks(network, plan, previous, layers)) if layers else [],
            [block for block, end in zip(blocks, ends, strict=True) if end in stretch],
        )
        for stretch, layers in zip(plan.layout.stretches, plan.layout.layers_in, strict=True)
    ]


def layer_stacks(
    network: Network, plan: Plan, previous: Array, among: Sequence[int] | None = None
) -> Iterator[LayerStack]:
    """The network's layers, or those `among` them, those of one kind that lie at equal distances
    stacked up to `STACK` elements."""
    tape, layers = plan.full, network.graph.layers
    among = range(len(layers)) if among is None else among
    shown = {
        "weight": [layer.weight[:, 1:] for layer in network.layers],
        "gradient": [grad[:, 1:] for grad in network.layer_grads],
        "previous_weight": [weight[:, 1:] for weight in network.views(previous)],
        "delta": tape.deltas,
        "preactivation": tape.preactivations,
        "output": tape.outputs,
    }
    in_block = {
        id(layer): n for block in network.graph.blocks for n, layer in enumerate(block.layers)
    }

    def kind(index: int) -> tuple[object, ...]:
        layer = layers[index]
        return layer.weight.shape, in_block.get(id(layer)), layer.activation

    def stack(run: list[int]) -> LayerStack:
        phi = layers[run[0]].activation
        slopes = [slope for i in run if (slope := tape.slopes[i]) is not None]
        return LayerStack(
            names=tuple(layers[i].name for i in run),
            **{name: stacked([arrays[i] for i in run]) for name, arrays in shown.items()},
            slope=None if phi is None else stacked(slopes),
            max_slope=1.0 if phi is None else phi.max_slope,
            places=tuple(run),
        )

    observed = [*shown.values(), tape.slopes]
    for alike in grouped(among, kind):
        rows, columns = layers[alike[0]].weight.shape
        most = max(1, STACK // max(rows * plan.batch, rows * columns))
        yield from map(stack, evenly_laid_out(alike, observed, most))


def grouped(members: Iterable[int], kind: Callable[[int], Hashable]) -> Iterable[list[int]]:
    """The members of each kind, in order, kinds in the order of their first."""
    groups: dict[Hashable, list[int]] = {}
    for member in members:
        groups.setdefault(kind(member), []).append(member)
    return groups.values()


def address(array: Array | None) -> int:
    """Where it lies in memory; 0 for none."""
    return 0 if array is None else int(array.ctypes.data)


def evenly_laid_out(
    members: Sequence[int], arrays: Sequence[Sequence[Array | None]], most: int
) -> Iterator[list[int]]:
    """Members in runs of at most `most`, whose arrays lie at equal distances."""
    places = [[address(array[member]) for array in arrays] for member in members]
    distances = [[b - a for a, b in zip(*pair, strict=True)] for pair in pairwise(places)]
    run = [members[0]]
    for place in range(1, len(members)):
        distance = distances[place - 1]
        if len(run) == most or (len(run) > 1 and distance != distances[place - 2]):
            yield run
            run = []
        run.append(members[place])
    yield run


def block_views(network: Network, plan: Plan) -> list[BlockView]:
    """The network's residual blocks, as steps on the watched tape leave them."""
    views = []
    for block in network.graph.blocks:
        skip, branch = (plan.full.value(source) for source in block.end.sources)
        gate = None if block.end.gate is None else network.param(block.end.gate)
        views.append(BlockView(block.name, skip, branch, block.end.scale, gate))
    return views
