"""Batches: shuffled passes over the training examples, and how an example reaches the network."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.data.base import Reals

Indices = NDArray[np.intp]


class BatchOrder:
    """Which examples each step sees: pass after pass, each in a fresh random order.

    The last batch of a pass is smaller where the batch size does not divide the examples. A
    single batch of all examples keeps their order: every pass is the same sum.
    """

    def __init__(self, n: int, batch_size: int, rng: np.random.Generator) -> None:
        self.n, self.batch_size = n, min(batch_size, n)
        self.seen = 0  # examples handed out so far
        self._rng = rng
        self._position = 0
        self._order = np.arange(n)
        self._begin_pass()

    @property
    def whole(self) -> bool:
        """Whether every batch is all the examples."""
        return self.batch_size == self.n

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes that batches have."""
        remainder = self.n % self.batch_size
        return (self.batch_size, remainder) if remainder else (self.batch_size,)

    def _begin_pass(self) -> None:
        self._pass_state = self._rng.bit_generator.state
        if not self.whole:
            self._order = self._rng.permutation(self.n)
        self._position = 0

    def take(self) -> Indices:
        """The next batch's examples."""
        if self._position == self.n:
            self._begin_pass()
        batch = self._order[self._position : self._position + self.batch_size]
        self._position += len(batch)
        self.seen += len(batch)
        return batch

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Everything the next batches depend on, as named arrays."""
        return {
            "seen": np.asarray(self.seen),
            "position": np.asarray(self._position),
            "pass_state": np.asarray(json.dumps(self._pass_state)),
        }

    def load_state(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on from what `state` returned."""
        self._rng.bit_generator.state = json.loads(str(state["pass_state"]))
        self._begin_pass()
        self.seen, self._position = int(state["seen"]), int(state["position"])


class Loader:
    """Copies examples into a network's feature-major buffers, `(features, batch)`.

    Targets are `(outputs, batch)`: one-hot classes (or a single row of 0 and 1 where there is
    one output), or the numbers to predict.
    """

    def __init__(self, x: Reals, y: NDArray[Any], classes: int, outputs: int) -> None:
        self._x, self._y = x, y
        self._rows: dict[int, tuple[Reals, NDArray[Any]]] = {}
        self._codes: Reals | None = None
        if classes:
            codes = np.arange(2)[np.newaxis] if outputs == 1 else np.eye(classes)
            self._codes = codes.astype(x.dtype)

    def load(self, batch: Indices, *, inputs: Reals, targets: Reals) -> NDArray[Any]:
        """Write the examples' features and targets; return their y, valid until the next call."""
        size = len(batch)
        if size not in self._rows:
            self._rows[size] = (
                np.empty((size, *self._x.shape[1:]), self._x.dtype),
                np.empty((size, *self._y.shape[1:]), self._y.dtype),
            )
        x, y = self._rows[size]
        np.take(self._x, batch, axis=0, out=x, mode="clip")  # other modes copy `out` first
        np.take(self._y, batch, axis=0, out=y, mode="clip")
        np.copyto(inputs, x.T)
        if self._codes is None:
            np.copyto(targets, y.T)
        else:
            np.take(self._codes, y, axis=1, out=targets, mode="clip")
        return y


def consecutive(n: int, largest: int) -> Iterator[Indices]:
    """n examples in their order, in batches of at most `largest`."""
    return (np.arange(start, min(start + largest, n)) for start in range(0, n, largest))
