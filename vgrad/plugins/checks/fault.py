"""What a check finds wrong with a part."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from numbers import Real
from typing import Any


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


def short(value: float) -> str:
    """A number in a message."""
    return f"{value:.6g}"
