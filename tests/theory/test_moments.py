"""Moments that are interpolated in log q, against the quadrature that they stand for."""

import math

import numpy as np
import pytest
from gaussian_twins import Erf, every_activation

from vgrad.nn.activations import Activation, activations
from vgrad.nn.meanfield import samples
from vgrad.theory.chebyshev import clenshaw, nodes_and_transform
from vgrad.theory.moments import MOMENTS, ActivationMoments, moments

EVERY = pytest.mark.parametrize("phi", [*every_activation(), Erf()], ids=str)
LOG_Q = np.random.default_rng(0).uniform(math.log(1e-12), math.log(1e8), 60)


def test_chebyshev_polynomials_go_through_their_nodes() -> None:
    nodes, transform = nodes_and_transform(7)
    values = np.exp(nodes)
    coefficients = (transform @ values).tolist()
    np.testing.assert_allclose(clenshaw(coefficients, nodes), values, rtol=1e-14)
    assert clenshaw(coefficients, 0.3) == pytest.approx(math.exp(0.3), abs=1e-5)  # e/(2⁶·7!)


@EVERY
def test_moments_are_those_of_the_quadrature(phi: Activation) -> None:
    at, here = moments(phi).at, samples(phi, np.exp(LOG_Q))
    phi2, slope2 = here.phi2, here.slope2
    expected = {
        "log_phi2": np.log(phi2),
        "log_slope2": np.log(slope2),
        "growth": here.phi2_growth * here.q / phi2,
        "mean": here.mean(here.phi) / np.sqrt(phi2),
        "phi4": here.mean(here.phi**4) / phi2**2,
        "slope4": here.mean(here.slope**4) / slope2**2,
        "mixed": here.mean(here.phi**2 * here.slope**2) / (phi2 * slope2),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(at(name, LOG_Q), values, rtol=1e-8, atol=1e-9, err_msg=name)


@EVERY
def test_the_slopes_growth_is_the_derivative_of_their_logarithm(phi: Activation) -> None:
    at, h = moments(phi).at, 1e-4
    difference = at("log_slope2", LOG_Q + h) - at("log_slope2", LOG_Q - h)
    # truncation h²; rounding 1e-11/h at the borders of two cells
    np.testing.assert_allclose(difference / (2 * h), at("slope_growth", LOG_Q), atol=1e-6)


@EVERY
def test_one_place_is_as_good_as_many(phi: Activation) -> None:
    log_q = np.concatenate([LOG_Q, [-5000.0, -60.0, 60.0, 5000.0]])
    for name in MOMENTS:
        one = [moments(phi).one(name, place) for place in log_q.tolist()]
        if name == "log_phi2":
            assert np.isfinite(one).all()
            one, log_q = one[: LOG_Q.size], log_q[: LOG_Q.size]
        np.testing.assert_allclose(one, moments(phi).at(name, log_q), rtol=1e-13, atol=1e-13)
        log_q = np.concatenate([LOG_Q, [-5000.0, -60.0, 60.0, 5000.0]])


def test_beyond_all_numbers_the_second_moment_goes_on_as_a_power() -> None:
    relu, tanh = (moments(activations.build(name)) for name in ("relu", "tanh"))
    for log_q in (-7000.0, 7000.0):
        assert relu.one("log_phi2", log_q) == pytest.approx(log_q - math.log(2), abs=1e-9)
    assert tanh.one("log_phi2", -7000.0) == pytest.approx(-7000.0, abs=1e-9)
    assert tanh.one("log_phi2", 7000.0) == pytest.approx(0.0, abs=1e-5)  # 1 - 1e-10 per e-fold


def test_cells_are_made_when_asked_for() -> None:
    fresh = ActivationMoments(activations.build("tanh"))
    assert not fresh._cells
    fresh.one("growth", 0.1)
    fresh.at("mean", np.array([0.2, 0.3]))
    assert len(fresh._cells) == 1
