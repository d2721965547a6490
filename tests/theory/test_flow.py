"""Signal and gradient layer by layer, against the maps iterated one by one and closed forms."""

import math

import numpy as np
import pytest
from gaussian_twins import every_activation

from vgrad.nn.activations import Activation, activations
from vgrad.nn.initializers import Initializer, initializers
from vgrad.nn.initializers.fixed import Constant, Gaussian, Uniform, Zeros
from vgrad.nn.meanfield import MeanField
from vgrad.theory import Flow, Inputs, Layers, NothingToSay, flow_of

RELU, TANH, GELU, IDENTITY = map(activations.build, ("relu", "tanh", "gelu", "identity"))
NO_BIAS = Zeros()


def layers(
    sizes: tuple[int, ...],
    phi: Activation,
    init: str = "he_normal",
    biases: Initializer = NO_BIAS,
    **options: object,
) -> Layers:
    """Of an initializer by name."""
    return Layers.of(sizes, phi, initializers.build(init, options), biases)


@pytest.mark.parametrize("phi", every_activation(), ids=str)
@pytest.mark.parametrize(("std", "bias"), [(0.1, 0.0), (0.2, 0.3)])
def test_equal_layers_iterate_the_maps_of_the_mean_field(
    phi: Activation, std: float, bias: float
) -> None:
    deep = Layers.of((50,) * 14, phi, Gaussian(std), Gaussian(bias))
    flow = flow_of(deep, Inputs(1.3, 0.4))
    field = MeanField(phi, std * math.sqrt(50), bias)
    q = field.sigma_w**2 * 1.3 + bias**2
    gap = field.sigma_w**2 * 0.9 / q
    for layer in range(12):
        assert math.exp(flow.log_q[layer]) == pytest.approx(q, rel=1e-8)
        assert flow.gap[layer] == pytest.approx(gap, rel=1e-7)
        assert math.exp(flow.log_chi[layer]) == pytest.approx(field.chi(q), rel=1e-8)
        share = 1.0 - bias**2 / q
        assert math.exp(flow.log_share[layer]) == pytest.approx(share, rel=1e-9)
        gap, q = field.decorrelation(gap, q), field.variance(q)
    np.testing.assert_allclose(-np.diff(flow.log_delta[:12]), flow.log_chi[:11])


def relu_by_hand(sizes: tuple[int, ...], variances: list[float], square: float) -> Flow:
    """E[φ²] = q/2 and E[φ′²] = 1/2, with sizes and variances of each layer."""
    q, below, strengths = [], square, []
    for fan_in, variance in zip(sizes, variances, strict=False):
        strengths.append(fan_in * below)
        q.append(fan_in * variance * below)
        below = q[-1] / 2.0
    delta = [1.0]
    for fan_in, variance in reversed(list(zip(sizes, variances, strict=False))[1:]):
        delta.append(delta[-1] * fan_in * variance / 2.0)
    delta.reverse()
    grad = np.log(delta) + np.log(strengths)
    none = np.zeros(len(q))
    return Flow(
        np.log(q),
        np.log(q),
        none,
        none,
        np.append(-np.diff(np.log(delta)), np.nan),
        np.log(delta) - np.log(delta[-2]),
        grad - grad[-2],
    )


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
def test_changing_widths_and_every_fan_mode_are_honoured(mode: str) -> None:
    sizes = (30, 100, 20, 70, 5)
    fans = {
        "fan_in": [30, 100, 20, 70],
        "fan_out": [100, 20, 70, 5],
        "fan_avg": [65, 60, 45, 37.5],
    }[mode]
    flow = flow_of(layers(sizes, RELU, mode=mode), Inputs(0.7))
    expected = relu_by_hand(sizes, [2.0 / fan for fan in fans], 0.7)
    for name in ("log_q", "log_mean_q", "log_chi", "log_delta", "log_grad"):
        found, wanted = getattr(flow, name), getattr(expected, name)
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-11, err_msg=name)


def test_the_first_weights_may_have_another_variance_than_the_rest() -> None:
    flow = flow_of(layers((64, *[256] * 3, 10), TANH, "xavier_normal"), Inputs(1.0))
    assert math.exp(flow.log_q[0]) == pytest.approx(2.0 / (64 + 256) * 64)
    deep = layers((64, *[256] * 3, 10), TANH, "xavier_normal").sigma2
    np.testing.assert_allclose(deep, [0.4, 1.0, 1.0, 512.0 / 266.0])


@pytest.mark.parametrize("depth", [1000, 10_000])
@pytest.mark.parametrize("variance", [1.0, 2.0, 3.0])
def test_no_depth_is_beyond_the_range_of_numbers(depth: int, variance: float) -> None:
    deep = layers((20,) * (depth + 2), RELU, "lecun_normal", gain=math.sqrt(variance))
    flow = flow_of(deep, Inputs(1.0, 0.1))
    half = math.log(variance / 2.0)
    assert flow.log_q[depth - 1] == pytest.approx((depth - 1) * half + math.log(variance), abs=1e-6)
    assert flow.log_delta[0] == pytest.approx((depth - 1) * half, abs=1e-6)
    # 1 - c ~ 9π²/2l² (Hayou et al. 2019, proposition 2), with corrections log(l)/l
    assert flow.gap[depth - 1] == pytest.approx(4.5 * math.pi**2 / depth**2, rel=0.05)


def test_at_the_edge_of_chaos_tanh_decays_as_a_power() -> None:
    """q ~ 1/2l, and ‖δ‖² as 1/l (Schoenholz et al. 2017, section 3)."""
    flow = flow_of(layers((9,) * 4002, TANH, "xavier_normal"), Inputs(1.0))
    assert math.exp(flow.log_q[1999]) * 2000 == pytest.approx(0.5, rel=0.01)
    assert flow.log_delta[999] - flow.log_delta[3999] == pytest.approx(-math.log(4.0), rel=0.01)


def test_inputs_on_either_side_of_a_repelling_fixed_point_part() -> None:
    """GELU at σ_w² = 3 repels q = 0.247: weaker signals die out, stronger ones explode."""
    deep = layers((30,) * 60, GELU, "lecun_normal", gain=math.sqrt(3.0))
    weak, strong = (flow_of(deep, Inputs(square)) for square in (0.07, 0.1))
    assert weak.log_q[-1] < -5.0
    assert strong.log_q[-1] > 5.0
    assert weak.log_delta[0] < -5.0
    assert strong.log_delta[0] > 5.0


def test_inputs_of_different_strength_share_in_the_mean_gradient() -> None:
    deep = layers((40,) * 12, TANH, "lecun_normal", gain=1.4)
    mixed = flow_of(deep, Inputs(1.0, groups=((0.25, 0.2), (0.75, 1.4))))
    alone = [flow_of(deep, Inputs(square)) for square in (0.2, 1.4)]
    # over the same error at the outputs
    deltas = [np.exp(one.log_delta - one.log_delta[-1]) for one in alone]
    mean = 0.25 * deltas[0] + 0.75 * deltas[1]
    np.testing.assert_allclose(np.exp(mixed.log_delta), mean / mean[-2], rtol=1e-4)
    q = [np.exp(one.log_q) for one in alone]
    np.testing.assert_allclose(np.exp(mixed.log_mean_q), 0.25 * q[0] + 0.75 * q[1], rtol=1e-4)


def test_what_data_looks_like_is_read_off_its_examples() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 30)) * rng.uniform(0.5, 2.0, (500, 1)) + 0.5
    inputs = Inputs.of(x, batch=20, alignment=0.2)
    assert inputs.square == pytest.approx(np.mean(x**2))
    gram = x @ x.T / 30
    assert inputs.overlap == pytest.approx(gram[~np.eye(500, dtype=bool)].mean())
    shares, squares = zip(*inputs.groups, strict=True)
    assert sum(shares) == pytest.approx(1.0)
    assert np.dot(shares, squares) == pytest.approx(inputs.square)
    assert list(squares) == sorted(squares)
    assert Inputs.of(x[:1]).overlap == pytest.approx(np.mean(x[0] ** 2))


@pytest.mark.parametrize("phi", [RELU, TANH, GELU], ids=str)
def test_biases_that_are_all_alike_shift_the_activation(phi: Activation) -> None:
    """q is then the variance around the bias: E[φ(b + u)²] by a plain sum."""
    flow = flow_of(layers((50,) * 4, phi, biases=Constant(0.6)), Inputs(1.0))
    z = np.linspace(-9.0, 9.0, 40_001)
    weight = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    q = 2.0
    for layer in range(3):
        assert math.exp(flow.log_q[layer]) == pytest.approx(q, rel=1e-6)
        u = 0.6 + math.sqrt(q) * z
        out = np.empty_like(u)
        phi.forward(u, out=out, scratch=np.empty((phi.n_scratch, u.size)))
        q = 2.0 * float(weight @ out**2)
    assert layers((5, 5, 5), phi, biases=Constant(0.0)).activation is phi


def test_biases_of_any_law_count_by_their_variance() -> None:
    flat = layers((20,) * 4, TANH, biases=Uniform(0.3))
    normal = layers((20,) * 4, TANH, biases=Gaussian(0.3 / math.sqrt(3.0)))
    np.testing.assert_allclose(flat.bias_variance, normal.bias_variance)


@pytest.mark.parametrize(
    ("name", "options"), [("lsuv", {}), ("zeros", {}), ("constant", {"value": 1})]
)
def test_where_theory_has_nothing_to_say_it_says_so(name: str, options: dict[str, float]) -> None:
    with pytest.raises(NothingToSay, match="does not write random weights"):
        layers((5, 5, 5), TANH, name, **options)


def test_a_network_without_hidden_layers_has_a_flow() -> None:
    flow = flow_of(layers((5, 3), TANH), Inputs(1.0))
    assert flow.log_q == pytest.approx([math.log(2.0)])
    assert flow.log_delta == pytest.approx([0.0])


def test_dead_inputs_and_weights_give_finite_numbers() -> None:
    for deep, inputs in (
        (layers((5,) * 6, RELU), Inputs(0.0)),
        (layers((5,) * 6, RELU, "gaussian", std=0.0), Inputs(1.0)),
    ):
        flow = flow_of(deep, inputs)
        assert np.isfinite(flow.log_q).all()
        assert not np.isnan(flow.log_delta).any()
