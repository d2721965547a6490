"""Functions that NumPy lacks, against the standard library's."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vgrad.nn.special import normal_cdf, normal_pdf, sigmoid, softplus

FLOATS = [np.float32, np.float64]


def cdf(z: NDArray[Any]) -> NDArray[Any]:
    """Φ(z)."""
    out = np.empty_like(z)
    with np.errstate(all="ignore"):
        normal_cdf(z, out=out, scratch=np.empty((3, *z.shape), z.dtype))
    return out


def exact_cdf(z: NDArray[Any]) -> NDArray[np.float64]:
    """Φ(z) by the C library, which is right to the last digits."""
    return np.array([0.5 * math.erfc(-at / math.sqrt(2.0)) for at in z.tolist()])


Z = np.concatenate([np.linspace(-37.0, 37.0, 20_001), np.linspace(-1.0, 1.0, 2001), [0.0, -0.0]])


def test_normal_cdf_is_right_to_1e_15_everywhere() -> None:
    assert np.abs(cdf(Z) - exact_cdf(Z)).max() < 1e-15


@pytest.mark.parametrize(("dtype", "lowest"), [(np.float32, -12.0), (np.float64, -37.0)])
def test_normal_cdf_keeps_its_relative_precision_in_the_lower_tail(
    dtype: Any, lowest: float
) -> None:
    z = Z[(lowest < Z) & (Z < 0.0)].astype(dtype)  # beyond come the subnormal numbers
    # exp(-z²/2) magnifies the roundings on the way to z²/2, in the reference as well: 1e-13 at -20
    allowed = 4.0 * np.finfo(dtype).eps * (4.0 + z.astype(np.float64) ** 2 / 2)
    assert (np.abs(cdf(z) / exact_cdf(z) - 1.0) <= allowed).all()


def test_normal_cdf_of_single_precision_is_right_to_single_precision() -> None:
    z = Z.astype(np.float32)
    assert cdf(z).dtype == np.float32
    assert np.abs(cdf(z) - exact_cdf(z)).max() < 2.0**-22  # two roundings


@pytest.mark.parametrize("dtype", FLOATS)
def test_normal_cdf_at_the_ends(dtype: Any) -> None:
    z = np.array([-np.inf, -1e30, 0.0, -0.0, 1e30, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(cdf(z), np.array([0.0, 0.0, 0.5, 0.5, 1.0, 1.0, np.nan], dtype))


@pytest.mark.parametrize("dtype", FLOATS)
def test_normal_cdf_never_falls(dtype: Any) -> None:
    z = np.linspace(-9.0, 9.0, 4001).astype(dtype)
    assert (np.diff(cdf(z)) >= -2 * np.finfo(dtype).eps).all()  # but for rounding


def test_normal_pdf_is_the_density() -> None:
    z = np.linspace(-8.0, 8.0, 321)
    out = np.empty_like(z)
    normal_pdf(z, out=out)
    expected = [math.exp(-at * at / 2) / math.sqrt(2 * math.pi) for at in z]
    np.testing.assert_allclose(out, expected, rtol=1e-14)


def exact_sigmoid(z: float) -> float:
    """σ(z) without overflow."""
    return 1 / (1 + math.exp(-z)) if z > 0 else math.exp(z) / (1 + math.exp(z))


@pytest.mark.parametrize(("dtype", "lowest"), [(np.float32, -87.0), (np.float64, -700.0)])
def test_sigmoid_keeps_its_relative_precision(dtype: Any, lowest: float) -> None:
    z = np.concatenate([np.linspace(lowest, 40.0, 999), [0.0]]).astype(dtype)
    out = np.empty_like(z)
    sigmoid(z, out=out)
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(out, [exact_sigmoid(at) for at in z.tolist()], rtol=4 * eps)


@pytest.mark.parametrize("dtype", FLOATS)
def test_sigmoid_at_the_ends(dtype: Any) -> None:
    z = np.array([-np.inf, -1e30, 1e30, np.inf, np.nan], dtype)
    out = np.empty_like(z)
    with np.errstate(all="ignore"):
        sigmoid(z, out=out)
    np.testing.assert_array_equal(out, np.array([0.0, 0.0, 1.0, 1.0, np.nan], dtype))


@pytest.mark.parametrize(("dtype", "lowest"), [(np.float32, -80.0), (np.float64, -700.0)])
def test_softplus_keeps_its_relative_precision_and_never_overflows(
    dtype: Any, lowest: float
) -> None:
    z = np.concatenate([np.linspace(lowest, 50.0, 999), [0.0, 1e30]]).astype(dtype)
    out = np.empty_like(z)
    softplus(z, out=out, scratch=np.empty((1, *z.shape), dtype))
    expected = [max(at, 0.0) + math.log1p(math.exp(-abs(at))) for at in z.tolist()]
    np.testing.assert_allclose(out, expected, rtol=4 * float(np.finfo(dtype).eps))
