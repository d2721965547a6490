"""Histograms of each layer's gradient and output, reduced at once from borrowed arrays."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vgrad.records import HISTOGRAM_BINS, HISTOGRAM_DTYPE
from vgrad.telemetry import Array, LayerStack

HALF_WIDTH = 0.5  # of the range of an array whose values are all the same, as numpy has it


def histogram_rows(step: int, count: int) -> NDArray[np.void]:
    """`HISTOGRAM_DTYPE` rows of a step, numbered from 1, yet to be written."""
    rows = np.zeros(count, HISTOGRAM_DTYPE)
    rows["step"], rows["layer"] = step, np.arange(1, count + 1)
    return rows


def write_histograms(rows: NDArray[np.void], stacks: Sequence[LayerStack]) -> None:
    """Fill in the rows of these layers, at their places among all: of ∂L/∂W without the bias and
    before clipping, and of the output h."""
    start = 0
    for stack in stacks:
        places = stack.places or range(start, start + len(stack.names))
        start += len(stack.names)
        for at, place in enumerate(places):
            rows["name"][place] = stack.names[at]
            for site, array in (("gradient", stack.gradient), ("activation", stack.output)):
                counts, ends, non_finite = histogram(array[at])
                rows[f"{site}_counts"][place] = counts
                rows[f"{site}_range"][place] = ends
                rows[f"{site}_non_finite"][place] = non_finite


def histogram(array: Array) -> tuple[NDArray[np.int64], tuple[float, float], int]:
    """Counts in `HISTOGRAM_BINS` bins of equal width over the finite values' range, its ends, and
    how many values are not finite; no counts and a range of nan where none is.

    Values that are all the same, or differ by less than doubles can tell bins apart, stand in the
    middle of a range about them.
    """
    values = array.ravel()
    low, high = float(values.min()), float(values.max())
    missing = 0
    if not np.isfinite(high - low):
        finite = values[np.isfinite(values)]
        missing = values.size - finite.size
        values = finite
        if not values.size:
            return np.zeros(HISTOGRAM_BINS, np.int64), (np.nan, np.nan), missing
        low, high = float(values.min()), float(values.max())
    finest = HISTOGRAM_BINS * np.spacing(max(abs(low), abs(high)))
    if high - low <= finest:
        half = max(HALF_WIDTH, finest)
        low, high = low - half, high + half
    counts, _ = np.histogram(values.astype(np.float64), HISTOGRAM_BINS, (low, high))
    return counts, (low, high), missing
