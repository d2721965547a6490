"""A network as a list of operations on signals: what is computed, not yet where.

A graph knows no batch size and holds no numbers. `vgrad.nn.wiring` builds graphs,
`vgrad.nn.plan` gives their signals memory and `vgrad.nn.network` their parameters.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vgrad.nn.activations import Activation
from vgrad.nn.arrays import Array
from vgrad.nn.kernels import Compiler

Step = Callable[[], object]
"""A bound piece of an operation: everything it needs was looked up when the plan was made."""


@dataclass(frozen=True, eq=False)
class Store:
    """An array `(rows, batch)` that holds one signal, or several one after the other.

    What feeds a weight layer has a constant row of ones in front (`ones`), for the bias.
    """

    rows: int
    ones: bool = False


@dataclass(frozen=True, eq=False)
class Signal:
    """Rows `start` to `stop` of a store: what one operation writes and others read."""

    store: Store
    start: int
    stop: int

    @classmethod
    def of(cls, rows: int, *, ones: bool = False) -> "Signal":
        """A signal with a store of its own."""
        return cls(Store(rows, ones), 0, rows)

    @property
    def rows(self) -> int:
        """Its units."""
        return self.stop - self.start


@dataclass(frozen=True, eq=False)
class Param:
    """A parameter tensor, always a matrix.

    A weight is `(fan_out, 1 + fan_in)`, bias first, and written by an initializer. Others, the
    gains and shifts of norms `(units, 1)` and the gates of branches `(1, 1)`, begin at `initial`.
    """

    shape: tuple[int, int]
    initial: float | None = None

    @property
    def size(self) -> int:
        """Its elements."""
        return self.shape[0] * self.shape[1]


@dataclass(frozen=True, eq=False)
class Statistic:
    """Numbers that training gathers and evaluation uses: no parameters, but saved with them."""

    shape: tuple[int, ...]
    initial: float


class Frame(Protocol):
    """The memory of one operation in one plan: views that stay the same from step to step."""

    batch: int
    training: bool
    rng: np.random.Generator
    """For what is random in training."""
    compiler: Compiler | None
    """What makes one pass of what has a kernel."""

    def value(self, signal: Signal) -> Array:
        """Its numbers, `(rows, batch)`."""

    def augmented(self, signal: Signal) -> Array:
        """The same below the row of ones, `(1 + rows, batch)`."""

    def grad(self, signal: Signal) -> Array:
        """∂L/∂signal, whole by the time that the operation which wrote the signal goes back."""

    def target(self, signal: Signal) -> Array | None:
        """Where to write what the operation contributes to ∂L/∂signal; None: nobody asks."""

    def augmented_target(self, signal: Signal) -> Array | None:
        """The same below a row that may be written over, `(1 + rows, batch)`."""

    def slope(self) -> Array | None:
        """Where to leave φ′ for whoever looks at the step; None: nobody does."""

    def kept(self, index: int) -> Array:
        """Flat memory that lasts from forward to backward."""

    def temporary(self, index: int) -> Array:
        """Flat memory that lasts as long as the operation."""

    def param(self, param: Param) -> Array:
        """Its values."""

    def param_grad(self, param: Param) -> Array:
        """Where to write ∂L/∂param."""

    def statistic(self, statistic: Statistic) -> Array:
        """Its values."""


class Operation:
    """Writes `out` from `sources`, and knows the way back.

    What the `bind_` methods yield is called step after step; they run once per plan.
    """

    sources: tuple[Signal, ...]
    out: Signal
    params: tuple[Param, ...] = ()
    statistics: tuple[Statistic, ...] = ()
    passed: Signal | None = None
    """The source whose gradient begins as that of `out`: both may lie in one place."""
    reads_back: tuple[Signal, ...] = ()
    """The signals whose numbers the way back needs."""
    random: bool = False
    """Whether it draws from the frame's generator in training."""
    committed: tuple[int, ...] = ()
    """The pieces of `kept` that `bind_commit` reads."""

    def kept(self, batch: int) -> Sequence[int]:
        """Elements of each piece of memory that lasts from forward to backward."""
        return ()

    def temporaries(self, batch: int) -> Sequence[int]:
        """Elements of each temporary."""
        return ()

    def bind_forward(self, frame: Frame) -> Iterator[Step]:
        """Write `out`."""
        raise NotImplementedError

    def bind_backward(self, frame: Frame) -> Iterator[Step]:
        """Write the gradients of sources and params, given that of `out`."""
        raise NotImplementedError

    def begin(self, values: Callable[[Param], Array]) -> None:
        """Write the first values of the parameters that no initializer writes."""
        for param in self.params:
            if param.initial is not None:
                values(param).fill(param.initial)

    def bind_commit(self, frame: Frame) -> Iterator[Step]:
        """Let the statistics take in the batch that was trained on."""
        return iter(())


@dataclass(frozen=True, eq=False)
class Layer:
    """A weight layer, a row of the tables, and what is looked at there."""

    name: str
    weight: Param
    source: Signal
    """What it reads, x."""
    preactivation: Signal
    """What it writes, z = W·x + b."""
    activation: Activation | None
    """What follows it (behind a norm or a skip, perhaps); None: it is linear."""
    output: Signal
    """What its activation puts out, or itself."""
    zero: bool = False
    """Whether its weights begin at 0, whatever the initializer."""
    bias: float | None = None
    """Where its biases begin, whatever their initializer; None: as that says."""


class Junction(Operation):
    """An operation that ends a residual block: skip + scale·gate·branch, its two sources."""

    scale: float
    gate: Param | None


@dataclass(frozen=True, eq=False)
class Block:
    """A residual block: its weight layers, and the operation that adds branch and skip."""

    name: str
    layers: tuple[Layer, ...]
    end: Junction
    projected: bool = False
    """Whether its first layer is the skip's."""

    @property
    def branch(self) -> tuple[Layer, ...]:
        """The weight layers of its branch, in order."""
        return self.layers[self.projected :]


@dataclass(frozen=True, eq=False)
class Graph:
    """Operations in an order in which they can be carried out."""

    input: Signal
    output: Signal
    operations: tuple[Operation, ...]
    layers: tuple[Layer, ...]
    activation: Activation
    """Of the hidden layers."""
    blocks: tuple[Block, ...] = ()

    @property
    def params(self) -> Iterator[tuple[int, Param]]:
        """All parameters in order, each with the place of its operation."""
        for place, operation in enumerate(self.operations):
            for param in operation.params:
                yield place, param

    @property
    def size(self) -> int:
        """Numbers in all parameters."""
        return sum(param.size for _, param in self.params)

    @property
    def statistics(self) -> Iterator[Statistic]:
        """All statistics, in order."""
        for operation in self.operations:
            yield from operation.statistics
