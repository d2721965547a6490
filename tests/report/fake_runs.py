"""Runs made up of plain arrays, as the store would hand them out."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.errors import RequestError
from vgrad.records import (
    BLOCK_DTYPE,
    CLIPPING_DTYPE,
    LAYER_DTYPE,
    METRICS_DTYPE,
    PREDICTION_DTYPE,
    Histograms,
    Plugin,
)

CONFIG: dict[str, Any] = {
    "name": "deep-sigmoid",
    "seed": 0,
    "data": {"name": "digits", "test_fraction": 0.2, "standardize": True},
    "model": {"depth": 30, "width": 64, "activation": "sigmoid", "init": "xavier_normal"},
    "loss": "cross_entropy",
    "optimizer": {"name": "sgd", "lr": 0.1},
    "train": {"steps": 500, "batch_size": 64},
    "clip": "none",
    "dtype": "float32",
}


def layer_rows(depth: int, factor: float = 0.24, step: int = 0, **columns: Any) -> NDArray[np.void]:
    """The rows of `depth` hidden layers and the output, δ changing by `factor` per layer back."""
    rows = np.zeros(depth + 1, LAYER_DTYPE)
    rows["step"] = step
    rows["layer"] = np.arange(1, depth + 2)
    rows["name"] = [*(f"linear{i}" for i in range(1, depth + 1)), "output"]
    rows["delta_rms"] = 0.05 * factor ** np.arange(depth - 1, -2, -1.0)
    rows["delta_rms"][-1] = 0.3
    wobble = 1.0 + 0.2 * np.sin(rows["layer"])
    rows["grad_norm"] = 7.0 * rows["delta_rms"] * wobble
    rows["grad_rms"] = rows["grad_norm"] / 64
    rows["grad_max_abs"] = rows["grad_rms"] * 4
    rows["weight_norm"] = 8.0
    rows["update_ratio"] = np.nan if step == 0 else 0.01 * rows["grad_norm"]
    rows["preact_mean"], rows["preact_std"] = 0.013 * wobble, 0.482 * wobble
    rows["act_mean"], rows["act_std"] = 0.503, 0.118 * wobble
    for name, value in columns.items():
        rows[name][: len(rows) - 1] = value
    return rows


def metric_rows(steps: NDArray[np.int64], **columns: Any) -> NDArray[np.void]:
    rows = np.zeros(steps.size, METRICS_DTYPE)
    rows["step"] = steps
    rows["train_loss"] = 2.302 + 0.1 * np.exp(-steps / 40)
    rows["train_accuracy"] = 0.101
    rows["test_loss"] = 2.303 + 0.1 * np.exp(-steps / 40)
    rows["test_accuracy"] = 0.114
    rows["lr"] = 0.1
    rows["seconds"] = steps * 1e-3
    for name, value in columns.items():
        rows[name] = value
    return rows


def prediction_rows(depth: int, factor: float = 0.24) -> NDArray[np.void]:
    """What theory might say of such a net: δ ± 25 %."""
    rows = np.zeros(depth + 1, PREDICTION_DTYPE)
    rows["layer"] = np.arange(1, depth + 2)
    rows["name"] = [*(f"linear{i}" for i in range(1, depth + 1)), "output"]
    rows["delta_rms"] = factor ** np.arange(depth - 1, -2, -1.0)
    rows["delta_low"], rows["delta_high"] = 0.8 * rows["delta_rms"], 1.25 * rows["delta_rms"]
    rows["grad_rms"], rows["chi"], rows["q"] = rows["delta_rms"], factor**2, 0.265
    rows["preact_std"], rows["correlation"] = 0.515, 0.99
    return rows


@dataclass
class FakeRun:
    """What a report reads of a run."""

    metrics: NDArray[np.void]
    layers: NDArray[np.void]
    id: str = "20251123-184612-deep-sigmoid-3f2a"
    name: str = "deep-sigmoid"
    status: str = "finished"
    summary: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=lambda: CONFIG)
    blocks: NDArray[np.void] = field(default_factory=lambda: np.empty(0, BLOCK_DTYPE))
    clipping: NDArray[np.void] = field(default_factory=lambda: np.empty(0, CLIPPING_DTYPE))
    predictions: NDArray[np.void] = field(default_factory=lambda: np.empty(0, PREDICTION_DTYPE))
    plugins: tuple[Plugin, ...] = ()
    environment: dict[str, Any] = field(default_factory=dict)
    histograms: Histograms | None = None

    def layers_at(self, step: int) -> NDArray[np.void]:
        rows = self.layers[self.layers["step"] == step]
        if not rows.size:
            raise RequestError(f"step {step} is not logged")
        return rows


def fake_run(depth: int = 30, factors: tuple[float, ...] = (0.24,) * 51, **options: Any) -> FakeRun:
    """A logged step for each of `factors`, by which its δ changes per layer."""
    steps = np.arange(len(factors), dtype=np.int64) * 10
    pairs = zip(steps.tolist(), factors, strict=True)
    layers = [layer_rows(depth, factor, step) for step, factor in pairs]
    return FakeRun(metric_rows(steps), np.concatenate(layers), **options)
