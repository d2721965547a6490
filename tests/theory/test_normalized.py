"""Layer and rms norm: moments of a unit behind a norm, and what layers come to."""

import math
from dataclasses import replace

import numpy as np
import pytest
from gaussian_twins import every_activation

from vgrad.nn.activations import Activation, activations
from vgrad.nn.initializers import initializers
from vgrad.nn.initializers.fixed import Zeros
from vgrad.nn.meanfield import MeanField, pairs
from vgrad.theory import Inputs, Layers, flow_of, predict
from vgrad.theory.moments import MOMENTS, moments
from vgrad.theory.normalized import NormalizedDistances, normalized_moments, settle_normalized
from vgrad.theory.wirings import layer_norm_growth

TANH, RELU = map(activations.build, ("tanh", "relu"))
EPS = 1e-5


def normed(phi: Activation, depth: int = 10, std: float = 1.0, eps: float = EPS) -> Layers:
    """Equal layers with a norm."""
    init = initializers.build("lecun_normal", {"gain": std})
    return replace(Layers.of((50,) * (depth + 2), phi, init, Zeros()), norm_eps=eps)


@pytest.mark.parametrize("name", MOMENTS)
def test_one_place_and_many_are_the_same(name: str) -> None:
    behind = normalized_moments(TANH, 0.1)
    places = np.array([-40.0, -3.0, 0.0, 2.0, 30.0])
    np.testing.assert_allclose(
        [behind.one(name, float(place)) for place in places], behind.at(name, places), rtol=1e-10
    )


@pytest.mark.parametrize("phi", every_activation(), ids=str)
def test_growths_are_the_derivatives_of_what_grows(phi: Activation) -> None:
    behind = normalized_moments(phi, 0.3)
    at, step = np.array([-1.0, 0.5]), 1e-4
    for grown, growth in (("log_phi2", "growth"), ("log_slope2", "slope_growth")):
        ends = [behind.at(grown, at + side * step) for side in (1.0, -1.0)]
        # tanh and its kin to eight digits; kinks at 0 make moments that are powers
        np.testing.assert_allclose(
            (ends[0] - ends[1]) / (2 * step), behind.at(growth, at), atol=1e-5
        )


def test_a_norm_of_a_tiny_epsilon_leaves_unit_variance() -> None:
    behind, plain = normalized_moments(TANH, 1e-300), moments(TANH)
    for log_q in (-20.0, 0.0, 9.0):
        assert behind.one("log_phi2", log_q) == pytest.approx(plain.one("log_phi2", 0.0))
        slope2 = plain.one("log_slope2", 0.0) - log_q
        assert behind.one("log_slope2", log_q) == pytest.approx(slope2)
        assert behind.one("slope_growth", log_q) == -1.0


def test_distances_are_those_of_normalized_variables() -> None:
    q, gap, eps = 0.3, 0.4, 0.05
    apart = pairs(TANH, q / (q + eps), gap).distance
    found = NormalizedDistances(TANH, eps).ratio(math.log(q), gap)
    assert found == pytest.approx(apart / (q * gap), rel=1e-10)


@pytest.mark.parametrize("phi", every_activation(), ids=str)
@pytest.mark.parametrize(("std", "bias"), [(1.0, 0.0), (2.0, 0.5)])
def test_the_gradient_grows_by_the_closed_form(phi: Activation, std: float, bias: float) -> None:
    settled = settle_normalized(MeanField(phi, std, bias), 1e-14)
    assert settled.chi_1 == pytest.approx(layer_norm_growth(phi, std, bias), rel=1e-6)
    assert settled.q_star == pytest.approx(MeanField(phi, std, bias).variance(1.0), rel=1e-6)


def test_layers_come_to_what_is_said_of_them() -> None:
    deep = normed(RELU, 200, std=1.3, eps=0.01)
    flow = flow_of(deep, Inputs(1.0))
    settled = predict(deep, Inputs(1.0)).settled
    assert settled is not None
    assert math.exp(flow.log_q[-2]) == pytest.approx(settled.q_star, rel=1e-9)
    assert math.exp(flow.log_chi[-3]) == pytest.approx(settled.chi_1, rel=1e-9)


def test_the_correlation_settles_at_its_fixed_point() -> None:
    biased = replace(normed(TANH, 95, std=2.0), bias_variance=np.full(96, 0.02))
    flow = flow_of(biased, Inputs(1.0))
    settled = predict(biased, Inputs(1.0)).settled
    assert settled is not None
    assert 1.0 - flow.gap[-2] == pytest.approx(settled.c_star, abs=1e-3)
    assert 12.0 < settled.xi_c < 13.0  # e⁻⁷·⁵ is left


@pytest.mark.parametrize("std", [0.1, 1.0, 30.0])
def test_the_size_of_weights_does_not_matter(std: float) -> None:
    one, other = (predict(normed(TANH, std=size, eps=1e-12), Inputs(1.0)) for size in (1.0, std))
    for name in ("delta_rms", "act_std", "saturated_fraction", "correlation"):
        np.testing.assert_allclose(one.layers[name][:-1], other.layers[name][:-1], atol=1e-9)
