"""What a stored run has come to, as a probe would tell it."""

import math

import numpy as np
from numpy.typing import NDArray

from vgrad.config import Config
from vgrad.diagnosis import diagnose, diagnose_run
from vgrad.doctor.goal import Goal
from vgrad.doctor.probe import CLOSING, Outcome, at_hand
from vgrad.store import Run


def outcome_of(stored: Run, config: Config) -> Outcome | None:
    """Of a run that ended as it was to; None of any other, which is probed like a config.

    Raises:
        RequestError: its data is not there any more.
        RunError: its tables are damaged.
    """
    if stored.status not in ("finished", "diverged") or not stored.steps:
        return None
    experiment = at_hand(config, 1)
    goal, diverged = Goal.of(experiment), stored.status == "diverged"
    metrics, made = stored.metrics, stored.steps[-1]
    first, last = stored.layers_at(stored.steps[0]), stored.layers_at(made)
    quarter = max(made // CLOSING, 1)
    tested = float(metrics["test_loss"][-1]), float(metrics["test_accuracy"][-1])
    loss, accuracy = _means(metrics, made - quarter, made)
    loss_before, accuracy_before = _means(metrics, made // 2 - quarter, made // 2)
    return Outcome(
        steps=made,
        total=experiment.steps,
        diverged=diverged,
        start=diagnose(first),
        end=diagnose_run(first, last, diverged=diverged),
        loss_at_start=float(metrics["train_loss"][0]),
        loss=math.nan if diverged else loss,
        accuracy=math.nan if diverged else accuracy,
        skill=0.0 if diverged else goal.skill(loss, accuracy),
        held_out=math.nan if math.isnan(tested[0]) or diverged else goal.skill(*tested),
        progress=-math.inf if diverged else goal.progress(loss),
        skill_before=goal.skill(loss_before, accuracy_before),
        progress_before=goal.progress(loss_before),
    )


def _means(metrics: NDArray[np.void], begin: int, end: int) -> tuple[float, float]:
    """Training loss and accuracy over the steps logged from `begin` up to `end`."""
    part = metrics[(metrics["step"] >= begin) & (metrics["step"] <= end)]
    if not part.size:
        return math.nan, math.nan
    return float(part["train_loss"].mean()), float(part["train_accuracy"].mean())
