"""Schedules: how the learning rate changes with the step.

The optimizer's own rate is the highest that a schedule reaches. Every schedule can begin with a
linear warm-up to the rate that its course begins with, which then takes the steps that are left.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray

from vgrad.errors import Problem, RequestError
from vgrad.registry import Registry

schedules: Registry["Schedule"] = Registry("schedule")

Factor = Annotated[float, Gt(0), Le(1)]
Count = Annotated[int, Gt(0)]
Rate = Annotated[float, Ge(0)]
Memory = dict[str, float]


@dataclass(frozen=True)
class Schedule:
    """The contract of the family. `warmup`: updates over which the rate first grows from 0."""

    warmup: Annotated[int, Ge(0)] = 0

    def check(self, base: float, total: int) -> None:
        """Whether it goes with this rate and number of updates.

        Raises:
            RequestError: it does not.
        """
        problems = tuple(self.problems(base, total))
        if problems:
            raise RequestError(problems)

    def problems(self, base: float, total: int) -> Iterator[Problem]:
        """What does not go with this rate and number of updates."""
        if self.warmup >= total > 0:
            yield Problem(
                f"a warm-up of {self.warmup} updates in a training of {total}",
                "schedule.warmup",
                f"less than {total}",
            )

    def rate(self, base: float, step: int, total: int, memory: Memory) -> float:
        """The rate of update `step` = 0, 1, … of `total`, given the optimizer's own."""
        if step < self.warmup:
            return self.first(base) * (step + 1) / self.warmup
        return self.course(base, step - self.warmup, total - self.warmup, memory)

    def first(self, base: float) -> float:
        """The rate that the warm-up grows to, in its last update."""
        return base

    def course(self, base: float, step: int, total: int, memory: Memory) -> float:
        """The rate once the warm-up is over, `step` and `total` counted from there."""
        raise NotImplementedError

    def observe(self, loss: float, memory: Memory) -> None:
        """Take in the loss of an update's batch, after the warm-up; `memory` is kept."""


@dataclass(frozen=True)
class Floored(Schedule):
    """A schedule whose course does not fall below `min_lr`."""

    min_lr: Rate = 0.0

    def problems(self, base: float, total: int) -> Iterator[Problem]:
        yield from super().problems(base, total)
        if self.min_lr > base:
            yield Problem(
                f"the lowest rate, {self.min_lr:g}, is above the optimizer's, {base:g}",
                "schedule.min_lr",
                f"at most {base:g}",
            )


class Scheduler:
    """A schedule at work on a training of `total` updates from the optimizer's rate `base`."""

    def __init__(self, schedule: Schedule, base: float, total: int) -> None:
        self._schedule, self._base, self._total = schedule, base, total
        self._memory: Memory = {}

    def rate(self, step: int) -> float:
        """The rate of update `step` = 0, 1, …"""
        return self._schedule.rate(self._base, step, self._total, self._memory)

    def observe(self, step: int, loss: float) -> None:
        """Take in the loss of the batch of update `step`; those of a warm-up are not judged."""
        if step >= self._schedule.warmup:
            self._schedule.observe(loss, self._memory)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """What the rates to come depend on besides the step."""
        return {name: np.asarray(value) for name, value in self._memory.items()}

    def load_state(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on from what `state` returned."""
        self._memory = {name: float(value) for name, value in state.items()}
