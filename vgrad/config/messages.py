"""pydantic's errors → problems: sentences with a key, a place, and what was probably meant."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from vgrad.config.describe import schema_of, schema_of_item, value_problem
from vgrad.config.document import Document, KeyPath, dotted
from vgrad.config.parts import PROBLEM, option_names
from vgrad.config.plain import show
from vgrad.config.shape import Spot, find, meant_key, section_of
from vgrad.errors import Problem

UNKNOWN_KEY = "unknown key"
MAX_ERRORS = 500  # 100,000 wrong widths need no 100,000 sentences
_NO_SPACE = re.compile(r"(\w+):(\S.*)", re.DOTALL)


@dataclass(frozen=True)
class Complaint:
    """One error of pydantic's: its type, where the schema has it, the value, its context."""

    type: str
    spot: Spot
    value: object
    context: Mapping[str, Any]


def problems_of(
    error: ValidationError, model: type[BaseModel], document: Document
) -> dict[KeyPath, Problem]:
    """All that pydantic complains of, one located problem for each key path."""
    complaints: dict[KeyPath, Complaint] = {}
    for raw in error.errors(include_url=False)[:MAX_ERRORS]:
        complaint = _complaint(raw, model, document)
        complaints.setdefault(document.as_written(complaint.spot.path), complaint)
    # where a number or a list may stand, wrong items of the list say all there is to say
    lists = {path[:-1] for path in complaints if isinstance(path[-1], int)}
    return {
        path: _located(complaint, model, document)
        for path, complaint in complaints.items()
        if path not in lists
    }


def _complaint(raw: Mapping[str, Any], model: type[BaseModel], document: Document) -> Complaint:
    kind, loc = raw["type"], raw["loc"]
    if kind == "missing" and isinstance(loc[-1], int):  # pydantic's way to say: the list is short
        kind, loc = "too_short", loc[:-1]
    spot = Spot(loc) if kind == PROBLEM else find(model, loc, document.data)
    return Complaint(kind, spot, raw["input"], raw.get("ctx", {}))


def _located(complaint: Complaint, model: type[BaseModel], document: Document) -> Problem:
    path = document.as_written(complaint.spot.path)
    match complaint.type:
        case "missing":
            problem = _missing(complaint.spot)
        case "extra_forbidden":
            problem = _unknown(complaint.spot, model)
        case _ if complaint.type == PROBLEM:
            problem = complaint.context["problem"]
        case _:
            problem = _wrong_value(complaint)
    problem = replace(problem, key=dotted(path))
    return document.locate(problem, path, at_key=complaint.type == "extra_forbidden")


def _missing(spot: Spot) -> Problem:
    if spot.part is None or spot.choice is None:
        return Problem("is missing")
    kind = spot.choice.registry.kind
    return Problem("is missing", allowed=f"the {spot.part.name} {kind} needs it")


def _unknown(spot: Spot, model: type[BaseModel]) -> Problem:
    keys = ", ".join(spot.keys)
    allowed = f"one of {keys}"
    if spot.part is not None and spot.choice is not None:
        allowed = f"{spot.part.name} takes {keys or 'no options'}"
        family = spot.choice.registry
        takers = [other.name for other in family if spot.path[-1] in option_names(other)]
        if takers:
            allowed += f"; it is an option of {', '.join(takers)}"
    return Problem(UNKNOWN_KEY, allowed=allowed, suggestion=meant_key(model, spot))


def _wrong_value(complaint: Complaint) -> Problem:
    field, value = complaint.spot.field, complaint.value
    if field is None:
        raise AssertionError(f"pydantic's error at {complaint.spot.path} is at no field of ours")
    section = section_of(field)
    if section is not None:
        return _no_section(value, section)
    schema = schema_of(field)
    for step in complaint.spot.path:
        if isinstance(step, int):
            schema = schema_of_item(schema, step)
    return value_problem(value, schema)


def _no_section(value: object, section: type[BaseModel]) -> Problem:
    what = "nothing is given" if value is None else f"{show(value)} is not a mapping"
    unspaced = _NO_SPACE.fullmatch(value) if isinstance(value, str) else None
    return Problem(
        what,
        allowed=f"must be a mapping of {', '.join(section.model_fields)}",
        suggestion="{}: {}".format(*unspaced.groups()) if unspaced else "",
    )
