"""The JSON Schema that editors get: whole, and right about what loads and what does not."""

import json
import re
from pathlib import Path

import pytest
import yaml

from vgrad.config import load_config
from vgrad.config.dumping import dump_yaml
from vgrad.config.json_schema import json_schema
from vgrad.config.schema import Config
from vgrad.config.shape import all_fields, choice_of
from vgrad.config.starter import starter
from vgrad.errors import RequestError

SCHEMA = json_schema()
GALLERY = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))
TYPES = {
    "null": type(None),
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "string": str,
    "array": list,
    "object": dict,
}


def allows(schema: dict, value: object) -> bool:
    """Whether `schema` allows `value`: the part of JSON Schema that ours makes use of."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    properties = schema.get("properties", {})
    is_flag = isinstance(value, bool)
    kind = schema.get("type")
    number = isinstance(value, int | float) and not is_flag
    checks = [
        kind is None or (isinstance(value, TYPES[kind]) and is_flag <= (kind == "boolean")),
        "anyOf" not in schema or any(allows(inner, value) for inner in schema["anyOf"]),
        "enum" not in schema or value in schema["enum"],
        "const" not in schema or value == schema["const"],
        not number or value >= schema.get("minimum", value),
        not number or value <= schema.get("maximum", value),
        not number or value > schema.get("exclusiveMinimum", value - 1),
        not number or value < schema.get("exclusiveMaximum", value + 1),
        not isinstance(value, str) or re.search(schema.get("pattern", ""), value),
    ]
    if isinstance(value, dict):
        checks += [key in value for key in schema.get("required", ())]
        checks += [
            allows(properties[key], item) for key, item in value.items() if key in properties
        ]
        checks += [not set(value) - set(properties) or schema.get("additionalProperties", True)]
    if isinstance(value, list):
        listed = schema.get("prefixItems", [schema.get("items", {})] * len(value))
        checks += [allows(inner, item) for inner, item in zip(listed, value, strict=False)]
        checks += [schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))]
    return all(checks)


def test_it_is_json_of_the_dialect_that_editors_know():
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["additionalProperties"] is False
    assert list(SCHEMA["properties"]) == list(Config.model_fields)


@pytest.mark.parametrize("path", [path for path, _ in all_fields(Config)], ids=".".join)
def test_every_key_is_described_and_every_part_is_offered_there(path):
    schema = SCHEMA
    for key in path:
        schema = schema["properties"][key]
        assert schema["description"]
        if "$ref" in schema:
            schema = SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    field = dict(all_fields(Config))[path]
    choice = choice_of(field)
    for entry in choice.registry if choice else ():
        assert allows(schema, entry.name) == (not entry.required)
        objects = [inner for inner in schema["anyOf"] if "name" in inner.get("properties", {})]
        (own,) = [inner for inner in objects if inner["properties"]["name"]["const"] == entry.name]
        assert entry.summary in own["description"]
        assert own["required"] == ["name", *entry.required]
        assert own["additionalProperties"] is False


def test_bounds_and_defaults_of_options_are_in_it():
    choices = SCHEMA["properties"]["optimizer"]["anyOf"]
    (sgd,) = [c for c in choices if c.get("properties", {}).get("name", {}).get("const") == "sgd"]
    assert sgd["properties"]["lr"]["exclusiveMinimum"] == 0
    assert "default" in sgd["properties"]["lr"]


@pytest.mark.parametrize("file", GALLERY, ids=lambda file: file.name)
def test_the_gallery_conforms_to_it(file):
    assert allows(SCHEMA, load_config(file).to_dict())


def test_the_starter_and_a_dump_conform_to_it():
    assert allows(SCHEMA, yaml.safe_load(starter("x")))
    assert allows(SCHEMA, yaml.safe_load(dump_yaml(load_config({}))))


@pytest.mark.parametrize("clip", ["agc", {"norm": 1}, {"value": 0.5}, {"agc": 0.1, "eps": 0.2}])
def test_a_part_named_by_its_own_key_conforms(clip):
    assert load_config({"clip": clip}).clip.options
    assert allows(SCHEMA, {"clip": clip})


@pytest.mark.parametrize(
    "data",
    [
        {"sede": 1},
        {"seed": -1},
        {"seed": 1.5},
        {"name": "../x"},
        {"model": {"width": [0]}},
        {"model": {"activation": "sigmod"}},
        {"optimizer": {"name": "sgd", "lr": 0}},
        {"optimizer": {"name": "sgd", "rate": 1}},
        {"optimizer": {"lr": 1}},
        {"optimizer": {"name": "adam", "betas": [0.9]}},
        {"data": "csv"},
        {"train": {"batch_size": "ful"}},
        {"dtype": "float16"},
        {"clip": {"norm": 0}},
        {"clip": {"norm": 1, "value": 1}},
        {"clip": {"norm": 1, "eps": 1}},
        {"clip": {"none": 1}},
        {"clip": {}},
    ],
)
def test_what_does_not_load_does_not_conform(data):
    with pytest.raises(RequestError):
        load_config(data)
    assert not allows(SCHEMA, data)
