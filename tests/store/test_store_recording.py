"""A run kept in memory leaves behind what one on disk does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stored_runs import CONFIG, record

from vgrad.records import BLOCK_DTYPE, CLIPPING_DTYPE, Record
from vgrad.store import Run, RunBuffer, create_run, recording, writing
from vgrad.store.layout import BLOCKS, CLIPPING

OUTCOME: dict[str, Any] = {
    "status": "diverged",
    "verdict": "exploding",
    "steps": 10,
    "final": {"train_loss": float("nan"), "test_loss": float("inf"), "train_accuracy": 0.5},
    "gradient_ratio": np.float64(1e-7),
    "seconds": 1.5,
    "error": "ünï\ncode",
}


def full_record(step: int) -> Record:
    """A logged step with a row in every table."""
    blocks, clipping = np.zeros(2, BLOCK_DTYPE), np.zeros(1, CLIPPING_DTYPE)
    blocks["step"], blocks["name"], clipping["step"] = step, ["a,b", "block2"], step
    plain = record(step)
    return Record(plain.metrics, plain.layers, blocks, clipping)


@pytest.mark.parametrize("tables", [(), (BLOCKS,), (BLOCKS, CLIPPING)])
def test_its_files_are_byte_for_byte_those_of_a_run_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tables: tuple[str, ...]
) -> None:
    for module in (recording, writing):
        monkeypatch.setattr(module, "now", lambda: "2026-01-01T00:00:00+00:00")
    said: dict[str, Any] = {
        "name": "ünï",
        "config_yaml": "name: ünï\n",
        "config": CONFIG,
        "environment": {"python": "3.11", "end_time": None},
        "tables": tables,
    }
    with create_run(tmp_path, **said) as writer:
        buffer = RunBuffer(writer.id, **said)
        for recorder in (writer, buffer):
            for step in (0, 10):
                one = full_record(step)
                kept = (one.blocks if BLOCKS in tables else None, one.clipping)
                clipping = kept[1] if CLIPPING in tables else None
                recorder.append(Record(one.metrics, one.layers, kept[0], clipping))
            recorder.finish(**OUTCOME)
    assert buffer.files == {path.name: path.read_bytes() for path in writer.path.iterdir()}


def test_what_never_ended_says_that_it_runs(tmp_path: Path) -> None:
    buffer = RunBuffer("0001", name="a", config_yaml="", config={}, environment={})
    buffer.append(record(0))
    buffer.checkpoint({"step": np.asarray(1)})
    folder = tmp_path / "0001"
    folder.mkdir()
    for name, content in buffer.files.items():
        (folder / name).write_bytes(content)
    assert (Run(folder).steps, Run(folder).summary["status"]) == ((0,), "running")
    assert "checkpoint.npz" not in buffer.files
