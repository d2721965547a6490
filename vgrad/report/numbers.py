"""Numbers as a table shows them: few characters, and none of them wrong."""

import math

FIXED = range(-2, 4)
"""Decimal exponents written plainly (0.0312, 9870); others are scientific (1.2e-17)."""


def number(value: float, digits: int = 3, *, missing: str = "—") -> str:
    """`value` with so many digits that count; one less where an exponent takes their room.

    `missing` stands for nan. At most `digits` + 6 characters: `-1.2e-300`.

    >>> number(0.03119), number(1.234e-17), number(987.6), number(math.inf)
    ('0.0312', '1.2e-17', '988', 'inf')
    """
    if math.isnan(value):
        return missing
    if not math.isfinite(value) or value == 0.0:
        return f"{value:.0f}".removeprefix("-0") or "0"
    exponent = _exponent(value, digits)
    if exponent in FIXED:
        return f"{value:.{max(digits - 1 - exponent, 0)}f}"
    short = max(digits - 1, 1)
    mantissa = f"{value:.{short - 1}e}".split("e")[0]
    return f"{mantissa}e{_exponent(value, short)}"


def percent(share: float, *, missing: str = "—") -> str:
    """A share from 0 to 1 in whole percent; never 0% or 100% where it is not exactly that."""
    if math.isnan(share):
        return missing
    if 0.0 < share < 0.005:
        return "<1%"
    if 0.995 < share < 1.0:
        return ">99%"
    return f"{100.0 * share:.0f}%"


def accuracy(share: float, *, missing: str = "—") -> str:
    """A share in percent with the decimal that tells one result from the next."""
    return missing if math.isnan(share) else f"{100.0 * share:.1f}%"


def loss(value: float, *, missing: str = "—") -> str:
    """A loss in the digits that a course changes in."""
    return number(value, 4, missing=missing)


def duration(seconds: float) -> str:
    """Seconds as a clock shows them: `0.42 s`, `12 s`, `3:07`, `1:02:45`."""
    if not math.isfinite(seconds):
        return "—"
    if seconds < 10.0:
        return f"{max(seconds, 0.0):.2g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def counted(count: int, singular: str) -> str:
    """`1 layer`, `1,000 layers`."""
    return f"{count:,} {singular}{'' if count == 1 else 's'}"


def _exponent(value: float, digits: int) -> int:
    """The decimal exponent of `value` rounded to so many digits: 9.996 has 1 in three."""
    return int(f"{value:.{digits - 1}e}".split("e")[1])
