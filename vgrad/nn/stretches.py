"""Where a graph is cut so that its signals can be computed twice instead of kept.

On the way forward only what a later stretch reads is kept, the checkpoints; all else lies where
every other stretch puts its own. On the way back each stretch is carried out once more, right
before its gradients are found (Chen et al. 2016, "Training deep nets with sublinear memory cost").
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from vgrad.nn.graph import Graph, Operation, Store

PLACES_PER_LAYER = 4
"""Arrays that a layer takes while it is looked at (z, h, φ′ and δ), to the one of a checkpoint: n
stretches take n + 4·depth/n of them, the least at n = √(4·depth)."""


def whole(graph: Graph) -> tuple[range, ...]:
    """The operations as one stretch: nothing is computed twice."""
    return (range(len(graph.operations)),)


def stretches(graph: Graph) -> tuple[range, ...]:
    """The operations in about √(4·depth) stretches, for which the memory is least.

    Nothing of a weight layer that is looked at (z, δ, φ′) lies on both sides of a cut.
    """
    allowed = _cuts(graph)
    count = min(round(math.sqrt(PLACES_PER_LAYER * len(graph.layers))), len(allowed) + 1)
    ends = [allowed[len(allowed) * i // count] for i in range(1, count)]
    stops = [*dict.fromkeys(ends), len(graph.operations)]
    return tuple(range(a, b) for a, b in zip([0, *stops], stops, strict=False))


def _cuts(graph: Graph) -> list[int]:
    """The places between operations where no layer is cut in two."""
    operations = graph.operations
    written = {operation.out: place for place, operation in enumerate(operations)}
    touched = spans(operations)
    inside = np.zeros(len(operations) + 1, np.int64)  # +1 where a layer begins, -1 where it is over
    for layer in graph.layers:
        first, last = touched[layer.preactivation.store]
        inside[first + 1] += 1
        inside[max(last, written[layer.output]) + 1] -= 1
    return [int(place) for place in np.flatnonzero(np.cumsum(inside)[:-1] == 0) if place]


def spans(operations: Sequence[Operation]) -> dict[Store, tuple[int, int]]:
    """Of each store the first operation that has to do with it, and the last."""
    found: dict[Store, tuple[int, int]] = {}
    for place, operation in enumerate(operations):
        for store in {signal.store for signal in (operation.out, *operation.sources)}:
            found[store] = (found.get(store, (place,))[0], place)
    return found


def crossing(graph: Graph, parts: Sequence[range]) -> set[Store]:
    """The checkpoints: what one stretch writes and a later one reads."""
    stretch_of = [index for index, part in enumerate(parts) for _ in part]
    return {
        store
        for store, (first, last) in spans(graph.operations).items()
        if stretch_of[first] != stretch_of[last]
    }


class Noise:
    """What is random in each stretch, drawn again when it is carried out again."""

    def __init__(self, rng: np.random.Generator, count: int) -> None:
        self._rng = rng
        self._states: list[Any] = [None] * count
        self._now: Any = None

    def note(self, stretch: int) -> None:
        """A stretch begins, on the way forward."""
        self._states[stretch] = self._rng.bit_generator.state

    def rewind(self, stretch: int) -> None:
        """It begins once more."""
        self._now = self._rng.bit_generator.state
        self._rng.bit_generator.state = self._states[stretch]

    def resume(self) -> None:
        """It is over once more: go on from where the first pass, or who drew since, had come."""
        self._rng.bit_generator.state = self._now
