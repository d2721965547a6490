"""A graph with its parameters: one flat vector of them, and one flat gradient vector."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vgrad.nn.arrays import Array, aligned, fill
from vgrad.nn.graph import Block, Graph, Param, Statistic, Step
from vgrad.nn.initializers import Branch, Initializer
from vgrad.nn.kernels import Compiler
from vgrad.nn.losses import Loss
from vgrad.nn.memory import Layout
from vgrad.nn.plan import Plan, Tape
from vgrad.nn.segments import Segment
from vgrad.nn.stretches import stretches

GROUP = 61440
"""Parameters that make a group: its gradient stays in cache from the backward pass that writes
it to the update that reads it, and a group is large enough to hide the cost of the calls. With one
more layer of up to 64 units it is still one chunk of an optimizer."""


@dataclass(frozen=True)
class Group:
    """Consecutive parameters that are updated together."""

    index: int
    operations: range
    layers: range
    """The weight layers among them."""
    part: slice
    """Their place in the flat vectors."""

    @property
    def size(self) -> int:
        """Parameters."""
        return int(self.part.stop - self.part.start)


GroupUpdate = Callable[[Group, Array], None]
"""Takes a group and its flat gradient, which is overwritten afterwards."""
Look = Callable[[int], None]
"""Takes the number of a stretch of the plan, all of which is in memory now and not afterwards."""


class Leg(NamedTuple):
    """A part of the way back: its steps, and the group or the stretch that is done with them."""

    steps: Sequence[Step]
    group: Group | None = None
    stretch: int | None = None


def groups_of(graph: Graph, least: float = GROUP) -> Iterator[Group]:
    """The parameters in groups of `least` or a little more, those of an operation together."""
    ends = [(place, sum(p.size for p in op.params)) for place, op in enumerate(graph.operations)]
    weights = {id(layer.weight) for layer in graph.layers}
    index, first, start, stop, layer, first_layer = 0, 0, 0, 0, 0, 0
    for place, size in ends:
        stop += size
        layer += sum(id(param) in weights for param in graph.operations[place].params)
        last = place == len(ends) - 1
        if stop - start >= least or last:
            operations, layers = range(first, place + 1), range(first_layer, layer)
            yield Group(index, operations, layers, slice(start, stop))
            index, first, first_layer, start = index + 1, place + 1, layer, stop


@dataclass(frozen=True, eq=False)
class WeightLayer:
    """A weight layer at work: `weight`, `(fan_out, 1 + fan_in)`, is a view of the parameters."""

    name: str
    weight: Array

    @property
    def fan_in(self) -> int:
        """Units that feed the layer, the constant left out."""
        return int(self.weight.shape[1]) - 1

    @property
    def fan_out(self) -> int:
        """Units of the layer."""
        return int(self.weight.shape[0])


class Network:
    """Parameters, and forward and backward over a plan's buffers.

    `params` and `grads` are flat vectors; each layer's weight is a view into the first, in
    order, and `layer_grads` are the same views into the second. Where groups are updated one by
    one, their gradients pass through one shared block, and `group_grads` view that.
    """

    def __init__(
        self,
        graph: Graph,
        loss: Loss,
        dtype: np.dtype[np.floating[Any]],
        *,
        rng: np.random.Generator | None = None,
        update_whole: bool = False,
        compiler: Compiler | None = None,
    ) -> None:
        """`rng` is for what is random in training; with `update_whole` all parameters make one
        group, for who must see the whole gradient before any update; with a `compiler` compiled
        kernels stand for what they do the same as."""
        self.graph, self.loss, self.dtype, self.compiler = graph, loss, dtype, compiler
        self.rng = rng or np.random.default_rng(0)
        self.params, self.grads = aligned((graph.size,), dtype), aligned((graph.size,), dtype)
        self.groups = tuple(groups_of(graph, graph.size if update_whole else GROUP))
        self._block = aligned((max(group.size for group in self.groups),), dtype)
        self._params = dict(self._views(self.params, range(len(graph.operations))))
        self._flat_grads = dict(self._views(self.grads, range(len(graph.operations))))
        self._group_grads = dict(
            pair for group in self.groups for pair in self._views(self._block, group.operations)
        )
        self._statistics = {s: np.full(s.shape, s.initial, dtype) for s in graph.statistics}
        self.layers = tuple(
            WeightLayer(layer.name, self._params[layer.weight]) for layer in graph.layers
        )
        self.layer_grads = tuple(self._flat_grads[layer.weight] for layer in graph.layers)
        self.group_grads = tuple(self._group_grads[layer.weight] for layer in graph.layers)

    def _views(self, vector: Array, operations: range) -> Iterator[tuple[Param, Array]]:
        """A flat vector as the matrices of these operations' parameters."""
        start = 0
        for place in operations:
            for param in self.graph.operations[place].params:
                yield param, vector[start : start + param.size].reshape(param.shape)
                start += param.size

    def views(self, vector: Array) -> list[Array]:
        """A flat vector over all parameters as the `(fan_out, 1 + fan_in)` blocks of the layers."""
        views = dict(self._views(vector, range(len(self.graph.operations))))
        return [views[layer.weight] for layer in self.graph.layers]

    def segments(self, group: Group) -> list[Segment]:
        """Where the tensors of a group lie in the flat vectors; a gain or gate is a vector."""
        segments, start = [], group.part.start
        weights = {layer.weight for layer in self.graph.layers}
        output = self.graph.layers[-1].weight
        for place in group.operations:
            for param in self.graph.operations[place].params:
                part = slice(start, start + param.size)
                shape = param.shape if param in weights else (param.size,)
                segments.append(Segment(part, shape, is_output=param is output))
                start += param.size
        return segments

    def param(self, param: Param) -> Array:
        """The values of a parameter."""
        return self._params[param]

    def statistic(self, statistic: Statistic) -> Array:
        """The values of a statistic."""
        return self._statistics[statistic]

    def block_of(self, group: Group) -> Array:
        """Where a group's gradient is when `update` gets it."""
        return self._block[: group.size]

    def plan(self, batch: int, *, training: bool = True, recompute: bool = False) -> Plan:
        """Buffers for `batch` examples; with `recompute` the way back computes signals again."""
        layout = Layout(
            self.graph,
            batch,
            training=training,
            loss_scratch=self.loss.n_scratch,
            stretches=stretches(self.graph) if training and recompute else (),
        )
        return Plan(self.graph, batch, layout, self, self.dtype)

    def initialize(
        self,
        initializer: Initializer,
        bias: Initializer,
        rng: np.random.Generator,
    ) -> None:
        """Write all weights, then all biases, then what else there is.

        Raises:
            RequestError: the initializer cannot serve this activation.
        """
        activation = self.graph.activation
        for layer in self.layers:
            initializer.fill(layer.weight[:, 1:], activation=activation, rng=rng)
        for layer in self.layers:
            bias.fill(layer.weight[:, :1], activation=activation, rng=rng)
        for place in self.graph.layers:
            weight = self._params[place.weight]
            if place.zero:
                weight[:, 1:] = 0.0
            if place.bias is not None:
                weight[:, :1] = place.bias
        for operation in self.graph.operations:
            operation.begin(self.param)
        initializer.arrange([self._branch(block) for block in self.graph.blocks])

    def _branch(self, block: Block) -> Branch:
        gate = None if block.end.gate is None else self._params[block.end.gate]
        return Branch(tuple(self._params[layer.weight][:, 1:] for layer in block.branch), gate)

    def calibrate(self, initializer: Initializer, plan: Plan) -> None:
        """Let a data-driven initializer rescale each layer, given a batch in `plan`."""
        indexes = {layer.preactivation: i for i, layer in enumerate(self.graph.layers)}
        steps_of = plan.full.forward_by_operation
        with np.errstate(all="ignore"):
            for operation, steps in zip(self.graph.operations, steps_of, strict=True):
                _carry_out(steps)
                index = indexes.get(operation.out)
                if index is None:
                    continue
                for _ in range(initializer.max_corrections):
                    factor = initializer.correction(plan.full.preactivations[index])
                    if factor is None:
                        break
                    self.layers[index].weight[:, 1:] *= factor
                    operation.begin(self.param)
                    _carry_out(steps)

    def backward(
        self,
        plan: Plan,
        tape: Tape,
        update: GroupUpdate | None = None,
        look: Look | None = None,
    ) -> None:
        """From δ of the last layer, on the tape, down to the first; δ of each goes to the tape.

        Without `update` the gradient goes to `grads`. With it, each group's goes to a block that
        all groups share, and `update` gets it as soon as it is whole; by then nothing below
        needs the group's parameters. `look` gets the plan's stretches, the last one first.
        """
        with np.errstate(all="ignore"):  # a non-finite value is a result, not an exception
            self._backward(plan, tape, update, look)

    def _backward(
        self, plan: Plan, tape: Tape, update: GroupUpdate | None, look: Look | None
    ) -> None:
        for steps, group, stretch in self._legs(plan, tape, grouped=update is not None):
            _carry_out(steps)
            if look is not None and stretch is not None:
                look(stretch)
            if update is not None and group is not None:
                update(group, self.block_of(group))

    def _legs(self, plan: Plan, tape: Tape, *, grouped: bool) -> Sequence[Leg]:
        key = (tape is plan.full, grouped)
        if key not in plan.steps_back:
            views = self._group_grads if grouped else self._flat_grads
            by_operation = tape.backward(views.__getitem__)[::-1]
            plan.steps_back[key] = list(self._cut(by_operation, plan.layout.stretches))
        return plan.steps_back[key]

    def _cut(self, steps: Sequence[Sequence[Step]], parts: Sequence[range]) -> Iterator[Leg]:
        done = {part.start: index for index, part in enumerate(parts)}
        for group in reversed(self.groups):
            leg: list[Step] = []
            for place in reversed(group.operations):
                leg += steps[place]
                if place in done:
                    yield Leg(leg, stretch=done[place])
                    leg = []
            yield Leg(leg, group=group)

    def evaluate(self, plan: Plan, tape: Tape | None = None) -> float:
        """Forward and the mean loss of `plan.targets`; ∂L/∂outputs goes to the tape's last δ."""
        with np.errstate(all="ignore"):
            return _forward(tape or plan.lean)

    def differentiate(
        self,
        plan: Plan,
        tape: Tape | None = None,
        update: GroupUpdate | None = None,
        look: Look | None = None,
    ) -> float:
        """The mean loss of the batch in `plan`; where its gradient goes, see `backward`."""
        tape = tape or plan.lean
        with np.errstate(all="ignore"):  # entered once: a microsecond is 2 % of a small step
            value = _forward(tape)
            self._backward(plan, tape, update, look)
        return value

    def commit(self, tape: Tape) -> None:
        """After `backward`: let running statistics take in the batch that was trained on."""
        if tape.commit:
            with np.errstate(all="ignore"):
                _carry_out(tape.commit)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """What else the next step depends on: running statistics, and the noise to come."""
        statistics = {str(i): values for i, values in enumerate(self._statistics.values())}
        return {**statistics, "rng": np.asarray(json.dumps(self.rng.bit_generator.state))}

    def load_state(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on with what `state` returned.

        Raises:
            KeyError, ValueError: it is not the state of such a network.
        """
        for i, values in enumerate(self._statistics.values()):
            fill(values, state[str(i)])
        self.rng.bit_generator.state = json.loads(str(state["rng"]))


def _forward(tape: Tape) -> float:
    _carry_out(tape.forward)
    return tape.loss()


def _carry_out(steps: Sequence[Step]) -> None:
    for step in steps:
        step()
