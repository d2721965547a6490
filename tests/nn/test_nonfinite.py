"""Numbers that are no longer finite are a result: silent, and said where they first appear."""

from typing import Any

import numpy as np
import pytest
from reference.cases import mlp

from vgrad.config import load_config
from vgrad.errors import RequestError
from vgrad.experiment import prepare
from vgrad.nn.activations import activations
from vgrad.nn.losses import losses
from vgrad.training import Trainer

SETTINGS: dict[str, dict[str, Any]] = {
    "exploding at once": {"init": {"name": "gaussian", "std": 1e30}, "lr": 0.1},
    "exploding soon": {"init": {"name": "gaussian", "std": 10.0}, "lr": 1e9},
    "large, not exploding": {"init": {"name": "gaussian", "std": 100.0}, "lr": 1e-20},
}


def trainer(activation: str, init: object, lr: float) -> Trainer:
    """A run of 50 steps, logged at every twentieth."""
    config = {
        "model": {"depth": 5, "width": 12, "activation": activation, "init": init},
        "optimizer": {"name": "sgd", "lr": lr},
        "loss": "mse",
        "train": {"steps": 50},
        "log": {"every": 20},
    }
    return Trainer(prepare(load_config(config)))


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", activations.names())
def test_overflow_makes_no_warning_in_any_step(name: str, setting: str) -> None:
    run = trainer(name, **SETTINGS[setting])
    records = list(run.advance(run.steps))  # a warning would be an error
    metrics = records[-1].metrics
    finite = np.isfinite(metrics.train_loss) and np.isfinite(metrics.grad_norm)
    assert (run.divergence is None) == finite
    if run.divergence is None:
        assert [record.metrics.step for record in records] == [0, 20, 40, 50]
    else:
        assert run.divergence.step == metrics.step < 50
        assert run.divergence.layer in {"", *records[-1].layers["name"].tolist()}


@pytest.mark.parametrize("name", activations.names())
def test_a_number_that_is_none_reaches_the_loss(name: str) -> None:
    net = mlp((3, 4, 4, 2), activations.build(name), losses.build("mse"), np.float32)
    net.params.fill(0.1)
    net.layers[1].weight[2, 1] = np.nan
    plan = net.plan(5)
    plan.inputs[0][1:] = 0.5
    assert np.isnan(net.differentiate(plan))
    assert not np.isfinite(net.grads).all()


@pytest.mark.parametrize("name", activations.names())
def test_a_network_by_itself_is_silent_on_overflow(name: str) -> None:
    net = mlp((3, 4, 4, 2), activations.build(name), losses.build("mse"), np.float32)
    rng = np.random.default_rng(0)
    net.params[...] = 1e20 * rng.normal(size=net.params.shape)
    plan = net.plan(5)
    plan.inputs[0][1:] = rng.normal(size=(3, 5))
    for tape in (plan.lean, plan.full):
        net.differentiate(plan, tape)  # a warning would be an error
    assert not (np.abs(plan.outputs) < 1e18).all()  # or it is nan


BEYOND: dict[str, dict[str, Any]] = {
    "an initializer": {"model.init": {"name": "constant", "value": 1e300}},
    "biases": {"model.bias_init": {"name": "gaussian", "std": 1e300}},
    "a gain": {"model.init": {"name": "xavier_uniform", "gain": 1e300}},
    "a gate": {"model.connectivity": {"name": "residual", "gate": 1e300}},
    "a length": {"model.init": {"name": "gaussian", "std": 1e30}, "model.norm": "weight"},
    "a standard deviation": {
        "model.activation": {"name": "elu", "alpha": 1e300},
        "model.norm": "weight_standardization",
    },
}


@pytest.mark.parametrize("where", BEYOND)
def test_what_overflows_before_the_first_step_is_a_divergence_at_step_0(where: str) -> None:
    config = {"model": {"depth": 3, "width": 6}, "train": {"steps": 5}}
    run = Trainer(prepare(load_config(config, BEYOND[where])))  # a warning would be an error
    list(run.advance(run.steps))
    assert run.divergence is not None
    assert str(run.divergence).startswith("step 0: the ")
    assert "weights" not in str(run.divergence)  # the sentence goes on with "is"


@pytest.mark.parametrize(
    "part",
    [
        {"optimizer": {"name": "rprop", "lr": 1e300}},
        {"clip": {"value": 1e300}},
    ],
    ids=str,
)
def test_an_option_beyond_single_precision_that_only_limits_is_no_trouble(
    part: dict[str, Any],
) -> None:
    config = {"model": {"depth": 3, "width": 6}, "train": {"steps": 5}}
    run = Trainer(prepare(load_config(config, part)))
    list(run.advance(run.steps))
    assert run.divergence is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_least_alpha_of_celu_trains_and_a_smaller_one_is_refused(dtype: str) -> None:
    config: dict[str, Any] = {"model": {"depth": 3, "width": 6}, "train": {"steps": 5}}
    config |= {"dtype": dtype}
    least = {"model.activation": {"name": "celu", "alpha": 1e-30}}
    run = Trainer(prepare(load_config(config, least)))
    list(run.advance(run.steps))
    assert run.divergence is None
    with pytest.raises(RequestError, match="alpha"):
        load_config(config, {"model.activation": {"name": "celu", "alpha": 5e-324}})
