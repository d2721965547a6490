"""Numbers as colours, for cells that are looked at before they are read."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from rich.color import Color
from rich.style import Style

RGB = tuple[float, float, float]

SEQUENTIAL: tuple[RGB, ...] = (
    (68, 1, 84),
    (59, 82, 139),
    (33, 145, 140),
    (94, 201, 98),
    (253, 231, 37),
)
"""viridis (van der Walt and Smith 2015): even to the eye, and to one that is colour-blind."""
DIVERGING: tuple[RGB, ...] = (
    (33, 102, 172),
    (146, 197, 222),
    (247, 247, 247),
    (244, 165, 130),
    (178, 24, 43),
)
"""RdBu of ColorBrewer (Brewer 2003), turned: blue below the middle, red above it."""

LEAST_DECADES = 1  # of a log scale's half: noise about 1 shall not look like a gradient lost
MOST_DECADES = 12  # what lies beyond is all the same: single precision is lost long before
DARK = 0.179  # relative luminance from which on black is easier to read than white (WCAG 2.1)


@dataclass(frozen=True)
class Scale:
    """Colours from `low` to `high`; with `log` of the decimal logarithm."""

    low: float
    high: float
    anchors: tuple[RGB, ...] = SEQUENTIAL
    log: bool = False

    @classmethod
    def linear(cls, values: Iterable[float], *, reverse: bool = False) -> "Scale":
        """From the least of `values` to the greatest, the latter bright; or the other way round."""
        finite = [value for value in values if math.isfinite(value)]
        ends = (min(finite, default=0.0), max(finite, default=1.0))
        return cls(*ends, anchors=SEQUENTIAL[::-1] if reverse else SEQUENTIAL)

    @classmethod
    def about_one(cls, values: Iterable[float]) -> "Scale":
        """Of ratios: as far up as down, on a log scale, so that 1 is in the middle."""
        logs = [abs(math.log10(value)) for value in values if 0.0 < value < math.inf]
        reach = min(max(*logs, LEAST_DECADES) if logs else LEAST_DECADES, MOST_DECADES)
        return cls(-reach, reach, DIVERGING, log=True)

    def style(self, value: float) -> Style | None:
        """The background for `value`, and black or white, whichever is easier to read on it; None
        for nan."""
        if math.isnan(value):
            return None
        rgb = _between(self.anchors, self._share(value))
        text = "black" if _luminance(rgb) > DARK else "white"
        return Style(color=_TEXT[text], bgcolor=Color.from_rgb(*rgb))

    def ramp(self, count: int) -> list[Style]:
        """The colours of `count` even steps."""
        return [
            Style(bgcolor=Color.from_rgb(*_between(self.anchors, share)))
            for share in np.linspace(0.0, 1.0, count).tolist()
        ]

    @property
    def ends(self) -> tuple[float, float]:
        """The values of the first and the last colour."""
        return (10.0**self.low, 10.0**self.high) if self.log else (self.low, self.high)

    def _share(self, value: float) -> float:
        if self.log:
            value = math.log10(value) if value > 0.0 else -math.inf
        if self.low == self.high:
            return 0.5
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


_TEXT = {"black": Color.from_rgb(0, 0, 0), "white": Color.from_rgb(255, 255, 255)}


def _between(anchors: Sequence[RGB], share: float) -> RGB:
    places = np.linspace(0.0, 1.0, len(anchors))
    red, green, blue = (
        round(float(np.interp(share, places, part))) for part in zip(*anchors, strict=True)
    )
    return red, green, blue


def _luminance(rgb: RGB) -> float:
    """Relative luminance of sRGB (WCAG 2.1)."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255.0 for value in rgb)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
