"""The learning rate range test: a rate that rises from far too small to far too large.

Reference: Smith 2017, Cyclical learning rates for training neural networks, section 3.3; here the
rate rises by a constant factor, so that a few steps cover orders of magnitude.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from vgrad.config import Config
from vgrad.doctor.goal import Goal
from vgrad.doctor.probe import at_hand
from vgrad.experiment import Experiment
from vgrad.nn.optimizers import optimizers
from vgrad.nn.schedules.base import Memory, Schedule
from vgrad.plugins import blamed
from vgrad.training import Trainer

Finding = Literal["too small", "right", "too large", "unknown"]

BELOW, ABOVE = 1e-3, 1e2
"""The range, in units of the rate that the optimizer has by default."""
SMOOTHED = 5  # steps over which the loss is averaged
MOVED = 0.01  # of the loss, or that of the constant answer: what fell less did not move
RISEN = 0.5  # of the fall so far: from there on the rate was too large
MARGIN = 10.0
"""Below the rate at which the loss was least: training goes on for longer. A margin of 4 was too
little for momentum on 50 tanh layers."""
FASTER = 4.0
TOO_SMALL, TOO_LARGE = 1.0 / 30.0, 1.0
"""Of the suggested rate, of the rate where the loss was least: what is beyond is no matter of
taste."""


@dataclass(frozen=True)
class Rising(Schedule):
    """From `lowest` to `highest` by a constant factor per step; 0 stays 0."""

    lowest: float = 1e-4
    highest: float = 10.0

    def course(self, base: float, step: int, total: int, memory: Memory) -> float:  # noqa: ARG002
        if self.lowest == 0.0:
            return 0.0
        share = step / max(total - 1, 1)
        return float(self.lowest * (self.highest / self.lowest) ** share)


STILL = Rising(lowest=0.0, highest=1.0)


@dataclass(frozen=True, eq=False)
class RangeTest:
    """What the loss did at each rate, and what follows from it."""

    rates: NDArray[np.float64]
    changes: NDArray[np.float64]
    """Of the loss, against that of the untrained net on the same batches; smoothed."""
    rate: float
    """The config's own."""
    suggestion: float | None
    """None where no rate made the loss fall."""
    largest: float | None
    """The rate at which the loss was least."""
    fall: float
    """How far the loss fell, as a share of what it was, or the constant answer's if that is
    more."""

    @property
    def to_try(self) -> tuple[float, ...]:
        """The suggestion, and what a short training may want; none where there is none."""
        if self.suggestion is None:
            return ()
        return self.suggestion, rounded(FASTER * self.suggestion)

    @property
    def finding(self) -> Finding:
        """What is to be said of the config's rate."""
        if self.suggestion is None or self.largest is None:
            return "unknown"
        if self.rate < TOO_SMALL * self.suggestion:
            return "too small"
        return "too large" if self.rate > TOO_LARGE * self.largest else "right"


def range_test(config: Config, steps: int = 100) -> RangeTest:
    """Train for so many steps at a rising rate, which takes the place of the schedule's.

    Batches differ more than a few steps at a good rate change the loss: it is compared with that
    of the untrained net on the same batches.

    Raises:
        RequestError: the config cannot be carried out.
    """
    config = config.with_overrides({"train.steps": steps, "schedule": "constant"})
    usual = optimizers.build(config.optimizer.name).lr
    rising = Rising(lowest=BELOW * usual, highest=ABOVE * usual)
    experiment = at_hand(config, steps)
    goal, rate = Goal.of(experiment), experiment.rule.lr
    rates = np.array([rising.course(0.0, step, steps, {}) for step in range(steps)])
    still = _losses(at_hand(config, steps), STILL)
    changes = _losses(experiment, rising) - still
    return _judged(rates, changes, rate, max(goal.loss, float(np.mean(still))))


def _losses(experiment: Experiment, schedule: Schedule) -> NDArray[np.float64]:
    """Of each batch; infinite from where training diverged on."""
    trainer = Trainer(replace(experiment, schedule=schedule))
    losses = np.full(experiment.steps, math.inf)
    with threadpool_limits(1, user_api="blas"), blamed():
        for step in range(experiment.steps):
            for _ in trainer.advance(step + 1):
                pass
            if trainer.divergence is not None:
                break
            losses[step] = trainer.loss
    return losses


def _judged(
    rates: NDArray[np.float64], changes: NDArray[np.float64], rate: float, unit: float
) -> RangeTest:
    changes = np.where(np.isfinite(changes), changes, np.inf)
    smooth = np.array(
        [changes[max(i - SMOOTHED + 1, 0) : i + 1].mean() for i in range(changes.size)]
    )
    least = np.minimum(np.minimum.accumulate(smooth), 0.0)
    risen = smooth > least - RISEN * least + MOVED * unit
    end = int(np.argmax(risen)) if risen.any() else smooth.size
    best = int(np.argmin(smooth[:end])) if end else 0
    fall = max(-float(smooth[best]) / unit, 0.0) if unit > 0.0 else 0.0
    if fall < MOVED:
        return RangeTest(rates, smooth, rate, None, None, fall)
    largest = float(rates[best])
    return RangeTest(rates, smooth, rate, rounded(largest / MARGIN), largest, fall)


def rounded(rate: float) -> float:
    """To one significant digit of 1, 2 or 5, as a person would write it."""
    exponent = math.floor(math.log10(rate))
    steps = [mantissa * 10.0**e for e in (exponent, exponent + 1) for mantissa in (1.0, 2.0, 5.0)]
    nearest = min(steps, key=lambda one: abs(math.log(one / rate)))
    return float(f"{nearest:.0e}")
