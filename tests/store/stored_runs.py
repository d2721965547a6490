"""Runs made up of plain numbers, written as training writes them."""

import subprocess
import sys
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.records import LAYER_DTYPE, METRICS_DTYPE, Metrics, Record
from vgrad.store import RunWriter, create_run

CONFIG: dict[str, object] = {"name": "made-up", "model.depth": 2, "optimizer": "sgd"}


def metrics(step: int = 0, **columns: float) -> Metrics:
    """A row with a different number in every column."""
    names = (METRICS_DTYPE.names or ())[1:]
    return Metrics(step, **{name: step + n / 7 for n, name in enumerate(names)} | columns)


def layers(step: int = 0, names: tuple[str, ...] = ("linear1", "output")) -> NDArray[np.void]:
    """A row per name, with a different number in every column."""
    rows = np.zeros(len(names), LAYER_DTYPE)
    rows["step"], rows["layer"], rows["name"] = step, np.arange(1, len(names) + 1), names
    for number, column in enumerate((LAYER_DTYPE.names or ())[3:]):
        rows[column] = step + rows["layer"] + number / 8
    return rows


def record(step: int = 0) -> Record:
    """What training yields for a logged step."""
    return Record(metrics(step), layers(step))


def new_run(runs_dir: Path, name: str = "made-up", **options: Any) -> RunWriter:
    """A run that has just begun."""
    given: dict[str, Any] = {"config_yaml": f"name: {name}\n", "config": CONFIG, "environment": {}}
    return create_run(runs_dir, name=name, **given | options)


def stored_run(runs_dir: Path, name: str = "made-up", steps: tuple[int, ...] = (0, 10)) -> Path:
    """A finished run's folder."""
    with new_run(runs_dir, name) as writer:
        for step in steps:
            writer.append(record(step))
        writer.finish(status="finished", verdict="healthy", steps=steps[-1], seconds=1.5)
    return writer.path


def rows_of(one: Metrics) -> tuple[float, ...]:
    """A row as read back from a table."""
    return astuple(one)


def python(code: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run a few lines in a process of their own, which sees this folder."""
    given = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(
        given, capture_output=True, text=True, cwd=Path(__file__).parent, timeout=60, check=False
    )
