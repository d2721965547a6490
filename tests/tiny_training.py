"""Training a tiny network, and the same written down plainly."""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.config import Config, load_config
from vgrad.experiment import prepare
from vgrad.records import Record
from vgrad.training import Trainer

TINY: dict[str, object] = {
    "data": {"name": "blobs", "n_samples": 60, "classes": 3},
    "model": {"depth": 2, "width": 5},
    "train": {"steps": 12, "batch_size": 13},
    "log": {"every": 4},
}
"""48 examples to train on, in batches of 13, 13, 13 and 9; 12 to test with."""

Overrides = dict[str, object]


def tiny(overrides: Overrides | None = None) -> Config:
    return load_config(TINY, overrides or {})


def trained(overrides: Overrides | None = None) -> tuple[Trainer, list[Record]]:
    trainer = Trainer(prepare(tiny(overrides)))
    return trainer, list(trainer.advance(trainer.steps))


def params(trainer: Trainer) -> NDArray[Any]:
    return trainer.state()["params"].copy()


def content(record: Record) -> tuple[bytes, bytes]:
    """A record without its time, to the last bit."""
    metrics = asdict(record.metrics)
    metrics.pop("seconds")
    return np.array(list(metrics.values())).tobytes(), record.layers.tobytes()


def contents(records: list[Record]) -> list[tuple[bytes, bytes]]:
    return [content(record) for record in records]


def steps_of(records: list[Record]) -> list[int]:
    return [record.metrics.step for record in records]


def sizes_of(trainer: Trainer) -> tuple[int, ...]:
    """Units per layer, inputs first."""
    graph = trainer._experiment.graph
    return (graph.input.rows, *(layer.preactivation.rows for layer in graph.layers))


def weights_of(trainer: Trainer, vector: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """A flat vector as the layers' `(fan_out, 1 + fan_in)`, biases first."""
    start = 0
    for fan_in, fan_out in pairwise(sizes_of(trainer)):
        stop = start + fan_out * (1 + fan_in)
        yield vector[start:stop].reshape(fan_out, 1 + fan_in)
        start = stop


def outputs_of(trainer: Trainer, vector: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """A tanh network, written down plainly; x and the result have a row per example."""
    *hidden, last = weights_of(trainer, vector)
    for weight in hidden:
        x = np.tanh(x @ weight[:, 1:].T + weight[:, 0])
    return x @ last[:, 1:].T + last[:, 0]


def cross_entropy(outputs: NDArray[Any], y: NDArray[Any]) -> float:
    log_sums = np.log(np.exp(outputs).sum(axis=1))
    return float((log_sums - outputs[np.arange(len(y)), y]).mean())


DOUBLE = {"dtype": "float64", "train.batch_size": "full", "log.every": 1, "train.steps": 6}
ROUNDING = 1e-10  # of double precision, through differences of nearly equal weights


def history(overrides: Overrides) -> tuple[Trainer, list[Record], list[NDArray[Any]]]:
    """Training, its records, and the parameters at every step."""
    trainer = Trainer(prepare(tiny(overrides)))
    records, course = [], [params(trainer)]
    while not trainer.finished:
        records += trainer.advance(trainer.step + 1)
        course.append(params(trainer))
    return trainer, records, course


def write_npz(path: Path, x: NDArray[Any], y: NDArray[Any]) -> Overrides:
    np.savez(path, x=x, y=y)
    return {"data": {"name": "npz", "path": str(path), "test_fraction": 0.0}}
