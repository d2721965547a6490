"""A config written down is the same config read again."""

import math
from dataclasses import fields

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from vgrad.config import load_config
from vgrad.config.dumping import dump_yaml, flatten, to_yaml
from vgrad.config.schema import Config
from vgrad.config.shape import all_fields, choice_of
from vgrad.config.yaml_source import read_yaml

FINITE = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
# what the reader allows in a text: nothing unprintable but the white space of a table's header
TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co"), include_characters="\t\n"),
    min_size=1,
)
LOOKS_LIKE_MORE = """
1e5 007 1:30 yes ~ null .5 2020-01-01 0x1f 1_000 - ? << .inf = *a &a !a a:b a#b %a @a `a ' " [a {a
"""
TEXTS |= st.sampled_from(LOOKS_LIKE_MORE.split()) | st.sampled_from(["a: b", "a #b", " a", "a "])


def parts(key: str) -> st.SearchStrategy:
    """The names of the parts that need no options."""
    field = {".".join(path): field for path, field in all_fields(Config)}[key]
    return st.sampled_from([e.name for e in choice_of(field).registry if not e.required])


CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "name": NAMES,
        "seed": st.integers(0, 2**63 - 1),
        "data": st.builds(
            lambda path, target: {"name": "csv", "path": "/" + path, "target": target},
            TEXTS,
            TEXTS,
        )
        | parts("data"),
        "model.depth": st.integers(0, 100_000),
        "model.width": st.integers(1, 65_536),
        "model.activation": parts("model.activation"),
        "model.init": parts("model.init"),
        "model.bias_init": FINITE | parts("model.bias_init"),
        "loss": parts("loss"),
        "regularization.l1": st.floats(0, allow_infinity=False),
        "optimizer": parts("optimizer") | st.builds(lambda lr: {"name": "sgd", "lr": lr}, POSITIVE),
        "train.epochs": st.integers(0, 10**9),
        "train.batch_size": st.just("full") | st.integers(1, 10**9),
        "log": st.fixed_dictionaries({"histograms": st.booleans()}),
        "dtype": st.sampled_from(["float32", "float64"]),
    },
)


@settings(max_examples=200, deadline=None)
@given(CONFIGS)
def test_what_is_dumped_loads_to_an_equal_config(tmp_path_factory, overrides):
    config = load_config({}, overrides)
    file = tmp_path_factory.mktemp("dump") / "config.yaml"
    text = dump_yaml(config)
    file.write_bytes(text.encode())
    assert load_config(file) == config
    assert load_config(config.to_dict()) == config
    assert dump_yaml(load_config(file)) == text
    assert yaml.safe_load(text) == config.to_dict(), "other readers of YAML see the same"


@given(st.lists(st.integers(1, 65_536), max_size=300))
def test_a_list_of_widths_is_written_in_full(widths):
    config = load_config({"model": {"width": widths}})
    assert yaml.safe_load(dump_yaml(config))["model"]["width"] == widths


@settings(max_examples=300)
@given(st.dictionaries(TEXTS, TEXTS | FINITE | st.booleans() | st.integers(0, 2**62), max_size=4))
def test_yaml_of_plain_data_reads_back_to_the_last_bit(data):
    text = to_yaml(data)
    assert (read_yaml(text).data or {}) == data
    for key, value in (read_yaml(text).data or {}).items():
        assert type(value) is type(data[key])
        if isinstance(value, float):
            assert math.copysign(1, value) == math.copysign(1, data[key])


def test_a_dump_reads_like_the_experiment_file_of_the_manual():
    config = load_config({"model": {"width": [3, 4]}}, {"name": "two", "model.activation": "relu"})
    lines = dump_yaml(config).splitlines()
    for line in (
        "name: two",
        "  width: [3, 4]",
        "  activation: relu",
        "regularization: {l1: 0.0, l2: 0.0}",
        "optimizer: {name: sgd, lr: 0.1, weight_decay: 0.0}",
        "train: {steps: 500, batch_size: 64, recompute: false}",
        "schedule: {name: constant, warmup: 0}",
    ):
        assert line in lines
    assert not any(line.startswith("loss") for line in lines), "what is not set is left out"


def test_a_dict_has_the_keys_in_the_order_of_the_schema():
    keys = list(load_config({"seed": 3, "dtype": "float64", "name": "x", "loss": "mse"}).to_dict())
    assert keys == list(Config.model_fields)


def test_flat_keys_hold_scalars_to_filter_by():
    config = load_config(
        {},
        {
            "model.activation": {"name": "leaky_relu", "negative_slope": 0.25},
            "model.width": [3, 4],
            "model.depth": 2,
            "optimizer.lr": 0.5,
        },
    )
    flat = flatten(config)
    assert flat["model.activation"] == "leaky_relu"
    assert flat["model.activation.negative_slope"] == 0.25
    assert flat["model.width"] == "[3, 4]"
    assert (flat["optimizer"], flat["optimizer.lr"]) == ("sgd", 0.5)
    assert flat["model.bias_init"] == 0.0
    assert all(isinstance(value, str | int | float | None) for value in flat.values())


@pytest.mark.parametrize("key", ["model.activation", "model.init", "loss", "optimizer", "data"])
def test_every_part_and_option_has_a_flat_key(key):
    field = {".".join(path): field for path, field in all_fields(Config)}[key]
    for entry in choice_of(field).registry:
        if not entry.required:
            flat = flatten(load_config({}, {key: entry.name}))
            assert flat[key] == entry.name
            for option in fields(entry.part):
                assert f"{key}.{option.name}" in flat
