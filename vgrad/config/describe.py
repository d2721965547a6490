"""What a field allows and what is wrong with a value, in words, from the field's JSON Schema."""

from typing import Annotated, Any

import numpy as np
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from vgrad.config.plain import show
from vgrad.config.yaml_scalars import resolve_scalar
from vgrad.errors import Problem, nearest

Schema = dict[str, Any]

# JSON Schema's type → (Python's types, in words, what is wrong with one of the type)
TYPES: dict[str, tuple[tuple[type, ...], str, str]] = {
    "integer": ((int,), "a whole number", "is out of range"),
    "number": ((int, float), "a number", "is out of range"),
    "string": ((str,), "text", "is not one of the choices"),
    "boolean": ((bool,), "true or false", "is not one of the choices"),
    "array": ((list, tuple), "a list", "has the wrong length"),
    "object": ((dict,), "a mapping", "will not do"),
}
BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "greater than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
    "minLength": "of length at least",
    "maxLength": "of length at most",
}


def schema_of(field: FieldInfo) -> Schema:
    """JSON Schema of the values of a field."""
    kind: Any = field.annotation
    for mark in field.metadata:
        kind = Annotated[kind, mark]
    return TypeAdapter(kind).json_schema()


def schema_of_item(schema: Schema, index: int) -> Schema:
    """JSON Schema of an item of a list; where lists are one alternative, of that one's."""
    for alternative in _alternatives(schema):
        listed = alternative.get("prefixItems", ())
        if index < len(listed):
            return dict(listed[index])
        if "items" in alternative:
            return dict(alternative["items"])
    return {}


def describe(schema: Schema) -> str:
    """What the schema allows: `a whole number from 1 to 65536`."""
    return " or ".join(_describe_one(alternative) for alternative in _alternatives(schema))


def value_problem(value: object, schema: Schema) -> Problem:
    """The sentence for a value that the schema does not allow (key and place left out)."""
    allowed = f"must be {describe(schema)}"
    if value is None:
        return Problem("nothing is given", allowed=allowed)
    if isinstance(value, float) and not np.isfinite(value):
        return Problem(f"{show(value)} is not a finite number", allowed=allowed)
    alike = [kind for kind in _types(schema) if _is(value, kind)]
    what = TYPES[alike[0]][2] if alike else f"is not {_nouns(schema)}"
    return Problem(f"{show(value)} {what}", allowed=allowed, suggestion=_suggest(value, schema))


def _alternatives(schema: Schema) -> list[Schema]:
    several = schema.get("anyOf", [schema])
    return [one for one in several if one.get("type") != "null"] or several


def _describe_one(schema: Schema) -> str:
    choices = _choices(schema)
    if choices:
        return ", ".join(map(str, choices[:-1])) + " or " * (len(choices) > 1) + str(choices[-1])
    noun = TYPES[schema["type"]][1] if schema.get("type") in TYPES else "something else"
    if schema.get("type") == "array":
        listed = schema.get("prefixItems", ())
        each = {describe(item) for item in listed or [schema["items"]]}
        return f"{noun}{f' of {len(listed)}' if listed else ''}, each {' or '.join(sorted(each))}"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{noun} from {_number(low)} to {_number(high)}"
    bounds = [f"{words} {_number(schema[key])}" for key, words in BOUNDS.items() if key in schema]
    return " ".join([noun, " and ".join(bounds)]).strip()


def _choices(schema: Schema) -> list[object]:
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))


def _types(schema: Schema) -> list[str]:
    return [one["type"] for one in _alternatives(schema) if one.get("type") in TYPES]


def _nouns(schema: Schema) -> str:
    several = _alternatives(schema)
    nouns = [
        _describe_one(one) if len(several) > 1 and _choices(one) else TYPES[one["type"]][1]
        for one in several
        if one.get("type") in TYPES
    ]
    return " or ".join(dict.fromkeys(nouns)) or "allowed"


def _is(value: object, kind: str) -> bool:
    return isinstance(value, TYPES[kind][0]) and (kind == "boolean" or not isinstance(value, bool))


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else str(value)


def _suggest(value: object, schema: Schema) -> str:
    """The choice nearest to the value, or the value written as the type that is wanted."""
    choices = [str(choice) for one in _alternatives(schema) for choice in _choices(one)]
    if isinstance(value, str) and (close := nearest(value, choices)):
        return close
    kinds = _types(schema)
    if isinstance(value, str):
        try:
            meant = resolve_scalar(value)
        except ValueError:
            return ""
        if not isinstance(meant, str) and any(_is(meant, kind) for kind in kinds):
            return show(meant)
        return ""
    if isinstance(value, float) and value == int(value) and "integer" in kinds:
        return str(int(value))
    if isinstance(value, int | float) and not isinstance(value, bool) and "string" in kinds:
        return "" if choices else f"'{value}'"
    return ""
