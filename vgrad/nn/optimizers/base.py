"""What an optimizer is: a rule for one chunk of parameters, driven over the whole vector.

A rule works on arrays of one shape: parameters, gradient, its own `slots` (which it remembers
between steps) and `n_scratch` temporaries. Most work element by element, on chunks of the flat
vectors; a layer-wise rule gets whole tensors. Numbers that are the same for all elements are
computed once a step by `coefficients`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt
from numpy.typing import NDArray

from vgrad.nn.arrays import Array, aligned, fill
from vgrad.nn.kernels import Compiled, Compiler, kernel_of
from vgrad.nn.segments import Segment
from vgrad.registry import Registry

optimizers: Registry["UpdateRule"] = Registry("optimizer")

Positive = Annotated[float, Gt(0)]
Decay = Annotated[float, Ge(0), Lt(1)]
"""A factor by which an average forgets."""
Coefficients = tuple[float, ...]
View = Callable[[Array], Array]
"""What shows a part of a group's flat vector, in its shape."""
Chunk = tuple[View, Array, tuple[Array, ...], tuple[Array, ...]]
"""How to see its gradient in the group's; parameters, slots and scratch."""

CHUNK = 66048
"""Elements updated at a time, the most: a layer of 256 units and what feeds it. Adam's five vectors
then hold 1.3 MB in single precision and stay in an L2 cache of 2 MB through its ten passes; with
half of it a step was measured to take 1 % longer, with a quarter 2 %."""


@dataclass(frozen=True)
class UpdateRule:
    """The contract of the family. `lr` is the base rate that a schedule scales.

    Before each update θ ← (1 - lr·weight_decay)·θ: decay decoupled from the gradient (Loshchilov &
    Hutter 2019), of every parameter, biases included, as in PyTorch's AdamW. A layer-wise rule
    decays as its paper says, and weights only.
    """

    lr: Positive
    weight_decay: Annotated[float, Ge(0)] = 0.0

    layerwise: ClassVar[bool] = False
    """Whether it needs whole tensors. It then gets them as `Segment` describes: a weight as
    `(fan_out, 1 + fan_in)` with the bias as its first column, gains and gates as vectors."""
    slots: ClassVar[tuple[str, ...]] = ()
    n_scratch: ClassVar[int] = 1

    def initial(self, slot: str) -> float:
        """What a slot holds before the first step."""
        return 0.0

    def keep(self, lr: float) -> float:
        """The factor of decoupled weight decay at this rate; 1 where there is none."""
        return 1.0 if self.layerwise else 1.0 - lr * self.weight_decay

    def coefficients(self, t: int, lr: float, memory: dict[str, float]) -> Coefficients:
        """The scalars of step t = 1, 2, … at rate `lr`. `memory` is kept between steps."""
        return (lr,)

    def update(
        self,
        params: Array,
        grads: Array,
        slots: tuple[Array, ...],
        scratch: tuple[Array, ...],
        coefficients: Coefficients,
    ) -> None:
        """Change `params` and `slots` in place; `grads` is only read.

        A kernel that does the same and the decay before it takes params, grads and slots, then
        what `keep` gave and the coefficients.
        """
        raise NotImplementedError


class Optimizer:
    """A rule at work on one flat vector of parameters, given as consecutive `groups`.

    A step is `begin`, then `update` once for each group, in any order.
    """

    def __init__(
        self,
        rule: UpdateRule,
        params: Array,
        groups: Sequence[slice],
        segments: Sequence[Segment] = (),
        *,
        compiler: Compiler | None = None,
    ) -> None:
        """`segments` are the parameter tensors, each within a group; only layer-wise rules need it.
        With a `compiler` a rule that has a kernel goes by it, where it can be compiled.

        Raises:
            ValueError: a layer-wise rule does not get the tensors of every group, whole.
        """
        self.rule = rule
        self.t = 0
        self.memory: dict[str, float] = {}
        self.slots = {name: aligned(params.shape, params.dtype) for name in rule.slots}
        for name, slot in self.slots.items():
            slot.fill(rule.initial(name))
        views_of = partial(tensors_of, segments) if rule.layerwise else chunks_of
        views = [(group, list(views_of(group))) for group in groups]
        length = max(view(params[group]).size for group, several in views for view in several)
        self._scratch = tuple(aligned((length,), params.dtype) for _ in range(rule.n_scratch))
        self._groups = [
            tuple(self._chunk(params[group], group, view) for view in several)
            for group, several in views
        ]
        self._whole = [(params[g], [slot[g] for slot in self.slots.values()]) for g in groups]
        self._kernel: Compiled | None = None
        if compiler is not None and (kernel := kernel_of(type(rule).update)) is not None:
            self._kernel = compiler(kernel, params.dtype)
        self._keep = 1.0
        self._coefficients: Coefficients = ()

    def _chunk(self, params: Array, group: slice, view: View) -> Chunk:
        part = view(params)
        slots = tuple(view(slot[group]) for slot in self.slots.values())
        scratch = tuple(array[: part.size].reshape(part.shape) for array in self._scratch)
        return view, part, slots, scratch

    def begin(self, lr: float) -> None:
        """Begin a step at rate `lr`."""
        self.t += 1
        self._keep = self.rule.keep(lr)
        self._coefficients = self.rule.coefficients(self.t, lr, self.memory)

    def update(self, group: int, grads: Array) -> None:
        """Update the parameters of one group, given its flat gradient."""
        if self._kernel is not None:
            params, all_slots = self._whole[group]
            self._kernel(params, grads, *all_slots, self._keep, *self._coefficients)
            return
        for view, params, slots, scratch in self._groups[group]:
            if self._keep != 1.0:
                params *= self._keep
            self.rule.update(params, view(grads), slots, scratch, self._coefficients)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Everything the next step depends on, as named arrays (the slots are not copied)."""
        memory = {f"memory/{name}": np.float64(value) for name, value in self.memory.items()}
        slots = {f"slots/{name}": slot for name, slot in self.slots.items()}
        return {"t": np.asarray(self.t), **{k: np.asarray(v) for k, v in memory.items()}, **slots}

    def load_state(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on from what `state` returned.

        Raises:
            KeyError, ValueError: it is not the state of this rule over as many parameters.
        """
        slots = {k.removeprefix("slots/"): v for k, v in state.items() if k.startswith("slots/")}
        if set(slots) != set(self.slots):
            raise KeyError(f"slots {', '.join(self.slots)}")
        self.t = int(state["t"])
        for name, value in slots.items():
            fill(self.slots[name], value)
        for key, value in state.items():
            if key.startswith("memory/"):
                self.memory[key.removeprefix("memory/")] = float(value)


def chunks_of(group: slice) -> Iterator[View]:
    """Views of at most `CHUNK` elements, one after the other, about equally long."""
    size = group.stop - group.start
    length = -(-size // -(-size // CHUNK))
    for start in range(0, size, length):
        yield itemgetter(slice(start, min(start + length, size)))


def tensors_of(segments: Sequence[Segment], group: slice) -> Iterator[View]:
    """Views of the group's tensors, one after the other.

    Raises:
        ValueError: the segments do not fill the group.
    """
    own = [one for one in segments if group.start <= one.part.start < group.stop]
    if sum(one.part.stop - one.part.start for one in own) != group.stop - group.start:
        raise ValueError(f"the segments do not fill the parameters {group.start}:{group.stop}")
    return (partial(one.view, origin=group.start) for one in own)


def discount(slot: Array, value: Array, decay: float) -> None:
    """slot ← decay·slot + value: the running average divided by 1 - decay, in one pass less."""
    slot *= decay
    slot += value


def average(slot: Array, value: Array, decay: float, scratch: Array) -> None:
    """slot ← decay·slot + (1 - decay)·value."""
    slot *= decay
    np.multiply(value, 1.0 - decay, out=scratch)
    slot += scratch


def average_square(slot: Array, value: Array, decay: float, scratch: Array) -> None:
    """slot ← decay·slot + (1 - decay)·value²."""
    slot *= decay
    np.multiply(value, value, out=scratch)
    scratch *= 1.0 - decay
    slot += scratch
