"""Gaussian expectations against closed forms and a naive quadrature, for every activation."""

import math

import numpy as np
import pytest
from gaussian_twins import (
    Erf,
    Ramp,
    Sine,
    Steep,
    every_activation,
    hermite_product,
    naive_nodes,
    relu_product,
    relu_slope_product,
)

from vgrad.nn.activations import Activation, activations
from vgrad.nn.meanfield import pairs, samples
from vgrad.nn.meanfield.mesh import derivative, forward

EVERY = pytest.mark.parametrize("phi", [*every_activation(), Erf(), Steep()], ids=str)
VARIANCES = [1e-12, 1e-6, 1e-3, 0.1, 1.0, 30.0, 1e3, 1e6]
GAPS = [1e-15, 1e-9, 1e-4, 0.01, 0.3, 1.0, 1.4, 1.999]
RELU, HARD_TANH = activations.build("relu"), activations.build("hard_tanh")


@EVERY
def test_expectations_are_right_to_eight_digits(phi: Activation) -> None:
    at = samples(phi, np.array(VARIANCES))
    for q, phi2, slope2 in zip(VARIANCES, at.phi2, at.slope2, strict=True):
        u, weight = naive_nodes(phi, q)
        value = forward(phi, u)
        slope = derivative(phi, u, value)
        assert phi2 == pytest.approx(weight @ value**2, rel=1e-8)
        assert slope2 == pytest.approx(weight @ slope**2, rel=1e-8)


@EVERY
def test_growth_is_the_derivative_of_the_second_moment(phi: Activation) -> None:
    q, h = np.array(VARIANCES), 1e-3
    below, above = samples(phi, q * (1 - h)).phi2, samples(phi, q * (1 + h)).phi2
    at = samples(phi, q)
    # of the difference: h² ~ 1e-6, and rounding of E[φ²] divided by h
    rounding = 1e-12 * at.phi2 / (h * q)
    np.testing.assert_array_less(
        np.abs((above - below) / (2 * h * q) - at.phi2_growth),
        rounding + 1e-5 * (at.phi2_growth + at.phi2 / q),
    )


def test_erf_has_the_expectations_of_williams_1997() -> None:
    q = np.array(VARIANCES)
    at = samples(Erf(), q)
    np.testing.assert_allclose(at.phi2, 2 / math.pi * np.arcsin(2 * q / (1 + 2 * q)), rtol=1e-8)
    np.testing.assert_allclose(at.slope2, 4 / math.pi / np.sqrt(1 + 4 * q), rtol=1e-11)
    for variance in VARIANCES:
        for gap in GAPS:
            found, c, s = pairs(Erf(), variance, gap), 1 - gap, 1 + 2 * variance
            expected = 2 / math.pi * math.asin(2 * variance * c / s)
            assert found.product == pytest.approx(expected, rel=1e-8, abs=1e-15)
            slopes = 4 / math.pi / math.sqrt(s**2 - (2 * variance * c) ** 2)
            assert found.slope_product == pytest.approx(slopes, rel=1e-8)


@pytest.mark.parametrize("q", VARIANCES)
@pytest.mark.parametrize("gap", [0.0, *GAPS, 2.0])
def test_pairs_of_relu_are_the_arc_cosine_kernels(q: float, gap: float) -> None:
    found = pairs(RELU, q, gap)
    assert found.product == pytest.approx(relu_product(q, gap), rel=1e-10, abs=1e-12 * q)
    assert found.slope_product == pytest.approx(relu_slope_product(gap), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("gap", [1e-14, 1e-10, 1e-6, 1e-3])
def test_near_one_the_distance_of_relu_bends_as_the_root(gap: float) -> None:
    """1 - C(c) = gap - (2√2/3π)·gap^{3/2} + O(gap²): Hayou et al. 2019, proposition 2."""
    expected = gap - 2 * math.sqrt(2) / (3 * math.pi) * gap**1.5
    # differences of φ at points gap^{1/2} apart: 1e-16·gap^{-1/2} of rounding
    allowed = gap + 1e-14 / math.sqrt(gap)
    assert pairs(RELU, 1.0, gap).distance * 2 == pytest.approx(expected, rel=allowed)


@EVERY
@pytest.mark.parametrize("q", [1e-6, 1.0, 1e3])
def test_variables_that_are_one_have_the_moments_of_one(phi: Activation, q: float) -> None:
    alike, at = pairs(phi, q, 0.0), samples(phi, q)
    assert alike.product == pytest.approx(float(at.phi2[0]), rel=1e-9)
    assert alike.slope_product == pytest.approx(float(at.slope2[0]), rel=1e-8)
    assert alike.distance == pytest.approx(0.0, abs=1e-19 * q * phi.max_slope**2)


@EVERY
@pytest.mark.parametrize("q", [1e-6, 1.0, 1e3])
def test_independent_variables_have_the_product_of_their_means(phi: Activation, q: float) -> None:
    at = samples(phi, q)
    apart = pairs(phi, q, 1.0)
    spread = float(at.phi2[0])
    assert apart.product == pytest.approx(float(at.mean(at.phi)[0]) ** 2, abs=1e-9 * spread)
    assert apart.distance == pytest.approx(spread - apart.product, abs=1e-9 * spread)
    slope = float(at.mean(at.slope)[0])
    assert apart.slope_product == pytest.approx(slope**2, abs=1e-8 * float(at.slope2[0]))


@pytest.mark.parametrize("phi", [Erf(), *map(activations.build, activations.names())], ids=str)
@pytest.mark.parametrize("c", [-0.6, 0.3, 0.6])
def test_pairs_agree_with_the_hermite_series(phi: Activation, c: float) -> None:
    # 0.6⁴⁰ = 1e-9 times coefficients that fall as n^(-5/2) where φ has a kink, faster elsewhere
    expected = hermite_product(phi, 1.7, c, terms=40)
    assert pairs(phi, 1.7, 1 - c).product == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("q", [1e-6, 0.1, 1.0, 10.0])
def test_an_activation_that_bends_without_end_is_followed_where_it_matters(q: float) -> None:
    at, c = samples(Sine(), q), 0.4
    assert at.phi2[0] == pytest.approx((1 - math.exp(-2 * q)) / 2, rel=1e-8)
    assert at.slope2[0] == pytest.approx((1 + math.exp(-2 * q)) / 2, rel=1e-8)
    product = math.exp(-q) * math.sinh(q * c)
    assert pairs(Sine(), q, 1 - c).product == pytest.approx(product, rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("q", [0.1, 1.0, 1e3])
def test_a_kink_that_nobody_declared_is_found(q: float) -> None:
    share = math.erfc(0.3 / math.sqrt(2 * q)) / 2
    assert samples(Ramp(), q).slope2[0] == pytest.approx(share, rel=1e-10)


def test_the_correlation_of_slopes_is_the_derivative_of_that_of_values() -> None:
    """Price's theorem, dE[φ(u₁)φ(u₂)]/dc = q·E[φ′(u₁)φ′(u₂)], where kinks are not at 0."""
    q, h = 0.7, 1e-4
    for gap in (0.003, 0.4, 1.0, 1.7):
        slope = (pairs(HARD_TANH, q, gap - h).product - pairs(HARD_TANH, q, gap + h).product) / (
            2 * h
        )
        expected = q * pairs(HARD_TANH, q, gap).slope_product
        assert slope == pytest.approx(expected, rel=3e-4 if gap < 0.01 else 1e-7)
