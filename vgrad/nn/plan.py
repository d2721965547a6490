"""Every buffer that one batch size needs, allocated once, and the steps bound to them.

A plan has two tapes. On the lean one, signals share memory wherever nothing is needed twice, so
that a step stays in cache; on the watched one each layer's z, h, φ′(z) and δ stay, for the steps
that are looked at. Both give the same bits.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from math import prod
from typing import Any, Protocol

import numpy as np

from vgrad.nn.arrays import Array, aligned
from vgrad.nn.graph import Graph, Operation, Param, Signal, Statistic, Step, Store
from vgrad.nn.kernels import Compiler
from vgrad.nn.losses import Loss
from vgrad.nn.memory import Key, Layout
from vgrad.nn.stretches import Noise

Arrays = Callable[[Param], Array]


class Tape:
    """The steps of a pass over one assignment of memory, and where it writes what is looked at.

    Each layer's pre-activation, output and δ are `(fan_out, batch)`, as is the slope φ′(z);
    that is None where there is no activation, or, on the lean tape, nobody looks.
    """

    def __init__(self, plan: "Plan", *, watched: bool) -> None:
        self._plan, self._watched = plan, watched
        layers = list(enumerate(plan.graph.layers))
        self._moved: dict[tuple[str, object], Array] = {}
        self.slopes: tuple[Array | None, ...] = (None,) * len(layers)
        if watched:
            self._watch()
        self.preactivations = tuple(self.value(layer.preactivation) for _, layer in layers)
        self.outputs = tuple(self.value(layer.output) for _, layer in layers)
        self.grad_outputs = self.grad(plan.graph.output)
        self.loss = plan.parameters.loss.bind(
            plan.outputs,
            plan.targets,
            grad=self.grad_outputs,
            scratch=plan.loss_scratch,
            compiler=plan.parameters.compiler,
        )
        """The mean loss of `plan.targets`; its gradient goes to `grad_outputs`."""
        self.deltas: tuple[Array, ...] = ()
        if plan.training:
            self.deltas = tuple(self.grad(layer.preactivation) for _, layer in layers)
        self.forward_by_operation = [
            tuple(self._bind_forward(place, operation))
            for place, operation in enumerate(plan.graph.operations)
        ]
        self._noise = Noise(plan.parameters.rng, len(plan.layout.stretches))
        self.forward = tuple(self._forward())
        self.commit = tuple(self._commit()) if plan.training else ()

    def _watch(self) -> None:
        """Where the layout has a second place for a signal, let it lie there."""
        plan = self._plan
        slopes: list[Array | None] = []
        for store in plan.layout.watched_sources():
            key: Key = ("watched", "source", store)
            self._moved["value", store] = plan.array(key, store.rows, plan.batch)
        for index, layer in enumerate(plan.graph.layers):
            z, h = layer.preactivation, layer.output
            for what, signal in (("preactivation", z), ("output", h)):
                key = ("watched", what, index)
                if key in plan.layout.pieces:
                    self._moved["value", signal.store] = plan.array(key, signal.rows, plan.batch)
            delta = plan.array(("watched", "delta", index), 1 + z.rows, plan.batch)
            self._moved["grad", z.store] = delta
            slopes.append(None)
            if layer.activation is not None:
                slope = plan.array(("watched", "slope", index), h.rows, plan.batch)
                slopes[-1] = self._moved["slope", h] = slope
        self.slopes = tuple(slopes)

    def value(self, signal: Signal) -> Array:
        """The numbers of a signal, `(rows, batch)`."""
        moved = self._moved.get(("value", signal.store))
        if moved is not None:
            return moved[signal.start : signal.stop]
        return self._plan.value(signal)

    def grad(self, signal: Signal) -> Array:
        """∂L/∂signal."""
        return self.augmented_grad(signal)[1:]

    def augmented_grad(self, signal: Signal) -> Array:
        """The same with the row before it."""
        block = self._moved.get(("grad", signal.store))
        if block is None:
            home = self._plan.layout.grad_home.get(signal.store, signal.store)
            block = self._plan.array(("grad", home), 1 + home.rows, self._plan.batch)
        return block[signal.start : 1 + signal.stop]

    def slope(self, operation: Operation) -> Array | None:
        """Where φ′ of an activation is kept."""
        return self._moved.get(("slope", operation.out))

    def _bind_forward(self, place: int, operation: Operation) -> Iterator[Step]:
        store = operation.out.store
        if store.ones and store in self._plan.layout.shared:  # others write over them
            yield partial(self._plan.block(store)[0].fill, 1.0)
        yield from operation.bind_forward(Frame(self, place, operation))

    def _forward(self) -> Iterator[Step]:
        for index, stretch in enumerate(self._plan.layout.stretches):
            if self._draws_again(stretch):
                yield partial(self._noise.note, index)
            yield from chain.from_iterable(self._forward_in(stretch))

    def _forward_in(self, stretch: range) -> Sequence[tuple[Step, ...]]:
        return self.forward_by_operation[stretch.start : stretch.stop]

    def _draws_again(self, stretch: range) -> bool:
        """Whether something random is needed twice: the last stretch is carried out only once."""
        operations = self._plan.graph.operations
        again = stretch.stop < len(operations) and self._plan.training
        return again and any(operations[place].random for place in stretch)

    def backward(self, grads: Arrays) -> list[tuple[Step, ...]]:
        """The steps back, operation by operation (last first), with parameters' gradients
        written to `grads`."""
        plan, sections = self._plan, []
        again = {part.stop - 1: index for index, part in enumerate(plan.layout.stretches[:-1])}
        for place, operation in reversed(list(enumerate(plan.graph.operations))):
            frame = Frame(self, place, operation, grads)
            steps = tuple(operation.bind_backward(frame))
            repeated = tuple(self._again(again[place])) if place in again else ()
            sections.append((*repeated, *steps, *frame.sums))
        return sections

    def _again(self, index: int) -> Iterator[Step]:
        """A stretch once more, from its checkpoints."""
        stretch = self._plan.layout.stretches[index]
        draws = self._draws_again(stretch)
        if draws:
            yield partial(self._noise.rewind, index)
        yield from chain.from_iterable(self._forward_in(stretch))
        if draws:
            yield self._noise.resume

    def _commit(self) -> Iterator[Step]:
        for place, operation in enumerate(self._plan.graph.operations):
            yield from operation.bind_commit(Frame(self, place, operation))


class Frame:
    """The memory of one operation, as `vgrad.nn.graph.Frame` describes it."""

    def __init__(
        self, tape: Tape, place: int, operation: Operation, grads: Arrays | None = None
    ) -> None:
        plan = tape._plan
        self._tape, self._plan, self._place, self._operation = tape, plan, place, operation
        self._grads = grads
        self.batch, self.training, self.rng = plan.batch, plan.training, plan.parameters.rng
        self.compiler = plan.parameters.compiler
        self.value, self.grad = tape.value, tape.grad
        self.param, self.statistic = plan.parameters.param, plan.parameters.statistic
        self.sums: list[Step] = []
        """To call once the operation went back: contributions to gradients that are there."""

    def augmented(self, signal: Signal) -> Array:
        """The numbers of a signal below the row of ones, `(1 + rows, batch)`."""
        assert signal.start == 0
        return self._plan.block(signal.store)[: 1 + signal.stop]

    def target(self, signal: Signal) -> Array | None:
        """Where to write what the operation contributes to ∂L/∂signal; None: nobody asks."""
        block = self._target(signal)
        return None if block is None else block[1:]

    def augmented_target(self, signal: Signal) -> Array | None:
        """The same below a row that may be written over, `(1 + rows, batch)`."""
        assert signal.start == 0
        return self._target(signal)

    def _target(self, signal: Signal) -> Array | None:
        plan = self._plan
        if signal.store is plan.graph.input.store:
            return None
        index, block = self._operation.sources.index(signal), self._tape.augmented_grad(signal)
        if (self._place, index) not in plan.layout.adds:
            return block
        contribution = plan.array(("sum", self._place, index), *block.shape)
        self.sums.append(partial(np.add, block[1:], contribution[1:], block[1:]))
        return contribution

    def slope(self) -> Array | None:
        """Where to leave φ′ for whoever looks at the step; None: nobody does."""
        return self._tape.slope(self._operation)

    def kept(self, index: int) -> Array:
        """Flat memory that lasts from forward to backward."""
        return self._plan.flat(("kept", self._place, index))

    def temporary(self, index: int) -> Array:
        """Flat memory that lasts as long as the operation."""
        kind = "temporary" if self._grads is None else "back"
        return self._plan.flat((kind, self._place, index))

    def param_grad(self, param: Param) -> Array:
        """Where to write ∂L/∂param."""
        assert self._grads is not None
        return self._grads(param)


class Parameters(Protocol):
    """What plans of one network share: a `vgrad.nn.network.Network`."""

    rng: np.random.Generator
    loss: Loss
    compiler: Compiler | None

    def param(self, param: Param) -> Array:
        """The values of a parameter."""

    def statistic(self, statistic: Statistic) -> Array:
        """The values of a statistic."""


class Plan:
    """The buffers for `batch` examples; those for evaluation (`training=False`) are reused from
    operation to operation, and cannot go backward.
    """

    def __init__(
        self, graph: Graph, batch: int, layout: Layout, parameters: Parameters, dtype: np.dtype[Any]
    ) -> None:
        self.graph, self.batch, self.layout, self.parameters = graph, batch, layout, parameters
        self.training = layout.training
        self._memory = aligned((layout.size,), dtype)
        self.nbytes = self._memory.nbytes
        self._write_ones()
        outputs = graph.output.rows
        self.targets = self.array(("targets",), outputs, batch)
        scratch = layout.pieces["loss",].size // (outputs * batch)
        self.loss_scratch = self.array(("loss",), scratch, outputs, batch)
        self.outputs = self.value(graph.output)
        self.inputs = [
            self.block(layer.source.store)[: 1 + layer.source.stop] for layer in graph.layers
        ]
        self.lean = Tape(self, watched=False)
        self.full = Tape(self, watched=True) if self.training else self.lean
        self.steps_back: dict[tuple[bool, bool], Sequence[Any]] = {}
        """By tape and by where the gradient goes; the network binds them when first needed."""

    def _write_ones(self) -> None:
        for key in self.layout.pieces:
            if isinstance(store := key[-1], Store) and store.ones and key[0] == "value":
                self.block(store)[0] = 1.0

    def flat(self, key: Key) -> Array:
        """A piece of memory."""
        piece = self.layout.pieces[key]
        return self._memory[piece.start : piece.start + piece.size]

    def array(self, key: Key, *shape: int) -> Array:
        """The first elements of a piece as an array of this shape."""
        return self.flat(key)[: prod(shape)].reshape(shape)

    def block(self, store: Store) -> Array:
        """All rows of a store, the ones included."""
        return self.array(("value", store), store.ones + store.rows, self.batch)

    def value(self, signal: Signal) -> Array:
        """The numbers of a signal on the lean tape."""
        ones = int(signal.store.ones)
        return self.block(signal.store)[ones + signal.start : ones + signal.stop]
