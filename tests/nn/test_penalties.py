"""Penalties: λ₁·‖W‖₁ + λ₂/2·‖W‖₂² and their gradient."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vgrad.nn.penalties import Penalties

strengths = st.sampled_from([0.0, 1e-4, 0.3, 2.0])


def weights(seed: int, dtype: Any = np.float64) -> NDArray[Any]:
    """A matrix without its bias column, as the network hands it over: a view that is not whole."""
    block = np.random.default_rng(seed).normal(size=(4, 6)).astype(dtype)
    block[1, 2:4] = 0.0
    return block[:, 1:]


@settings(max_examples=40)
@given(strengths, strengths, st.integers(0, 2**32))
def test_value_and_gradient_are_those_of_the_formula(l1: float, l2: float, seed: int) -> None:
    w = weights(seed)
    kept, before = w.copy(), np.random.default_rng(seed + 1).normal(size=w.shape)
    grad = before.copy()
    value = Penalties(l1, l2).add(w, grad, np.full_like(w, np.nan))
    assert value == pytest.approx(l1 * np.abs(w).sum() + l2 / 2 * (w**2).sum(), rel=1e-14)
    np.testing.assert_allclose(grad, before + l1 * np.sign(w) + l2 * w, rtol=1e-14, atol=1e-15)
    np.testing.assert_array_equal(w, kept)


def test_the_slope_of_the_l1_penalty_at_0_is_0() -> None:
    grad = np.zeros((2, 2))
    Penalties(l1=1.0).add(np.array([[0.0, -0.0], [1.0, -1.0]]), grad, np.empty((2, 2)))
    np.testing.assert_array_equal(grad, [[0.0, 0.0], [1.0, -1.0]])


def test_values_of_single_precision_are_summed_in_double() -> None:
    w = np.full((1000, 1000), np.float32(0.1))
    value = Penalties(l2=2.0).add(w, np.zeros_like(w), np.empty_like(w))
    # each of the equal terms is rounded alike; single-precision sums of a million would add 1e-4
    assert value == pytest.approx(1e6 * float(np.float32(0.1)) ** 2, rel=2e-7)


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.1, 0.0), (0.0, 0.1), (0.1, 0.1)])
def test_penalties_are_true_where_there_are_any(l1: float, l2: float) -> None:
    assert bool(Penalties(l1, l2)) == (l1 > 0 or l2 > 0)
