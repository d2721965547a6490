"""What a connectivity is, and the builder that all of them use."""

from collections.abc import Callable
from dataclasses import dataclass, field

from vgrad.errors import Problem, RequestError
from vgrad.nn.activations import Activation
from vgrad.nn.activations.exponential import SELU
from vgrad.nn.graph import Block, Graph, Layer, Operation, Param, Signal
from vgrad.nn.norms import NoNorm, Norm
from vgrad.nn.operations.activate import Activate
from vgrad.nn.operations.combine import Add
from vgrad.nn.operations.drop import AlphaDropout, Dropout
from vgrad.nn.operations.linear import Linear
from vgrad.registry import Registry

connectivities: Registry["Connectivity"] = Registry("connectivity")


@dataclass(frozen=True)
class Model:
    """What is to be wired: units of the input, of each hidden layer and of the output."""

    features: int
    widths: tuple[int, ...]
    outputs: int
    activation: Activation
    norm: Norm = field(default_factory=NoNorm)
    dropout: float = 0.0


def check_blocks(every: int, depth: int) -> None:
    """Whether `depth` hidden layers, the first of which is in no block, hold one of `every`.

    Raises:
        RequestError: they do not.
    """
    if every < depth:
        return
    deeper = f"a depth of {every + 1} or more"
    raise RequestError(
        Problem(
            f"blocks of {every} layers in a net of {depth}, the first of which is no part of a "
            "block",
            "model.connectivity.every",
            f"at most {depth - 1}, or {deeper}" if depth > 1 else deeper,
        )
    )


class Connectivity:
    """The contract of the family."""

    def check(self, widths: tuple[int, ...]) -> None:
        """Whether hidden layers of these widths can be wired so.

        Raises:
            RequestError: they cannot.
        """

    def build(self, model: Model) -> Graph:
        """The network's graph."""
        raise NotImplementedError


@dataclass(eq=False)
class Draft:
    """A weight layer whose activation is not known yet."""

    name: str
    weight: Param
    source: Signal
    preactivation: Signal
    zero: bool
    bias: float | None
    activated: Activate | None = None

    def finished(self) -> Layer:
        """The layer, now that what follows is known."""
        phi, output = None, self.preactivation
        if self.activated is not None:
            phi, output = self.activated.activation, self.activated.out
        return Layer(
            self.name,
            self.weight,
            self.source,
            self.preactivation,
            phi,
            output,
            self.zero,
            self.bias,
        )


class Builder:
    """Grows a graph: every method appends operations and returns the signal they end in."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._operations: list[Operation] = []
        self._drafts: list[Draft] = []
        self._blocks: list[tuple[str, int, int, Add, bool]] = []
        self._preactivations: set[Signal] = set()
        self.input = Signal.of(model.features, ones=True)

    def linear(
        self,
        source: Signal,
        rows: int,
        name: str,
        *,
        ones: bool = False,
        normed: bool = True,
        zero: bool = False,
        bias: float | None = None,
    ) -> Signal:
        """A weight layer; `normed`: of the kind that the norm asks for."""
        out = Signal.of(rows, ones=ones)
        weight = Param((rows, 1 + source.rows))
        if normed:
            norm, activation = self._model.norm, self._model.activation
            self._operations.append(norm.linear(source, out, weight, activation))
        else:
            self._operations.append(Linear(source, out, weight))
        self._drafts.append(Draft(name, weight, source, out, zero, bias))
        self._preactivations.add(out)
        return out

    def normalized(self, signal: Signal) -> Signal:
        """The signal after the norm that stands before activations, if there is one."""
        if self._model.norm.placement != "before":
            return signal
        operation = self._model.norm.operation(signal, Signal.of(signal.rows))
        return signal if operation is None else self.append(operation)

    def activated(
        self, signal: Signal, *, out: Signal | None = None, activation: Activation | None = None
    ) -> Signal:
        """The activation of the last weight layer, then the norm that stands after it, then
        dropout; `out` is where the last of them writes (default: what feeds a weight layer)."""
        model = self._model
        out = out or Signal.of(signal.rows, ones=True)
        phi = activation or model.activation
        makers: list[Callable[[Signal, Signal], Operation | None]] = [
            lambda source, out: Activate(source, out, phi)
        ]
        if activation is None and model.norm.placement == "after":
            makers.append(model.norm.operation)
        if activation is None and model.dropout:
            kind = AlphaDropout if isinstance(phi, SELU) else Dropout
            makers.append(lambda source, out: kind(source, out, model.dropout))
        for maker in makers[:-1]:
            operation = maker(signal, Signal.of(signal.rows))
            assert operation is not None
            signal = self.append(operation)
        last = makers[-1](signal, out)
        assert last is not None
        self.append(last)
        activate = self._operations[-len(makers)]
        assert isinstance(activate, Activate)
        self._drafts[-1].activated = activate
        return out

    def append(self, operation: Operation) -> Signal:
        """Any other operation."""
        self._operations.append(operation)
        return operation.out

    def block(self, name: str, first: int, end: Add, *, projected: bool) -> None:
        """Note that the layers from `first` on make a residual block."""
        self._blocks.append((name, first, len(self._drafts), end, projected))

    @property
    def n_layers(self) -> int:
        """Weight layers so far."""
        return len(self._drafts)

    def observed(self, signal: Signal) -> bool:
        """Whether it is what a weight layer puts out, whose gradient is looked at."""
        return signal in self._preactivations

    def finished(self, hidden: Signal) -> Graph:
        """The graph, with an output layer on top of `hidden`."""
        output = self.linear(hidden, self._model.outputs, "output", normed=False)
        layers = tuple(draft.finished() for draft in self._drafts)
        blocks = tuple(
            Block(n, layers[a:b], end, projected) for n, a, b, end, projected in self._blocks
        )
        return Graph(
            self.input, output, tuple(self._operations), layers, self._model.activation, blocks
        )
