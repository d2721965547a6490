"""How far apart two variables are left: exactly at first, then by interpolation."""

import math

import numpy as np
import pytest
from gaussian_twins import every_activation, relu_product

from vgrad.nn.activations import Activation, activations
from vgrad.nn.meanfield import pairs, samples
from vgrad.theory import correlations
from vgrad.theory.correlations import EXACTLY, Distances

EVERY = pytest.mark.parametrize("phi", every_activation(), ids=str)
PLACES = np.random.default_rng(0).uniform([-7.0, -20.0], [7.0, math.log(2.0)], (4, 2)).tolist()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interpolate from the first."""
    monkeypatch.setattr(correlations, "EXACTLY", 0)


@EVERY
def test_at_first_the_ratio_is_exact(phi: Activation) -> None:
    apart = Distances(phi)
    for log_q, log_gap in PLACES:
        q, gap = math.exp(log_q), math.exp(log_gap)
        expected = pairs(phi, q, gap).distance / (q * gap)
        assert apart.ratio(log_q, gap) == pytest.approx(expected, rel=1e-12)


@EVERY
def test_interpolation_is_right_to_four_digits(phi: Activation, impatient: None) -> None:
    apart = Distances(phi)
    for log_q, log_gap in PLACES:
        q, gap = math.exp(log_q), math.exp(log_gap)
        expected = pairs(phi, q, gap).distance / (q * gap)
        assert apart.ratio(log_q, gap) == pytest.approx(expected, rel=3e-4)


@pytest.mark.parametrize("gap", [1e-12, 1e-6, 0.01, 0.3, 1.0, 1.5, 2.0])
def test_interpolation_of_relu_is_right_at_every_angle(gap: float, impatient: None) -> None:
    expected = (0.5 - relu_product(1.0, gap)) / gap
    found = Distances(activations.build("relu")).ratio(1.3, gap)
    # 0.5 - product loses 1e-16/gap of its digits
    assert found == pytest.approx(expected, rel=3e-4 + 1e-16 / gap)


@EVERY
def test_near_one_the_ratio_is_the_mean_squared_slope(phi: Activation) -> None:
    slope2 = float(samples(phi, 1.0).slope2[0])
    for gap in (0.0, 1e-300, 1e-17):
        assert Distances(phi).ratio(0.0, gap) == pytest.approx(slope2, rel=1e-9)


def test_numbers_do_not_depend_on_what_was_asked_before() -> None:
    tanh = activations.build("tanh")
    gaps = np.geomspace(1.0, 0.1, EXACTLY + 30).tolist()
    first = [Distances(tanh).ratio(0.5, gap) for gap in gaps]
    course, again = Distances(tanh), Distances(tanh)
    once = [course.ratio(0.5, gap) for gap in gaps]  # leaves interpolations behind
    assert [again.ratio(0.5, gap) for gap in gaps] == once
    np.testing.assert_allclose(once, first, rtol=3e-5)
