"""Initializers: the distribution of what they write, not only that they write."""

import math
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from drawn_graphs import graph_of, network_of
from numpy.typing import NDArray
from reference.cases import mlp

from vgrad.errors import RequestError
from vgrad.nn.activations import Activation, activations
from vgrad.nn.initializers import Initializer, initializers
from vgrad.nn.initializers.base import resolved_gain
from vgrad.nn.initializers.critical import Critical
from vgrad.nn.initializers.fixed import Constant, Sparse, Zeros
from vgrad.nn.initializers.orthogonal import LSUV, Orthogonal
from vgrad.nn.losses import losses
from vgrad.nn.network import Network

SHAPE = (300, 200)  # (fan_out, fan_in)
SIGMAS = 6.0
"""Standard errors allowed: each of some hundred checks then fails once in 10⁹ drawings."""
RELU, TANH = activations.build("relu"), activations.build("tanh")
ALL = [
    initializers.build(entry.name, {"value": 0.5} if entry.required else {})
    for entry in initializers
]
EVERY = pytest.mark.parametrize("initializer", ALL, ids=str)


def filled(
    initializer: Initializer,
    shape: tuple[int, int] = SHAPE,
    activation: Activation = TANH,
    seed: int = 0,
    dtype: Any = np.float64,
) -> NDArray[Any]:
    """Weights, written as a network has them written: into a view without the bias."""
    block = np.full((shape[0], 1 + shape[1]), np.nan, dtype)
    initializer.fill(block[:, 1:], activation=activation, rng=np.random.default_rng(seed))
    assert np.isnan(block[:, 0]).all()
    return block[:, 1:]


KURTOSIS = {"normal": 3.0, "uniform": 1.8}
"""E[x⁴]/E[x²]²: the variance of n samples' mean square is (κ - 1)/n·σ⁴."""


def assert_distributed(weights: NDArray[Any], std: float, shape: str) -> None:
    """Mean 0, this standard deviation, and no more than a normal or a uniform reaches."""
    n = weights.size
    assert abs(weights.mean()) <= SIGMAS * std / math.sqrt(n)
    kurtosis = KURTOSIS[shape]
    error = math.sqrt((kurtosis - 1.0) / n)
    assert abs(np.mean(weights**2) / std**2 - 1.0) <= SIGMAS * error
    # the fourth moment tells the two apart: its own error is √(E[x⁸]/E[x⁴]² - 1)/√n < 4/√n
    assert abs(np.mean(weights**4) / std**4 / kurtosis - 1.0) <= SIGMAS * 4.0 / math.sqrt(n)
    if shape == "uniform":
        limit = math.sqrt(3.0) * std
        assert np.abs(weights).max() <= limit
        assert np.abs(weights).max() >= limit * (1.0 - 20.0 / n)  # misses with e⁻²⁰


FAN_OUT, FAN_IN = SHAPE
FAN_AVG = (FAN_IN + FAN_OUT) / 2
STDS: dict[str, list[tuple[dict[str, Any], Activation, float]]] = {
    "gaussian": [({}, TANH, 0.01), ({"std": 2.0}, TANH, 2.0)],
    "uniform": [({}, TANH, 0.05 / math.sqrt(3)), ({"limit": 3.0}, TANH, math.sqrt(3))],
    "xavier": [
        ({}, TANH, 1 / math.sqrt(FAN_AVG)),
        ({"gain": 2.0}, TANH, 2 / math.sqrt(FAN_AVG)),
        ({"gain": "activation"}, TANH, 5 / 3 / math.sqrt(FAN_AVG)),
        ({"mode": "fan_out"}, TANH, 1 / math.sqrt(FAN_OUT)),
    ],
    "he": [
        ({}, RELU, math.sqrt(2 / FAN_IN)),
        ({}, TANH, math.sqrt(2 / FAN_IN)),
        ({}, activations.build("leaky_relu", {"negative_slope": 0.5}), math.sqrt(1.6 / FAN_IN)),
        ({"mode": "fan_out"}, RELU, math.sqrt(2 / FAN_OUT)),
        ({"gain": 1.0, "mode": "fan_avg"}, RELU, 1 / math.sqrt(FAN_AVG)),
    ],
    "lecun": [
        ({}, TANH, 1 / math.sqrt(FAN_IN)),
        ({"gain": "rectifier"}, TANH, math.sqrt(2 / FAN_IN)),
        ({"mode": "fan_out"}, TANH, 1 / math.sqrt(FAN_OUT)),
        ({"gain": "critical"}, RELU, math.sqrt(2 / FAN_IN)),
    ],
    "critical": [
        ({}, TANH, 1 / math.sqrt(FAN_IN)),
        ({}, RELU, math.sqrt(2 / FAN_IN)),
        ({}, activations.build("gelu"), 2 / math.sqrt(FAN_IN)),
        ({"sigma_b": math.sqrt(0.05)}, TANH, 1.3270096607 / math.sqrt(FAN_IN)),
        ({}, activations.build("sigmoid"), 10.1492637100 / math.sqrt(FAN_IN)),
    ],
}
"""Options, activation and the standard deviation that the paper states, by family."""
STDS["fixup"] = [({}, RELU, math.sqrt(2 / FAN_IN)), ({"gain": 1.0}, RELU, 1 / math.sqrt(FAN_IN))]
STDS["rezero"] = STDS["xavier"][:2]
OTHERWISE = {"zeros", "constant", "orthogonal", "sparse", "lsuv"}  # tested by themselves below


def shape_of(name: str) -> str:
    """Of its distribution."""
    return "uniform" if name.endswith("uniform") else "normal"


@pytest.mark.parametrize("name", [n for n in initializers.names() if n not in OTHERWISE])
def test_mean_and_variance_are_those_of_the_formula(name: str) -> None:
    family = name.removesuffix("_uniform").removesuffix("_normal")
    assert family in STDS, f"state the standard deviation of {name}"
    for options, activation, std in STDS[family]:
        weights = filled(initializers.build(name, options), activation=activation)
        assert_distributed(weights, std, shape_of(name))


@EVERY
def test_every_option_changes_what_is_written(initializer: Initializer) -> None:
    others: dict[str, Any] = {"gain": 3.0, "mode": "fan_out", "sparsity": 0.25}
    others["distribution"] = "orthogonal"
    for field in fields(initializer):  # type: ignore[arg-type]
        if field.name in ("tolerance", "max_corrections"):
            continue  # LSUV's second part has its own test
        options = vars(initializer) | {field.name: others.get(field.name, 7.0)}
        changed = type(initializer)(**options)
        assert (filled(initializer) != filled(changed)).any()


@EVERY
def test_the_same_generator_writes_the_same_weights(initializer: Initializer) -> None:
    first, again, other = (filled(initializer, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any() or isinstance(initializer, Zeros | Constant)


@EVERY
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (4, 7)])
def test_single_precision_writes_the_rounded_weights_of_double(
    initializer: Initializer, shape: tuple[int, int]
) -> None:
    double = filled(initializer, shape)
    single = filled(initializer, shape, dtype=np.float32)
    assert np.isfinite(single).all()
    np.testing.assert_array_equal(single, double.astype(np.float32))


def test_zeros_and_constant_write_their_number() -> None:
    assert not filled(Zeros()).any()
    assert (filled(Constant(-0.25)) == -0.25).all()


@EVERY
@pytest.mark.parametrize("shape", [SHAPE, SHAPE[::-1]])
@pytest.mark.parametrize("phi", [TANH, RELU], ids=str)
def test_the_variance_that_theory_counts_with_is_that_of_the_weights(
    initializer: Initializer, shape: tuple[int, int], phi: Activation
) -> None:
    rows, columns = shape
    weights = filled(initializer, shape, phi)
    expected = initializer.variance(columns, rows, phi)
    if expected is None:
        assert isinstance(initializer, Zeros | Constant | LSUV)
        return
    # kurtosis of the sparse one is 30: √(29/60,000) is one standard error
    assert np.mean(weights**2) == pytest.approx(expected, rel=SIGMAS * math.sqrt(29 / weights.size))


@pytest.mark.parametrize("gain", [1.0, 0.5, "activation", "critical"])
@pytest.mark.parametrize("shape", [(40, 17), (17, 40), (30, 30), (1, 8), (8, 1), (1, 1)])
def test_orthogonal_rows_or_columns_are_orthonormal_but_for_the_gain(
    shape: tuple[int, int], gain: Any
) -> None:
    w = filled(Orthogonal(gain), shape)
    product = w.T @ w if shape[0] >= shape[1] else w @ w.T
    number = {"activation": 5 / 3, "critical": 1.0}.get(gain, gain)
    # 40 roundings of 1e-16
    np.testing.assert_allclose(product, number**2 * np.eye(min(shape)), atol=1e-12)


@pytest.mark.parametrize(("sigma_b", "sigma_w"), [(0.0, 1.0), (math.sqrt(0.05), 1.3270096607)])
@pytest.mark.parametrize("shape", [(40, 17), (17, 40), (30, 30)])
def test_critical_weights_may_be_orthogonal(
    shape: tuple[int, int], sigma_b: float, sigma_w: float
) -> None:
    w = filled(Critical(sigma_b, "orthogonal"), shape)
    product = w.T @ w if shape[0] >= shape[1] else w @ w.T
    np.testing.assert_allclose(product, sigma_w**2 * np.eye(min(shape)), atol=1e-9)


@pytest.mark.parametrize(
    ("initializer", "name", "message"),
    [
        (Critical(), "softplus", "Softplus has no edge of chaos without biases; another"),
        (Critical(0.5), "softplus", "no edge of chaos with biases of standard deviation 0.5; ano"),
        (Critical(0.1), "relu", r"ReLU has no edge .* 0.1; sigma_b: 0, where σ_w is 1.41421"),
        (Critical(0.1, "orthogonal"), "identity", "Identity has no edge .* where σ_w is 1$"),
    ],
)
def test_critical_says_where_there_is_no_critical_point(
    initializer: Critical, name: str, message: str
) -> None:
    phi = activations.build(name)
    for ask in (
        lambda: filled(initializer, activation=phi),
        lambda: initializer.variance(9, 9, phi),
    ):
        with pytest.raises(RequestError, match=message) as caught:
            ask()
        assert [problem.key for problem in caught.value.problems] == ["model.init"]


def test_a_critical_gain_is_refused_at_its_own_key() -> None:
    with pytest.raises(RequestError, match="Softplus has no edge of chaos") as caught:
        filled(Orthogonal("critical"), activation=activations.build("softplus"))
    assert [problem.key for problem in caught.value.problems] == ["model.init.gain"]


def test_orthogonal_matrices_are_haar_distributed() -> None:
    """Then W and -W are alike: without Mezzadri's signs the diagonal is mostly of one sign.

    Of a Haar matrix of size n the trace has mean 0 and variance 1 (Diaconis & Shahshahani 1994),
    and each entry variance 1/n.
    """
    n, draws = 6, 2000
    drawn = np.array([filled(Orthogonal(), (n, n), seed=seed) for seed in range(draws)])
    allowed = SIGMAS / math.sqrt(draws)
    traces = drawn.trace(axis1=1, axis2=2)
    assert abs(traces.mean()) < allowed
    assert abs(traces.var() - 1.0) < allowed * math.sqrt(2.0)  # nearly normal: κ - 1 = 2
    assert np.abs(drawn.mean(axis=0)).max() < allowed / math.sqrt(n)
    assert np.abs((drawn**2).mean(axis=0) * n - 1.0).max() < allowed * math.sqrt(2.0)
    determinants = np.linalg.det(drawn)
    np.testing.assert_allclose(np.abs(determinants), 1.0, rtol=1e-12)
    assert abs(np.mean(determinants > 0.0) - 0.5) < allowed / 2


@pytest.mark.parametrize(("sparsity", "rows", "zeros"), [(0.9, 300, 270), (0.5, 7, 4), (0.0, 9, 0)])
def test_sparse_leaves_the_same_number_of_zeros_in_each_column(
    sparsity: float, rows: int, zeros: int
) -> None:
    w = filled(Sparse(sparsity=sparsity, std=2.0), (rows, 500))
    np.testing.assert_array_equal((w == 0.0).sum(axis=0), zeros)
    assert_distributed(w[w != 0.0], 2.0, "normal")
    share = (w == 0.0).mean(axis=1)  # over 500 columns, each row alike
    deviation = math.sqrt(sparsity * (1.0 - sparsity) / 500) + 1e-12
    assert np.abs(share - zeros / rows).max() <= SIGMAS * deviation


TORCH_GAINS = {
    "identity": 1.0,
    "sigmoid": 1.0,
    "tanh": 5.0 / 3.0,
    "relu": math.sqrt(2.0),
    "leaky_relu": math.sqrt(2.0 / 1.0001),
    "selu": 0.75,
}
"""`torch.nn.init.calculate_gain` of PyTorch 2.13."""


@pytest.mark.parametrize("name", activations.names())
def test_the_gain_of_an_activation_is_that_of_pytorch_or_refused(name: str) -> None:
    activation = activations.build(name)
    if name in TORCH_GAINS:
        assert resolved_gain("activation", activation) == pytest.approx(TORCH_GAINS[name], 1e-15)
        return
    with pytest.raises(RequestError, match=r"no gain.*a number") as caught:
        resolved_gain("activation", activation)
    assert [problem.key for problem in caught.value.problems] == ["model.init.gain"]


@pytest.mark.parametrize("name", activations.names())
def test_the_gain_of_a_rectifier_follows_its_negative_slope(name: str) -> None:
    expected = TORCH_GAINS["leaky_relu" if name == "leaky_relu" else "relu"]
    assert resolved_gain("rectifier", activations.build(name)) == pytest.approx(expected, 1e-15)


def network(depth: int, activation: Activation, dtype: Any = np.float64) -> Network:
    """A network of equal layers."""
    return mlp((20, *[30] * depth, 5), activation, losses.build("mse"), dtype)


@pytest.mark.parametrize("name", activations.names())
@pytest.mark.parametrize("tolerance", [0.1, 0.001])
def test_lsuv_gives_every_layer_unit_variance(name: str, tolerance: float) -> None:
    net, rng = network(12, activations.build(name)), np.random.default_rng(3)
    initializer = LSUV(tolerance=tolerance)
    net.initialize(initializer, Constant(0.1), rng)
    plan = net.plan(64)
    plan.inputs[0][1:] = 3.0 * rng.normal(size=plan.inputs[0][1:].shape)
    net.calibrate(initializer, plan)
    net.evaluate(plan, plan.full)
    for z in plan.full.preactivations:
        assert abs(z.var() - 1.0) < tolerance
    for layer in net.layers:
        assert (layer.weight[:, 0] == 0.1).all()  # biases are left alone
        w = layer.weight[:, 1:]
        product = w @ w.T if len(w) <= w.shape[1] else w.T @ w
        np.testing.assert_allclose(product / product[0, 0], np.eye(len(product)), atol=1e-12)


def test_lsuv_leaves_a_layer_whose_inputs_do_not_vary() -> None:
    net = network(3, RELU)
    initializer = LSUV()
    net.initialize(initializer, Zeros(), np.random.default_rng(0))
    plan = net.plan(8)
    before = net.params.copy()
    net.calibrate(initializer, plan)  # of inputs that are all 0
    np.testing.assert_array_equal(net.params, before)


def residual_network() -> Network:
    """A small network with blocks and gates, which some initializers ask for."""
    return network_of(graph_of(("residual", {"gate": 0.5})))


@EVERY
def test_a_network_writes_every_weight_and_every_bias(initializer: Initializer) -> None:
    net = residual_network()
    net.params.fill(np.nan)
    net.initialize(initializer, Constant(0.25), np.random.default_rng(0))
    assert np.isfinite(net.params).all()
    for layer in net.layers:
        assert (layer.weight[:, 0] == 0.25).all()
    again = residual_network()
    again.initialize(initializer, Zeros(), np.random.default_rng(0))
    for layer, other in zip(net.layers, again.layers, strict=True):
        np.testing.assert_array_equal(layer.weight[:, 1:], other.weight[:, 1:])


@pytest.mark.parametrize("initializer", [one for one in ALL if one.for_biases], ids=str)
def test_what_serves_biases_does_not_look_at_the_fan(initializer: Initializer) -> None:
    spread = [filled(initializer, shape).std() for shape in ((4000, 1), (40, 100))]
    assert spread[0] == pytest.approx(spread[1], rel=0.15)  # 6 errors of √(2/4000)
