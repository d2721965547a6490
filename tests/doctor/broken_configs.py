"""Configs as people break them, drawn at random from a seed: see `draw`."""

import math
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from vgrad.config import Config, load_config
from vgrad.errors import RequestError
from vgrad.experiment import prepare
from vgrad.nn.activations import activations
from vgrad.nn.optimizers import optimizers

DATA: tuple[tuple[object, float], ...] = (
    ("digits", 6.0),
    ("moons", 1.0),
    ("circles", 1.0),
    ({"name": "blobs", "classes": 5, "std": 0.6}, 1.0),
    ("teacher", 1.0),
    ({"name": "sine", "n_samples": 500}, 1.0),
)
"""What is learnt, and how often."""
WIDTHS = (8, 16, 24, 32)
STEPS = 300
SHALLOWEST, DEEPEST = 5, 100

GOOD_INITS: tuple[object, ...] = (
    "xavier_normal", "xavier_uniform", "he_normal", "he_uniform", "lecun_normal", "orthogonal",
    "critical", "lsuv",
)  # fmt: skip
BAD_INITS: tuple[object, ...] = (
    "zeros",
    {"name": "constant", "value": 0.1},
    {"name": "gaussian", "std": 0.001},
    {"name": "gaussian", "std": 0.01},
    {"name": "gaussian", "std": 1.0},
    {"name": "uniform", "limit": 0.01},
    "sparse",
    {"name": "xavier_normal", "gain": 0.3},
    {"name": "xavier_normal", "gain": 3.0},
    {"name": "he_normal", "gain": 2.5},
    {"name": "orthogonal", "gain": 1.5},
    {"name": "orthogonal", "gain": 0.5},
)
WIRINGS: tuple[tuple[object, float], ...] = (
    ("plain", 12.0),
    ("residual", 2.0),
    ({"name": "residual", "order": "pre"}, 2.0),
    ({"name": "residual", "order": "pre", "scale": "1/sqrt(depth)"}, 1.0),
    ({"name": "residual", "order": "inside", "gate": 0.0}, 1.0),
    ("highway", 1.0),
)
NORMS: tuple[tuple[object, float], ...] = (
    ("none", 12.0),
    ("batch", 1.0),
    ("layer", 1.0),
    ("rms", 1.0),
    ("weight", 1.0),
)
OPTIMIZERS = ("sgd", "sgd", "sgd", "momentum", "adam", "adam", "rmsprop", "nesterov", "adagrad")
EXTRAS: tuple[tuple[dict[str, object], float], ...] = (
    ({}, 12.0),
    ({"model.bias_init": -4.0}, 1.0),
    ({"model.bias_init": 2.0}, 1.0),
    ({"regularization.l2": 1.0}, 1.0),
    ({"clip": {"norm": 1.0}}, 1.0),
    ({"clip": {"norm": 1e-3}}, 1.0),
    ({"model.dropout": 0.5}, 1.0),
    ({"schedule": {"name": "exponential", "gamma": 0.8}}, 1.0),
)
GOOD_SHARE = 0.4  # of initializers
USUAL_RATE = 0.6  # share of optimizers at their usual rate


def draw(seed: int, count: int, *, steps: int = STEPS, deepest: int = DEEPEST) -> list[Config]:
    """As many configs, which all can be carried out; some of them are well."""
    return list(islice(_drawn(np.random.default_rng(seed), steps, deepest), count))


def _drawn(rng: np.random.Generator, steps: int, deepest: int) -> Iterator[Config]:
    while True:
        changes = _changes(rng, deepest)
        try:
            config = load_config({"train": {"steps": steps}}, changes)
            experiment = prepare(config)
            experiment.initialize(experiment.network())
        except RequestError:
            continue  # an activation without an edge of chaos, say
        yield config


def _changes(rng: np.random.Generator, deepest: int) -> dict[str, object]:
    inits = GOOD_INITS if rng.random() < GOOD_SHARE else BAD_INITS
    name = str(rng.choice(OPTIMIZERS))
    rate = optimizers.build(name).lr
    if rng.random() >= USUAL_RATE:
        rate *= 10.0 ** rng.uniform(-3.0, 2.0)
    wiring = _one_of(rng, WIRINGS)
    init = inits[rng.integers(len(inits))]
    if isinstance(wiring, dict) and wiring.get("gate") == 0.0:
        init = "rezero"
    return {
        "seed": int(rng.integers(1000)),
        "data": _one_of(rng, DATA),
        "model.depth": int(math.exp(rng.uniform(math.log(SHALLOWEST), math.log(deepest + 1)))),
        "model.width": int(rng.choice(WIDTHS)),
        "model.activation": str(rng.choice(activations.names())),
        "model.init": init,
        "model.connectivity": wiring,
        "model.norm": _one_of(rng, NORMS),
        "optimizer": {"name": name, "lr": float(f"{rate:.2g}")},
        **dict(_one_of(rng, EXTRAS)),  # type: ignore[call-overload]
    }


def _one_of(rng: np.random.Generator, choices: Sequence[tuple[object, float]]) -> object:
    weights = np.array([weight for _, weight in choices])
    return choices[rng.choice(len(choices), p=weights / weights.sum())][0]
