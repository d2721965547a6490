"""KEY=VALUE over what the file says."""

from pathlib import Path

import pytest

from vgrad.config import Part, load_config
from vgrad.config.overrides import parse_override
from vgrad.errors import RequestError

BASE = {
    "model": {"depth": 5, "activation": {"name": "leaky_relu", "negative_slope": 0.2}},
    "optimizer": "sgd",
    "train": {"steps": 7},
}


def problems_of(overrides, source=BASE) -> list[str]:
    with pytest.raises(RequestError) as caught:
        load_config(source, overrides)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("model.depth=50", "model.depth", 50),
        ("optimizer.lr=1e-3", "optimizer.lr", 1e-3),
        (" seed = 3 ", "seed", 3),
        ("name=a=b", "name", "a=b"),
        ("name='7'", "name", "7"),
        ("loss=", "loss", None),
        ("model.width=[3, 4]", "model.width", [3, 4]),
        ("optimizer={name: adam, lr: 0.1}", "optimizer", {"name": "adam", "lr": 0.1}),
        ("data.standardize=false", "data.standardize", False),
    ],
)
def test_an_override_is_a_key_and_a_value_in_yaml(text, key, value):
    assert parse_override(text) == (key, value)


def test_an_override_wins_over_the_file_and_over_the_default():
    config = load_config(BASE, ["model.depth=50", "log.every=1", "name=x"])
    assert (config.model.depth, config.log.every, config.name) == (50, 1, "x")
    assert config.model.activation.name == "leaky_relu"


def test_of_two_overrides_of_a_key_the_last_wins():
    assert load_config(BASE, ["seed=1", "seed=2"]).seed == 2


def test_an_option_joins_the_part_that_is_there():
    expected = Part("sgd", {"lr": 0.5, "weight_decay": 0.0})
    assert load_config(BASE, ["optimizer.lr=0.5"]).optimizer == expected
    activation = load_config(BASE, ["model.activation.negative_slope=0.3"]).model.activation
    assert activation == Part("leaky_relu", {"negative_slope": 0.3})


def test_an_option_joins_the_default_part_where_the_file_has_none():
    expected = Part("sgd", {"lr": 0.5, "weight_decay": 0.0})
    assert load_config({}, ["optimizer.lr=0.5"]).optimizer == expected
    assert load_config({}, ["data.test_fraction=0.5"]).data.name == "digits"


def test_a_part_replaces_the_part_with_its_options():
    config = load_config(BASE, ["model.activation=relu"])
    assert config.model.activation == Part("relu")
    defaults = load_config({"optimizer": "adam"}).optimizer
    assert load_config({"optimizer": {"name": "sgd", "lr": 9}}, ["optimizer=adam"]).optimizer == (
        defaults
    )
    assert load_config({}, ["optimizer.name=adam"]).optimizer == defaults


@pytest.mark.parametrize("swapped", [False, True])
def test_the_order_of_a_part_and_its_options_does_not_matter(swapped):
    overrides = ["optimizer=adam", "optimizer.lr=0.5"]
    config = load_config(BASE, overrides[::-1] if swapped else overrides)
    assert (config.optimizer.name, config.optimizer.options["lr"]) == ("adam", 0.5)


def test_a_number_can_become_a_part():
    config = load_config({}, ["model.bias_init={name: gaussian, std: 0.5}"])
    assert config.model.bias_init == Part("gaussian", {"std": 0.5})
    (problem,) = problems_of(["model.bias_init.std=0.5"])
    assert "model.bias_init.name: is missing" in problem


def test_epochs_replace_the_steps_of_the_file():
    train = load_config(BASE, ["train.epochs=3"]).train
    assert (train.steps, train.epochs) == (None, 3)
    train = load_config({"train": {"epochs": 3}}, ["train.steps=5"]).train
    assert (train.steps, train.epochs) == (5, None)
    (problem,) = problems_of(["train.epochs=3", "train.steps=5"])
    assert "both given" in problem


def test_a_mapping_for_a_section_is_its_keys_one_by_one():
    for overrides in ({"model": {"width": 3}}, ["model={width: 3}"]):
        model = load_config(BASE, overrides).model
        assert (model.depth, model.width, model.activation.name) == (5, 3, "leaky_relu")


def test_a_mapping_of_dotted_keys_does_the_same():
    overrides = {"model.depth": 50, "optimizer.lr": 0.5, "optimizer": Part("sgd", {"lr": 9.0})}
    overrides["optimizer"] = overrides["optimizer"].to_plain()
    config = load_config(BASE, overrides)
    assert (config.model.depth, config.optimizer.options["lr"]) == (50, 0.5)


def test_the_source_of_a_config_is_left_alone():
    source = {"model": {"depth": 5}}
    load_config(source, ["model.depth=6", "model.width=7"])
    assert source == {"model": {"depth": 5}}


@pytest.mark.parametrize(
    ("override", "start", "fragment"),
    [
        ("model.depth=-1", "command line: model.depth: ", "-1 is out of range"),
        ("model.depth='3'", "command line: model.depth: ", "did you mean 3?"),
        ("model.dept=3", "command line: model.dept: ", "did you mean depth?"),
        (
            "optimizer={name: lars, trust: 1}",
            "command line: optimizer.trust: ",
            "trust_coefficient?",
        ),
        ("depth=3", "command line: depth: ", "did you mean model.depth?"),
        ("modle.depth=3", "command line: modle: ", "did you mean model?"),
        ("optimizer.momentum=0.9", "command line: optimizer.momentum: ", "sgd takes lr"),
        ("optimizer=adamm", "command line: optimizer: ", "did you mean adam?"),
        ("seed.x=1", "command line: seed.x: ", "seed takes one value as a whole"),
        ("model.width[0]=1", "command line: model.width[0]: ", "takes one value as a whole"),
        ("model.width.0=1", "command line: model.width.0: ", "takes one value as a whole"),
        ("optimizer.lr.x=1", "command line: optimizer.lr.x: ", "takes one value as a whole"),
        ("[0]=1", "command line: [0]: ", "unknown key"),
        (".=1", "command line: ", "unknown key; a key such as"),
        ("model.depth", "command line: ", "'model.depth' is no override; KEY=VALUE"),
        ("", "command line: ", "'' is no override"),
        ("=3", "command line: ", "'=3' is no override"),
        ("seed=[1", "command line: seed: ", "is not valid YAML"),
        ("seed=!!int 3", "command line: seed: ", "the tag !!int is refused"),
        ("seed=*a", "command line: seed: ", "the alias *a is refused"),
        ("seed=99999999999999999999", "command line: seed: ", "too large"),
        ("name=a\0", "command line: name: ", "control character"),
        ("name=../../x", "command line: name: ", "cannot name a run"),
        ("name=\ud800", "command line: name: ", "control character"),
        ("train=5", "command line: train: ", "must be a mapping"),
    ],
)
def test_a_wrong_override_is_said_to_be_on_the_command_line(override, start, fragment):
    (problem,) = problems_of([override])
    assert problem.startswith(start)
    assert fragment in problem


def test_a_wrong_value_in_a_mapping_is_said_to_be_an_override():
    assert problems_of({"model.depth": -1})[0].startswith("override: model.depth: ")
    assert problems_of({"seed": object()})[0].startswith("override: seed: ")


def test_an_override_does_not_hide_a_wrong_section_of_the_file(tmp_path: Path):
    file = tmp_path / "a.yaml"
    file.write_text("seed: 1\nmodel: [3]\n")
    (problem,) = problems_of(["model.depth=3"], file)
    assert f"{file}:2:8: model: a list of 1 is not a mapping" in problem


def test_an_override_mends_a_wrong_value_of_the_file(tmp_path: Path):
    file = tmp_path / "a.yaml"
    file.write_text("seed: x\noptimizer: {name: sgd, lr: -1}\n")
    config = load_config(file, ["seed=3", "optimizer=adam"])
    assert (config.seed, config.optimizer.name) == (3, "adam")


def test_a_config_with_overrides_is_what_loading_with_them_gives():
    overrides = {"model.width": [3, 4, 5], "model.depth": 3, "optimizer": "adam"}
    assert load_config(BASE).with_overrides(overrides) == load_config(BASE, overrides)
    twice = load_config(BASE, ["seed=1"]).with_overrides(["model.depth=9"])
    assert (twice.seed, twice.model.depth) == (1, 9)
    with pytest.raises(RequestError, match="out of range"):
        twice.with_overrides({"seed": -1})
