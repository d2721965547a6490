import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgrad.report.averages import averages

NUMBERS = st.floats(-100, 100, allow_subnormal=False)
RUNS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), NUMBERS), min_size=1, max_size=30)


def by_hand(runs: list[tuple[int, int, float]], group: int) -> tuple[float, float, int]:
    """Mean and standard error over seeds of the means of each."""
    seeds = {seed for one, seed, _ in runs if one == group}
    means = [
        float(np.mean([value for one, its, value in runs if (one, its) == (group, seed)]))
        for seed in seeds
    ]
    error = np.std(means, ddof=1) / math.sqrt(len(means)) if len(means) > 1 else math.nan
    return float(np.mean(means)), float(error), len(means)


@given(RUNS)
def test_means_and_errors_over_seeds_are_those_made_by_hand(
    runs: list[tuple[int, int, float]],
) -> None:
    groups, seeds, values = (np.array(column) for column in zip(*runs, strict=True))
    table = averages(values.astype(float), groups, 5, seeds)
    for group in set(groups.tolist()):
        row = table[group]
        expected = by_hand(runs, group)
        # sums in another order: 1e-12 of the largest value
        np.testing.assert_allclose((row["mean"], row["error"]), expected[:2], atol=1e-10)
        assert row["seeds"] == expected[2]
        assert row["runs"] == row["ended"] == (groups == group).sum()
    assert table["runs"][4] == 0
    assert np.isnan(table["mean"][4])


def test_the_scatter_over_other_settings_is_no_error() -> None:
    values, seeds = np.array([0.1, 0.9, 0.1, 0.9]), np.array([0, 0, 1, 1])
    (row,) = averages(values, np.zeros(4, np.intp), 1, seeds)
    assert (row["mean"], row["error"]) == (0.5, 0.0)


def test_without_seeds_there_is_no_error() -> None:
    (row,) = averages(np.array([1.0, 2.0]), np.zeros(2, np.intp), 1)
    assert row["mean"] == 1.5
    assert math.isnan(row["error"])
    assert row["seeds"] == 0


def test_what_has_no_value_is_left_out_but_counted() -> None:
    values = np.array([1.0, math.nan, 3.0])
    (row,) = averages(values, np.zeros(3, np.intp), 1, np.array([0, 1, 2]))
    assert (row["mean"], row["seeds"], row["runs"], row["ended"]) == (2.0, 2, 2, 3)
    (none,) = averages(np.array([math.nan]), np.zeros(1, np.intp), 1, np.zeros(1, np.intp))
    assert (none["runs"], none["ended"]) == (0, 1)
    assert math.isnan(none["mean"])


def test_a_geometric_mean_has_a_factor_for_its_error() -> None:
    values = np.array([1e-6, 1e-2])
    (row,) = averages(values, np.zeros(2, np.intp), 1, np.array([0, 1]), geometric=True)
    # half of four decades is the standard deviation over √2, over √2 again its error: 10²
    assert (row["mean"], row["error"]) == pytest.approx((1e-4, 1e2))


@pytest.mark.parametrize(("end", "mean"), [(0.0, 0.0), (math.inf, math.inf)])
def test_a_gradient_that_is_gone_takes_the_geometric_mean_with_it(end: float, mean: float) -> None:
    (row,) = averages(np.array([1.0, end]), np.zeros(2, np.intp), 1, geometric=True)
    assert row["mean"] == mean
