"""What an optimizer is: a rule for one chunk of parameters, driven over the whole vector.

A rule works element by element on flat vectors: parameters, gradient, its own `slots` (vectors
that it remembers between steps) and `n_scratch` temporaries. Numbers that are the same for all
elements are computed once a step by `coefficients`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt
from numpy.typing import NDArray

from vgrad.nn.arrays import Array, aligned, fill
from vgrad.registry import Registry

optimizers: Registry["UpdateRule"] = Registry("optimizer")

Positive = Annotated[float, Gt(0)]
Decay = Annotated[float, Ge(0), Lt(1)]
"""A factor by which an average forgets."""
Coefficients = tuple[float, ...]
Chunk = tuple[slice, Array, tuple[Array, ...], tuple[Array, ...]]
"""Place within its group; parameters, slots and scratch there."""

CHUNK = 32768
"""Elements updated at a time. Adam's five vectors then hold 640 kB in single precision and stay
in the L2 cache through its twelve passes; smaller chunks pay for more calls."""


@dataclass(frozen=True)
class UpdateRule:
    """The contract of the family. `lr` is the base rate that a schedule scales."""

    lr: Positive

    slots: ClassVar[tuple[str, ...]] = ()
    n_scratch: ClassVar[int] = 1

    def initial(self, slot: str) -> float:
        """What a slot holds before the first step."""
        return 0.0

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
        """Change `params` and `slots` in place; `grads` is only read."""
        raise NotImplementedError


class Optimizer:
    """A rule at work on one flat vector of parameters, given as consecutive `groups`.

    A step is `begin`, then `update` once for each group, in any order.
    """

    def __init__(self, rule: UpdateRule, params: Array, groups: Sequence[slice]) -> None:
        self.rule = rule
        self.t = 0
        self.memory: dict[str, float] = {}
        self.slots = {name: aligned(params.shape, params.dtype) for name in rule.slots}
        for name, slot in self.slots.items():
            slot.fill(rule.initial(name))
        length = min(CHUNK, max(group.stop - group.start for group in groups))
        self._scratch = tuple(aligned((length,), params.dtype) for _ in range(rule.n_scratch))
        self._groups = [tuple(self._chunks(params, group)) for group in groups]
        self._coefficients: Coefficients = ()

    def _chunks(self, params: Array, group: slice) -> Iterator[Chunk]:
        for start in range(group.start, group.stop, CHUNK):
            part = slice(start, min(start + CHUNK, group.stop))
            slots = tuple(slot[part] for slot in self.slots.values())
            scratch = tuple(array[: part.stop - start] for array in self._scratch)
            yield slice(start - group.start, part.stop - group.start), params[part], slots, scratch

    def begin(self, lr: float) -> None:
        """Begin a step at rate `lr`."""
        self.t += 1
        self._coefficients = self.rule.coefficients(self.t, lr, self.memory)

    def update(self, group: int, grads: Array) -> None:
        """Update the parameters of one group, given its flat gradient."""
        for part, params, slots, scratch in self._groups[group]:
            self.rule.update(params, grads[part], slots, scratch, self._coefficients)

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
