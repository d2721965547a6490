"""Sweeps for reports: depth × σ_w over seeds, some runs of which diverged or failed."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from stored_sweeps import Row, result, stored_sweep

from vgrad.store import Sweep

PHASE: dict[str, list[Any]] = {
    "model.depth": [5, 10, 40, 100],
    "model.init.std": [0.5, 1.0, 2.0],
    "seed": [0, 1, 2],
}
FAILED: dict[str, Any] = dict.fromkeys(
    ("verdict", "steps", "train_loss", "train_accuracy", "test_loss", "test_accuracy")
) | dict.fromkeys(("gradient_ratio", "slope_per_layer", "seconds"))


def phase_rows() -> Iterator[Row]:
    """Accuracy 0.9 − depth/1000 ± 0.01 by seed, ratio std^(2·depth); at depth 100 and std 2 the
    runs of seed 0 failed, those of seed 1 diverged without an accuracy."""
    for index, (depth, std, seed) in enumerate(product(*PHASE.values())):
        varied = {"model.depth": depth, "model.init.std": std, "seed": seed}
        columns: dict[str, Any] = {
            "test_accuracy": 0.9 - depth / 1000 + 0.01 * (seed - 1),
            "gradient_ratio": std ** (2.0 * depth),
            "verdict": {0.5: "vanishing", 1.0: "healthy", 2.0: "exploding"}[std],
        }
        if (depth, std, seed) == (100, 2.0, 0):
            columns = FAILED | {"status": "failed", "error": "no memory for [31m it"}
        elif (depth, std, seed) == (100, 2.0, 1):
            columns |= {"status": "diverged", "test_accuracy": None, "test_loss": "inf"}
        yield result(f"{index:04}-depth={depth}-std={std}-seed={seed}", varied, **columns)


def phase_sweep(runs_dir: Path, **spec: Any) -> Sweep:
    """The whole sweep, stored."""
    return Sweep(stored_sweep(runs_dir, keys=PHASE, rows=phase_rows(), **spec))
