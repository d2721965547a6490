"""What is predicted of a network, in the words that measurements use."""

import math
from typing import Any

import numpy as np
import pytest

from vgrad.diagnosis import diagnose
from vgrad.nn.activations import activations
from vgrad.nn.initializers import Initializer, initializers
from vgrad.nn.initializers.fixed import Constant, Gaussian, Zeros
from vgrad.records import LAYER_DTYPE, PREDICTION_DTYPE, PREDICTIONS
from vgrad.theory import Inputs, Layers, Prediction, as_measured, predict

NO_BIAS = Zeros()


def layers(
    name: str,
    init: str,
    depth: int,
    width: int = 200,
    biases: Initializer = NO_BIAS,
    options: dict[str, Any] | None = None,
) -> Layers:
    """30 inputs, equal hidden layers, 10 outputs."""
    sizes = (30, *[width] * depth, 10)
    phi, weights = activations.build(name), initializers.build(init, options or {})
    return Layers.of(sizes, phi, weights, biases)


def predicted(*args: Any, inputs: Inputs | None = None, **given: Any) -> Prediction:
    """For inputs of unit variance."""
    return predict(layers(*args, **given), inputs or Inputs(1.0))


@pytest.mark.parametrize(
    ("name", "init", "depth", "kind"),
    [
        ("sigmoid", "xavier_normal", 10, "vanishing"),
        ("sigmoid", "xavier_normal", 3, "healthy"),
        ("relu", "xavier_normal", 50, "vanishing"),
        ("relu", "he_normal", 50, "healthy"),
        ("tanh", "xavier_normal", 50, "healthy"),
        ("selu", "lecun_normal", 50, "healthy"),
        ("softplus", "xavier_normal", 50, "vanishing"),
        ("gelu", "xavier_normal", 50, "vanishing"),
        ("tanh", "he_uniform", 200, "exploding"),
        ("identity", "he_normal", 60, "exploding"),
    ],
)
def test_the_verdict_is_that_of_the_literature(name: str, init: str, depth: int, kind: str) -> None:
    assert predicted(name, init, depth).verdict.kind == kind


def test_weights_too_large_for_tanh_saturate_it() -> None:
    prediction = predicted("tanh", "gaussian", 2, options={"std": 30.0})
    assert prediction.verdict.kind == "saturated"
    assert (prediction.layers["saturated_fraction"][:-1] > 0.98).all()


def test_what_is_relative_is_relative_to_the_last_hidden_layer() -> None:
    rows = predicted("tanh", "he_normal", 12).layers
    assert rows.dtype == PREDICTION_DTYPE
    assert rows["layer"].tolist() == list(range(1, 14))
    assert rows["name"].tolist() == [*(f"linear{n}" for n in range(1, 13)), "output"]
    for name in ("delta_low", "delta_rms", "delta_high", "grad_rms"):
        assert rows[name][-2] == pytest.approx(1.0)
    assert math.isnan(rows["chi"][-1])


def test_the_interval_holds_ninety_percent_and_narrows_with_width() -> None:
    narrow, wide = (predicted("relu", "he_normal", 20, width=n).layers[0] for n in (50, 800))
    for row, width in ((narrow, 50), (wide, 800)):
        assert row["delta_low"] < row["delta_rms"] < row["delta_high"]
        # ±1.645 standard deviations of log‖δ‖, half of those of log‖δ‖²
        half = 1.6448536 * math.sqrt(5.0 * 19 / width) / 2
        assert math.log(row["delta_high"] / row["delta_rms"]) == pytest.approx(half, rel=1e-6)
        assert math.log(row["delta_rms"] / row["delta_low"]) == pytest.approx(half, rel=1e-6)


def test_root_mean_squares_count_units_and_weights() -> None:
    """‖δ‖² and ‖∂L/∂W‖² keep in He's ReLU; their means go with the number of what they are of."""
    relu, he = activations.build("relu"), initializers.build("he_normal")
    rows = predict(Layers.of((100, 400, 100, 400, 5), relu, he, NO_BIAS), Inputs(1.0)).layers
    shrunk = [math.exp(-5.0 * above / 4) for above in (1 / 400 + 1 / 100, 1 / 100, 0.0)]
    units = np.sqrt([400 / 400, 400 / 100, 400 / 400])
    np.testing.assert_allclose(rows["delta_rms"][:-1], units * shrunk, rtol=1e-9)
    # ‖h_below‖² is 100·1, 400·1 and 100·1: E[h²] = q/2 = 1
    weights = np.sqrt([40_000 / 40_000, 40_000 / 40_000, 40_000 / 40_000])
    strengths = np.sqrt([100 / 100, 400 / 100 * 1.0, 1.0]) / weights
    np.testing.assert_allclose(rows["grad_rms"][:-1], strengths * shrunk, rtol=1e-9)


def test_the_forward_signal_is_that_of_the_variance() -> None:
    prediction = predicted("relu", "he_normal", 5)
    rows = prediction.layers
    np.testing.assert_allclose(rows["q"][:-1], 2.0, rtol=1e-9)
    np.testing.assert_allclose(rows["preact_std"][:-1], math.sqrt(2.0), rtol=1e-9)
    np.testing.assert_allclose(rows["act_mean"][:-1], 1.0 / math.sqrt(math.pi), rtol=1e-9)
    np.testing.assert_allclose(rows["act_std"][:-1], math.sqrt(1.0 - 1.0 / math.pi), rtol=1e-9)
    np.testing.assert_allclose(rows["saturated_fraction"][:-1], 0.5, atol=1e-3)
    np.testing.assert_allclose(rows["preact_mean"], 0.0)
    assert predicted("tanh", "he_normal", 3, biases=Constant(0.4)).layers["preact_mean"][0] == 0.4


def test_saturation_is_counted_where_the_slope_is_under_a_twentieth() -> None:
    rows = predicted("tanh", "gaussian", 1, options={"std": 1.0}).layers
    # 1 - tanh² < 0.05 beyond |z| = atanh(√0.95) = 2.178, of N(0, 30)
    share = math.erfc(math.atanh(math.sqrt(0.95)) / math.sqrt(60.0))
    assert rows["saturated_fraction"][0] == pytest.approx(share, abs=2e-3)


def test_a_prediction_reads_as_a_measured_step() -> None:
    deep = layers("tanh", "xavier_normal", 8)
    prediction = predict(deep, Inputs(1.0))
    rows = as_measured(prediction.layers, deep)
    assert rows.dtype == LAYER_DTYPE
    assert diagnose(rows) == prediction.verdict
    for name in set(PREDICTIONS) & set(LAYER_DTYPE.names or ()):
        np.testing.assert_array_equal(rows[name], prediction.layers[name])
    assert rows["weight_norm"][1] == pytest.approx(200.0 * math.sqrt(1.0 / 200.0))
    assert np.isnan(rows["update_ratio"]).all()


def test_what_equal_layers_come_to_is_told_and_of_unequal_ones_nothing() -> None:
    settled = predicted("tanh", "lecun_normal", 5, options={"gain": 2.0}).settled
    assert settled is not None
    assert settled.phase == "chaotic"
    assert settled.trainable_depth == pytest.approx(6.0 * settled.xi_c)
    # the first and the last layer have other fans
    assert predicted("tanh", "xavier_normal", 3).settled is not None
    tanh, xavier = activations.build("tanh"), initializers.build("xavier_normal")
    uneven = Layers.of((30, 100, 50, 100, 10), tanh, xavier, NO_BIAS)
    assert predict(uneven, Inputs(1.0)).settled is None
    assert predicted("tanh", "xavier_normal", 1).settled is None


def test_where_a_fixed_point_repels_the_actual_course_is_followed() -> None:
    """GELU with σ_w² = 3: a network dies out or explodes, as its inputs are weak or strong."""
    options = {"gain": math.sqrt(3.0)}
    weak, strong = (
        predicted("gelu", "lecun_normal", 100, inputs=Inputs(square), options=options)
        for square in (0.05, 0.13)
    )
    assert weak.verdict.kind == "vanishing"
    assert strong.verdict.kind == "exploding"
    assert weak.settled is not None
    assert strong.settled is not None
    assert (weak.settled.q_star, strong.settled.q_star) == (0.0, math.inf)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_shallow_networks_are_predicted_too(depth: int) -> None:
    prediction = predicted("tanh", "xavier_normal", depth, biases=Gaussian(0.1))
    assert prediction.layers.size == depth + 1
    assert prediction.verdict.kind == "healthy"


def test_ten_thousand_layers_leave_the_range_of_numbers_without_a_warning() -> None:
    for init, kind in (("xavier_normal", "vanishing"), ("lecun_normal", "vanishing")):
        prediction = predicted("sigmoid", init, 10_000, width=20)
        assert prediction.verdict.kind == kind
        assert prediction.layers["delta_rms"][0] == 0.0
    prediction = predicted("tanh", "he_normal", 10_000, width=500)
    assert prediction.verdict.kind == "exploding"
    assert prediction.layers["delta_rms"][0] > 1e200
