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
    begun, target = time.perf_counter(), 1
    with blas_threads(experiment), blamed():
        while True:
            for _ in trainer.advance(min(target, trainer.steps)):
                pass
            taken = time.perf_counter() - begun
            ended = trainer.divergence is not None or trainer.step >= trainer.steps
            if ended or taken > ESTIMATE_SECONDS:
                break
            target *= 2
    seconds = taken * trainer.steps / trainer.step if trainer.step else math.nan
    return Estimate(experiment.parameters, experiment.nbytes, experiment.steps, seconds)
