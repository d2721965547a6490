"""What is said of a config before it is trained: by theory, or measured where that is silent."""

import math
from typing import Any

import numpy as np
import pytest
from forecasts import experiment, slope

import vgrad
from vgrad.config import load_config
from vgrad.experiment import prepare
from vgrad.forecast.making import forecast, predicted_layers
from vgrad.forecast.probe import probe
from vgrad.nn.activations import activations
from vgrad.records import PREDICTION_DTYPE

BEYOND_THEORY: list[dict[str, Any]] = [
    {"init": "lsuv"},
    {"init": "zeros"},
    {"dropout": 0.2},
    {"norm": "weight_standardization"},
    {"norm": {"name": "layer", "placement": "after"}},
    {"norm": "batch", "activation": "tanh"},
    {"norm": {"name": "rms"}, "bias_init": 0.3},
    {"connectivity": "highway"},
    {"connectivity": "dense"},
    {"connectivity": "residual"},
    {"connectivity": {"name": "residual", "order": "pre", "zero_last": True}},
    {"connectivity": {"name": "residual", "order": "pre", "gate": 0.0}},
    {"connectivity": {"name": "residual", "order": "pre"}, "norm": "batch"},
    {"connectivity": {"name": "residual", "order": "pre"}, "init": "fixup"},
    {"connectivity": {"name": "residual", "order": "inside", "every": 1}, "activation": "relu"},
    {
        "connectivity": {"name": "residual", "order": "pre"},
        "width": [*[64] * 8, *[32] * 4],
    },
]


@pytest.mark.parametrize("model", BEYOND_THEORY, ids=str)
def test_what_theory_does_not_cover_is_measured_and_says_why(model: dict[str, Any]) -> None:
    one = experiment(**model)
    found = forecast(one)
    assert found.source == "probe"
    assert len(found.reason) > 20
    assert found.seeds >= 3
    assert found.layers.dtype == PREDICTION_DTYPE
    assert found.layers["name"].tolist() == [layer.name for layer in one.graph.layers]
    assert predicted_layers(one) is None


@pytest.mark.parametrize("name", activations.names())
def test_theory_covers_plain_nets_of_every_activation(name: str) -> None:
    one = experiment(activation=name)
    found = forecast(one)
    assert (found.source, found.reason, found.seeds) == ("theory", "", 0)
    assert np.isfinite(found.layers["delta_rms"]).all()
    written = predicted_layers(one)
    assert written is not None
    assert written.tobytes() == found.layers.tobytes()


def test_sigmoid_with_xavier_has_the_chi_of_the_literature() -> None:
    found = forecast(experiment(activation="sigmoid", init="xavier_normal", depth=30))
    assert found.depths.chi_1 == pytest.approx(0.0557207, rel=1e-6)
    assert found.depths.phase == "ordered"
    assert found.depths.trainable_depth == pytest.approx(-6.0 / math.log(0.0557207), rel=1e-6)
    assert found.verdict.kind == "vanishing"
    assert "0.0557" in found.explanation
    assert "φ′ is at most 0.25" in found.explanation


@pytest.mark.parametrize(
    ("batch", "expected"), [("full", math.pi / (math.pi - 1.0)), (128, 1.4797)]
)
def test_relu_with_batch_norm_explodes_as_published(batch: Any, expected: float) -> None:
    one = experiment({"train.batch_size": batch}, norm="batch", activation="relu")
    found = forecast(one)
    assert found.depths.chi_1 == pytest.approx(expected, rel=2e-3 if batch == "full" else 1e-4)
    assert found.depths.xi_grad < 0.0
    assert math.isnan(found.depths.xi_c)


def test_relu_with_layer_norm_keeps_its_gradient() -> None:
    found = forecast(experiment(norm="layer", activation="relu", init="he_normal"))
    assert found.source == "theory"
    assert found.depths.chi_1 == pytest.approx(1.0, abs=2e-5)  # ε takes 10⁻⁵ of it
    assert "with its norm" in found.explanation


@pytest.mark.parametrize("name", ["gelu", "silu"])
def test_a_fixed_point_that_repels_is_named_and_the_actual_course_followed(name: str) -> None:
    one = experiment(activation=name, depth=60, init={"name": "lecun_normal", "gain": 1.8})
    found = forecast(one)
    (note,) = found.notes
    assert "repels" in note
    assert found.layers["q"][-2] > 1e3 * found.layers["q"][0]
    assert found.depths.q_star == math.inf
    quiet = forecast(experiment(activation="tanh"))
    assert quiet.notes == ()


def test_finite_widths_are_named_where_they_count() -> None:
    deep = forecast(experiment(activation="relu", init="he_normal", depth=300))
    assert "finite width" in deep.explanation
    shallow = forecast(experiment(activation="relu", init="he_normal", depth=10))
    assert "finite width" not in shallow.explanation


@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("norm", ["none", "layer", "batch"])
def test_shallow_nets_are_forecast_too(depth: int, norm: str) -> None:
    found = forecast(experiment(depth=depth, norm=norm, activation="relu", width=256))
    assert found.source == "theory"
    assert found.layers.size == depth + 1
    assert found.verdict.kind == "healthy"


@pytest.mark.parametrize(
    "data",
    ["sine", {"name": "blobs", "n_samples": 90}, "spirals", "moons"],
    ids=str,
)
def test_every_task_has_its_forecast(data: Any) -> None:
    one = prepare(load_config({"data": data, "model": {"depth": 5, "width": 16}}, {}))
    found = forecast(one)
    assert found.source == "theory"
    assert np.isfinite(found.layers["delta_low"]).all()


def test_an_initializer_that_cannot_serve_is_a_wrong_request() -> None:
    with pytest.raises(vgrad.RequestError, match=r"model\.init: rezero shuts"):
        forecast(experiment(init="rezero"))
    with pytest.raises(vgrad.RequestError, match="edge of chaos"):
        forecast(experiment(init={"name": "critical", "sigma_b": 0.5}, activation="relu"))


WIRED: list[tuple[str, dict[str, Any]]] = [
    (activation, wiring)
    for activation in ("tanh", "relu")
    for wiring in (
        {"norm": "layer"},
        {"norm": "rms"},
        {"connectivity": {"name": "residual", "order": "pre"}},
        {"connectivity": {"name": "residual", "order": "inside"}},
        {"connectivity": {"name": "residual", "order": "pre", "every": 3, "scale": 0.3}},
        {"connectivity": {"name": "residual", "order": "inside"}, "norm": "layer"},
    )
]
WIRED += [
    ("tanh", {"norm": "weight"}),
    ("tanh", {"connectivity": {"name": "residual", "order": "inside", "every": 1}}),
    ("relu", {"norm": "batch", "width": 256}),
]


@pytest.mark.parametrize(("activation", "wiring"), WIRED, ids=str)
def test_wired_nets_are_predicted_as_they_are_measured(
    activation: str, wiring: dict[str, Any]
) -> None:
    one = experiment(depth=13, activation=activation, **wiring)
    expected = forecast(one)
    assert expected.source == "theory"
    seen = probe(one, "")
    rows, measured = expected.layers, seen.layers
    # over ten seeds of width 64: their scatter, and terms of order depth/width
    assert slope(rows) == pytest.approx(slope(measured), abs=0.03)
    np.testing.assert_allclose(rows["delta_rms"][:-1], measured["delta_rms"][:-1], rtol=0.25)
    np.testing.assert_allclose(rows["preact_std"], measured["preact_std"], rtol=0.25)
    np.testing.assert_allclose(rows["act_std"][:-1], measured["act_std"][:-1], rtol=0.25)
    np.testing.assert_allclose(
        rows["saturated_fraction"], measured["saturated_fraction"], atol=0.06
    )


@pytest.mark.slow
@pytest.mark.parametrize(("activation", "wiring"), WIRED, ids=str)
def test_wide_wired_nets_are_predicted_within_three_hundredths(
    activation: str, wiring: dict[str, Any]
) -> None:
    one = experiment(depth=25, activation=activation, **{**wiring, "width": 256})
    assert slope(forecast(one).layers) == pytest.approx(slope(probe(one, "").layers), abs=0.03)


def test_the_interval_of_a_wired_net_holds_most_networks() -> None:
    connectivity = {"name": "residual", "order": "pre"}
    one = experiment(depth=25, activation="relu", connectivity=connectivity)
    expected, seen = forecast(one).layers[0], probe(one, "").layers[0]
    # the limits of ten networks, against theirs: each other's to a factor of two
    for side in ("delta_low", "delta_high"):
        ratio = math.log(expected[side] / expected["delta_rms"]) / math.log(
            seen[side] / seen["delta_rms"]
        )
        assert 0.3 < ratio < 3.0


EXTREMES: list[dict[str, Any]] = [
    {"init": {"name": "gaussian", "std": 1e-6}},
    {"init": {"name": "gaussian", "std": 1e-6}, "norm": "layer", "activation": "relu"},
    {"init": {"name": "gaussian", "std": 100.0}},
    {"init": {"name": "gaussian", "std": 100.0}, "activation": "relu", "depth": 100},
    {"init": {"name": "uniform", "limit": 0.0}},
    {"bias_init": 1e6},
    {"bias_init": {"name": "gaussian", "std": 100.0}, "norm": "rms"},
    {"width": 1, "activation": "mish"},
    {"connectivity": {"name": "residual", "order": "inside", "scale": 1e3}, "depth": 80},
    {"connectivity": {"name": "residual", "order": "pre", "scale": 1e-9}},
]


@pytest.mark.parametrize("model", EXTREMES, ids=str)
def test_no_number_is_too_extreme(model: dict[str, Any]) -> None:
    found = forecast(experiment(**model))
    assert found.layers.size == len(experiment(**model).graph.layers)
    assert found.explanation.endswith(".")


@pytest.mark.parametrize("bias", [-5.0, -40.0])
def test_units_that_may_be_dead_are_looked_at(bias: float) -> None:
    """Whether a unit is off for all examples depends on the examples."""
    found = forecast(experiment(activation="relu", bias_init=bias))
    assert found.source == "probe"
    assert "revives" in found.reason
    assert found.verdict.kind == "dead"
    assert "nothing of the gradient reaches linear1" in found.explanation
    assert forecast(experiment(activation="relu", bias_init=0.1)).source == "theory"


EXTREME: list[dict[str, Any]] = [
    {"init": {"name": "gaussian", "std": 1e200}},
    {"init": {"name": "gaussian", "std": 1e100}},
    {"init": {"name": "uniform", "limit": 1e300}},
    {"init": {"name": "xavier_normal", "gain": 1e200}},
    {"init": {"name": "orthogonal", "gain": 1e200}},
    {"init": {"name": "gaussian", "std": 1e-200}},
    {"bias_init": {"name": "gaussian", "std": 1e200}},
    {"bias_init": 1e200},
]


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "selu"])
@pytest.mark.parametrize("model", EXTREME, ids=str)
def test_no_number_is_too_extreme_for_a_forecast(model: dict[str, Any], activation: str) -> None:
    one = experiment(depth=6, width=16, activation=activation, **model)
    found = forecast(one)
    assert found.layers.size == 7
    rows = predicted_layers(one)
    assert (rows is None) == (found.source == "probe")
