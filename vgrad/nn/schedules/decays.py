"""Rates that stay or fall, whatever the length of the training."""

import math
from bisect import bisect_right
from dataclasses import dataclass

from vgrad.errors import Problem, RequestError
from vgrad.nn.schedules.base import Count, Factor, Memory, Schedule, schedules


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


@schedules.register("inverse_sqrt", source="Vaswani et al. 2017, eq. 3, scaled to peak at lr")
@dataclass(frozen=True)
class InverseSqrt(Schedule):
    """lr·√(w/t) at update t = 1, 2, …, w the warm-up (1 where there is none)."""

    def course(self, base: float, step: int, total: int, memory: Memory) -> float:
        warm = max(self.warmup, 1)
        return base * math.sqrt(warm / (self.warmup + step + 1))
