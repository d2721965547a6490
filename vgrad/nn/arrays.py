"""The engine's arrays: their type, and the one way they are allocated."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]

ALIGNMENT = (
    64  # bytes: a cache line, and the widest vector register; unaligned rows cost up to 10 %
)


def has_avx512() -> bool:
    """Whether NumPy makes use of AVX-512 here, and its BLAS, which does not tell, most likely."""
    # a list that is empty is left out; X86_V4 is the name from NumPy 2.4 on
    extensions = np.show_config(mode="dicts").get("SIMD Extensions", {})
    used = {*extensions.get("baseline", ()), *extensions.get("found", ())}
    return not used.isdisjoint(("X86_V4", "AVX512_SKX"))


def aligned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """A zeroed C-contiguous array of `shape` that starts on a cache line."""
    count = int(np.prod(shape, dtype=np.int64))
    raw = np.zeros(count * dtype.itemsize + ALIGNMENT, dtype=np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + count * dtype.itemsize].view(dtype).reshape(shape)


def flat(array: Array) -> Array:
    """All elements in a row: a view, never a copy.

    Raises:
        ValueError: they do not lie in a row.
    """
    if not array.flags.c_contiguous:
        raise ValueError(f"an array {array.shape} that is not contiguous")
    return array.reshape(-1)


def stacked(arrays: Sequence[Array]) -> Array:
    """One array `(k, *shape)` over k arrays of one shape that lie at equal distances in one block.

    Raises:
        ValueError: they do not.
    """
    first = arrays[0]
    places = [array.ctypes.data for array in arrays]
    distance = places[1] - places[0] if len(places) > 1 else 0
    regular = all(b - a == distance for a, b in pairwise(places))
    if not regular or any(a.shape != first.shape or a.strides != first.strides for a in arrays):
        raise ValueError("the arrays are not evenly laid out")
    shape, strides = (len(arrays), *first.shape), (distance, *first.strides)
    return np.lib.stride_tricks.as_strided(first, shape, strides, writeable=False)


def fill(array: Array, values: NDArray[Any]) -> None:
    """Copy `values` into an array of the same shape.

    Raises:
        ValueError: the shapes differ.
    """
    if array.shape != values.shape:
        raise ValueError(f"an array of {values.shape} where {array.shape} is expected")
    array[...] = values
