"""The edge of chaos: what is found is critical, and what has none says so."""

import math

import pytest
from gaussian_twins import Erf, every_activation

from vgrad.nn.activations import Activation, activations
from vgrad.nn.meanfield import MeanField, critical, half_stable, settle

EVERY = pytest.mark.parametrize("phi", [*every_activation(), Erf()], ids=str)
HOMOGENEOUS = ("identity", "relu", "leaky_relu")


@EVERY
@pytest.mark.parametrize("sigma_b", [0.0, 0.01, 0.3, 2.0])
def test_a_critical_point_is_a_fixed_point_with_a_factor_of_one(
    phi: Activation, sigma_b: float
) -> None:
    found = critical(phi, sigma_b)
    if found is None:
        return
    field = MeanField(phi, found.sigma_w, sigma_b)
    q = 1.0 if math.isnan(found.point.q) else max(found.point.q, 1e-30)
    assert field.chi(q) == pytest.approx(1.0, abs=1e-8)
    assert field.variance(q) == pytest.approx(q, rel=1e-8)
    assert found.sigma_b == sigma_b


@pytest.mark.parametrize("name", HOMOGENEOUS)
def test_homogeneous_activations_are_critical_without_biases_at_every_variance(name: str) -> None:
    phi = activations.build(name)
    found = critical(phi)
    assert found is not None
    assert math.isnan(found.point.q)
    assert found.sigma_w == pytest.approx(phi.gain, rel=1e-12)
    assert critical(phi, 0.1) is None


@pytest.mark.parametrize("sigma_b", [0.0, 0.1, 3.0])
def test_softplus_is_never_critical(sigma_b: float) -> None:
    """At its χ = 1 the variance grows without end: E[φ²] > q·E[φ′²] for every q."""
    assert critical(activations.build("softplus"), sigma_b) is None


@pytest.mark.parametrize("name", ["tanh", "gelu", "elu"])
def test_biases_whose_variance_is_beyond_all_numbers_are_never_critical(name: str) -> None:
    assert critical(activations.build(name), 1e300) is None


@pytest.mark.parametrize("name", [n for n in activations.names() if n != "softplus"])
def test_every_other_activation_is_critical_without_biases(name: str) -> None:
    assert critical(activations.build(name)) is not None


def test_erf_is_critical_where_its_closed_forms_say() -> None:
    """χ = (4/π)·σ_w²/√(1 + 4q) and V(q) = (2/π)·σ_w²·asin(2q/(1 + 2q)) + σ_b²."""
    found = critical(Erf(), 0.3)
    assert found is not None
    q = found.point.q
    assert found.sigma_w**2 == pytest.approx(math.pi / 4 * math.sqrt(1 + 4 * q), rel=1e-10)
    arc = math.asin(2 * q / (1 + 2 * q))
    assert 2 / math.pi * found.sigma_w**2 * arc + 0.09 == pytest.approx(q, rel=1e-10)
    unbiased = critical(Erf())
    assert unbiased is not None
    assert unbiased.sigma_w == pytest.approx(math.sqrt(math.pi) / 2, rel=1e-9)
    assert unbiased.point.q == 0.0


@pytest.mark.parametrize("name", ["tanh", "softsign", "selu", "sigmoid", "gelu", "silu"])
def test_on_either_side_of_the_edge_lie_order_and_chaos(name: str) -> None:
    phi = activations.build(name)
    found = critical(phi, 0.5)
    assert found is not None
    start = found.point.q
    phases = [
        settle(MeanField(phi, found.sigma_w * factor, 0.5), start).phase for factor in (0.97, 1.03)
    ]
    assert phases == ["ordered", "chaotic"]


@pytest.mark.parametrize(
    ("name", "q", "weight_variance", "bias_variance"),
    [("gelu", 3.5615528, 1.9830583, 0.1729224), ("silu", 14.32017362, 1.98800, 0.55514317)],
)
def test_half_stable_points_are_those_of_roberts_yaida_and_hanin(
    name: str, q: float, weight_variance: float, bias_variance: float
) -> None:
    found = half_stable(activations.build(name))
    assert found is not None
    assert found.point.q == pytest.approx(q, rel=1e-7)
    assert found.point.slope == pytest.approx(1.0, abs=1e-9)
    assert found.sigma_w**2 == pytest.approx(weight_variance, rel=1e-5)
    assert found.sigma_b**2 == pytest.approx(bias_variance, rel=1e-6)
    for factor, stable in ((0.9, False), (1.1, True)):
        beside = critical(activations.build(name), found.sigma_b * factor)
        assert beside is not None
        assert beside.point.stable == stable


@pytest.mark.parametrize("name", ["tanh", "relu", "sigmoid", "elu"])
def test_what_saturates_or_is_straight_has_no_half_stable_point(name: str) -> None:
    assert half_stable(activations.build(name)) is None
