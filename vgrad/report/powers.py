"""Powers of ten along an axis."""

import math

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MOST_TICKS = 8


def power(exponent: int) -> str:
    """`10⁻⁵`."""
    return f"10{str(exponent).translate(SUPERSCRIPTS)}"


def decades(low: float, high: float, most: int = MOST_TICKS) -> list[int]:
    """Evenly spaced whole exponents between two decimal logarithms, at most so many."""
    first, last = math.ceil(low), math.floor(high)
    stride = max(1, math.ceil((last - first + 1) / most))
    return list(range(first, last + 1, stride))
