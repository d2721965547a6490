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
        scheduler.observe(observed_losses()[step % UPDATES])
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


@pytest.mark.parametrize("name", [name for name in schedules.names() if name != "inverse_sqrt"])
@pytest.mark.parametrize("warmup", [1, 30])
def test_a_warm_up_is_a_line_and_the_course_follows(name: str, warmup: int) -> None:
    found = rates_of(name, {"warmup": warmup})
    line = PEAK * np.arange(1, warmup + 1) / warmup
    np.testing.assert_allclose(found[:warmup], line, rtol=AGREEMENT)
    if name != "plateau":  # which has seen the losses of the warm-up
        rest = rates_of(name, {}, UPDATES - warmup)
        np.testing.assert_allclose(found[warmup:], rest, rtol=AGREEMENT)


@given(
    st.sampled_from(schedules.names()),
    st.integers(0, 60),
    st.integers(61, 150),
    st.lists(st.floats(0, 1e3), min_size=1, max_size=20),
)
def test_rates_are_numbers_between_0_and_the_optimizers_own(
    name: str, warmup: int, total: int, losses: list[float]
) -> None:
    scheduler = Scheduler(schedules.build(name, {"warmup": warmup}), PEAK, total)
    for step in range(total + 1):  # the record after the last update has a rate too
        assert 0.0 <= scheduler.rate(step) <= PEAK * (1 + 1e-12)
        scheduler.observe(losses[step % len(losses)])


@given(st.sampled_from(schedules.names()), st.integers(0, 100))
def test_a_scheduler_goes_on_from_its_state(name: str, at: int) -> None:
    schedule = schedules.build(name, {"warmup": 5})
    one, other = (Scheduler(schedule, PEAK, UPDATES) for _ in range(2))
    for step, loss in enumerate(observed_losses()):
        if step == at:
            other.load_state(one.state())
        one.observe(loss)
        if step >= at:
            other.observe(loss)
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


@pytest.mark.parametrize("milestones", [(5, 5), (9, 3)])
def test_milestones_must_grow(milestones: tuple[int, ...]) -> None:
    with pytest.raises(RequestError, match="do not grow"):
        schedules.build("multistep", {"milestones": milestones})
