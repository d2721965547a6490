"""‖x‖₂ of arrays, right from the smallest to the largest number that their precision holds."""

from math import inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Doubles = NDArray[np.float64]

SAFE_SQUARES: dict[np.dtype[Any], tuple[float, float]] = {
    np.dtype(np.float32): (1e-20, 1e30),
    np.dtype(np.float64): (1e-280, 1e300),
}
"""Sums of squares between are right in that precision. A vanished gradient's entries have squares
below its smallest number, an exploded one's above its largest: those are scaled first."""
NEVER_SAFE = (inf, -inf)  # of other precisions nothing is known
LARGEST_EXPONENT = 1022  # of a power of two whose inverse is no subnormal number


def norm(array: Array) -> float:
    """‖x‖₂ of all entries of an array with one axis or two, of any layout."""
    with np.errstate(all="ignore"):  # a non-finite value is a result
        squares = float(np.vecdot(array, array).sum(dtype=np.float64))
        low, high = SAFE_SQUARES.get(array.dtype, NEVER_SAFE)
        if low < squares < high:
            return sqrt(squares)
        return float(_scaled_norms(_scaled_norms(np.atleast_2d(array))[np.newaxis])[0])


def norms(rows: Array, *, out: Doubles | None = None, negligible: float = 0.0) -> Doubles:
    """‖x‖₂ of each vector x along the last axis, into `out` where it is given.

    A norm below `negligible` may come out as any other number below: where rows of zeros are
    common and only the large ones matter, they need no second look.
    """
    with np.errstate(all="ignore"):  # a non-finite value is a result
        result: Doubles = np.vecdot(rows, rows, out=out).astype(np.float64, copy=False)
        low, high = SAFE_SQUARES.get(rows.dtype, NEVER_SAFE)
        if negligible * negligible > 2.0 * low:
            low = -1.0
        safe = low < result.min() and result.max() < high
        doubtful = None if safe else ~((result > low) & (result < high))
        np.sqrt(result, out=result)
        if doubtful is not None:
            np.copyto(result, _scaled_norms(rows), where=doubtful)
        return result


def _scaled_norms(rows: Array) -> Doubles:
    """The same in double precision with each row scaled by a power of two, at a tenth of the
    speed and without a copy of the rows."""
    largest = np.maximum(rows.max(axis=-1), -rows.min(axis=-1)).astype(np.float64)
    exponent = np.clip(np.frexp(largest)[1], -LARGEST_EXPONENT, LARGEST_EXPONENT)
    scale = np.ldexp(1.0, -exponent)
    # multiplied from left to right: no product on the way leaves the range of the numbers
    squares = np.einsum("...j,...,...,...j->...", rows, scale, scale, rows, dtype=np.float64)
    scaled: Doubles = np.sqrt(squares) / scale
    return scaled
