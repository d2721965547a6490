"""The compiler of the engine's kernels: Numba, where it is installed (the `fast` extra)."""

from functools import cache
from typing import Any

import numpy as np

from vgrad.nn.kernels import Compiled, Kernel


@cache
def compiled(kernel: Kernel, dtype: np.dtype[Any]) -> Compiled | None:
    """The kernel in machine code, kept from process to process; None where it is not for this
    precision, or Numba is not installed, or not for this NumPy."""
    if kernel.single and dtype != np.float32:
        return None
    try:
        import numba
    except ImportError:
        return None
    number = numba.from_dtype(dtype)
    array = numba.types.Array(number, kernel.ndim, "C")
    signature = numba.void(*[array] * kernel.arrays, *[number] * kernel.scalars)
    options = {"error_model": "numpy", "nogil": True}
    try:
        made: Compiled = numba.njit(signature, cache=True, **options)(kernel.loop)
    except RuntimeError:  # there is no folder in which to keep it
        made = numba.njit(signature, **options)(kernel.loop)
    return made
