"""A probe: the first steps of a training, exactly as the training would make them."""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from vgrad.config import Config, Part
from vgrad.data import Dataset, datasets, load
from vgrad.diagnosis import Verdict, diagnose, diagnose_run
from vgrad.doctor.goal import Goal
from vgrad.experiment import Experiment, Streams, prepare
from vgrad.plugins import blamed
from vgrad.records import Record
from vgrad.training import Trainer

RECORDS = 24  # of a probe; the last quarter of them says what it has come to
JUDGED = 384  # examples that its accuracy is taken from: ± 2.5 % at worst
TESTED = 512  # examples of the test part, at most
CLOSING = 4  # the last quarter
SPARING = 4  # steps from one record to the next, at least: measuring takes as long as two steps


@dataclass(frozen=True)
class Outcome:
    """What a probe has come to: `loss`, `accuracy` and `skill` are means over its last quarter."""

    steps: int
    """Updates made."""
    total: int
    """Updates that the whole training would make."""
    diverged: bool
    start: Verdict
    """At initialization."""
    end: Verdict
    loss_at_start: float
    loss: float
    accuracy: float
    skill: float
    held_out: float
    """Skill on the test part at the end; nan where there is none, or the end was not reached."""
    progress: float
    """As `Goal.progress`: what tells one probe from the next while skill is still 0."""
    skill_before: float
    """Over the quarter that ends half-way."""
    progress_before: float

    @property
    def whole(self) -> bool:
        """Whether nothing of the training is left to see."""
        return self.diverged or self.steps >= self.total

    @property
    def expected_skill(self) -> float:
        """The skill that the whole training will end with, at least: that of the probe, and as
        much for each doubling that is left as the last one brought."""
        if self.whole or self.steps == 0:
            return self.skill
        gained = max(self.skill - self.skill_before, 0.0)
        return min(self.skill + gained * math.log2(self.total / self.steps), 1.0)

    @property
    def worth(self) -> float:
        """The expected skill; where the end was reached, the skill on the test part if that is
        higher (dropout is for training only), and else their mean: what is learnt by heart counts
        half of what is learnt."""
        expected, tested = self.expected_skill, self.held_out
        return expected if math.isnan(tested) else max((expected + tested) / 2.0, tested)


def probe(config: Config, steps: int) -> Outcome:
    """Train for this many steps, or to the end where that comes sooner.

    Raises:
        RequestError: the config cannot be carried out.
    """
    experiment = at_hand(config, steps, tested=steps >= _total(config))
    goal = Goal.of(experiment)
    trainer = Trainer(experiment)
    until = min(steps, trainer.steps)
    records: list[Record] = []
    losses = np.full(until + 1, math.nan)
    with threadpool_limits(1, user_api="blas"), blamed():
        while trainer.divergence is None and not trainer.finished:
            at = trainer.step
            if at >= until and until < trainer.steps:
                break
            records.extend(trainer.advance(at + 1))
            losses[trainer.step if trainer.finished else at] = trainer.loss
    diverged = trainer.divergence is not None
    return _outcome(goal, records, losses, trainer, diverged=diverged)


def _outcome(
    goal: Goal,
    records: list[Record],
    losses: NDArray[np.float64],
    trainer: Trainer,
    *,
    diverged: bool,
) -> Outcome:
    first, last, metrics = records[0].layers, records[-1].layers, records[-1].metrics
    tested = not diverged and trainer.finished and math.isfinite(metrics.test_loss)
    made = max(trainer.step, 1)
    quarter = max(made // CLOSING, 1)
    loss, accuracy = _mean(losses, records, made - quarter, made)
    loss_before, accuracy_before = _mean(losses, records, made // 2 - quarter, made // 2)
    return Outcome(
        steps=trainer.step,
        total=trainer.steps,
        diverged=diverged,
        start=diagnose(first),
        end=diagnose_run(first, last, diverged=diverged),
        loss_at_start=float(losses[0]),
        loss=math.nan if diverged else loss,
        accuracy=math.nan if diverged else accuracy,
        skill=0.0 if diverged else goal.skill(loss, accuracy),
        held_out=goal.skill(metrics.test_loss, metrics.test_accuracy) if tested else math.nan,
        progress=-math.inf if diverged else goal.progress(loss),
        skill_before=goal.skill(loss_before, accuracy_before),
        progress_before=goal.progress(loss_before),
    )


def _mean(
    losses: NDArray[np.float64], records: list[Record], begin: int, end: int
) -> tuple[float, float]:
    """Loss and accuracy from step `begin` up to `end`, its own included."""
    begin = max(begin, 0)
    part = losses[begin : end + 1]
    part = part[~np.isnan(part)]
    inside = [one.metrics.train_accuracy for one in records if begin <= one.metrics.step <= end]
    loss = float(part.mean()) if part.size else math.nan
    return loss, float(np.mean(inside)) if inside else math.nan


def at_hand(config: Config, steps: int, *, tested: bool = False) -> Experiment:
    """The experiment, logging as often as a probe of so many steps wants; without a test part
    unless it is to be `tested`: that takes time at each record."""
    batch = config.train.batch_size
    examples = JUDGED if batch == "full" else batch
    records = max(RECORDS, CLOSING * -(-JUDGED // examples))
    made = min(steps, _total(config))
    every = max(made // records, min(SPARING, made), 1)
    config = config.with_overrides({"log.every": every})
    dataset = _dataset(config.data, config.seed, config.dtype)
    if not tested:
        dataset = replace(dataset, x_test=dataset.x_test[:0], y_test=dataset.y_test[:0])
    return prepare(config, dataset)


def _total(config: Config) -> int:
    return config.train.steps if config.train.steps is not None else 10**9


@lru_cache(maxsize=1)
def _dataset(part: Part, seed: int, dtype: str) -> Dataset:
    """Of the config that has these, with a part of its test part; read once for all probes."""
    data = datasets.build(part.name, part.options)
    dataset = load(data, Streams.of_seed(seed).data, np.dtype(dtype))
    every = -(-len(dataset.x_test) // TESTED) or 1
    return replace(dataset, x_test=dataset.x_test[::every], y_test=dataset.y_test[::every])
