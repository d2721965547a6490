"""What a run will take, before it is made."""

import math
import time
from dataclasses import dataclass

from vgrad.experiment import Experiment
from vgrad.plugins import blamed
from vgrad.session import blas_threads
from vgrad.training import Trainer

ESTIMATE_SECONDS = 0.3  # of training that an estimate is taken from


@dataclass(frozen=True)
class Estimate:
    """What a run will take: `nbytes` of memory, `seconds` of time (nan where it is not known)."""

    parameters: int
    nbytes: int
    steps: int
    seconds: float


def estimate(experiment: Experiment) -> Estimate:
    """What a run will take. The time is extrapolated from its first steps, which are made.

    Raises:
        RequestError: the network would not fit into memory.
    """
    with blamed():
        trainer = Trainer(experiment)
    begun, target, times = time.perf_counter(), 1, []
    with blas_threads(experiment), blamed():
        while True:
            for _ in trainer.advance(min(target, trainer.steps)):
                pass
            times.append(time.perf_counter() - begun)
            ended = trainer.divergence is not None or trainer.step >= trainer.steps
            if ended or (times[-1] > ESTIMATE_SECONDS and trainer.step > 1):
                break
            target *= 2
    seconds = _extrapolated(times[0], times[-1], trainer, experiment.config.log.every)
    return Estimate(experiment.parameters, experiment.nbytes, experiment.steps, seconds)


def _extrapolated(first: float, taken: float, trainer: Trainer, every: int) -> float:
    """Seconds of a whole run, of which so many were `taken`, the `first` by the step that is
    logged before all others."""
    made, steps = trainer.step, trainer.steps
    if made >= steps or made < 2:
        return taken * steps / made if made else math.nan
    if made > every:
        return first + (taken - first) / (made - 1) * (steps - 1)
    records = 1 + steps // every
    return first * records + (taken - first) / (made - 1) * max(steps - records, 0)
