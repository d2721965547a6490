"""Runs of a tiny network, and how two of them are compared."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vgrad.records import Record
from vgrad.store import Run

CONFIG: dict[str, Any] = {
    "name": "tiny",
    "data": {"name": "blobs", "n_samples": 60},
    "model": {"depth": 2, "width": 5},
    "train": {"steps": 12, "batch_size": 13},
    "log": {"every": 4},
}
"""48 examples to train on, in batches of 13, 13, 13 and 9."""
SHORT = {**CONFIG, "train": {"steps": 2, "batch_size": 13}, "log": {"every": 1}}
DIVERGING: dict[str, object] = {
    "data": "sine",
    "model.activation": "relu",
    "optimizer.lr": 1e6,
}
"""Over any of these configs."""


def without_seconds(path: Path) -> list[bytes]:
    """The rows of `metrics.csv` but for the last column, which is time."""
    return [line.rpartition(b",")[0] for line in (path / "metrics.csv").read_bytes().splitlines()]


def rows(path: Path) -> tuple[list[bytes], bytes]:
    """What two runs of one config must have in common, to the last byte."""
    return without_seconds(path), (path / "layers.csv").read_bytes()


def assert_readable(run: Run) -> None:
    """All files parse and agree with each other."""
    assert run.summary["run_id"] == run.id
    assert run.environment["start_time"]
    assert run.config["name"] == run.name
    assert run.layers.size % (run.config["model"]["depth"] + 1) == 0
    assert run.steps == tuple(run.metrics["step"].tolist())
    assert not list(run.path.glob(".*"))


@dataclass
class Onlooker:
    """A watcher that keeps what it is told, and may raise something when a step was logged."""

    total: int = -1
    start: int = -1
    error: BaseException | None = None
    at: float = -1
    steps: list[int] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    closed: int = 0

    def __call__(self, total: int, start: int) -> "Onlooker":
        self.total, self.start = total, start
        return self

    def on_step(self, step: int) -> None:
        self.steps.append(step)

    def on_record(self, record: Record) -> None:
        self.records.append(record)
        if self.error is not None and record.metrics.step >= self.at:
            raise self.error

    def close(self) -> None:
        self.closed += 1


def folders(runs_dir: Path) -> Iterator[Path]:
    """Whatever there is in a folder of runs, that is hidden too."""
    return runs_dir.iterdir() if runs_dir.exists() else iter(())
