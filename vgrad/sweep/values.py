"""Several values in one text: `5,10,20`, `range(0,5)`, `log(1e-4,1e-1,7)`, `lin(0,1,11)`."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from vgrad.config.overrides import parse_value
from vgrad.config.plain import show
from vgrad.errors import Problem, RequestError, nearest

MOST_VALUES = 100_000  # of one key: as many as a sweep may have runs
DIGITS = 12  # significant, of a computed number: 0.3 is not to be 0.30000000000000004
CALL = re.compile(r"\s*([A-Za-z_]+)\((.*)\)\s*", re.DOTALL)
FORMS = "a list such as 5,10,20, range(START,STOP), lin(FROM,TO,COUNT) or log(FROM,TO,COUNT)"


def values_of(text: str) -> list[object] | None:
    """The values that `text` lists or computes; None where it is a single value in YAML.

    Raises:
        RequestError: it is none of these, or lists nothing; the key is left out.
    """
    call = CALL.fullmatch(text)
    if call:
        return _computed(*call.groups())
    if not text.strip():
        raise RequestError(Problem("nothing is given", allowed=FORMS))
    try:
        items = _listed(text)
    except RequestError:
        if "," in text:
            raise
        parse_value(text)  # as a]b.csv, which is a text but not within brackets
        return None
    return items if len(items) > 1 or text.rstrip().endswith(",") else None


def _listed(text: str) -> list[object]:
    """The items of a list in YAML that is written without its brackets."""
    try:
        items = parse_value(f"[{text}]")
    except RequestError as error:
        raise RequestError(
            replace(problem, key="", line=0, column=0) for problem in error.problems
        ) from None
    assert isinstance(items, list)
    return items


def rounded(number: float) -> float:
    """A computed number to so many digits as a reader wants to see."""
    return float(f"{number:.{DIGITS}g}")


def _computed(name: str, inside: str) -> list[object]:
    if name not in SEQUENCES:
        raise RequestError(
            Problem(
                f"{show(name)} computes no values",
                allowed=FORMS,
                suggestion=nearest(name, tuple(SEQUENCES)),
            )
        )
    sequence = SEQUENCES[name]
    arguments = _listed(inside)
    numbers = [one for one in arguments if _is_number(one)]
    if len(numbers) != len(arguments) or len(numbers) not in sequence.counts:
        raise RequestError(Problem(f"{name}({inside}) is not understood", allowed=sequence.form))
    values = sequence.compute(*numbers)
    if not values:
        raise RequestError(Problem(f"{name}({inside}) has no values", allowed=sequence.form))
    return list(values)


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))
    )


def _range(*bounds: float) -> list[int]:
    if not all(isinstance(bound, int) for bound in bounds) or (len(bounds) == 3 and not bounds[2]):
        raise RequestError(Problem("range takes whole numbers", allowed=SEQUENCES["range"].form))
    whole = range(*map(int, bounds))
    _check_count(math.ceil((whole.stop - whole.start) / whole.step))
    return list(whole)


def _evenly(low: float, high: float, count: float) -> list[int] | list[float]:
    if not math.isfinite(high - low):
        raise RequestError(Problem("lin cannot span that much", allowed=SEQUENCES["lin"].form))
    points: list[float] = np.linspace(low, high, _check_count(count)).tolist()
    least = 10.0**-DIGITS * max(abs(low), abs(high))  # what is below it is 0, inexactly
    return _tidy([one if abs(one) > least else 0.0 for one in points], low, high)


def _geometrically(low: float, high: float, count: float) -> list[int] | list[float]:
    if low <= 0 or high <= 0:
        raise RequestError(Problem("log needs positive numbers", allowed=SEQUENCES["log"].form))
    return _tidy(np.geomspace(low, high, _check_count(count)).tolist(), low, high)


def _tidy(points: list[float], low: float, high: float) -> list[int] | list[float]:
    """The numbers rounded; whole ones where both ends are written so and all come out whole."""
    numbers = [rounded(one) for one in points]
    if isinstance(low, int) and isinstance(high, int) and all(map(float.is_integer, numbers)):
        return [int(one) for one in numbers]
    return numbers


def _check_count(count: float) -> int:
    if count != int(count) or count > MOST_VALUES:
        problem = Problem(f"{count:,} values", allowed=f"a whole number up to {MOST_VALUES:,}")
        raise RequestError(problem)
    return max(int(count), 0)


@dataclass(frozen=True)
class Sequence:
    """A way to compute values: of how many arguments, and what it looks like."""

    compute: Callable[..., list[int] | list[float]]
    counts: tuple[int, ...]
    form: str


SEQUENCES = {
    "range": Sequence(
        _range, (1, 2, 3), "range(STOP), range(START,STOP) or range(START,STOP,STEP)"
    ),
    "lin": Sequence(_evenly, (3,), "lin(FROM,TO,COUNT), both ends among them"),
    "log": Sequence(_geometrically, (3,), "log(FROM,TO,COUNT), both positive and among them"),
}
