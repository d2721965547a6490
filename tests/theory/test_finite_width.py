"""The spread of gradients over seeds, against closed forms and networks that are drawn."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vgrad.nn.activations import Activation, activations
from vgrad.nn.initializers import Initializer, initializers
from vgrad.nn.initializers.fixed import Gaussian
from vgrad.nn.meanfield.mesh import derivative, forward
from vgrad.theory import Inputs, Layers, alignment_of_classes, flow_of
from vgrad.theory.finite_width import Spread, spread_of


def spread(layers: Layers, inputs: Inputs) -> Spread:
    """Around its own flow."""
    return spread_of(layers, inputs, flow_of(layers, inputs))


def equal(name: str, init: str, depth: int, width: int, bias: float = 0.0, **given: Any) -> Layers:
    """Equal layers."""
    phi, weights = activations.build(name), initializers.build(init, given)
    return Layers.of((width,) * (depth + 2), phi, weights, Gaussian(bias))


@pytest.mark.parametrize(
    ("name", "init", "per_layer"),
    [
        ("relu", "he_normal", 5.0),  # Hanin & Nica 2018, theorem 1
        ("relu", "xavier_normal", 5.0),
        ("identity", "lecun_normal", 2.0),  # ‖Wᵀδ‖² is σ²‖δ‖²·χ²ₙ/n
        ("identity", "orthogonal", 0.0),
        ("relu", "orthogonal", 3.0),  # of units on a sphere: 5 - 2
    ],
)
def test_homogeneous_activations_have_closed_forms(name: str, init: str, per_layer: float) -> None:
    depth, width = 12, 80
    found = spread(equal(name, init, depth, width), Inputs(1.0))
    above = np.arange(depth - 1, -1, -1)
    np.testing.assert_allclose(found.variance, per_layer * above / width, atol=1e-9)
    np.testing.assert_allclose(found.shift, -found.variance / 2, atol=1e-9)


def test_widths_that_change_count_each_by_itself() -> None:
    relu, he = activations.build("relu"), initializers.build("he_normal")
    deep = Layers.of((30, 100, 20, 50, 40, 10), relu, he, Gaussian(0.0))
    expected = np.cumsum([0.0, 5 / 50, 5 / 20, 5 / 100])[::-1]
    np.testing.assert_allclose(spread(deep, Inputs(1.0)).variance, expected, rtol=1e-9)


def drawn(
    phi: Activation, init: Initializer, bias: float, depth: int, width: int, batch: int, seeds: int
) -> NDArray[np.float64]:
    """log(‖δ‖² of the first over that of the last hidden layer), for each seed.

    ‖δ‖² is the mean over a batch of independent inputs of one strength and independent errors.
    """
    logarithms = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        h = rng.normal(size=(width, batch))
        h *= math.sqrt(width) / np.linalg.norm(h, axis=0)
        weights, z = [], []
        for _ in range(depth):
            weights.append(np.empty((width, width)))
            init.fill(weights[-1], activation=phi, rng=rng)
            z.append(weights[-1] @ h + bias * rng.normal(size=(width, 1)))
            h = forward(phi, z[-1])
        delta = derivative(phi, z[-1], h) * rng.normal(size=(width, batch))
        last = np.mean(delta**2)
        for layer in range(depth - 2, -1, -1):
            slope = derivative(phi, z[layer], forward(phi, z[layer]))
            delta = slope * (weights[layer + 1].T @ delta)
        logarithms.append(math.log(np.mean(delta**2) / last))
    return np.array(logarithms)


NETS = [
    ("relu", "he_normal", 0.0, {}),
    ("tanh", "lecun_normal", 0.0, {}),
    ("tanh", "lecun_normal", 0.2, {"gain": 1.6}),
    ("selu", "lecun_normal", 0.0, {}),
    ("sigmoid", "xavier_normal", 0.0, {}),
    ("tanh", "orthogonal", 0.0, {"gain": 1.2}),
]


@pytest.mark.parametrize(("name", "init", "bias", "options"), NETS)
@pytest.mark.parametrize("batch", [1, 16])
def test_the_spread_is_that_of_networks_that_are_drawn(
    name: str, init: str, bias: float, options: dict[str, float], batch: int
) -> None:
    depth, width, seeds = 12, 48, 150
    found = drawn(
        activations.build(name), initializers.build(init, options), bias, depth, width, batch, seeds
    )
    deep = equal(name, init, depth, width, bias, **options)
    inputs = Inputs(1.0, batch=batch, alignment=1.0 / width)
    log_delta, expected = flow_of(deep, inputs).log_delta[0], spread(deep, inputs)
    variance = float(expected.variance[0])
    # four standard errors of the mean, and what is left out: terms of order (depth/width)²
    left_out = (depth / width) ** 2
    error = 4.0 * math.sqrt(variance / seeds) + left_out
    assert found.mean() == pytest.approx(log_delta + expected.shift[0], abs=error)
    # the variance of a variance is 2/seeds of its square; a batch's is known to a factor of two
    if batch == 1:
        assert found.var() == pytest.approx(variance, rel=4.0 * math.sqrt(2.0 / seeds) + left_out)
    else:
        assert variance / 2.5 < found.var() < variance * 2.5


def test_a_batch_varies_less_than_one_example() -> None:
    deep = equal("relu", "he_normal", 20, 64)
    alone = spread(deep, Inputs(1.0))
    classes = spread(deep, Inputs(1.0, batch=64, alignment=alignment_of_classes(10)))
    assert (classes.variance[:-1] < 0.5 * alone.variance[:-1]).all()
    assert classes.shift == pytest.approx(-classes.variance / 2, abs=1e-9)
    same = spread(deep, Inputs(1.0, overlap=1.0, batch=64))  # one example, 64 times
    np.testing.assert_allclose(same.variance, alone.variance, rtol=1e-6)


@pytest.mark.parametrize(("outputs", "expected"), [(1, 1.0), (2, 1.0), (10, 1 / 9)])
def test_the_alignment_of_classes_is_that_of_errors_of_a_flat_softmax(
    outputs: int, expected: float
) -> None:
    assert alignment_of_classes(outputs) == pytest.approx(expected)
    if outputs == 1:
        return
    errors = 1.0 / outputs - np.eye(outputs)
    errors /= np.linalg.norm(errors, axis=1, keepdims=True)
    assert np.mean((errors @ errors.T) ** 2) == pytest.approx(expected)


def test_a_variance_that_nothing_holds_is_unknown_and_no_more() -> None:
    """At its half-stable point GELU's variance wanders; the expansion must not follow it."""
    deep = equal("gelu", "critical", 1000, 64, 0.4158388, sigma_b=0.4158388)
    found = spread(deep, Inputs(1.0))
    assert np.isfinite(found.variance).all()
    assert found.variance[0] < 1000.0


@pytest.mark.parametrize("depth", [0, 1])
def test_one_hidden_layer_has_no_spread_against_itself(depth: int) -> None:
    found = spread(equal("tanh", "xavier_normal", depth, 10), Inputs(1.0))
    assert found.variance.tolist() == found.shift.tolist() == [0.0] * depth
