"""Predicted gradients against measured ones: the engine's own, on real data."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from vgrad.config import load_config
from vgrad.experiment import Experiment, prepare
from vgrad.nn.activations import activations
from vgrad.nn.initializers import initializers
from vgrad.nn.initializers.fixed import Zeros
from vgrad.theory import Inputs, Layers, Prediction, alignment_of_classes, predict
from vgrad.training import Trainer

NETS = [
    ("tanh", "xavier_normal"),
    ("relu", "he_normal"),
    ("sigmoid", "xavier_normal"),
    ("selu", "lecun_normal"),
    ("identity", "lecun_normal"),
]
BATCH = 64


def experiment(name: str, init: str, depth: int, width: int, seed: int) -> Experiment:
    """On digits, before its first step."""
    model = {"depth": depth, "width": width, "activation": name, "init": init}
    train = {"steps": 0, "batch_size": BATCH}
    return prepare(load_config({"seed": seed, "model": model, "train": train}, {}))


def measured(one: Experiment) -> NDArray[np.float64]:
    """δ of the hidden layers."""
    trainer = Trainer(one)
    (record,) = trainer.advance(trainer.steps)
    return np.asarray(record.layers["delta_rms"][:-1])


def expected(one: Experiment) -> Prediction:
    """For the same network and data."""
    model = one.config.model
    assert isinstance(model.width, int)
    features = one.dataset.x_train
    sizes = (features.shape[1], *[model.width] * model.depth, 10)
    phi = activations.build(model.activation.name, model.activation.options)
    weights = initializers.build(model.init.name, model.init.options)
    inputs = Inputs.of(features, BATCH, alignment_of_classes(10))
    return predict(Layers.of(sizes, phi, weights, Zeros()), inputs)


def slope(delta: NDArray[np.float64]) -> float:
    """Least squares of log‖δ‖² per layer."""
    x = np.arange(delta.size) - (delta.size - 1) / 2
    return float(x @ (2.0 * np.log(delta)) / (x @ x))


def difference(name: str, init: str, depth: int, width: int, seeds: int) -> float:
    """Of the mean measured slope from the predicted one."""
    nets = [experiment(name, init, depth, width, seed) for seed in range(seeds)]
    predicted = slope(expected(nets[0]).layers["delta_rms"][:-1])
    return float(np.mean([slope(measured(net)) for net in nets])) - predicted


@pytest.mark.parametrize(("name", "init"), NETS)
def test_slopes_at_initialization_are_those_measured(name: str, init: str) -> None:
    # of the five, ReLU's vary most over seeds: by √(5/64/20)·1.1 per layer, 0.03 over 4 seeds
    assert abs(difference(name, init, depth=20, width=64, seeds=4)) < 0.08


@pytest.mark.slow
@pytest.mark.parametrize(("name", "init"), NETS)
def test_slopes_at_width_256_are_those_measured(name: str, init: str) -> None:
    assert abs(difference(name, init, depth=30, width=256, seeds=10)) < 0.03


@pytest.mark.slow
@pytest.mark.parametrize(("name", "init"), NETS)
def test_slopes_at_width_1000_are_those_measured(name: str, init: str) -> None:
    assert abs(difference(name, init, depth=30, width=1000, seeds=12)) < 0.015


@pytest.mark.slow
@pytest.mark.parametrize(("name", "init"), [*NETS, ("elu", "he_normal"), ("tanh", "he_uniform")])
def test_most_seeds_lie_in_the_predicted_interval(name: str, init: str) -> None:
    nets = [experiment(name, init, 20, 64, seed) for seed in range(12)]
    row = expected(nets[0]).layers[0]
    ratios = [delta[0] / delta[-1] for delta in map(measured, nets)]
    inside = [row["delta_low"] <= ratio <= row["delta_high"] for ratio in ratios]
    # of twelve with a chance of 0.9 each, fewer than 8 are inside once in 250 times; the seeds
    # are fixed, and most intervals are wider than they need be
    assert sum(inside) >= 8
    assert math.isfinite(row["delta_rms"])
