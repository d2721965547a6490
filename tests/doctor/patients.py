"""Small configs, well and ill, and examinations of them."""

from functools import cache

from vgrad.config import Config, load_config
from vgrad.doctor import Examination, examine

WELL: dict[str, object] = {
    "model": {"depth": 4, "width": 16, "activation": "tanh"},
    "train": {"steps": 120},
    "optimizer": {"name": "adam", "lr": 0.003},
}
"""Learns the digits."""
ILL: dict[str, dict[str, object]] = {
    "vanishing": {"model.depth": 15, "model.activation": "sigmoid", "optimizer": "sgd"},
    "exploding": {"model.depth": 12, "model.init": {"name": "gaussian", "std": 1.5},
                  "model.activation": "relu"},
    "dead": {"model.activation": "relu", "model.bias_init": -8.0},
    "saturated": {"model.init": {"name": "gaussian", "std": 5.0}, "optimizer": "sgd"},
    "too fast": {"optimizer.lr": 3.0},
    "too slow": {"optimizer.lr": 1e-06},
}  # fmt: skip
"""Verdict, and the change that brings it about."""


def well(**overrides: object) -> Config:
    return load_config(WELL, overrides)


def ill(verdict: str) -> Config:
    return load_config(WELL, ILL[verdict])


@cache
def examined(verdict: str) -> Examination:
    """Of one that is ill, or of the one that is "healthy"."""
    return examine(well() if verdict == "healthy" else ill(verdict))
