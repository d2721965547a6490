"""What theory expected of the first step, in the units of what was measured then."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vgrad.report.content import StoredRun
from vgrad.report.html.plots import Numbers
from vgrad.report.html.series import Series

DIRECT = ("act_std", "saturated_fraction")
"""Statistics that are predicted as they are; the gradient is, relative to the last hidden layer."""


@dataclass(frozen=True, eq=False)
class Expected:
    """A value per layer that is drawn, nan where theory says nothing; `low` and `high` hold
    nine of ten seeds where there is an interval."""

    middle: Numbers
    low: Numbers | None = None
    high: Numbers | None = None


def expectations(run: StoredRun, series: Series) -> dict[str, Expected]:
    """By statistic of `layers.csv`; empty where nothing was predicted, or nothing logged at step
    0 that it could stand beside."""
    rows, predicted = series.rows[: series.depth], run.predictions
    if not series.steps.size or series.steps[0] != 0 or predicted.size != rows.size:
        return {}
    found = {name: Expected(predicted[name][series.shown]) for name in DIRECT}
    if rows.size < 2:
        return found
    hidden = np.arange(rows.size) < rows.size - 1
    scale = rows["delta_rms"][-2]
    delta = [np.where(hidden, predicted[f"delta_{end}"], np.nan) for end in ("rms", "low", "high")]
    found["delta_rms"] = Expected(*(scale * part[series.shown] for part in delta))
    found["grad_norm"] = Expected(np.where(hidden, _norms(predicted, rows), np.nan)[series.shown])
    return found


def _norms(predicted: NDArray[np.void], rows: NDArray[np.void]) -> Numbers:
    """‖g‖ from its rms: over as many entries as measured, and through the norm that was measured
    in the last hidden layer, since what is predicted is relative to that."""
    with np.errstate(all="ignore"):  # a gradient that is exactly 0 has no size to be told from
        entries = (rows["grad_norm"] / rows["grad_rms"]) ** 2
        relative = predicted["grad_rms"] / predicted["grad_rms"][-2]
        norms: Numbers = rows["grad_norm"][-2] * relative * np.sqrt(entries / entries[-2])
    return norms
