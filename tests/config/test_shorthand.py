"""`clip: {norm: 1.0}`: a part named by a key of its own, and written out in what is kept."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgrad.config import Config, Part, load_config
from vgrad.config.dumping import dump_yaml, flatten
from vgrad.config.parts import option_names
from vgrad.config.shape import choice_of
from vgrad.errors import Problem, RequestError
from vgrad.nn.clipping import clips

SHORT = {
    name: choice
    for name, field in Config.model_fields.items()
    if (choice := choice_of(field)) and choice.by_key
}
PARTS = [(key, entry) for key, choice in SHORT.items() for entry in choice.registry]


def problems_of(source, overrides=()) -> list[str]:
    with pytest.raises(RequestError) as caught:
        load_config(source, overrides)
    return [str(problem) for problem in caught.value.problems]


def test_the_clips_of_the_manual_can_be_written_so():
    assert load_config({"clip": {"norm": 1.0}}).clip == Part("norm", {"max_norm": 1.0})
    assert load_config({"clip": {"value": 0.5}}).clip == Part("value", {"clip_value": 0.5})
    assert load_config({"clip": "none"}).clip == Part("none")
    assert load_config({}).clip == Part("none")


@pytest.mark.parametrize(("key", "entry"), PARTS, ids=lambda one: getattr(one, "name", one))
def test_the_key_stands_for_the_first_option(key, entry):
    options = option_names(entry)
    if options:
        default = load_config({key: entry.name})
        value = getattr(default, key).options[options[0]]
        assert load_config({key: {entry.name: value}}) == default
        assert load_config({}, [f"{key}.{entry.name}={value}"]) == default


def test_other_options_can_stand_beside_it():
    clip = load_config({"clip": {"eps": 0.1, "agc": 0.02}}).clip
    assert clip == Part("agc", {"clipping": 0.02, "eps": 0.1, "exclude_output": True})


def test_no_option_has_the_name_of_a_part_of_its_family():
    for key, entry in PARTS:
        assert not set(option_names(entry)) & set(SHORT[key].registry.names())


def test_what_is_kept_is_the_long_form():
    config = load_config({"clip": {"norm": 2.0}})
    assert "clip: {name: norm, max_norm: 2.0}" in dump_yaml(config).splitlines()
    flat = flatten(config)
    assert (flat["clip"], flat["clip.max_norm"]) == ("norm", 2.0)


@pytest.mark.parametrize(
    ("source", "overrides", "expected"),
    [
        ({}, ["clip.norm=2"], {"name": "norm", "max_norm": 2.0}),
        ({}, {"clip.norm": 2}, {"name": "norm", "max_norm": 2.0}),
        ({}, ["clip={norm: 2}"], {"name": "norm", "max_norm": 2.0}),
        ({"clip": {"norm": 1.0}}, ["clip.norm=2"], {"name": "norm", "max_norm": 2.0}),
        ({"clip": {"norm": 1.0}}, ["clip.max_norm=2"], {"name": "norm", "max_norm": 2.0}),
        ({"clip": {"norm": 1.0}}, ["clip.value=2"], {"name": "value", "clip_value": 2.0}),
        ({"clip": {"norm": 1.0}}, ["clip=none"], "none"),
        ({"clip": "norm"}, ["clip.max_norm=2"], {"name": "norm", "max_norm": 2.0}),
        ({}, ["clip.norm=1", "clip.value=2"], {"name": "value", "clip_value": 2.0}),
    ],
)
def test_an_override_can_be_written_so_and_replaces_the_part(source, overrides, expected):
    assert load_config(source, overrides).to_dict()["clip"] == expected


@given(st.permutations(["clip.agc=0.5", "clip.eps=0.25", "clip.exclude_output=false"]))
def test_the_order_of_a_part_and_its_options_does_not_matter(overrides):
    options = {"clipping": 0.5, "eps": 0.25, "exclude_output": False}
    assert load_config({"clip": {"norm": 1.0}}, overrides).clip == Part("agc", options)


@pytest.mark.parametrize(
    ("source", "overrides", "start", "fragment"),
    [
        ({}, ["clip.norm=-1"], "command line: clip.norm: ", "-1 is out of range"),
        ({"clip": {"value": 1}}, ["clip.norm=-1"], "command line: clip.norm: ", "out of range"),
        ({"clip": {"norm": -1}}, ["clip.norm=x"], "command line: clip.norm: ", "'x' is not a num"),
        ({"clip": {"norm": 1}}, ["clip.max_norm=-1"], "command line: clip.max_norm: ", "range"),
        ({}, ["clip.nrom=1"], "command line: clip.nrom: ", "did you mean norm?"),
        ({}, ["clip.norm.x=1"], "command line: clip.norm.x: ", "clip.norm takes one value as a"),
        ({}, {"clip.norm": -1}, "override: clip.norm: ", "out of range"),
    ],
)
def test_a_wrong_value_is_located_under_the_key_that_was_written(
    source, overrides, start, fragment
):
    (problem,) = problems_of(source, overrides)
    assert problem.startswith(start), problem
    assert fragment in problem


def test_an_override_of_one_option_leaves_the_place_of_the_others(tmp_path: Path):
    file = tmp_path / "a.yaml"
    file.write_text("seed: 1\nclip: {agc: -1, eps: 1.0}\n")
    (problem,) = problems_of(file, ["clip.eps=2"])
    assert problem.startswith(f"{file}:2:13: clip.agc: -1 is out of range")


def test_what_is_found_later_is_located_too(tmp_path: Path):
    file = tmp_path / "a.yaml"
    file.write_text("seed: 1\nclip: {norm: 1.0}\n")
    config = load_config(file)
    assert str(config.locate(Problem("x", "clip.max_norm"))) == f"{file}:2:14: clip.max_norm: x"
    changed = config.with_overrides({"clip": "value"})
    assert changed.clip.name == "value"
    assert config.with_overrides({"seed": 2}).clip == config.clip


def test_every_clip_but_none_has_an_option_to_name_it_by():
    assert [entry.name for entry in clips if not option_names(entry)] == ["none"]
