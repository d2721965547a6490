"""Norms: right over the whole range of the numbers, in silence, and without copies."""

import math
import tracemalloc
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgrad.euclidean import norm, norms

ROUNDING = {np.float32: 2e-6, np.float64: 1e-14}  # of a hundred products and their sum
SCALES = {
    np.float32: [1e-44, 1e-40, 1e-30, 1e-19, 1e-5, 1.0, 1e5, 1e15, 1e19, 1e30, 1e37],
    np.float64: [1e-320, 1e-300, 1e-160, 1e-19, 1.0, 1e19, 1e150, 1e155, 1e300, 1e306],
}
EVERY_SCALE = pytest.mark.parametrize(
    ("dtype", "scale"), [(dtype, scale) for dtype, scales in SCALES.items() for scale in scales]
)


@pytest.fixture(autouse=True)
def _silence() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def exact(row: Any) -> float:
    """‖x‖₂, as the standard library computes it."""
    return math.hypot(*map(float, row.ravel()))


def rows_of(scale: float, dtype: Any) -> Any:
    """`(5, 7)` entries of about that size, cut out of a wider block."""
    block = np.random.default_rng(1).normal(size=(5, 9))
    return (scale * block).astype(dtype)[:, 1:8]


@EVERY_SCALE
def test_norms_are_right_over_the_whole_range(dtype: Any, scale: float) -> None:
    rows = rows_of(scale, dtype)
    found = norms(rows)
    assert found.dtype == np.float64
    for row, one in zip(rows, found, strict=True):
        assert one == pytest.approx(exact(row), rel=ROUNDING[dtype])
    assert norm(rows) == pytest.approx(exact(rows), rel=ROUNDING[dtype])
    assert norm(rows[0]) == pytest.approx(exact(rows[0]), rel=ROUNDING[dtype])


@given(st.permutations([0.0, 1e-36, 1e-25, 1.0, 1e25, 3e37]))
def test_each_row_is_scaled_on_its_own(scales: list[float]) -> None:
    rows = np.array([[s, -2.0 * s, 2.0 * s] for s in scales], np.float32)
    np.testing.assert_allclose(norms(rows), 3.0 * np.abs(rows[:, 0], dtype=np.float64), rtol=1e-6)
    assert norm(rows) == pytest.approx(9e37, rel=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, np.inf, -np.inf, np.nan])
def test_what_is_not_finite_shows_in_its_row_only(value: float, dtype: Any) -> None:
    rows = np.ones((3, 4), dtype)
    rows[1] = value
    expected = [2.0, 2.0 * abs(value), 2.0]
    np.testing.assert_array_equal(norms(rows), expected)
    np.testing.assert_array_equal(norm(rows[1]), expected[1])


@EVERY_SCALE
def test_rows_below_what_is_negligible_come_out_below(dtype: Any, scale: float) -> None:
    rows = rows_of(scale, dtype)
    found = norms(rows, negligible=1e-3)
    for row, one in zip(rows, found, strict=True):
        if exact(row) >= 1e-3:
            assert one == pytest.approx(exact(row), rel=ROUNDING[dtype])
        else:
            assert one < 1e-3


def test_a_threshold_below_what_squares_can_tell_is_kept() -> None:
    rows = np.full((2, 4), [[1e-24], [1e-30]], np.float32)  # the squares of both are 0
    np.testing.assert_allclose(norms(rows, negligible=1e-26), [2e-24, 2e-30], rtol=1e-6)


def test_vectors_may_lie_along_the_last_of_several_axes_and_the_result_anywhere() -> None:
    block = np.random.default_rng(2).normal(size=(3, 4, 5)).astype(np.float32)
    out = np.empty((3, 4))
    assert norms(block, out=out) is out
    np.testing.assert_allclose(out, np.linalg.norm(block.astype(np.float64), axis=-1), rtol=1e-6)
    out = np.empty((3, 4))
    norms(1e30 * block, out=out)
    np.testing.assert_allclose(out, 1e30 * norms(block), rtol=1e-6)


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1.0, 1e30])
def test_no_copy_of_the_rows_is_made(scale: float) -> None:
    rows = np.full((4, 2**18), scale, np.float32)[:, 1:]
    out = np.empty(4)
    tracemalloc.start()
    try:
        norms(rows, out=out)
        norm(rows)
        assert tracemalloc.get_traced_memory()[1] < rows[0].nbytes / 2
    finally:
        tracemalloc.stop()
