"""What a check finds wrong with a part."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from numbers import Real
from typing import Any, SupportsFloat

LONGEST_VALUE = 60  # characters


@dataclass(frozen=True)
class Fault:
    """What is wrong, what would be right, and the attribute or method that it is in."""

    message: str
    allowed: str = ""
    of: str = ""


class FaultError(Exception):
    """A part did what no check can go on from; `fault` says what."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.message)


Check = Callable[[Any], Iterator[Fault]]
"""Tries one thing of a part; the next check may rely on it."""


def is_number(value: object) -> bool:
    """Whether it is a finite number."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def shown(value: object) -> str:
    """Somebody else's value in a message: on one line, and cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"


def short(value: SupportsFloat) -> str:
    """A number in a message."""
    value = float(value)
    return f"{value:.6g}"
