"""A rate that falls when the training loss does not."""

import math
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Lt

from vgrad.nn.schedules.base import Count, Floored, Memory, schedules


@schedules.register("plateau", source="torch.optim.lr_scheduler.ReduceLROnPlateau")
@dataclass(frozen=True)
class Plateau(Floored):
    """Times `factor` when the training loss, a mean of `window` updates, stops falling.

    patience, cooldown: windows without a new best (by a share of `threshold`) before it acts,
    and after it did.
    """

    factor: Annotated[float, Gt(0), Lt(1)] = 0.1
    patience: Annotated[int, Ge(0)] = 10
    threshold: Annotated[float, Ge(0), Lt(1)] = 1e-4
    cooldown: Annotated[int, Ge(0)] = 0
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
