"""A multilayer perceptron over one flat parameter vector and one flat gradient vector."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from vgrad.nn.activations import Activation
from vgrad.nn.activations.linear import Identity
from vgrad.nn.arrays import Array, aligned
from vgrad.nn.initializers import Initializer
from vgrad.nn.layers import Linear
from vgrad.nn.losses import Loss
from vgrad.nn.plan import Plan, Shape, Tape

GROUP = 16384
"""Parameters that make a group: its gradient stays in cache from the backward pass that writes
it to the update that reads it, and a group is large enough to hide the cost of the calls."""


@dataclass(frozen=True)
class Group:
    """Consecutive layers whose parameters are updated together."""

    index: int
    layers: range
    part: slice
    """Their place in the flat vectors."""

    @property
    def size(self) -> int:
        """Parameters."""
        return int(self.part.stop - self.part.start)


GroupUpdate = Callable[[Group, Array], None]
"""Takes a group and its flat gradient, which is overwritten afterwards."""


def parameter_count(sizes: Sequence[int]) -> int:
    """Weights and biases of a perceptron with these units per layer, inputs first."""
    return sum(n * (1 + m) for m, n in pairwise(sizes))


def groups_of(sizes: Sequence[int]) -> Iterator[Group]:
    """The layers of a perceptron in groups of `GROUP` parameters or a little more."""
    index, first, start, stop = 0, 0, 0, 0
    for number, (fan_in, fan_out) in enumerate(pairwise(sizes), 1):
        stop += fan_out * (1 + fan_in)
        if stop - start >= GROUP or number == len(sizes) - 1:
            yield Group(index, range(first, number), slice(start, stop))
            index, first, start = index + 1, number, stop


def largest_group(sizes: Sequence[int]) -> int:
    """Parameters of the largest of `groups_of`."""
    return max(group.size for group in groups_of(sizes))


class Network:
    """The layers, and forward and backward over a plan's buffers.

    `params` and `grads` are flat vectors; each layer's weight is a view into the first, in
    order, and `layer_grads` are the same views into the second. Where groups of layers are updated
    one by one, their gradients pass through one shared block, and `group_grads` view that.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: Activation,
        loss: Loss,
        dtype: np.dtype[np.floating[Any]],
    ) -> None:
        self.activation, self.loss = activation, loss
        self.shape = Shape(tuple(sizes), activation, loss.n_scratch, dtype)
        count = parameter_count(sizes)
        self.params, self.grads = aligned((count,), dtype), aligned((count,), dtype)
        weights = tuple(self.views(self.params))
        names = [f"linear{n}" for n in range(1, len(weights))] + ["output"]
        phis = [activation] * (len(weights) - 1) + [Identity()]
        self.layers = tuple(map(Linear, names, weights, phis))
        self.layer_grads = tuple(self.views(self.grads))
        self.groups = tuple(groups_of(sizes))
        self._block = aligned((largest_group(sizes),), dtype)
        self.group_grads = tuple(
            view for group in self.groups for view in self.views(self._block, group.layers)
        )

    @property
    def dtype(self) -> np.dtype[np.floating[Any]]:
        """The precision of all arrays."""
        return self.shape.dtype

    def views(self, vector: Array, layers: range | None = None) -> Iterator[Array]:
        """A flat vector as the `(fan_out, 1 + fan_in)` blocks of these layers, or of all."""
        start, sizes = 0, self.shape.sizes
        for index in range(len(sizes) - 1) if layers is None else layers:
            rows, columns = sizes[index + 1], 1 + sizes[index]
            yield vector[start : start + rows * columns].reshape(rows, columns)
            start += rows * columns

    def plan(self, batch: int, *, training: bool = True) -> Plan:
        """Buffers for `batch` examples."""
        return Plan(self.shape, batch, training=training)

    def initialize(
        self, initializer: Initializer, bias: Initializer, rng: np.random.Generator
    ) -> None:
        """Write all weights, then all biases.

        Raises:
            RequestError: the initializer cannot serve this activation.
        """
        for layer in self.layers:
            initializer.fill(layer.weight[:, 1:], activation=self.activation, rng=rng)
        for layer in self.layers:
            bias.fill(layer.weight[:, :1], activation=self.activation, rng=rng)

    def calibrate(self, initializer: Initializer, plan: Plan) -> None:
        """Let a data-driven initializer rescale each layer, given a batch in `plan`."""
        with np.errstate(all="ignore"):
            for index, layer in enumerate(self.layers):
                for _ in range(initializer.max_corrections):
                    self._forward_layer(index, plan, plan.full)
                    factor = initializer.correction(plan.full.preactivations[index])
                    if factor is None:
                        break
                    layer.weight[:, 1:] *= factor
                self._forward_layer(index, plan, plan.full)

    def _forward_layer(self, index: int, plan: Plan, tape: Tape) -> None:
        x, z, h = plan.inputs[index], tape.preactivations[index], plan.activated[index]
        self.layers[index].forward(x, z, h, plan.scratch[index])

    def forward(self, plan: Plan, tape: Tape | None = None) -> None:
        """From `plan.inputs[0][1:]` to `plan.outputs`. z goes to the tape (default: the lean)."""
        preactivations = (tape or plan.lean).preactivations
        for layer, x, z, h, scratch in zip(
            self.layers, plan.inputs, preactivations, plan.activated, plan.scratch, strict=True
        ):
            layer.forward(x, z, h, scratch)

    def backward(self, plan: Plan, tape: Tape, update: GroupUpdate | None = None) -> None:
        """From δ of the last layer, on the tape, down to the first; δ of each goes to the tape.

        Without `update` the gradient goes to `grads`. With it, each group's goes to a block that
        all groups share, and `update` gets it as soon as it is whole; by then nothing below
        needs the group's weights.
        """
        grads = self.layer_grads if update is None else self.group_grads
        derivative, layers = self.activation.derivative, self.layers
        for group in reversed(self.groups):
            for index in reversed(group.layers):
                delta, x, xt = tape.deltas[index], plan.inputs[index], plan.transposed[index]
                if index == 0:
                    layers[0].backward(delta, x, xt, grads[0], None)
                    break
                below = index - 1
                grad_output, slope = plan.grad_outputs[below], tape.slopes[below]
                z, h, scratch = (
                    tape.preactivations[below],
                    plan.activated[below],
                    plan.scratch[below],
                )
                derivative(z, h, out=slope, scratch=scratch)
                layers[index].backward(delta, x, xt, grads[index], grad_output)
                np.multiply(grad_output, slope, out=tape.deltas[below])
            if update is not None:
                update(group, self._block[: group.size])

    def evaluate(self, plan: Plan, tape: Tape | None = None) -> float:
        """Forward and the mean loss of `plan.targets`; ∂L/∂outputs goes to the tape's last δ."""
        tape = tape or plan.lean
        with np.errstate(all="ignore"):  # a non-finite value is a result, not an exception
            self.forward(plan, tape)
            return self.loss.value_and_grad(
                plan.outputs, plan.targets, grad=tape.deltas[-1], scratch=plan.loss_scratch
            )

    def differentiate(
        self, plan: Plan, tape: Tape | None = None, update: GroupUpdate | None = None
    ) -> float:
        """The mean loss of the batch in `plan`; where its gradient goes, see `backward`."""
        tape = tape or plan.lean
        value = self.evaluate(plan, tape)
        with np.errstate(all="ignore"):
            self.backward(plan, tape, update)
        return value
