"""Weights & Biases, offline: folders that `wandb sync DIR/wandb/offline-run-*` sends on."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vgrad.export.target import CURVES, Target, applies, facts_of, layer_tag, steps_of
from vgrad.store import Run

PROJECT, INNER = "vgrad", "wandb"
DRAWN = ("grad_norm", "delta_rms", "act_std", "saturated_fraction", "dead_fraction", "update_ratio")
"""The statistics of layers that are drawn by step; all stand in `layers.csv`."""


def _write(runs: Sequence[Run], folder: Path, done: Callable[[Run], None]) -> None:
    with _apart():
        for run in runs:
            _write_run(run, folder)
            done(run)


@contextmanager
def _apart() -> Iterator[None]:
    """wandb asks and tells nobody, and its own settings stay as they are.

    What it calls its cache lies elsewhere meanwhile: beside a folder `.wandb` its server writes
    there, not where its client looks.
    """
    aside = tempfile.mkdtemp()
    mine = {f"WANDB_{name}_DIR": aside for name in ("CACHE", "CONFIG")}
    mine |= {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}
    before = {name: os.environ.get(name) for name in mine}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(aside, ignore_errors=True)


def _write_run(run: Run, folder: Path) -> None:
    import wandb

    facts = facts_of(run)
    settings = wandb.Settings(
        silent=True,
        console="off",
        disable_git=True,
        disable_code=True,
        save_code=False,
        x_disable_stats=True,
        x_disable_meta=True,
    )
    with wandb.init(
        project=PROJECT,
        dir=str(folder),
        id=_id(run),
        name=run.name,
        mode="offline",
        config=dict(run.config),
        tags=[tag for tag in (run.status, run.verdict) if tag],
        settings=settings,
    ) as session:
        layers = {int(part["step"][0]): part for part in steps_of(run.layers)}
        for row in run.metrics:
            step = int(row["step"])
            values = {name: float(row[name]) for name in CURVES if row[name] == row[name]}
            if step in layers:
                values |= _of_layers(layers[step])
            session.log(values, step=step)
        session.summary.update({**facts.outcome, **facts.numbers})


def _of_layers(rows: Any) -> dict[str, float]:
    return {
        f"{name}/{layer_tag(row)}": float(row[name])
        for row in rows
        for name in DRAWN
        if applies(row, name)
    }


def _id(run: Run) -> str:
    """What wandb takes for an id: no sign that a path or an address has a use for."""
    return "".join(char if char.isalnum() or char in "-_." else "-" for char in run.id)[-128:]


def _folders(folder: Path, run: Run) -> list[Path]:
    return sorted((folder / INNER).glob(f"offline-run-*-{_id(run)}"))


def _taken(folder: Path, runs: Sequence[Run]) -> list[str]:
    return [run.id for run in runs if _folders(folder, run)]


def _remove(folder: Path, run: Run) -> None:
    for one in _folders(folder, run):
        shutil.rmtree(one)


TARGET = Target(
    "wandb-offline",
    "offline runs of Weights & Biases, for `wandb sync`",
    _write,
    _taken,
    _remove,
    needs=("wandb",),
    extra="wandb",
)
