"""The doctor's verdict and first prescription against what full training shows.

    python -m tests.doctor.confusion --seed S --count N

prints the table for any seed; the whole of it takes minutes.
"""

import pytest

from tests.doctor.broken_configs import draw
from tests.doctor.confusion import AGREEMENT, Case, judge, run, share, summary


def check(cases: list[Case]) -> None:
    table = summary(cases)
    print(table)
    assert share([case.agrees for case in cases]) >= AGREEMENT, table
    assert share([case.cured for case in cases if case.curable]) >= AGREEMENT, table


def test_shallow_configs_are_judged_and_cured() -> None:
    cases = [judge(config) for config in draw(1, 6, steps=100, deepest=8)]
    assert {case.said for case in cases} == {True, False}
    check(cases)


@pytest.mark.slow
def test_a_hundred_broken_configs_are_judged_and_cured() -> None:
    check(run(seed=0, count=100))


def test_the_same_seed_draws_the_same_configs() -> None:
    assert draw(5, 10) == draw(5, 10)
    assert draw(5, 10) != draw(6, 10)
