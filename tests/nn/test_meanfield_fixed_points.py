"""Where variance and correlation settle: closed forms, and the maps themselves iterated."""

import math
from itertools import pairwise

import pytest
from gaussian_twins import Erf, every_activation
from hypothesis import given, settings
from hypothesis import strategies as st

from vgrad.nn.activations import Activation, activations
from vgrad.nn.meanfield import MeanField, attractor, fixed_points, settle

RELU, TANH, GELU, IDENTITY = map(activations.build, ("relu", "tanh", "gelu", "identity"))
EVERY = pytest.mark.parametrize("phi", [*every_activation(), Erf()], ids=str)


def field(phi: Activation, weight_variance: float, bias_variance: float = 0.0) -> MeanField:
    """Of σ_w² and σ_b²."""
    return MeanField(phi, math.sqrt(weight_variance), math.sqrt(bias_variance))


@EVERY
@pytest.mark.parametrize(("weights", "biases"), [(0.5, 0.1), (1.5, 0.3), (25.0, 1.0)])
@pytest.mark.parametrize("start", [0.01, 50.0])
def test_the_variance_goes_to_the_fixed_point_that_is_told(
    phi: Activation, weights: float, biases: float, start: float
) -> None:
    one = field(phi, weights, biases)
    end = attractor(one, start)
    if math.isinf(end.q):
        assert one.variance(1e8) > 1e8
        return
    q = start
    for _ in range(100):
        q = one.variance(q)
    # the slowest of these, CELU with alpha = 1000, comes nearer by 0.93 per layer
    assert q == pytest.approx(end.q, rel=2e-3)
    assert one.variance(end.q) == pytest.approx(end.q, rel=1e-10)
    assert end.stable


@EVERY
@settings(max_examples=20)
@given(weights=st.floats(0.1, 9.0), biases=st.floats(0.0, 2.0))
def test_fixed_points_are_fixed_and_alternate(
    phi: Activation, weights: float, biases: float
) -> None:
    one = field(phi, weights, biases)
    points = fixed_points(one)
    for point in points:
        if point.q > 0.0:
            assert one.variance(point.q) == pytest.approx(point.q, rel=1e-9)
    crossings = [point.slope > 1.0 for point in points]
    assert all(a != b for a, b in pairwise(crossings))


@pytest.mark.parametrize(("weights", "biases"), [(0.7, 0.0), (1.0, 0.4), (3.0, 0.0), (2.5, 1.0)])
def test_a_straight_line_has_the_fixed_point_of_a_geometric_series(
    weights: float, biases: float
) -> None:
    end = settle(field(RELU, weights, biases))
    half = weights / 2  # V(q) = σ_w²·q/2 + σ_b²
    assert end.chi_1 == pytest.approx(half, rel=1e-12)
    assert end.q_star == pytest.approx(biases / (1 - half) if half < 1 else math.inf)
    assert end.c_star == 1.0
    assert end.phase == ("ordered" if half < 1 else "chaotic")
    assert end.xi_grad == pytest.approx(-1 / math.log(half))


def test_he_initialization_keeps_every_variance() -> None:
    for start in (1e-9, 1.0, 1e9):
        end = settle(field(RELU, 2.0), start)
        assert (end.q_star, end.phase, end.c_star) == (start, "critical", 1.0)
        assert end.xi_q == end.xi_c == end.xi_grad == math.inf
    assert settle(field(RELU, 2.0, 0.1)).q_star == math.inf


def test_linear_and_nearly_linear_networks_keep_every_correlation() -> None:
    for dying in (field(IDENTITY, 0.5), field(TANH, 0.8), field(TANH, 1.0)):
        end = settle(dying)
        assert end.q_star == 0.0
        assert math.isnan(end.c_star)
        assert end.chi_1 == pytest.approx(dying.sigma_w**2, rel=1e-9)


@pytest.mark.parametrize("weights", [2.5, 6.0, 40.0])
@pytest.mark.parametrize("biases", [1e-6, 0.01, 0.5])
def test_correlations_in_chaos_go_to_the_fixed_point_that_is_told(
    weights: float, biases: float
) -> None:
    one = field(TANH, weights, biases)
    end = settle(one)
    c = 0.8
    for _ in range(150):
        c = one.correlation(c, end.q_star)
    # the slowest of these comes nearer by 0.93 per layer
    assert c == pytest.approx(end.c_star, abs=1e-3)
    assert one.correlation(end.c_star, end.q_star) == pytest.approx(end.c_star, abs=1e-13)
    assert (end.c_star < 1.0) == (end.chi_1 > 1.0)
    nearby = (one.correlation(end.c_star + 1e-6, end.q_star) - end.c_star) / 1e-6
    if end.c_star < 1.0:
        assert nearby == pytest.approx(math.exp(-1 / end.xi_c), rel=1e-4)


def test_the_fixed_point_of_gelu_repels_and_the_start_decides() -> None:
    one = field(GELU, 3.0)
    nothing, edge = fixed_points(one)
    assert nothing.stable
    assert not edge.stable
    assert attractor(one, edge.q * 0.99) == nothing
    assert attractor(one, edge.q * 1.01).q == math.inf
    assert settle(one, edge.q * 0.5).phase == "ordered"
    assert settle(one, edge.q * 2.0).phase == "chaotic"
    assert settle(one, edge.q * 2.0).xi_q < 0.0


def test_between_two_fixed_points_of_gelu_the_lower_one_attracts() -> None:
    low, high = fixed_points(field(GELU, 2.3, 0.05))
    assert low.stable
    assert not high.stable
    assert attractor(field(GELU, 2.3, 0.05), high.q * 0.9).q == low.q


@pytest.mark.parametrize("gap", [1e-8, 1e-5, 1e-3])
def test_decorrelation_near_one_keeps_its_digits(gap: float) -> None:
    one = field(RELU, 2.0)
    expected = gap - 2 * math.sqrt(2) / (3 * math.pi) * gap**1.5
    assert one.decorrelation(gap, 1.0) == pytest.approx(expected, rel=2 * gap)
    assert one.correlation(1.0, 1.0) == 1.0
