"""Whether a user's part is what its family asks for: its form, its options, then its numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np
from pydantic import ValidationError

from vgrad.config.describe import schema_of, value_problem
from vgrad.config.parts import options_model
from vgrad.errors import Problem
from vgrad.nn.activations import Activation, activations
from vgrad.nn.initializers import Initializer, initializers
from vgrad.nn.losses import Loss, losses
from vgrad.nn.optimizers import UpdateRule, optimizers
from vgrad.plugins.checks import activation, initializer, loss, optimizer
from vgrad.plugins.checks.fault import Check, Fault, FaultError
from vgrad.plugins.source import Source, silenced
from vgrad.registry import Entry, Registry


@dataclass(frozen=True)
class Family:
    """What a plugin can add to: a registry, what its parts inherit from, what they must pass."""

    registry: Registry[Any]
    contract: type
    checks: Sequence[Check]


FAMILIES: tuple[Family, ...] = (
    Family(activations, Activation, activation.CHECKS),
    Family(initializers, Initializer, initializer.CHECKS),
    Family(losses, Loss, loss.CHECKS),
    Family(optimizers, UpdateRule, optimizer.CHECKS),
)


def problems_of_part(
    source: Source, family: Family, entry: Entry[Any], options: Mapping[str, object] | None = None
) -> list[Problem]:
    """What is wrong with a part of this source, with these options or else with its defaults.

    Of a part with required options only the form can be told without them.
    """
    shown = ", ".join(f"{key}={value}" for key, value in (options or {}).items())
    label = f"{family.registry.kind} {entry.name}{f'({shown})' if shown else ''}"
    try:
        with silenced(), np.errstate(all="ignore"):
            faults = _first_faults((partial(_form, family.contract), _options), entry)
            if not faults and (options is not None or not entry.required):
                part = family.registry.build(entry.name, options)
                faults = _first_faults(family.checks, part)
    except Exception as error:
        problem = source.raised(error)
        place = (problem.line, problem.column)
        if not problem.line:  # it was called in another way than it is written
            place = source.place(entry.part)
        return [source.problem(f"{label}: {problem.message}", _hint(entry, error), place)]
    return [
        source.problem(
            f"{label}: {fault.message}", fault.allowed, source.place(entry.part, fault.of)
        )
        for fault in faults
    ]


def _first_faults(checks: Sequence[Check], part: object) -> list[Fault]:
    """The faults that the first check to find any finds."""
    try:
        for check in checks:
            if faults := list(check(part)):
                return faults
    except FaultError as found:
        return [found.fault]
    return []


def _form(contract: type, entry: Entry[Any]) -> Iterator[Fault]:
    """A named, frozen dataclass of the family, whose options a config can give."""
    part: Any = entry.part
    parameters = vars(part).get("__dataclass_params__")
    if not issubclass(part, contract):
        yield Fault(f"{part.__name__} is none", f"class {part.__name__}({contract.__name__})")
    elif parameters is None or not parameters.frozen:
        yield Fault(
            f"{part.__name__} is no frozen dataclass", "@dataclass(frozen=True) above the class"
        )
    elif "name" in (option.name for option in fields(part)):
        yield Fault("an option is called name", "the name is the part's own", "name")


def _options(entry: Entry[Any]) -> Iterator[Fault]:
    """Types that a config can give, and defaults within their bounds."""
    try:
        model = options_model(entry)
    except Exception as error:  # pydantic and Python raise many kinds for a wrong annotation
        text = str(error).partition("\n")[0]
        yield Fault(f"its options cannot be read: {text}", "numbers, texts, tuples of them")
        return
    try:
        model.model_validate({})
    except ValidationError as error:
        for wrong in error.errors(include_url=False):
            if wrong["type"] != "missing":  # an option without a default is a required one
                name = str(wrong["loc"][0])
                problem = value_problem(wrong["input"], schema_of(model.model_fields[name]))
                yield Fault(f"the default of {name}: {problem.message}", problem.allowed, name)


def _hint(entry: Entry[Any], error: Exception) -> str:
    """What an exception of NumPy's probably means here."""
    text = str(error)
    if isinstance(error, ValueError) and "read-only" in text:
        return "what is handed in is only read; write into out, or into what is to be changed"
    if isinstance(error, IndexError) or "unpack" in text:
        return f"n_scratch is {getattr(entry.part, 'n_scratch', 0)}"
    return ""
