"""Rates that fall, or rise and fall, along half waves."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Lt

from vgrad.nn.schedules.base import Count, Floored, Memory, Schedule, schedules


@schedules.register("cosine", source="Loshchilov & Hutter 2017, eq. 5, without restarts")
@dataclass(frozen=True)
class Cosine(Floored):
    """Down to min_lr along half a cosine, over the whole training."""

    def course(self, base: float, step: int, total: int, memory: Memory) -> float:
        return cosine(base, self.min_lr, min(step / max(total, 1), 1.0))


@schedules.register("cosine_restarts", source="Loshchilov & Hutter 2017, eq. 5 (SGDR)")
@dataclass(frozen=True)
class CosineRestarts(Floored):
    """Down along half a cosine and up at once, in periods that grow by `mult`."""

    period: Count = 100
    mult: Count = 1

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
    anneal_strategy: Literal["cos", "linear"] = "cos"

    def first(self, base: float) -> float:
        return base / self.div_factor

    def course(self, base: float, step: int, total: int, memory: Memory) -> float:
        move = cosine if self.anneal_strategy == "cos" else linear
        first = self.first(base)
        top, end = self.pct_start * total - 1.0, total - 1.0
        if step <= top and top > 0.0:
            return move(first, base, step / top)
        top = max(top, 0.0)
        share = (step - top) / (end - top) if end > top else 1.0
        return move(base, first / self.final_div_factor, min(share, 1.0))


def cosine(high: float, low: float, share: float) -> float:
    """From `high` at share 0 to `low` at 1, along half a wave."""
    return low + (high - low) * (1.0 + math.cos(math.pi * share)) / 2.0


def linear(high: float, low: float, share: float) -> float:
    """From `high` at share 0 to `low` at 1, along a line."""
    return high + (low - high) * share
