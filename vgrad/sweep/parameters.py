"""A parameter as a sweep file states it → the axis that it is."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from vgrad.config.document import Document
from vgrad.config.messages import problems_of
from vgrad.config.parts import STRICT
from vgrad.config.plain import show
from vgrad.errors import Problem, RequestError
from vgrad.sweep.axes import DISTRIBUTIONS, Axis, Choices
from vgrad.sweep.values import FORMS, values_of

CATEGORICAL, CONSTANT = "categorical", "constant"
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
        allowed = f"a mapping with {STATED}; {{value: {show(given)}}} for one value"
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
    return _spread(key, stated, given, document)


def _choices(
    key: str, stated: ParameterFile, given: Mapping[str, object], document: Document
) -> Choices:
    if stated.distribution not in (None, CATEGORICAL, CONSTANT):
        raise _wrong(document, "needs min and max, not values", "distribution", CATEGORICAL)
    values = [stated.value] if "value" in given else listed_values(stated.values, document)
    weights = stated.probabilities
    if weights is not None:
        fits = len(weights) == len(values) and min(weights, default=0.0) >= 0.0
        if not fits or abs(math.fsum(weights) - 1.0) > SURE_SUM:
            allowed = f"{len(values)} numbers, none negative, of sum 1"
            raise _wrong(document, "do not fit the values", "probabilities", allowed)
        weights = [weight / math.fsum(weights) for weight in weights]
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


def _spread(
    key: str, stated: ParameterFile, given: Mapping[str, object], document: Document
) -> Axis:
    numbers = {
        name: getattr(stated, name)
        for name in ("min", "max", "mu", "sigma", "q")
        if getattr(stated, name) is not None
    }
    name = stated.distribution or _usual(given)
    if name is None or name not in DISTRIBUTIONS:
        raise _wrong(document, "says nothing to try", "", STATED)
    distribution = DISTRIBUTIONS[name]
    for needed in distribution.needs:
        if needed not in numbers:
            raise _wrong(document, "is missing", needed, f"{name} needs it")
    if "min" in distribution.needs:
        low, high = numbers["min"], numbers["max"]
        if low > high:
            raise _wrong(document, f"{show(high)} is below min", "max", f"at least {show(low)}")
        if distribution.positive and low <= 0:
            raise _wrong(document, f"{show(low)} has no logarithm", "min", "greater than 0")
        if distribution.whole and (low != int(low) or high != int(high)):
            raise _wrong(document, f"{name} takes whole numbers", "min", "whole numbers")
    return distribution.make(key, numbers)


def _usual(given: Mapping[str, object]) -> str | None:
    """The distribution that is meant where none is named, as Weights & Biases have it."""
    bounds = [given[name] for name in ("min", "max") if name in given]
    if not bounds:
        return None
    return "int_uniform" if all(isinstance(one, int) for one in bounds) else "uniform"


def _wrong(document: Document, message: str, key: str, allowed: str) -> RequestError:
    path = (key,) if key else ()
    return RequestError(document.locate(Problem(message, key, allowed), path))
