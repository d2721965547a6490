"""Plain nets with batch norm, in the limit of layers that are wider than the batch."""

import math
from dataclasses import replace

import numpy as np
import pytest

from vgrad.nn.activations import activations
from vgrad.nn.initializers import initializers
from vgrad.nn.initializers.fixed import Gaussian, Zeros
from vgrad.theory import Inputs, Layers, NothingToSay, predict_batch_norm
from vgrad.theory.wirings import batch_norm_growth, batch_norm_law

RELU = activations.build("relu")
INPUTS = Inputs(1.0, 0.1, batch=32)


def normed(
    name: str, depth: int = 6, width: int = 400, bias: float = 0.0, std: float = 1.0
) -> Layers:
    """Equal layers with batch norm."""
    init = initializers.build("lecun_normal", {"gain": std})
    biases = Gaussian(bias) if bias else Zeros()
    sizes = (width,) * (depth + 2)
    return replace(Layers.of(sizes, activations.build(name), init, biases), norm_eps=1e-5)


def test_every_layer_but_the_first_multiplies_by_the_rate_of_yang() -> None:
    prediction = predict_batch_norm(normed("relu"), INPUTS)
    rate, law = batch_norm_growth(RELU, 32), batch_norm_law(RELU, 32)
    np.testing.assert_allclose(prediction.layers["chi"][1:-1], rate, rtol=1e-10)
    # the first divides by the spread of the data, 1 - 0.1, instead of that of φ
    first = rate * (law.square - law.product) / 0.9
    assert prediction.layers["chi"][0] == pytest.approx(first, rel=1e-10)
    assert prediction.settled is not None
    assert prediction.settled.chi_1 == rate
    assert prediction.settled.phase == "chaotic"
    assert math.isnan(prediction.settled.xi_c)


def test_neither_weights_nor_biases_change_the_gradient() -> None:
    plain = predict_batch_norm(normed("relu"), INPUTS).layers
    other = predict_batch_norm(normed("relu", bias=0.5, std=3.0), INPUTS).layers
    np.testing.assert_allclose(other["delta_rms"][:-1], plain["delta_rms"][:-1], rtol=1e-10)
    assert other["q"][1] == pytest.approx(9.0 * plain["q"][1] + 0.25)
    # pre-activations are correlated by φ's mean, and by the biases
    assert other["correlation"][2] > plain["correlation"][2]


@pytest.mark.parametrize(
    ("layers", "inputs", "why"),
    [
        (normed("relu"), Inputs(1.0, batch=3), "over 3 examples"),
        (normed("relu", std=1e-4), INPUTS, "ε of batch norm"),
        (normed("relu", width=64), INPUTS, "wider than the batch"),
        (normed("tanh"), INPUTS, "show through"),
    ],
)
def test_what_is_far_from_the_limit_is_left_to_measurement(
    layers: Layers, inputs: Inputs, why: str
) -> None:
    with pytest.raises(NothingToSay, match=why) as silence:
        predict_batch_norm(layers, inputs)
    known = "wider" in why or "show" in why
    assert (silence.value.settled is not None) == known


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_shallow_nets_have_nothing_to_grow(depth: int) -> None:
    prediction = predict_batch_norm(normed("relu", depth), INPUTS)
    assert prediction.layers.size == depth + 1
    assert (prediction.settled is None) == (depth < 2)
