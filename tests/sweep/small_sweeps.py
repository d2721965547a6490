"""Small sweeps for tests, and the bytes that must not depend on how they were carried out."""

import csv
import os
import subprocess
import sys
from pathlib import Path

from vgrad.store import Sweep

ROOT = Path(__file__).parents[2]

TIMES = {"seconds"}  # columns of tables that differ from one time to the next

SWEEP = """\
name: small
base:
  data: {name: moons, n_samples: 80}
  model: {depth: 2, width: 6}
  train: {steps: 12, batch_size: 16}
  log: {every: 4}
parameters:
  model.activation: {values: [tanh, relu]}
  optimizer.lr: {values: [0.1, 1.0e+300]}
  seed: {values: "range(0, 3)"}
"""
"""Twelve runs, half of which diverge."""


def sweep_file(folder: Path, text: str = SWEEP) -> Path:
    """A sweep file in `folder`."""
    path = folder / "sweep.yaml"
    path.write_text(text)
    return path


def results(sweep: Sweep) -> list[dict[str, str]]:
    """The rows of `results.csv` as they stand there, but for times."""
    with (sweep.path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{name: cell for name, cell in row.items() if name not in TIMES} for row in rows]


def tables(sweep: Sweep) -> dict[str, bytes]:
    """The bytes of `layers.csv` and `config.yaml` of each run."""
    names = ("layers.csv", "config.yaml")
    return {
        f"{run.name}/{name}": (run / name).read_bytes()
        for run in sorted(path for path in sweep.path.iterdir() if path.is_dir())
        for name in names
    }


def vgrad(*arguments: str | Path, folder: Path) -> "subprocess.Popen[str]":
    """`vgrad` as a process of its own, with `folder` as the folder of runs."""
    return subprocess.Popen(
        [sys.executable, "-m", "vgrad", *map(str, arguments), "--runs-dir", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80"},
    )
