"""Residual blocks and norms: closed forms, and networks that are drawn."""

import math

import numpy as np
import pytest
from gaussian_twins import every_activation

from vgrad.nn.activations import Activation, activations
from vgrad.nn.meanfield import samples
from vgrad.nn.meanfield.mesh import derivative, forward
from vgrad.theory.wirings import (
    batch_norm_growth,
    full_residual,
    layer_norm_growth,
    reduced_residual,
)

RELU, TANH, IDENTITY = map(activations.build, ("relu", "tanh", "identity"))
EVERY = pytest.mark.parametrize("phi", every_activation(), ids=str)


@pytest.mark.parametrize("batch", [4, 5, 8, 100, 3000])
def test_batch_norm_in_a_linear_net_grows_as_yang_says(batch: int) -> None:
    assert batch_norm_growth(IDENTITY, batch) == pytest.approx((batch - 2) / (batch - 3), rel=1e-10)


@pytest.mark.parametrize("batch", [4, 8, 33, 128, 2000])
def test_batch_norm_with_relu_has_a_closed_form(batch: int) -> None:
    """The sphere's expectations of what is homogeneous are a Gaussian's, by arc-cosine kernels."""
    rho = -1.0 / (batch - 1)
    theta = math.acos(rho)
    spread = 0.5 - (math.sin(theta) + (math.pi - theta) * rho) / (2 * math.pi)
    both = (math.pi - theta) / (2 * math.pi) + 0.5 - spread
    alone = 0.5 - 1.0 / batch
    inner = (batch - 1) * alone + (1.0 - 1.0 / batch) * both
    expected = batch / (spread * (batch - 3) * (batch - 1)) * inner
    assert batch_norm_growth(RELU, batch) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("batch", "expected"), [(8, 1.7882), (128, 1.4797), (None, 1.46694)])
def test_batch_norm_with_relu_grows_as_published(batch: int | None, expected: float) -> None:
    assert batch_norm_growth(RELU, batch) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("name", activations.names())
def test_large_batches_come_to_the_limit(name: str) -> None:
    phi = activations.build(name)
    limit = batch_norm_growth(phi)
    assert batch_norm_growth(phi, 100_000) == pytest.approx(limit, rel=1e-4)
    at = samples(phi, 1.0)
    variance = float(at.phi2[0]) - float(at.mean(at.phi)[0]) ** 2
    assert limit == pytest.approx(float(at.slope2[0]) / variance, rel=1e-12)


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_tiny_batches_have_no_mean_gradient(batch: int) -> None:
    assert batch_norm_growth(TANH, batch) == math.inf


@pytest.mark.parametrize("name", ["tanh", "hard_tanh", "gelu"])
def test_batch_norm_grows_as_in_networks_that_are_drawn(name: str) -> None:
    phi, batch, width, depth = activations.build(name), 10, 400, 12
    factors = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        h, kept = rng.normal(size=(width, batch)), []
        for _ in range(depth):
            w = rng.normal(size=(width, width)) / math.sqrt(width)
            z = w @ h
            z -= z.mean(axis=1, keepdims=True)
            scale = z.std(axis=1, keepdims=True)
            kept.append((w, z / scale, scale))
            h = forward(phi, z / scale)
        grad = rng.normal(size=(width, batch))
        norms = []
        for w, y, scale in reversed(kept):
            g = derivative(phi, y, forward(phi, y)) * grad
            g -= g.mean(axis=1, keepdims=True) + y * (g * y).mean(axis=1, keepdims=True)
            g /= scale
            norms.append(math.log(np.sum(g * g)))
            grad = w.T @ g
        # the first layer reads what no layer has scaled, and the last get what is not yet settled
        factors.append((norms[-2] - norms[2]) / (depth - 4))
    # of 400 units, 8 layers and 4 seeds: 1 %
    assert math.exp(np.mean(factors)) == pytest.approx(batch_norm_growth(phi, batch), rel=0.03)


@EVERY
@pytest.mark.parametrize(("sigma_w", "sigma_b"), [(1.0, 0.0), (3.0, 0.0), (1.5, 0.7)])
def test_layer_norm_leaves_only_the_ratio_of_slopes_to_values(
    phi: Activation, sigma_w: float, sigma_b: float
) -> None:
    at = samples(phi, 1.0)
    expected = float(at.slope2[0]) / (float(at.phi2[0]) + (sigma_b / sigma_w) ** 2)
    assert layer_norm_growth(phi, sigma_w, sigma_b) == pytest.approx(expected, rel=1e-12)


def test_layer_norm_with_relu_keeps_the_gradient() -> None:
    assert layer_norm_growth(RELU, 1.7) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("scale", [0.1, 1.0])
def test_full_residual_blocks_of_relu_grow_by_one_and_half_the_squares(scale: float) -> None:
    stream = full_residual(RELU, 30, sigma_v=1.2, sigma_w=0.9, scale=scale, square=3.0)
    growth = 1.0 + (scale * 1.2 * 0.9) ** 2 / 2.0
    np.testing.assert_allclose(stream.growth, growth, rtol=1e-10)
    np.testing.assert_allclose(stream.square, 3.0 * growth ** np.arange(31), rtol=1e-9)


def test_odd_activations_make_reduced_and_full_blocks_alike() -> None:
    reduced = reduced_residual(TANH, 40, sigma_w=1.3, sigma_b=0.2, scale=0.5, square=2.0)
    full = full_residual(TANH, 40, sigma_w=1.3, sigma_b=0.2, scale=0.5, square=2.0)
    np.testing.assert_allclose(reduced.square, full.square, rtol=1e-9)
    np.testing.assert_allclose(reduced.growth, full.growth, rtol=1e-9)
    assert (np.diff(reduced.growth) < 0.0).all()  # the stream grows, and saturates tanh


def test_what_relu_adds_is_coherent_and_makes_the_stream_grow_faster() -> None:
    stream = reduced_residual(RELU, 200)
    np.testing.assert_allclose(stream.growth, 1.5, rtol=1e-10)
    ratios = stream.square[1:] / stream.square[:-1]
    assert ratios[0] == pytest.approx(1.5, rel=1e-10)
    assert ratios[-1] == pytest.approx(2.1719087869, rel=1e-9)


def test_residual_streams_are_those_of_networks_that_are_drawn() -> None:
    width, blocks = 500, 6
    expected = reduced_residual(RELU, blocks, sigma_w=1.1, sigma_b=0.3, scale=0.7)
    squares = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(width, 8))
        found = [np.mean(x**2)]
        for _ in range(blocks):
            w = rng.normal(size=(width, width)) * 1.1 / math.sqrt(width)
            x = x + 0.7 * np.maximum(w @ x + 0.3 * rng.normal(size=(width, 1)), 0.0)
            found.append(np.mean(x**2))
        squares.append(np.array(found) / found[0])
    # 4 seeds of 500 units: 1 % per block or less
    np.testing.assert_allclose(np.mean(squares, axis=0), expected.square, rtol=0.05)
