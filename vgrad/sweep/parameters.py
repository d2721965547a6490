"""A parameter as a sweep file states it → the axis that it is."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from vgrad.config.document import Document
from vgrad.config.messages import problems_of
from vgrad.config.parts import STRICT
from vgrad.config.plain import INTEGER_LIMIT, show
from vgrad.errors import Problem, RequestError
from vgrad.sweep.axes import (
    BOUNDS,
    DISTRIBUTIONS,
    USUAL_STEP,
    Axis,
    Choices,
    Distribution,
    Interval,
)
from vgrad.sweep.values import FORMS, values_of

LISTED = {"categorical": "values", "constant": "value"}
"""The distributions that are none, and what they need."""
MOST_EXPONENT = 700  # e to its power, and to its negative's, is a number of full precision
MOST_STEPS = 2**53  # from there on, neighbouring multiples are the same number
SURE_SUM = 1e-6  # by which probabilities written with a few digits may miss 1
STATED = "values, value, or min and max"


class ParameterFile(BaseModel):
    """The keys below a parameter."""

    model_config = STRICT

    values: Any = None
    value: Any = None
    probabilities: list[float] | None = None
    distribution: (
        Literal[
            "categorical",
            "constant",
            "uniform",
            "int_uniform",
            "q_uniform",
            "log_uniform",
            "log_uniform_values",
            "q_log_uniform_values",
            "normal",
            "q_normal",
            "log_normal",
            "q_log_normal",
        ]
        | None
    ) = None
    min: float | None = None
    max: float | None = None
    mu: float | None = None
    sigma: float | None = Field(default=None, ge=0)
    q: float | None = Field(default=None, gt=0)


def axis_of(key: str, given: object, document: Document) -> Axis:
    """The axis that `given`, what stands below a parameter's key, makes of it.

    `document` is that parameter's own, for the places of what is wrong.

    Raises:
        RequestError: it is not understood; located.
    """
    if not isinstance(given, Mapping):
        example = "values: [...]" if isinstance(given, list) else f"value: {show(given)}"
        allowed = f"a mapping with {STATED}, as {{{example}}}"
        raise _wrong(document, "is no parameter", "", allowed)
    try:
        stated = ParameterFile.model_validate(dict(given))
    except ValidationError as error:
        raise RequestError(problems_of(error, ParameterFile, document).values()) from None
    listed = [one for one in ("values", "value") if one in given]
    if len(listed) == 2 or (listed and {"min", "max", "mu", "sigma"} & given.keys()):
        raise _wrong(document, "is stated twice", "", f"only one of {STATED}")
    if listed:
        return _choices(key, stated, given, document)
    return _spread(key, given, document)


def _choices(
    key: str, stated: ParameterFile, given: Mapping[str, object], document: Document
) -> Choices:
    listed = "value" if "value" in given else "values"
    kind = stated.distribution
    if kind is not None and LISTED.get(kind) != listed:
        what = f"{kind} goes with {LISTED.get(kind, 'numbers')}, not {listed}"
        raise _wrong(document, what, "distribution", f"for {listed} none is needed")
    if "q" in given:
        raise _wrong(
            document, f"does not apply to {listed}", "q", f"goes with {' and '.join(BOUNDS)}"
        )
    values = [stated.value] if "value" in given else listed_values(stated.values, document)
    weights = stated.probabilities
    if weights is not None:
        fits = len(weights) == len(values) and min(weights, default=0.0) >= 0.0
        if not fits or abs(math.fsum(weights) - 1.0) > SURE_SUM:
            allowed = f"{len(values)} numbers, none negative, of sum 1"
            raise _wrong(document, "do not fit the values", "probabilities", allowed)
    return Choices((key,), tuple((one,) for one in values), tuple(weights) if weights else None)


def listed_values(values: object, document: Document) -> list[object]:
    """The values of a list in a file, or of a text that computes some.

    Raises:
        RequestError: there are none; located.
    """
    if isinstance(values, str):
        try:
            values = values_of(values)
        except RequestError as error:
            raise RequestError(
                document.locate(replace(problem, key="values"), ("values",))
                for problem in error.problems
            ) from None
    if not isinstance(values, list):
        raise _wrong(document, "is no list", "values", FORMS)
    if not values:
        raise _wrong(document, "the list is empty", "values", "at least one value")
    return values


def _spread(key: str, given: Mapping[str, object], document: Document) -> Axis:
    name = given.get("distribution") or _usual(given)
    if not isinstance(name, str) or name not in DISTRIBUTIONS:
        raise _wrong(document, "says nothing to try", "", STATED)
    distribution = DISTRIBUTIONS[name]
    strange = [one for one in given if one not in ("distribution", *distribution.takes)]
    for other in strange:
        takes = " and ".join(distribution.takes)
        raise _wrong(document, f"does not apply to {name}", other, f"{name} takes {takes}")
    # as they were written: a whole step makes whole numbers
    numbers = {one: number for one, number in given.items() if isinstance(number, int | float)}
    if "q" in distribution.takes:
        numbers.setdefault("q", USUAL_STEP)
    if "min" in distribution.takes:
        _check_bounds(name, distribution, numbers, document)
    axis = distribution.make(key, numbers)
    if isinstance(axis, Interval) and axis.is_empty:
        what = f"no multiple of {show(axis.step)} lies between min and max"
        raise _wrong(document, what, "q", "a smaller step, or wider bounds")
    return axis


def _check_bounds(
    name: str, distribution: Distribution, numbers: Mapping[str, float], document: Document
) -> None:
    for needed in BOUNDS:
        if needed not in numbers:
            raise _wrong(document, "is missing", needed, f"{name} needs it")
        fault, allowed = _bound_fault(name, distribution, numbers[needed], numbers.get("q"))
        if fault:
            raise _wrong(document, f"{show(numbers[needed])} {fault}", needed, allowed)
    low, high = numbers["min"], numbers["max"]
    if low > high:
        raise _wrong(document, f"{show(high)} is below min", "max", f"at least {show(low)}")
    if not math.isfinite(high - low):
        raise _wrong(document, "is too far from min", "max", "nearer bounds")


def _bound_fault(
    name: str, distribution: Distribution, bound: float, step: float | None
) -> tuple[str, str]:
    """What is wrong with a bound, and what is allowed; twice nothing where it is right."""
    if distribution.positive and bound <= 0:
        return "has no logarithm", "greater than 0"
    if distribution.whole and bound != int(bound):
        return f"is not whole, as {name} has it", "whole numbers"
    if distribution.whole and abs(bound) >= INTEGER_LIMIT:
        return "is too large", "whole numbers end at ±2^63"
    if distribution.exponents and abs(bound) >= MOST_EXPONENT:
        allowed = f"{name} takes logarithms within ±{MOST_EXPONENT}; log_uniform_values, the bounds"
        return "has no exponential", allowed
    if step and abs(bound) / step >= MOST_STEPS:
        return f"is too many steps of {show(step)}", "a larger q"
    return "", ""


def _usual(given: Mapping[str, object]) -> str | None:
    """The distribution that is meant where none is named, as Weights & Biases have it."""
    bounds = [given[name] for name in ("min", "max") if name in given]
    if not bounds:
        return None
    if "q" in given:
        return "q_uniform"
    return "int_uniform" if all(isinstance(one, int) for one in bounds) else "uniform"


def _wrong(document: Document, message: str, key: str, allowed: str) -> RequestError:
    path = (key,) if key else ()
    return RequestError(document.locate(Problem(message, key, allowed), path))
