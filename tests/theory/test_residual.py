"""Residual nets, against the closed forms and against networks that are drawn."""

import math

import numpy as np
import pytest

from vgrad.nn.activations import activations
from vgrad.nn.initializers import initializers
from vgrad.nn.initializers.fixed import Gaussian, Zeros
from vgrad.theory import Blocks, Inputs, Layers, NothingToSay, predict_residual
from vgrad.theory.wirings import full_residual, reduced_residual

RELU, TANH = map(activations.build, ("relu", "tanh"))


def net(name: str, depth: int, bias: float = 0.0, gain: float = 1.0, width: int = 100) -> Layers:
    """Equal layers; the first pre-activation has the variance gain² + bias² of unit inputs."""
    init = initializers.build("lecun_normal", {"gain": gain})
    biases = Gaussian(bias) if bias else Zeros()
    return Layers.of((width,) * (depth + 2), activations.build(name), init, biases)


@pytest.mark.parametrize("scale", [1.0, 0.3])
@pytest.mark.parametrize("name", ["tanh", "relu"])
def test_blocks_of_two_layers_inside_are_the_full_blocks_of_yang(name: str, scale: float) -> None:
    blocks, gain = 8, 1.2
    found = predict_residual(
        net(name, 1 + 2 * blocks, gain=gain), Inputs(1.0), Blocks("inside", (2,) * blocks, scale)
    )
    expected = full_residual(
        activations.build(name),
        blocks,
        sigma_v=gain,
        sigma_w=gain,
        scale=scale,
        square=gain**2,
    )
    np.testing.assert_allclose(found.blocks, expected.growth, rtol=1e-8)
    # z of the first layer in a block is σ_w²·E[x²]
    np.testing.assert_allclose(found.layers["q"][1::2][:-1], gain**2 * expected.square[:-1])


def test_blocks_of_one_layer_inside_are_the_reduced_blocks_of_yang() -> None:
    layers = net("tanh", 11, bias=0.2, gain=1.3)
    found = predict_residual(layers, Inputs(1.0), Blocks("inside", (1,) * 10, 0.5))
    expected = reduced_residual(
        TANH, 10, sigma_w=1.3, sigma_b=0.2, scale=0.5, square=1.3**2 + 0.2**2
    )
    np.testing.assert_allclose(found.blocks, expected.growth, rtol=1e-8)


def test_in_order_pre_the_activation_comes_first() -> None:
    """He's ReLU: each branch doubles E[x²] and ‖∂L/∂x‖²."""
    layers = net("relu", 9, gain=math.sqrt(2.0))
    found = predict_residual(layers, Inputs(1.0), Blocks("pre", (2,) * 4, 1.0))
    np.testing.assert_allclose(found.blocks, 2.0, rtol=1e-9)
    rows = found.layers
    np.testing.assert_allclose(rows["q"][1:-1:2], 2.0 * 2.0 ** np.arange(4), rtol=1e-9)
    # the last layer of each block gets what the stream gets
    ends = rows["delta_rms"][[2, 4, 6, 8]] ** 2
    np.testing.assert_allclose(ends[:-1] / ends[1:], 2.0, rtol=0.1)  # but for finite widths
    assert rows["name"][-1] == "output"


def test_the_last_block_takes_what_is_left() -> None:
    layers = net("relu", 6, gain=math.sqrt(2.0))
    found = predict_residual(layers, Inputs(1.0), Blocks("pre", (2, 2, 1), 1.0))
    assert found.layers.size == 7
    np.testing.assert_allclose(found.blocks, 2.0, rtol=1e-9)


def test_ten_thousand_layers_are_followed_without_a_warning() -> None:
    layers = net("relu", 10_000, gain=math.sqrt(2.0), width=500)
    inputs = Inputs(1.0, groups=((0.5, 0.5), (0.5, 1.5)))
    found = predict_residual(layers, inputs, Blocks("pre", (2,) * 4999 + (1,), 1.0))
    assert found.verdict.kind == "exploding"
    tame = predict_residual(layers, inputs, Blocks("pre", (2,) * 4999 + (1,), 0.01))
    assert tame.verdict.kind == "healthy"


def test_inputs_of_different_strength_share_in_the_mean() -> None:
    layers, blocks = net("tanh", 9, gain=2.0), Blocks("pre", (2,) * 4, 1.0)
    mixed = predict_residual(layers, Inputs(1.0, groups=((0.5, 0.2), (0.5, 1.8))), blocks)
    alone = [predict_residual(layers, Inputs(square), blocks) for square in (0.2, 1.8)]
    first = sorted(float(one.layers["delta_rms"][0]) for one in alone)
    assert first[0] < mixed.layers["delta_rms"][0] < first[1]
    mean = np.mean([one.layers["q"] for one in alone], axis=0)
    np.testing.assert_allclose(mixed.layers["q"], mean, rtol=1e-9)


@pytest.mark.parametrize(
    ("layers", "blocks", "why"),
    [
        (net("tanh", 5), Blocks("pre", (2, 2), 0.0), "pass nothing"),
        (net("relu", 5), Blocks("inside", (1,) * 4, 1.0), "mean that all units"),
    ],
)
def test_what_is_beyond_it_is_said(layers: Layers, blocks: Blocks, why: str) -> None:
    with pytest.raises(NothingToSay, match=why):
        predict_residual(layers, Inputs(1.0), blocks)


def test_the_interval_of_one_example_widens_with_every_block() -> None:
    layers = net("relu", 21, gain=math.sqrt(2.0))
    rows = predict_residual(layers, Inputs(1.0), Blocks("pre", (2,) * 10, 1.0)).layers
    width = np.log(rows["delta_high"] / rows["delta_low"])[[0, *range(2, 21, 2)]]
    assert (np.diff(width) < 0.0).all()
    assert width[-1] == 0.0
