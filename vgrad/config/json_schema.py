"""The experiment file as JSON Schema, for editors that complete and check YAML by it."""

from typing import Any

from vgrad.config.schema import Config

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of an experiment file, with every part and its options."""
    schema = _untitled(Config.model_json_schema())
    return {
        "$schema": DIALECT,
        **schema,
        "title": "vgrad experiment",
        "description": "An experiment: what to train, on what, how, and what to record.",
    }


def _untitled(schema: Any) -> Any:
    """`schema` without pydantic's titles, which only repeat the keys."""
    if isinstance(schema, list):
        return [_untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _untitled(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }
