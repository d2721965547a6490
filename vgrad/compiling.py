"""The compiler of the engine's kernels: Numba, where it is installed (the `fast` extra)."""

from functools import cache
from typing import Any

import numpy as np

from vgrad.nn.kernels import Compiled, Kernel


def available() -> bool:
    """Whether Numba is installed, and for this NumPy."""
    try:
        import numba  # noqa: F401
    except ImportError:
        return False
    return True


@cache
def compiled(kernel: Kernel, dtype: np.dtype[Any]) -> Compiled | None:
    """The kernel in machine code, kept from process to process; None where it is not for this
    precision, or Numba is not installed, or not for this NumPy."""
    if kernel.single and dtype != np.float32:
        return None
    if not available():
        return None
    import numba

    number = numba.from_dtype(dtype)
    array = numba.types.Array(number, kernel.ndim, "C")
    signature = numba.void(*[array] * kernel.arrays, *[number] * kernel.scalars)
    options = {"error_model": "numpy", "nogil": True}
    try:
        made: Compiled = numba.njit(signature, cache=True, **options)(kernel.loop)
    except RuntimeError:  # there is no folder in which to keep it
        made = numba.njit(signature, **options)(kernel.loop)
    return made
