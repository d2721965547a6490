"""What the doctor says of small configs that are broken in one way each."""

from dataclasses import replace

import numpy as np
import pytest
from patients import ILL, examined, ill, well

from vgrad.config import load_config
from vgrad.doctor import examine
from vgrad.doctor.goal import trains
from vgrad.doctor.probe import probe


@pytest.mark.parametrize("verdict", ILL)
def test_each_illness_is_named(verdict: str) -> None:
    found = examined(verdict)
    assert found.verdict == verdict
    assert not found.trains
    assert found.outcome == probe(ill(verdict), 120)


@pytest.mark.parametrize("verdict", ILL)
def test_the_first_prescription_trains_from_the_first_step_to_the_last(verdict: str) -> None:
    first = examined(verdict).prescriptions[0]
    assert first.trains
    again = probe(ill(verdict).with_overrides(first.change), 120)
    assert again.whole
    assert again == first.outcome
    assert trains(again.skill)


@pytest.mark.parametrize("verdict", ILL)
def test_of_what_achieves_about_the_same_the_smallest_change_comes_first(verdict: str) -> None:
    given = examined(verdict).prescriptions
    best = max(one.outcome.worth for one in given)
    good = [one.size for one in given if one.outcome.worth >= 0.9 * best]
    assert good == sorted(good)
    assert len(good) >= 1
    assert len({one.remedies for one in given}) == len(given)


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("vanishing", "χ = σ_w²·E[φ′²]"),
        ("exploding", "χ = σ_w²·E[φ′²]"),
        ("dead", "Each bias begins at -8"),
        ("saturated", "of them in layers 1 to 4"),
        ("too fast", "a rate of 3 "),
        ("too slow", "the rate of 1e-06 is too small"),
    ],
)
def test_the_cause_is_told_in_numbers(verdict: str, said: str) -> None:
    assert said in examined(verdict).cause


def test_what_trains_is_healthy_and_gets_nothing() -> None:
    found = examined("healthy")
    assert (found.verdict, found.trains, found.prescriptions) == ("healthy", True, ())
    assert "It trains" in found.cause


def test_what_trains_although_the_gradient_vanishes_is_healthy_all_the_same() -> None:
    init = {"name": "orthogonal", "gain": 0.2}
    config = well(**{"model.depth": 6, "model.width": 24, "model.init": init})
    found = examine(config.with_overrides({"train.steps": 300, "optimizer.lr": 0.01}))
    assert (found.verdict, found.trains) == ("healthy", True)
    assert found.outcome.start.kind == "vanishing"
    assert "although at initialization the gradient vanishes" in found.cause


def test_a_rate_far_too_small_is_replaced_by_a_better_one_alone() -> None:
    first = examined("too slow").prescriptions[0]
    assert list(first.change) == ["optimizer.lr"]
    assert first.outcome.skill > 0.8


def test_two_faults_need_two_remedies() -> None:
    config = ill("vanishing").with_overrides({"optimizer.lr": 1e-6})
    first = examine(config).prescriptions[0]
    assert first.trains
    assert any(key.startswith("optimizer") for key in first.change)
    assert any(key.startswith("model") for key in first.change)


def test_the_same_config_gets_the_same_answer() -> None:
    assert examine(ill("dead")).prescriptions == examined("dead").prescriptions


def test_a_run_that_was_seen_is_not_trained_again() -> None:
    seen = replace(probe(well(), 120), steps=119, total=119)
    assert examine(well(), seen=seen).outcome is seen


def test_a_training_without_steps_has_no_remedy() -> None:
    found = examine(well(**{"train.steps": 0}))
    assert (found.verdict, found.prescriptions) == ("stuck", ())


def test_where_nothing_can_be_learnt_nothing_is_promised(tmp_path: object) -> None:
    rng = np.random.default_rng(0)
    path = f"{tmp_path}/noise.npz"
    np.savez(path, x=rng.normal(size=(400, 3)), y=rng.integers(0, 2, 400))
    config = load_config({"data": {"name": "npz", "path": path}, "train": {"steps": 30},
                          "model": {"depth": 2, "width": 4}})  # fmt: skip
    found = examine(config)
    assert found.verdict == "stuck"
    assert not any(one.trains for one in found.prescriptions)
