"""The schema takes its parts from the registries, with their options, bounds and defaults."""

from dataclasses import MISSING, fields

import pytest

from vgrad.config import Part, load_config
from vgrad.config.schema import Config
from vgrad.config.shape import all_fields, choice_of
from vgrad.errors import RequestError

CHOICES = [
    (".".join(path), choice_of(field).registry)
    for path, field in all_fields(Config)
    if choice_of(field)
]
PARTS = [(key, entry) for key, registry in CHOICES for entry in registry]
IDS = [f"{key}={entry.name}" for key, entry in PARTS]


def part_at(config: Config, key: str) -> Part:
    value = config
    for step in key.split("."):
        value = getattr(value, step)
    return value


def test_every_key_says_what_it_is():
    for path, field in all_fields(Config):
        assert field.description, path


@pytest.mark.parametrize(("key", "entry"), PARTS, ids=IDS)
def test_every_part_is_had_by_its_name_with_its_defaults(key, entry):
    if entry.required:
        with pytest.raises(RequestError) as caught:
            load_config({}, {key: entry.name})
        missing = {problem.key for problem in caught.value.problems}
        assert missing == {f"{key}.{option}" for option in entry.required}
        return
    part = part_at(load_config({}, {key: entry.name}), key)
    assert part.name == entry.name
    assert list(part.options) == [option.name for option in fields(entry.part) if option.init]
    for option in fields(entry.part):
        if option.default is not MISSING:
            assert part.options[option.name] == option.default
    registry = dict(CHOICES)[key]
    assert registry.build(part.name, part.options) == registry.build(part.name)


@pytest.mark.parametrize(("key", "entry"), PARTS, ids=IDS)
def test_every_part_refuses_an_unknown_option(key, entry):
    with pytest.raises(RequestError) as caught:
        load_config({}, {key: {"name": entry.name, "no_such_option": 1}})
    assert f"{key}.no_such_option" in {problem.key for problem in caught.value.problems}


@pytest.mark.parametrize("value", ["text", True, float("nan"), float("inf"), None, [1.0], {}])
def test_no_numeric_option_takes_what_is_no_finite_number(value):
    for key, entry in PARTS:
        for option in fields(entry.part):
            if type(option.default) is not float:
                continue
            if isinstance(value, str | None) and (value or "None") in str(option.type):
                continue  # an option that may be something else too
            with pytest.raises(RequestError) as caught:
                load_config({}, {key: {"name": entry.name, option.name: value}})
            keys = {problem.key for problem in caught.value.problems}
            assert f"{key}.{option.name}" in keys, (entry.name, option.name)


def test_a_list_option_is_a_tuple_when_built():
    part = load_config({}, {"optimizer": {"name": "adam", "betas": [0.5, 0.6]}}).optimizer
    assert part.options["betas"] == (0.5, 0.6)
    assert part.to_plain()["betas"] == [0.5, 0.6]


def test_a_config_cannot_be_changed():
    config = load_config({})
    with pytest.raises(Exception, match="frozen"):
        config.seed = 3
    with pytest.raises(Exception, match="frozen"):
        config.model.depth = 3
    with pytest.raises(TypeError):
        config.optimizer.options["lr"] = 3


def test_parts_are_equal_by_name_and_options():
    assert Part("sgd", {"lr": 0.1}) == Part("sgd", {"lr": 0.1})
    assert hash(Part("adam", {"lr": 0.1, "eps": 1.0})) == hash(
        Part("adam", {"eps": 1.0, "lr": 0.1})
    )
    assert Part("sgd", {"lr": 0.1}) != Part("sgd", {"lr": 0.2})
    assert Part("relu") != Part("tanh")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", 2**63 - 1),
        ("model.depth", 0),
        ("model.depth", 100_000),
        ("model.width", 1),
        ("model.width", 65_536),
        ("train.steps", 0),
        ("train.batch_size", 1),
        ("log.every", 1),
        ("name", "a"),
        ("name", "7.up_to-" + "x" * 56),
        ("dtype", "float64"),
    ],
)
def test_the_bounds_themselves_are_allowed(key, value):
    assert part_at(load_config({}, {key: value}), key) == value


def test_no_hidden_layers_need_no_widths():
    assert load_config({"model": {"width": []}}).model.depth == 0
