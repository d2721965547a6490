"""Gradient noise: its distribution, its decay, and on what its numbers depend."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vgrad.nn.noise import GradientNoise

PRECISIONS = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def noise(n: int, dtype: Any = np.float64, *, t: int = 0, length: int = 1000) -> Any:
    """The noise of η = 0.3 on a gradient of zeros."""
    grads = np.zeros(n, dtype)
    GradientNoise(0.3).add(grads, t, np.random.default_rng(1), np.empty(length, dtype))
    return grads


@pytest.mark.parametrize("t", [0, 1, 99])
@PRECISIONS
def test_it_is_normal_with_the_variance_of_the_paper(t: int, dtype: Any) -> None:
    n = 200_000
    drawn = noise(n, dtype, t=t).astype(np.float64)
    standard = drawn / np.sqrt(0.3 / (1 + t) ** 0.55)
    for moment, expected, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        # within four standard deviations of a mean of n
        assert abs((standard**moment).mean() - expected) < 4.0 * np.sqrt(variance / n)


@given(st.floats(1e-3, 10.0), st.floats(0.0, 2.0), st.integers(0, 10**6))
def test_its_spread_falls_with_the_step(eta: float, gamma: float, t: int) -> None:
    variance = GradientNoise(eta, gamma).std(t) ** 2
    assert variance == pytest.approx(eta / (1 + t) ** gamma, rel=1e-14)


@PRECISIONS
@settings(max_examples=30)
@given(st.integers(1, 50), st.lists(st.integers(0, 60), max_size=4))
def test_neither_scratch_nor_calls_change_a_bit(dtype: Any, length: int, cuts: list[int]) -> None:
    expected, found = noise(60, dtype), np.zeros(60, dtype)
    rng, scratch = np.random.default_rng(1), np.empty(length, dtype)
    for part in np.split(found, sorted(cuts)):
        GradientNoise(0.3).add(part, 0, rng, scratch)
    np.testing.assert_array_equal(found, expected)


def test_it_is_added_to_the_gradient() -> None:
    grads = np.arange(10.0)
    GradientNoise(0.3).add(grads, 0, np.random.default_rng(1), np.empty(4))
    np.testing.assert_allclose(grads - np.arange(10.0), noise(10), atol=1e-14)


def test_there_is_none_by_default() -> None:
    assert not GradientNoise()
    assert GradientNoise(0.01)
