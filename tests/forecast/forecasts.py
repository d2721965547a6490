"""Experiments to make forecasts of, on digits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.config import load_config
from vgrad.experiment import Experiment, prepare


def experiment(overrides: dict[str, Any] | None = None, **model: Any) -> Experiment:
    """Of a model, 12 layers of 64 tanh units by default."""
    config = {"model": {"depth": 12, "width": 64, **model}, "train": {"steps": 1}}
    return prepare(load_config(config, overrides or {}))


def slope(rows: NDArray[np.void]) -> float:
    """Least squares of log‖δ‖² per hidden layer."""
    delta = rows["delta_rms"][:-1]
    x = np.arange(delta.size) - (delta.size - 1) / 2
    return float(x @ (2.0 * np.log(delta)) / (x @ x))
