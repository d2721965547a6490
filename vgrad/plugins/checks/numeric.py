"""Numerical derivatives, and by how much they may be wrong."""

from collections.abc import Callable

import numpy as np

from vgrad.nn.arrays import Array

STEP = 2.0**-12
"""Of the differences; a power of 2, so that it is added without rounding. Its formula errs by
STEP⁴/30·|f⁗′| = 1e-16·|f⁗′|, and by 1e-12·|f| for the rounding of f."""
REACH = 2.0 * STEP
"""How far from a point the differences look."""
TOLERANCE = 1e-6
"""Between a derivative and the differences, relative to the largest of 1, the value, and the
derivative: far above their errors, far below any mistake in a formula."""

Function = Callable[[Array], Array]


def difference(f: Function, x: Array, step: float = STEP) -> Array:
    """f′(x) by central differences of fourth order; element by element."""
    near = f(x + step) - f(x - step)
    far = f(x + 2.0 * step) - f(x - 2.0 * step)
    slope: Array = (8.0 * near - far) / (12.0 * step)
    return slope


def slope_and_allowance(f: Function, x: Array) -> tuple[Array, Array]:
    """f′(x), and how far from it a derivative that is right may be.

    Differences of half the step tell where f is not smooth enough for the formula: there their
    disagreement is allowed too, and thrice, for where f″ jumps the error is twice that.
    """
    slope, finer = difference(f, x), difference(f, x, STEP / 2.0)
    scale = np.maximum(1.0, np.maximum(np.abs(f(x)), np.abs(slope)))
    return slope, TOLERANCE * scale + 3.0 * np.abs(slope - finer)
