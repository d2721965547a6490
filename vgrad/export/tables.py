"""Parquet and CSV: the tables of all runs joined, with a column of run-ids."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from vgrad.export.target import Target, facts_of
from vgrad.store import Run
from vgrad.store.documents import replace

TABLES = ("metrics", "layers", "predictions", "blocks", "clipping")
RUNS, RUN_ID = "runs", "run_id"
Columns = dict[str, Any]


def _facts(runs: Sequence[Run]) -> Columns:
    """A row per run: what it came to, and its config; empty where a run has no such key."""
    rows = []
    for run in runs:
        facts = facts_of(run)
        config = {f"config.{key}": value for key, value in facts.params.items()}
        rows.append({**facts.outcome, **facts.numbers, **config})
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: _alike([row.get(name) for row in rows]) for name in names}


def _alike(values: list[Any]) -> list[Any]:
    """Values of one kind: where they are not, as text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return [None if v is None else float(v) for v in values] if len(kinds) > 1 else values
    if len(kinds) == 1 and kinds <= {str, bool}:
        return values
    return [v if v is None or isinstance(v, str) else json.dumps(v) for v in values]


def _joined(runs: Sequence[Run], table: str) -> tuple[NDArray[Any], NDArray[np.void]] | None:
    """The run-id of each row, and the rows; None where no run has any."""
    parts = [(run.id, rows) for run in runs if (rows := getattr(run, table)).size]
    if not parts:
        return None
    ids = np.repeat([run_id for run_id, _ in parts], [rows.size for _, rows in parts])
    return ids, np.concatenate([rows for _, rows in parts])


def _columns(runs: Sequence[Run]) -> Iterator[tuple[str, Columns]]:
    """Each table by name; that of the runs last, since where it stands an export is whole."""
    for table in TABLES:
        if (joined := _joined(runs, table)) is not None:
            ids, rows = joined
            yield table, {RUN_ID: ids, **{name: rows[name] for name in rows.dtype.names or ()}}
    yield RUNS, _facts(runs)


def _write_parquet(runs: Sequence[Run], folder: Path, done: Callable[[Run], None]) -> None:
    import pyarrow
    from pyarrow import parquet

    for table, columns in _columns(runs):
        arrow = pyarrow.table({name: pyarrow.array(_plain(v)) for name, v in columns.items()})
        replace(folder / f"{table}.parquet", partial(parquet.write_table, arrow))
    for run in runs:
        done(run)


def _plain(values: Any) -> Any:
    """Text as Arrow takes it."""
    if isinstance(values, np.ndarray):
        return values.tolist() if values.dtype.kind == "U" else np.ascontiguousarray(values)
    return values


def _write_csv(runs: Sequence[Run], folder: Path, done: Callable[[Run], None]) -> None:
    for table, columns in _columns(runs):
        replace(folder / f"{table}.csv", partial(_write_rows, columns))
    for run in runs:
        done(run)


def _write_rows(columns: Columns, file: IO[bytes]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    lists = [v.tolist() if isinstance(v, np.ndarray) else v for v in columns.values()]
    writer.writerows(zip(*lists, strict=True))
    text.detach()


def _taken(ending: str, folder: Path, _: Sequence[Run]) -> Sequence[str]:
    """A table holds all runs of an export: any that stands there is in the way."""
    name = f"{RUNS}.{ending}"
    return [name] if (folder / name).exists() else []


def _replaced(folder: Path, run: Run) -> None:
    """Nothing: the tables are written anew."""


PARQUET = Target(
    "parquet",
    "runs, metrics, layers, predictions, ... as Parquet tables with a column of run-ids",
    _write_parquet,
    partial(_taken, "parquet"),
    _replaced,
    needs=("pyarrow",),
    extra="parquet",
)
CSV = Target(
    "csv",
    "the same tables as CSV",
    _write_csv,
    partial(_taken, "csv"),
    _replaced,
)
