"""What a configuration's data may be made of: dicts with text keys, lists, finite scalars."""

import re
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any

import numpy as np

from vgrad.config.document import KeyPath, dotted
from vgrad.errors import Problem

MAX_DEPTH = 20  # the schema needs 4; more is a mistake or an attack
INTEGER_LIMIT = 2**63  # what NumPy's and the CSV readers' integers can hold
SHOWN_LENGTH = 60  # a longer value is cut in a message

REFUSED = object()
"""Stands for a value that is no plain data: it suits no field, and no other is judged by it."""

# NUL and its like make no name, no path and no column; lone surrogates cannot be written as UTF-8
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def show(value: object) -> str:
    """`value` as a message shows it: as YAML would spell it, and cut where it is long."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float() if not np.isfinite(value):
            return {"inf": ".inf", "-inf": "-.inf"}.get(str(value), ".nan")
        case str():
            return repr(value if len(value) <= SHOWN_LENGTH else value[:SHOWN_LENGTH] + "…")
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return f"a list of {len(value)}"
        case _:
            return str(value)


def scalar_fault(value: object) -> str:
    """What forbids this scalar everywhere, "" where nothing does."""
    if isinstance(value, int) and abs(value) >= INTEGER_LIMIT:
        return "the number is too large: whole numbers end at ±2^63"
    if isinstance(value, str) and (found := _UNPRINTABLE.search(value)):
        return f"holds the control character {found.group()!a}"
    return ""


def to_plain(value: object, faults: dict[KeyPath, Problem], path: KeyPath = ()) -> object:
    """A copy of `value` in plain data; what cannot be is `REFUSED` and noted in `faults`."""
    if isinstance(value, np.generic):
        value = value.item()  # so that a loop over np.arange can configure a run
    if isinstance(value, PathLike):
        value = fspath(value)
    if len(path) > MAX_DEPTH:
        fault = f"is nested deeper than {MAX_DEPTH} levels"
    elif isinstance(value, Mapping):
        return plain_mapping(value, faults, path)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        return [to_plain(item, faults, (*path, i)) for i, item in enumerate(value)]
    elif value is None or isinstance(value, bool | int | float | str):
        fault = scalar_fault(value)
    else:
        fault = f"what is of type {type(value).__name__} cannot stand in a configuration"
    if not fault:
        return value
    faults[path] = Problem(fault, key=dotted(path))
    return REFUSED


def plain_mapping(
    value: Mapping[Any, object], faults: dict[KeyPath, Problem], path: KeyPath = ()
) -> dict[str, object]:
    """`to_plain` of a mapping."""
    plain: dict[str, object] = {}
    for key, item in value.items():
        fault = scalar_fault(key) if isinstance(key, str) else f"the key {show(key)} is not text"
        inner = (*path, str(key))
        if fault:
            faults[inner] = Problem(fault, key=dotted(inner))
        else:
            plain[str(key)] = to_plain(item, faults, inner)
    return plain
