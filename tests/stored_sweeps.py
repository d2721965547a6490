"""Sweeps made up of plain values, written as a sweep writes them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from vgrad.records import RESULT_COLUMNS
from vgrad.store.tables import quoted

BASE = {"data": {"name": "digits"}, "model": {"depth": 10, "activation": "tanh"}, "seed": 0}
Row = dict[str, object]


def grid(**values: Sequence[object]) -> dict[str, Sequence[object]]:
    """Swept keys and their values; `model__depth` stands for model.depth."""
    return {key.replace("__", "."): list(those) for key, those in values.items()}


def result(run_id: str, varied: Mapping[str, object], **columns: object) -> Row:
    """A row with ordinary numbers but for `columns`."""
    usual: Row = {"status": "finished", "verdict": "healthy", "steps": 100, "seconds": 1.5}
    usual |= {"train_loss": 0.5, "train_accuracy": 0.875, "test_loss": 0.75}
    usual |= {"test_accuracy": 0.5, "gradient_ratio": 0.1, "slope_per_layer": -0.25}
    return {"run_id": run_id, **varied, **usual, **columns}


def results(keys: Mapping[str, Sequence[object]], **columns: object) -> Iterator[Row]:
    """A row per combination; test accuracy falls from the first to the last."""
    combinations = list(product(*keys.values()))
    for index, values in enumerate(combinations):
        varied = dict(zip(keys, values, strict=True))
        run_id = "-".join([f"{index:04}", *(f"{k.split('.')[-1]}={v}" for k, v in varied.items())])
        accuracy = 1.0 - index / len(combinations)
        yield result(run_id, varied, **{"test_accuracy": accuracy} | columns)


def line(cells: Iterable[object]) -> str:
    """A row of a table as RFC 4180 has it."""
    return ",".join("" if cell is None else quoted(str(cell)) for cell in cells) + "\n"


def stored_sweep(
    runs_dir: Path,
    sweep_id: str = "20250105-120000-000-sweep",
    keys: Mapping[str, Sequence[object]] | None = None,
    rows: Iterable[Row] | None = None,
    *,
    folders: Sequence[str] = (),
    **spec: Any,
) -> Path:
    """A sweep's folder, with what makes folders runs in those called `folders`."""
    keys = {"model.depth": [5, 10], "seed": [0, 1]} if keys is None else keys
    rows = list(results(keys) if rows is None else rows)
    path = runs_dir / sweep_id
    path.mkdir(parents=True)
    whole = {"method": "grid", "runs": len(rows), "seed": 0} | spec
    whole.setdefault("metric", {"name": "test_accuracy", "goal": "maximize"})
    whole |= {"parameters": {key: {"values": list(values)} for key, values in keys.items()}}
    (path / "sweep.yaml").write_text(yaml.safe_dump(whole | {"base": BASE}), encoding="utf-8")
    columns = ("run_id", *keys, *RESULT_COLUMNS)
    lines = [line(columns), *(line(row.get(name) for name in columns) for row in rows)]
    (path / "results.csv").write_bytes("".join(lines).encode())
    for name in folders:
        (path / name).mkdir()
        (path / name / "config.yaml").touch()
    return path
