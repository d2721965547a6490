"""Schedules against PyTorch's, stored and live, and against their equations."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import torch_peer
from reference.cases import PEAK, SCHEDULES, UPDATES, Vector, observed_losses
from reference.stored import REMEDY, load

from vgrad.errors import RequestError
from vgrad.nn.schedules import Scheduler, schedules

AGREEMENT = 1e-12
"""Relative: PyTorch multiplies step by step where we take a power."""
IDS = [f"{name}{number}" for number, (name, _) in enumerate(SCHEDULES)]


def rates_of(name: str, options: dict[str, Any], total: int = UPDATES) -> Vector:
    """The rate of each update."""
    scheduler = Scheduler(schedules.build(name, options), PEAK, total)
    rates = np.empty(total)
    for step in range(total):
        rates[step] = scheduler.rate(step)
        scheduler.observe(step, observed_losses()[step % UPDATES])
    return rates


@pytest.mark.parametrize("number", range(len(SCHEDULES)), ids=IDS)
def test_rates_are_those_of_pytorch(number: int) -> None:
    index, arrays = load("schedules")
    assert index == json.loads(json.dumps(SCHEDULES)), f"out of date: {REMEDY}"
    name, options = SCHEDULES[number]
    np.testing.assert_allclose(rates_of(name, options), arrays["rates"][number], rtol=AGREEMENT)


@pytest.mark.live_torch
@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=IDS)
def test_rates_are_those_of_the_installed_pytorch(name: str, options: dict[str, Any]) -> None:
    expected = torch_peer.schedule_trace(name, options)
    np.testing.assert_allclose(rates_of(name, options), expected, rtol=AGREEMENT)


def test_every_schedule_is_compared_with_pytorch_or_its_equation() -> None:
    assert {name for name, _ in SCHEDULES} | {"inverse_sqrt"} == set(schedules.names())


def test_a_plateau_really_cuts() -> None:
    rates = rates_of("plateau", {"window": 1, "patience": 3})
    assert len(set(rates)) > 2


@pytest.mark.parametrize("warmup", [0, 1, 40])
def test_inverse_sqrt_is_the_equation_of_its_paper(warmup: int) -> None:
    w = max(warmup, 1)
    t = np.arange(1, UPDATES + 1)
    expected = PEAK * math.sqrt(w) * np.minimum(t**-0.5, t * w**-1.5)
    found = rates_of("inverse_sqrt", {"warmup": warmup})
    np.testing.assert_allclose(found, expected, rtol=AGREEMENT)


def first_of(name: str) -> float:
    """The rate that a course begins with: one cycle's is far below the optimizer's own."""
    return PEAK / 25.0 if name == "one_cycle" else PEAK


@pytest.mark.parametrize("name", [name for name in schedules.names() if name != "inverse_sqrt"])
@pytest.mark.parametrize("warmup", [1, 30])
def test_a_warm_up_is_a_line_and_the_course_follows(name: str, warmup: int) -> None:
    found = rates_of(name, {"warmup": warmup})
    line = first_of(name) * np.arange(1, warmup + 1) / warmup
    np.testing.assert_allclose(found[:warmup], line, rtol=AGREEMENT)
    if name != "plateau":  # which judges other losses when it begins later
        rest = rates_of(name, {}, UPDATES - warmup)
        np.testing.assert_allclose(found[warmup:], rest, rtol=AGREEMENT)


@given(st.sampled_from(schedules.names()), st.integers(1, 100), st.integers(10, 200))
def test_the_rate_does_not_jump_where_the_warm_up_ends(name: str, warmup: int, rest: int) -> None:
    """It moves no further than in an update of the warm-up, or in the course's first one.

    From 10 updates on: one cycle has no room to rise in fewer than 4.
    """
    schedule = schedules.build(name, {"warmup": warmup})
    total = warmup + rest
    last, first, second = (
        schedule.rate(PEAK, step, total, {}) for step in range(warmup - 1, warmup + 2)
    )
    assert abs(first - last) <= max(last / warmup, abs(second - first)) + 1e-12 * PEAK


def test_a_plateau_does_not_judge_the_losses_of_the_warm_up() -> None:
    plateau = schedules.build("plateau", {"window": 1, "patience": 0, "warmup": 20})
    scheduler = Scheduler(plateau, PEAK, UPDATES)
    for step in range(20):
        scheduler.observe(step, 1.0)
    assert not scheduler.state()
    scheduler.observe(20, 1.0)  # the first, and so the best
    assert scheduler.rate(21) == PEAK
    scheduler.observe(21, 1.0)
    assert scheduler.rate(22) == pytest.approx(0.1 * PEAK, rel=AGREEMENT)


def test_a_plateau_is_judged_on_the_mean_of_each_window() -> None:
    """Losses 1, 3 | 2, 2 | 0, 3: means 2, 2 and 1.5. The second is no better, the third is."""
    plateau = schedules.build("plateau", {"window": 2, "patience": 0, "factor": 0.5})
    scheduler = Scheduler(plateau, PEAK, UPDATES)
    rates = []
    for step, loss in enumerate((1.0, 3.0, 2.0, 2.0, 0.0, 3.0)):
        scheduler.observe(step, loss)
        rates.append(scheduler.rate(step + 1) / PEAK)
    assert rates == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5]


@given(
    st.sampled_from(schedules.names()),
    st.integers(0, 60),
    st.integers(61, 150),
    st.lists(st.floats(0, 1e3), min_size=1, max_size=20),
)
def test_rates_are_positive_and_at_most_the_optimizers_own(
    name: str, warmup: int, total: int, losses: list[float]
) -> None:
    scheduler = Scheduler(schedules.build(name, {"warmup": warmup}), PEAK, total)
    for step in range(total):
        assert 0.0 < scheduler.rate(step) <= PEAK * (1 + 1e-12)  # half waves round
        scheduler.observe(step, losses[step % len(losses)])
    assert 0.0 <= scheduler.rate(total) <= PEAK  # that of the record after the last update


@pytest.mark.parametrize(("name", "options"), SCHEDULES, ids=IDS)
@given(at=st.integers(0, UPDATES - 1))
def test_a_scheduler_goes_on_from_its_state(name: str, options: dict[str, Any], at: int) -> None:
    schedule = schedules.build(name, {**options, "warmup": 5})
    one, other = (Scheduler(schedule, PEAK, UPDATES) for _ in range(2))
    for step, loss in enumerate(observed_losses()):
        if step == at:
            other.load_state(one.state())
        one.observe(step, loss)
        if step >= at:
            other.observe(step, loss)
            assert other.rate(step) == one.rate(step)


@pytest.mark.parametrize(
    ("name", "options", "key"),
    [
        ("constant", {"warmup": 100}, "schedule.warmup"),
        ("cosine", {"min_lr": 0.5}, "schedule.min_lr"),
        ("plateau", {"min_lr": 0.5}, "schedule.min_lr"),
    ],
)
def test_what_does_not_fit_the_training_is_refused(
    name: str, options: dict[str, Any], key: str
) -> None:
    with pytest.raises(RequestError) as caught:
        schedules.build(name, options).check(PEAK, 100)
    (problem,) = caught.value.problems
    assert problem.key == key


def test_all_that_does_not_fit_is_said_at_once() -> None:
    with pytest.raises(RequestError) as caught:
        schedules.build("cosine", {"warmup": 100, "min_lr": 0.5}).check(PEAK, 100)
    keys = [problem.key for problem in caught.value.problems]
    assert keys == ["schedule.warmup", "schedule.min_lr"]


@pytest.mark.parametrize("milestones", [(5, 5), (9, 3)])
def test_milestones_must_grow(milestones: tuple[int, ...]) -> None:
    with pytest.raises(RequestError, match="do not grow"):
        schedules.build("multistep", {"milestones": milestones})
