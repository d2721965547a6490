"""A run kept in memory: the files that it would leave behind, as bytes.

A worker of a sweep may share no disk with who stores its results; what it sends back are these.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vgrad.records import HISTOGRAM_DTYPE, Record
from vgrad.store import layout
from vgrad.store.documents import json_bytes
from vgrad.store.environment import now
from vgrad.store.histograms import npz_bytes
from vgrad.store.tables import beginning, lines_of
from vgrad.store.writing import dtypes_of, first_summary


class Recorder(Protocol):
    """Whoever keeps what a run leaves behind."""

    def append(self, record: Record) -> None:
        """Keep a logged step."""

    def checkpoint(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep a trainer's state."""

    def finish(self, **fields: object) -> None:
        """Keep what the run came to."""


class RunBuffer:
    """A run of this id as `files`, without a disk; it keeps no checkpoints."""

    def __init__(
        self,
        run_id: str,
        *,
        name: str,
        config_yaml: str,
        config: Mapping[str, object],
        environment: Mapping[str, object],
        tables: Iterable[str] = (),
    ) -> None:
        """As `create_run`, which makes the same files on disk."""
        self._config_yaml = config_yaml
        self._environment = dict(environment)
        self.summary = first_summary(name, config) | {"run_id": run_id}
        self._tables = {
            table: [beginning(table, dtype)] for table, dtype in dtypes_of(tables).items()
        }

    def append(self, record: Record) -> None:
        """Keep the rows of a logged step."""
        for table, lines in lines_of(record).items():
            self._tables[table].append(lines)

    def checkpoint(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Nothing: a run of a sweep that is lost is made again."""

    def finish(self, **fields: object) -> None:
        """Keep what the run came to: fields of `summary.json`."""
        self.summary |= fields
        self._environment["end_time"] = now()

    @property
    def files(self) -> dict[str, bytes]:
        """Name → content of each file."""
        tables = {name: b"".join(lines) for name, lines in self._tables.items()}
        if layout.JOURNAL in tables:
            rows = np.frombuffer(tables.pop(layout.JOURNAL), HISTOGRAM_DTYPE)
            tables[layout.HISTOGRAMS] = npz_bytes(rows)
        return {
            layout.CONFIG: self._config_yaml.encode(),
            **tables,
            layout.ENVIRONMENT: json_bytes(self._environment),
            layout.SUMMARY: json_bytes(self.summary),
        }
