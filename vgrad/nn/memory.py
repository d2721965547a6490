"""Where the arrays of a graph lie: found once by walking through a step, before any exists.

What the way back needs has a place of its own. All else shares slots: a slot is free again
as soon as the last who reads it is done, and the one freed last is taken first, so that a
step stays in cache. What is looked at on watched steps has a second place, shared with nothing.
Where the graph is cut into stretches, to be carried out twice, they lie over one another.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from vgrad.nn.graph import Graph, Layer, Operation, Store
from vgrad.nn.stretches import crossing, whole

ROUNDING = 16
"""Elements to which pieces are rounded up: a cache line in single precision."""
Key = tuple[Hashable, ...]


@dataclass(frozen=True)
class Piece:
    """Elements of the one block of memory."""

    start: int
    size: int


class Slots:
    """Pieces of memory that are lent out again and again, while the schedule is walked."""

    def __init__(self) -> None:
        self.capacities: list[int] = []
        self._free: list[int] = []
        self._taken: dict[Key, int] = {}
        self.tenants: list[tuple[Key, int, int]] = []
        """Key, slot and size of each piece lent so far."""

    def lend(self, key: Key, size: int) -> None:
        """Give `key` a slot until it is freed."""
        if self._free:
            slot = self._free.pop()
            self.capacities[slot] = max(self.capacities[slot], size)
        else:
            slot = len(self.capacities)
            self.capacities.append(size)
        self._taken[key] = slot
        self.tenants.append((key, slot, size))

    def lent(self, key: Key) -> bool:
        """Whether `key` has a slot now."""
        return key in self._taken

    def free(self, key: Key) -> None:
        """Take it back, where it was lent."""
        if (slot := self._taken.pop(key, None)) is not None:
            self._free.append(slot)


class Layout:
    """The place of every array that a graph needs for `batch` examples.

    Keys: `("value", store)`, `("grad", store)`, `("kept", operation, i)`, `("temporary",
    operation, i)`, `("sum", operation, i)` for a contribution to a gradient that others
    contribute to, and `("watched", what, layer)`. Gradients and contributions to them have a row
    more, in front, that is free to be written over: see `vgrad.nn.operations.linear`.
    """

    def __init__(
        self,
        graph: Graph,
        batch: int,
        *,
        training: bool,
        loss_scratch: int,
        stretches: Sequence[range] = (),
    ) -> None:
        """`stretches`: in which parts the operations are carried out twice; none: once."""
        self._graph, self._batch, self.training = graph, batch, training
        self.stretches = tuple(stretches) or whole(graph)
        self.pieces: dict[Key, Piece] = {}
        self.size = 0
        self.adds: set[tuple[int, int]] = set()
        """(operation, source) of contributions that are added to what is there."""
        self.grad_home: dict[Store, Store] = {}
        """Of each store the one where its gradient lies, its own or one that it came from."""
        self.layers_in = tuple(self._layers_in())
        """The weight layers of each stretch."""
        outputs = graph.output.rows * batch
        self._readers = self._last_reads()
        always = {graph.input.store, graph.output.store}
        if len(self.stretches) > 1:
            always |= crossing(graph, self.stretches)
        self._lasting = self._lasting_stores() | always
        self.shared = self._lasting - always if len(self.stretches) > 1 else set()
        """The stores that lie where those of other stretches do."""
        for store in dict.fromkeys(s for s in self._stores() if s in always):
            self._place(("value", store), (store.ones + store.rows) * batch)
        self._place(("targets",), outputs)
        self._place(("loss",), loss_scratch * outputs)
        slots, augmented = Slots(), Slots()
        self._walk_forward(slots, augmented)
        back = slots if len(self.stretches) == 1 else Slots()  # both ways in turns need both
        if training:
            self._walk_back(back)
            self._place_stretches()
        else:
            slots.lend(("grad", graph.output.store), outputs + batch)
        for one in dict.fromkeys((slots, augmented, back)):
            self._place_slots(one)

    def _place_stretches(self) -> None:
        """What the way back needs, and what is looked at: of each stretch from one place on."""
        if len(self.stretches) > 1:
            for place, operation in enumerate(self._graph.operations):
                sizes = operation.kept(self._batch)
                for i in operation.committed:
                    self._place(("kept", place, i), sizes[i])
        begin = end = self.size
        sources = list(self.watched_sources())
        for stretch, layers in zip(self.stretches, self.layers_in, strict=True):
            self.size = begin
            operations = self._graph.operations[stretch.start : stretch.stop]
            self._place_kept(stretch, operations)
            stores = {operation.out.store for operation in operations}
            self._place_watched(layers, [source for source in sources if source in stores])
            end = max(end, self.size)
        self.size = end

    def _layers_in(self) -> Iterator[list[int]]:
        written = {operation.out: n for n, operation in enumerate(self._graph.operations)}
        places = [written[layer.preactivation] for layer in self._graph.layers]
        for stretch in self.stretches:
            yield [index for index, place in enumerate(places) if place in stretch]

    def _place_kept(self, stretch: range, operations: Sequence[Operation]) -> None:
        for store in dict.fromkeys(operation.out.store for operation in operations):
            if store in self._lasting and ("value", store) not in self.pieces:
                self._place(("value", store), (store.ones + store.rows) * self._batch)
        for place, operation in zip(stretch, operations, strict=True):
            for i, size in enumerate(operation.kept(self._batch)):
                if ("kept", place, i) not in self.pieces:
                    self._place(("kept", place, i), size)

    def _place(self, key: Key, size: int) -> None:
        self.pieces[key] = Piece(self.size, size)
        self.size += -(-size // ROUNDING) * ROUNDING

    def _place_slots(self, slots: Slots) -> None:
        starts = []
        for capacity in slots.capacities:
            starts.append(self.size)
            self.size += -(-capacity // ROUNDING) * ROUNDING
        for key, slot, size in slots.tenants:
            self.pieces[key] = Piece(starts[slot], size)

    def _stores(self) -> Iterator[Store]:
        yield self._graph.input.store
        for operation in self._graph.operations:
            yield operation.out.store

    def _last_reads(self) -> dict[Store, int]:
        """The last operation that reads each store on the way forward."""
        operations = self._graph.operations
        return {s.store: i for i, operation in enumerate(operations) for s in operation.sources}

    def _lasting_stores(self) -> set[Store]:
        """Those which the way back reads."""
        graph = self._graph
        if not self.training:
            return set()
        return {s.store for operation in graph.operations for s in operation.reads_back}

    def _walk_forward(self, slots: Slots, augmented: Slots) -> None:
        born: set[Store] = set(self._lasting)
        for place, operation in enumerate(self._graph.operations):
            store = operation.out.store
            home = augmented if store.ones else slots  # rows of ones must not be written over
            if store not in born:
                born.add(store)
                home.lend(("value", store), (store.ones + store.rows) * self._batch)
            temporaries = list(enumerate(operation.temporaries(self._batch)))
            for i, size in enumerate(operation.kept(self._batch)):
                if not self.training:
                    slots.lend(("kept", place, i), size)
            for i, size in temporaries:
                slots.lend(("temporary", place, i), size)
            for i, _ in temporaries:
                slots.free(("temporary", place, i))
            if not self.training:
                for i, _ in enumerate(operation.kept(self._batch)):
                    slots.free(("kept", place, i))
            for source in dict.fromkeys(s.store for s in operation.sources):
                if self._readers[source] == place and source not in self._lasting:
                    (augmented if source.ones else slots).free(("value", source))

    def _walk_back(self, slots: Slots) -> None:
        operations, batch = self._graph.operations, self._batch
        covered: dict[Store, list[tuple[int, int]]] = {}
        first = {}  # the first operation that writes into each home
        for operation in reversed(operations):
            passed = operation.passed
            out = self.grad_home.setdefault(operation.out.store, operation.out.store)
            if passed is not None:
                self.grad_home[passed.store] = out
        for place, operation in reversed(list(enumerate(operations))):
            first[self.grad_home[operation.out.store]] = place
        home = self.grad_home[self._graph.output.store]
        slots.lend(("grad", home), (1 + home.rows) * batch)
        covered[self._graph.output.store] = [(0, self._graph.output.rows)]
        for place, operation in reversed(list(enumerate(operations))):
            sums = []
            for i, source in enumerate(operation.sources):
                if source.store is self._graph.input.store:
                    continue
                home = self.grad_home[source.store]
                written = covered.setdefault(source.store, [])
                if source is operation.passed:
                    assert not written, "a passed gradient is the first that there is"
                elif any(a <= source.start and source.stop <= b for a, b in written):
                    self.adds.add((place, i))
                    sums.append((("sum", place, i), (1 + source.rows) * batch))
                elif not slots.lent(("grad", home)):
                    slots.lend(("grad", home), (1 + home.rows) * batch)
                written.append((source.start, source.stop))
            temporaries = enumerate(operation.temporaries(batch))
            pieces = [*sums, *((("back", place, i), size) for i, size in temporaries)]
            for key, size in pieces:
                slots.lend(key, size)
            for key, _ in pieces:
                slots.free(key)
            home = self.grad_home[operation.out.store]
            if first[home] == place:
                slots.free(("grad", home))

    def watched_sources(self) -> Iterator[Store]:
        """What residual blocks add up and no layer shows."""
        shown = {
            s.store for layer in self._graph.layers for s in (layer.preactivation, layer.output)
        }
        for block in self._graph.blocks:
            for source in block.end.sources:
                if source.store not in shown | self._lasting:
                    shown.add(source.store)
                    yield source.store

    def _place_watched(self, indexes: Sequence[int], sources: Sequence[Store]) -> None:
        """What telemetry sees of each layer, together by kind, so that equal layers make stacks."""
        batch = self._batch
        layers: list[tuple[int, Layer]] = [(i, self._graph.layers[i]) for i in indexes]
        for index, layer in layers:
            if layer.preactivation.store not in self._lasting:
                self._place(("watched", "preactivation", index), layer.preactivation.rows * batch)
        for index, layer in layers:
            if layer.output.store not in self._lasting and layer.activation is not None:
                self._place(("watched", "output", index), layer.output.rows * batch)
        for store in sources:
            self._place(("watched", "source", store), store.rows * batch)
        for index, layer in layers:
            if layer.activation is not None:
                self._place(("watched", "slope", index), layer.output.rows * batch)
        for index, layer in layers:
            self._place(("watched", "delta", index), (1 + layer.preactivation.rows) * batch)
