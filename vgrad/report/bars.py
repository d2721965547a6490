"""Lengths on a log scale, and courses in one line, drawn in characters.

Drawn in block elements; where the output cannot show them, `portable.Portable` puts ASCII in
their place.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

FULL = "█"
EIGHTHS = " ▏▎▍▌▋▊▉"
HEIGHTS = "▁▂▃▄▅▆▇█"

FEWEST_DECADES = 4
"""Of a scale: even gradients shall look even, and not have their noise stretched to the full."""


@dataclass(frozen=True)
class LogScale:
    """Whole decades, from 10^low to 10^high, on which positive numbers have a length."""

    low: int
    high: int

    @classmethod
    def spanning(cls, values: Iterable[float]) -> "LogScale":
        """The shortest scale on which all of `values` that are positive numbers show."""
        logs = [math.log10(value) for value in values if 0.0 < value < math.inf]
        if not logs:
            return cls(-FEWEST_DECADES, 0)
        high = math.ceil(max(logs))
        lowest = math.ceil(min(logs)) - 1  # below the smallest value: it has a length, too
        return cls(min(lowest, high - FEWEST_DECADES), high)

    def stretched(self, values: Iterable[float]) -> "LogScale":
        """This scale, lengthened until it shows `values` too: moving bars keep their footing."""
        other = self.spanning(values)
        return LogScale(min(self.low, other.low), max(self.high, other.high))

    def fraction(self, value: float) -> float:
        """The length of `value`, from 0 to 1 of the full."""
        if not value > 0.0:
            return 0.0
        if value == math.inf:
            return 1.0
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return min(max(share, 0.0), 1.0)

    def ruler(self, width: int) -> str:
        """The scale's ends, as a heading over bars of this width: `1e-18 ──── 1e0`."""
        low, high = f"1e{self.low}", f"1e{self.high}"
        room = width - len(low) - len(high) - 2
        return f"{low} {'─' * room} {high}" if room > 0 else f"{low}…{high}"[:width]


def bar(fraction: float, width: int) -> str:
    """A bar of this share of `width` characters, to an eighth of one; not padded."""
    eighths = round(fraction * width * 8)
    if fraction > 0.0:
        eighths = max(eighths, 1)
    return FULL * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def sparkline(values: Sequence[float], *, log: bool = False) -> str:
    """One character per value, its height between the least and the greatest; a gap for nan."""
    heights = [_height(value, log) for value in values]
    finite = [height for height in heights if math.isfinite(height)]
    if not finite:
        return " " * len(heights)
    least, extent = min(finite), max(finite) - min(finite)
    top = len(HEIGHTS) - 1
    return "".join(
        " "
        if not math.isfinite(height)
        else HEIGHTS[round(top * (height - least) / extent) if extent > 0.0 else 0]
        for height in heights
    )


def _height(value: float, log: bool) -> float:
    if not log:
        return value
    return math.log10(value) if value > 0.0 else math.nan
