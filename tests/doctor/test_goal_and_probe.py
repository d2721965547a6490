"""Guessing, skill, and probes that are the beginning of a training."""

import math
from dataclasses import replace

import numpy as np
import pytest
from patients import well

from vgrad.config import Config, load_config
from vgrad.doctor.goal import Goal, trains
from vgrad.doctor.probe import at_hand, probe
from vgrad.training import train


def goal(**overrides: object) -> Goal:
    return Goal.of(at_hand(well(**overrides), 1))


def test_guessing_costs_the_entropy_of_the_classes() -> None:
    y = at_hand(well(), 1).dataset.y_train
    shares = np.bincount(y) / len(y)
    found = goal()
    assert found.loss == pytest.approx(-float(shares @ np.log(shares)), rel=1e-5)
    assert found.accuracy == shares.max()


def test_guessing_two_classes_by_one_logit_costs_one_bit() -> None:
    found = goal(data="moons", loss="binary_cross_entropy")
    assert found.loss == pytest.approx(math.log(2.0), rel=1e-5)
    assert found.accuracy == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("loss", "guess"), [("mse", np.var), ("mae", lambda y: np.mean(np.abs(y - np.median(y))))]
)
def test_guessing_numbers_costs_their_spread(loss: str, guess: object) -> None:
    y = at_hand(well(data="sine"), 1).dataset.y_train
    found = goal(data="sine", loss=loss)
    assert found.loss == pytest.approx(float(guess(y)), rel=1e-5)  # type: ignore[operator]
    assert math.isnan(found.accuracy)


def test_skill_goes_from_guessing_to_perfection() -> None:
    classes, numbers = Goal(2.3, 0.1), Goal(0.5, math.nan)
    assert classes.skill(9.0, 0.1) == 0.0
    assert classes.skill(9.0, 0.55) == pytest.approx(0.5)
    assert classes.skill(0.0, 1.0) == 1.0
    assert numbers.skill(0.5, math.nan) == 0.0
    assert numbers.skill(0.125, math.nan) == pytest.approx(0.75)
    assert numbers.skill(math.inf, math.nan) == 0.0
    assert Goal(0.0, 1.0).skill(0.0, 1.0) == 0.0  # one class: there is nothing to learn


def test_to_train_is_to_come_half_way_to_the_best_and_clearly_above_chance() -> None:
    assert trains(0.5)
    assert not trains(0.49)
    assert trains(0.3, best=0.6)
    assert not trains(0.15, best=0.2)


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"train.batch_size": 7, "optimizer": "momentum", "model.dropout": 0.3},
        {"data": "sine", "model.norm": "batch", "schedule": "cosine"},
    ],
    ids=["plain", "noisy", "numbers"],
)
def test_a_probe_is_the_beginning_of_the_training(overrides: dict[str, object]) -> None:
    config = well(**overrides, **{"train.steps": 60, "log.every": 1})
    losses = [record.metrics.train_loss for record in train(config)]
    found = probe(config, 40)
    assert (found.steps, found.total, found.whole) == (40, 60, False)
    assert found.loss_at_start == pytest.approx(losses[0], rel=1e-6)  # summed in another order
    assert found.loss == pytest.approx(float(np.mean(losses[30:40])), rel=1e-5)
    whole = probe(config, 1000)
    assert (whole.steps, whole.whole) == (60, True)
    last = [*losses[45:59], losses[60]]  # that of step 59 is not logged by itself
    assert whole.loss == pytest.approx(float(np.mean(last)), rel=1e-5)


def test_a_probe_that_diverges_has_no_skill() -> None:
    found = probe(well(data="sine", optimizer={"name": "sgd", "lr": 1e8}), 50)
    assert found.diverged
    assert found.whole
    assert (found.skill, found.progress) == (0.0, -math.inf)
    assert found.end.kind == "exploding"


def test_what_still_learns_is_expected_to_go_on() -> None:
    found = probe(well(**{"train.steps": 400}), 30)
    assert found.skill < found.expected_skill <= 1.0
    assert probe(well(), 120).expected_skill == probe(well(), 120).skill


def test_data_without_a_training_to_speak_of_is_no_fault() -> None:
    config: Config = load_config({"train": {"steps": 0}, "model": {"depth": 1, "width": 2}})
    assert probe(config, 10).steps == 0


def test_what_is_learnt_by_heart_counts_half_and_dropout_not_at_all() -> None:
    found = probe(well(), 120)
    assert replace(found, skill=0.8, held_out=0.2).worth == pytest.approx(0.5)
    assert replace(found, skill=0.5, held_out=0.9).worth == 0.9
    assert replace(found, skill=0.5, held_out=math.nan).worth == 0.5
