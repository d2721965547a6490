"""Activations against PyTorch's values, and the contract that the network relies on."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from reference import torch_peer
from reference.cases import OPTIONS, Vector
from reference.stored import REMEDY, load_activations

from vgrad.nn.activations import Activation, activations

ROUNDING = {np.dtype(np.float64): 100 * 2.0**-52, np.dtype(np.float32): 20 * 2.0**-23}
"""Of numbers up to 1, or relative to larger ones. Most stay within two roundings; in the slopes of
GELU's approximation, SiLU and Mish, 1 - t² or 1 - σ is multiplied by z or z³, and so its rounding.
The lower tails of PyTorch's GELU are differences of numbers near 1 themselves."""


def variants() -> list[Activation]:
    """Every activation with its defaults, and with its other options where it has any."""
    names = activations.names()
    others = [activations.build(name, OPTIONS[name]) for name in names if name in OPTIONS]
    return [*map(activations.build, names), *others]


EVERY = pytest.mark.parametrize("phi", variants(), ids=str)
STORED = {phi: rest for phi, *rest in load_activations()}


def value_and_slope(phi: Activation, z: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """φ(z) and φ′(z); where φ does not need its input for φ′, φ′ is not shown it."""
    value, slope = np.empty_like(z), np.empty_like(z)
    scratch = np.full((phi.n_scratch, *z.shape), np.nan, z.dtype)
    seen = z if phi.needs_input else np.full_like(z, np.nan)
    with np.errstate(all="ignore"):
        phi.forward(z, out=value, scratch=scratch)
        scratch.fill(np.nan)
        phi.derivative(seen, value, out=slope, scratch=scratch)
    return value, slope


def assert_close(found: NDArray[Any], expected: Vector) -> None:
    """Within the rounding of `found` wherever the expected number is finite."""
    there = np.isfinite(expected)
    assert there.mean() > 0.9
    found, expected = found[there], expected[there]
    allowed = ROUNDING[found.dtype] * np.maximum(1.0, np.abs(expected))
    assert (np.abs(found - expected) <= allowed).all()


@EVERY
def test_values_and_slopes_are_those_of_pytorch(phi: Activation) -> None:
    assert phi in STORED, f"no reference for {phi}: {REMEDY}"
    z, values, slopes = STORED[phi]
    assert {0.0, 100.0, -100.0, np.inf, -np.inf, *phi.kinks} <= set(z)
    value, slope = value_and_slope(phi, z)
    assert_close(value, values)
    assert_close(slope, slopes)


@pytest.mark.live_torch
@EVERY
def test_values_and_slopes_are_those_of_pytorch_live(phi: Activation) -> None:
    z = np.random.default_rng(0).normal(scale=5.0, size=2000)
    for found, expected in zip(
        value_and_slope(phi, z), torch_peer.activation_and_slope(phi, z), strict=True
    ):
        assert_close(found, expected)


@EVERY
def test_the_slope_is_the_derivative_of_the_value(phi: Activation) -> None:
    z, h = np.linspace(-7.03, 7.01, 500), 1e-5
    z = z[[min((abs(at - kink) for kink in phi.kinks), default=1.0) > 2 * h for at in z]]
    above, below = value_and_slope(phi, z + h)[0], value_and_slope(phi, z - h)[0]
    # truncation h²|φ‴|/6 < 1e-9 where |φ‴| < 60; rounding 1e-16·7/h = 1e-10
    np.testing.assert_allclose((above - below) / (2 * h), value_and_slope(phi, z)[1], atol=1e-9)


@EVERY
def test_single_precision_is_exact_to_single_precision(phi: Activation) -> None:
    z = np.concatenate([np.linspace(-20, 20, 2001), [-80, 80, 0, *phi.kinks]]).astype(np.float32)
    exact = value_and_slope(phi, z.astype(np.float64))
    for found, expected in zip(value_and_slope(phi, z), exact, strict=True):
        assert found.dtype == np.float32
        assert_close(found, expected)


@EVERY
def test_max_slope_is_the_largest_slope(phi: Activation) -> None:
    z = np.concatenate([np.linspace(-30.0, 30.0, 600_001), [0.0, np.nextafter(0.0, -1.0)]])
    steepest = np.abs(value_and_slope(phi, z)[1]).max()
    assert phi.max_slope == pytest.approx(steepest, rel=1e-6)  # of a grid 1e-4 apart: 1e-9


@EVERY
def test_nan_stays_nan(phi: Activation) -> None:
    z = np.array([0.5, np.nan, -0.5])
    value, _ = value_and_slope(phi, z)
    np.testing.assert_array_equal(np.isnan(value), [False, True, False])


@EVERY
@pytest.mark.parametrize("dtype", list(ROUNDING), ids=str)
def test_large_inputs_give_no_nan(phi: Activation, dtype: Any) -> None:
    z = np.array([[-1e9, -1e4, -100.0, 100.0, 1e4, 1e9]], dtype)
    for array in value_and_slope(phi, z):
        assert np.isfinite(array).all()


@EVERY
@pytest.mark.parametrize("dtype", list(ROUNDING), ids=str)
def test_nothing_but_out_and_scratch_is_written(phi: Activation, dtype: Any) -> None:
    z = np.random.default_rng(1).normal(scale=3.0, size=(5, 7)).astype(dtype)
    kept = z.copy()
    value, slope = np.empty_like(z), np.empty_like(z)
    scratch = np.empty((phi.n_scratch, *z.shape), dtype)
    phi.forward(z, out=value, scratch=scratch)
    output = value.copy()
    phi.derivative(z, value, out=slope, scratch=scratch)
    np.testing.assert_array_equal(z, kept)
    np.testing.assert_array_equal(value, output)
    assert not np.shares_memory(slope, scratch)


@EVERY
def test_the_scratch_asked_for_is_the_scratch_used(phi: Activation) -> None:
    spare = 2
    z = np.random.default_rng(2).normal(size=(3, 4))
    scratch = np.full((phi.n_scratch + spare, *z.shape), np.nan)
    value, slope = np.empty_like(z), np.empty_like(z)
    phi.forward(z, out=value, scratch=scratch)
    phi.derivative(z, value, out=slope, scratch=scratch)
    touched = [not np.isnan(array).all() for array in scratch]
    assert touched == [True] * phi.n_scratch + [False] * spare


@EVERY
def test_the_result_is_the_same_for_views_of_any_shape(phi: Activation) -> None:
    z = np.random.default_rng(3).normal(scale=3.0, size=(6, 8))
    whole, part = value_and_slope(phi, z), value_and_slope(phi, z[1:3, :5])
    for array, piece in zip(whole, part, strict=True):
        # a library's vector code rounds the last bit otherwise than its scalar code
        assert_close(array[1:3, :5], piece)


GAINS = {"identity": 1.0, "relu": 2**0.5, "selu": 0.75, "sigmoid": 1.0, "tanh": 5 / 3}
"""`torch.nn.init.calculate_gain` of PyTorch 2.13, where `identity` is called linear."""


@pytest.mark.parametrize("name", activations.names())
def test_gains_are_those_of_pytorch_and_no_others(name: str) -> None:
    if name == "leaky_relu":
        for slope in (0.0, 0.01, 0.2, 1.0):
            phi = activations.build(name, {"negative_slope": slope})
            assert phi.gain == pytest.approx((2.0 / (1.0 + slope**2)) ** 0.5, rel=1e-15)
    else:
        assert activations.build(name).gain == GAINS.get(name)


@pytest.mark.live_torch
@pytest.mark.parametrize("name", [*GAINS, "leaky_relu"])
def test_gains_are_those_of_pytorch_live(name: str) -> None:
    from torch.nn.init import calculate_gain

    called: Any = "linear" if name == "identity" else name
    assert activations.build(name).gain == pytest.approx(calculate_gain(called), rel=1e-15)


def test_gelu_keeps_the_relative_precision_of_its_lower_tail() -> None:
    z = np.linspace(-35.0, -1.0, 200)
    expected = [0.5 * at * math.erfc(-at / math.sqrt(2.0)) for at in z]
    found, _ = value_and_slope(activations.build("gelu"), z)
    np.testing.assert_allclose(found, expected, rtol=5e-13)  # as Φ itself
