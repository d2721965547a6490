"""Schedules: how the learning rate changes with the step.

The optimizer's own rate is the highest that a schedule reaches. Every schedule can begin with a
linear warm-up, and runs its course on the steps after it.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
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
        if self.warmup >= total > 0:
            raise RequestError(
                Problem(
                    f"a warm-up of {self.warmup} updates in a training of {total}",
                    "schedule.warmup",
                    f"less than {total}",
                )
            )
        lowest = getattr(self, "min_lr", 0.0)
        if lowest > base:
            raise RequestError(
                Problem(
                    f"the lowest rate, {lowest:g}, is above the optimizer's, {base:g}",
                    "schedule.min_lr",
                    f"at most {base:g}",
                )
            )

    def rate(self, base: float, step: int, total: int, memory: Memory) -> float:
        """The rate of update `step` = 0, 1, … of `total`, given the optimizer's own."""
        if step < self.warmup:
            return base * (step + 1) / self.warmup
        return self.course(base, step - self.warmup, total - self.warmup, memory)

    def course(self, base: float, step: int, total: int, memory: Memory) -> float:
        """The rate once the warm-up is over, `step` and `total` counted from there."""
        raise NotImplementedError

    def observe(self, loss: float, memory: Memory) -> None:
        """Take in the loss of the batch of an update; `memory` is kept between steps."""


@schedules.register("constant", source="Robbins & Monro 1951")
@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate throughout."""

    def course(self, base: float, step: int, total: int, memory: Memory) -> float:
        return base


@schedules.register("step", source="torch.optim.lr_scheduler.StepLR")
@dataclass(frozen=True)
class StepDecay(Schedule):
    """Times gamma every `step_size` updates."""

    step_size: Count = 100
    gamma: Factor = 0.1

    def course(self, base: float, step: int, total: int, memory: Memory) -> float:
        return base * self.gamma ** (step // self.step_size)


@schedules.register("multistep", source="He et al. 2015; torch.optim.lr_scheduler.MultiStepLR")
@dataclass(frozen=True)
class MultiStep(Schedule):
    """Times gamma at each of the `milestones`."""

    milestones: tuple[Count, ...] = (250, 375)
    gamma: Factor = 0.1

    def __post_init__(self) -> None:
        if list(self.milestones) != sorted(set(self.milestones)):
            raise RequestError(
                Problem(
                    "the milestones do not grow",
                    "milestones",
                    "numbers of updates, each larger than the one before",
                )
            )

    def course(self, base: float, step: int, total: int, memory: Memory) -> float:
        return base * self.gamma ** bisect_right(self.milestones, step)


@schedules.register("exponential", source="torch.optim.lr_scheduler.ExponentialLR")
@dataclass(frozen=True)
class Exponential(Schedule):
    """Times gamma at every update."""

    gamma: Factor = 0.99

    def course(self, base: float, step: int, total: int, memory: Memory) -> float:
        return base * self.gamma**step


def cosine(high: float, low: float, share: float) -> float:
    """From `high` at share 0 to `low` at 1, along half a wave."""
    return low + (high - low) * (1.0 + math.cos(math.pi * share)) / 2.0


def linear(high: float, low: float, share: float) -> float:
    """From `high` at share 0 to `low` at 1, along a line."""
    return high + (low - high) * share


@schedules.register("cosine", source="Loshchilov & Hutter 2017, eq. 5, without restarts")
@dataclass(frozen=True)
class Cosine(Schedule):
    """Down to min_lr along half a cosine, over the whole training."""

    min_lr: Rate = 0.0

    def course(self, base: float, step: int, total: int, memory: Memory) -> float:
        return cosine(base, self.min_lr, min(step / max(total, 1), 1.0))


@schedules.register("cosine_restarts", source="Loshchilov & Hutter 2017, eq. 5 (SGDR)")
@dataclass(frozen=True)
class CosineRestarts(Schedule):
    """Down along half a cosine and up at once, in periods that grow by `mult`."""

    period: Count = 100
    mult: Count = 1
    min_lr: Rate = 0.0

    def course(self, base: float, step: int, total: int, memory: Memory) -> float:
        period = self.period
        if self.mult == 1:
            step %= period
        while step >= period:
            step, period = step - period, period * self.mult
        return cosine(base, self.min_lr, step / period)


@schedules.register("one_cycle", source="Smith & Topin 2018; torch.optim.lr_scheduler.OneCycleLR")
@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up from lr/div_factor to lr over pct_start of the training, then down to almost nothing."""

    pct_start: Annotated[float, Gt(0), Lt(1)] = 0.3
    div_factor: Annotated[float, Ge(1)] = 25.0
    final_div_factor: Annotated[float, Ge(1)] = 1e4
    anneal: Literal["cos", "linear"] = "cos"

    def course(self, base: float, step: int, total: int, memory: Memory) -> float:
        move = cosine if self.anneal == "cos" else linear
        first = base / self.div_factor
        top, end = self.pct_start * total - 1.0, total - 1.0
        if step <= top and top > 0.0:
            return move(first, base, step / top)
        top = max(top, 0.0)
        share = (step - top) / (end - top) if end > top else 1.0
        return move(base, first / self.final_div_factor, min(share, 1.0))


@schedules.register("inverse_sqrt", source="Vaswani et al. 2017, eq. 3, scaled to peak at lr")
@dataclass(frozen=True)
class InverseSqrt(Schedule):
    """lr·√(w/t) at update t = 1, 2, …, w the warm-up (1 where there is none)."""

    def course(self, base: float, step: int, total: int, memory: Memory) -> float:
        warm = max(self.warmup, 1)
        return base * math.sqrt(warm / (self.warmup + step + 1))


@schedules.register("plateau", source="torch.optim.lr_scheduler.ReduceLROnPlateau")
@dataclass(frozen=True)
class Plateau(Schedule):
    """Times `factor` when the training loss, a mean of `window` updates, stops falling.

    patience, cooldown: windows without a new best (by a share of `threshold`) before it acts,
    and after it did.
    """

    factor: Annotated[float, Gt(0), Lt(1)] = 0.1
    patience: Annotated[int, Ge(0)] = 10
    threshold: Annotated[float, Ge(0), Lt(1)] = 1e-4
    cooldown: Annotated[int, Ge(0)] = 0
    min_lr: Rate = 0.0
    window: Count = 10

    def course(self, base: float, step: int, total: int, memory: Memory) -> float:
        rate: float = base * self.factor ** memory.get("cuts", 0.0)
        return max(rate, self.min_lr)

    def observe(self, loss: float, memory: Memory) -> None:
        memory["sum"] = memory.get("sum", 0.0) + loss
        memory["count"] = memory.get("count", 0.0) + 1.0
        if memory["count"] < self.window:
            return
        mean = memory["sum"] / memory["count"]
        memory["sum"] = memory["count"] = 0.0
        self._judge(mean, memory)

    def _judge(self, mean: float, memory: Memory) -> None:
        if mean < memory.get("best", math.inf) * (1.0 - self.threshold):
            memory["best"], memory["bad"] = mean, 0.0
        else:
            memory["bad"] = memory.get("bad", 0.0) + 1.0
        if memory.get("cooling", 0.0) > 0.0:
            memory["cooling"] -= 1.0
            memory["bad"] = 0.0
        if memory["bad"] > self.patience:
            memory["cuts"] = memory.get("cuts", 0.0) + 1.0
            memory["cooling"], memory["bad"] = float(self.cooldown), 0.0


class Scheduler:
    """A schedule at work on a training of `total` updates from the optimizer's rate `base`."""

    def __init__(self, schedule: Schedule, base: float, total: int) -> None:
        self._schedule, self._base, self._total = schedule, base, total
        self._memory: Memory = {}

    def rate(self, step: int) -> float:
        """The rate of update `step` = 0, 1, …"""
        return self._schedule.rate(self._base, step, self._total, self._memory)

    def observe(self, loss: float) -> None:
        """Take in the loss of the batch of an update."""
        self._schedule.observe(loss, self._memory)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """What the rates to come depend on besides the step."""
        return {name: np.asarray(value) for name, value in self._memory.items()}

    def load_state(self, state: dict[str, NDArray[np.generic]]) -> None:
        """Go on from what `state` returned."""
        self._memory = {name: float(value) for name, value in state.items()}
