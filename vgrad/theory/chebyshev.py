"""Interpolation by Chebyshev polynomials on [-1, 1]."""

import math
from collections.abc import Sequence
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Number = TypeVar("Number", float, Values)


@cache
def nodes_and_transform(count: int) -> tuple[Values, Values]:
    """The nodes `(count,)`, and the matrix from values there to coefficients `(count, count)`."""
    angles = math.pi * (np.arange(count) + 0.5) / count
    degrees = np.arange(count)[:, None]
    transform = np.cos(degrees * angles) * (2.0 / count)
    transform[0] /= 2.0
    return np.cos(angles), transform


def clenshaw(coefficients: Sequence[float], x: Number) -> Number:
    """The polynomial at x."""
    below, at = x * 0.0, x * 0.0
    twice = 2.0 * x
    for coefficient in coefficients[:0:-1]:
        below, at = at, twice * at - below + coefficient
    return x * at - below + coefficients[0]
