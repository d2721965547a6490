"""Reading a run: all of it lazily, and whatever of it is there."""

import math
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import yaml
from numpy.typing import NDArray

from vgrad.errors import Problem, RequestError, RunError
from vgrad.records import (
    BLOCK_DTYPE,
    CLIPPING_DTYPE,
    LAYER_DTYPE,
    METRICS_DTYPE,
    PREDICTION_DTYPE,
    Histograms,
    Plugin,
)
from vgrad.store import frames, layout
from vgrad.store.documents import read_json
from vgrad.store.histograms import read_histograms
from vgrad.store.locks import is_locked
from vgrad.store.tables import read_table

TABLES = ("layers", "metrics", "predictions", "blocks", "clipping")
"""What `to_pandas` and `to_polars` take."""


class Run:
    """A stored run. Each part is read when it is first asked for, and then kept.

    A part that is missing or damaged raises `RunError`, naming the file and line.
    """

    shown_by: ClassVar[Callable[["Run"], str] | None] = None
    """Makes the HTML that a notebook shows of a run: given from above, where reports are."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str | None:
        return Run.shown_by(self) if Run.shown_by else None

    @property
    def id(self) -> str:
        """The run-id."""
        return self.path.resolve().name

    @property
    def name(self) -> str:
        """What its config calls it."""
        return str(self.summary.get("name") or self.id)

    @property
    def status(self) -> str:
        """running, finished, diverged, interrupted, failed, or lost: gone without a word."""
        return living_status(self.path, self.summary)

    @property
    def verdict(self) -> str | None:
        """What became of the gradient, in a word; None while it runs."""
        return self.summary.get("verdict")

    @cached_property
    def summary(self) -> dict[str, Any]:
        """`summary.json`."""
        return read_json(self.path / layout.SUMMARY)

    @cached_property
    def environment(self) -> dict[str, Any]:
        """`environment.json`."""
        return read_json(self.path / layout.ENVIRONMENT)

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """The plugins that it was made with; none where `environment.json` does not say."""
        try:
            return tuple(
                Plugin(str(one["path"]), str(one["sha256"]), tuple((k, n) for k, n in one["parts"]))
                for one in self.environment.get("plugins", ())
            )
        except (RunError, KeyError, TypeError, ValueError):
            return ()

    @cached_property
    def config_yaml(self) -> str:
        """The text of `config.yaml`."""
        path = self.path / layout.CONFIG
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"{path}: cannot be read: {error}") from None

    @cached_property
    def config(self) -> dict[str, Any]:
        """`config.yaml`: the whole resolved config."""
        try:
            config = yaml.safe_load(self.config_yaml)
        except yaml.YAMLError as error:
            raise RunError(f"{self.path / layout.CONFIG}: cannot be read: {error}") from None
        if not isinstance(config, dict):
            raise RunError(f"{self.path / layout.CONFIG}: is not a mapping")
        return config

    @cached_property
    def metrics(self) -> NDArray[np.void]:
        """`metrics.csv` as a structured array; pandas and polars take it as it is."""
        return read_table(self.path / layout.METRICS, METRICS_DTYPE)

    @cached_property
    def layers(self) -> NDArray[np.void]:
        """`layers.csv` as a structured array; pandas and polars take it as it is.

        A step's row of metrics is written last: where it is missing, the writer was stopped in
        between, or is at it, and the step is left out.
        """
        return self._logged(layout.LAYERS, LAYER_DTYPE)

    @cached_property
    def blocks(self) -> NDArray[np.void]:
        """`blocks.csv` as a structured array; empty where there are no residual blocks."""
        return self._optional(layout.BLOCKS, BLOCK_DTYPE)

    @cached_property
    def clipping(self) -> NDArray[np.void]:
        """`clipping.csv` as a structured array; empty where nothing is clipped."""
        return self._optional(layout.CLIPPING, CLIPPING_DTYPE)

    @cached_property
    def predictions(self) -> NDArray[np.void]:
        """`predictions.csv` as a structured array; empty where theory had nothing to say."""
        path = self.path / layout.PREDICTIONS
        if not path.exists():
            return np.empty(0, PREDICTION_DTYPE)
        return read_table(path, PREDICTION_DTYPE)

    @cached_property
    def histograms(self) -> Histograms | None:
        """`histograms.npz`, or of a run that goes on what it has so far; None where none are
        logged."""
        logged = self.metrics["step"]
        return read_histograms(self.path, int(logged[-1]) if logged.size else -1)

    def _optional(self, name: str, dtype: np.dtype[Any]) -> NDArray[np.void]:
        """The rows of a table that not every run has."""
        if not (self.path / name).exists():
            return np.empty(0, dtype)
        return self._logged(name, dtype)

    def _logged(self, name: str, dtype: np.dtype[Any]) -> NDArray[np.void]:
        logged = self.metrics["step"]  # read first, while the run may be going on
        rows = read_table(self.path / name, dtype)
        last = logged[-1] if logged.size else -1
        return rows[: np.searchsorted(rows["step"], last, side="right")]

    def to_pandas(self, table: str = "layers") -> Any:
        """One of its `TABLES` as a `pandas.DataFrame`.

        Raises:
            RequestError: there is no such table, or pandas is not installed.
            RunError: the table cannot be read.
        """
        return frames.to_pandas(frames.columns_of(getattr(self, frames.chosen(table, TABLES))))

    def to_polars(self, table: str = "layers") -> Any:
        """One of its `TABLES` as a `polars.DataFrame`.

        Raises:
            RequestError: there is no such table, or polars is not installed.
            RunError: the table cannot be read.
        """
        return frames.to_polars(frames.columns_of(getattr(self, frames.chosen(table, TABLES))))

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """The logged steps."""
        return tuple(sorted(set(self.layers["step"].tolist())))

    def layers_at(self, step: int) -> NDArray[np.void]:
        """The rows of one logged step.

        Raises:
            RequestError: it was not logged; names the nearest that were.
        """
        if step not in self.steps:
            near = sorted(self.steps, key=lambda logged: abs(logged - step))[:2]
            allowed = f"nearest are {' and '.join(map(str, sorted(near)))}" if near else ""
            raise RequestError(Problem(f"step {step} of {self.id} is not logged", "", allowed))
        rows: NDArray[np.void] = self.layers[self.layers["step"] == step]
        return rows

    def read_checkpoint(self) -> dict[str, NDArray[Any]] | None:
        """The arrays of `checkpoint.npz`; None where there is none.

        Raises:
            RunError: it is damaged.
        """
        path = self.path / layout.CHECKPOINT
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return dict(arrays)
        except FileNotFoundError:
            return None
        except Exception as error:  # zipfile and numpy raise many kinds for what is damaged
            raise RunError(f"{path}: cannot be read: {error}") from None


def living_status(path: Path, summary: dict[str, Any]) -> str:
    """The status that the summary tells, but `lost` where a running run's process is gone."""
    status = summary.get("status")
    if status != layout.RUNNING:
        return status if status in layout.STATUSES else layout.DAMAGED
    try:
        pid = read_json(path / layout.ENVIRONMENT).get("pid")
    except RunError:
        pid = None
    locked = is_locked(path / layout.METRICS, pid if isinstance(pid, int) else None)
    return layout.RUNNING if locked else layout.LOST


def as_number(value: object) -> float:
    """A number of a JSON document of ours: null is nan, "inf" and "-inf" are infinite."""
    if value is None or isinstance(value, bool):
        return math.nan
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan
