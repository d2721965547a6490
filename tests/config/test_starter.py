"""The file that `vgrad init` writes."""

import pytest
import yaml

from vgrad.config import load_config
from vgrad.config.schema import Config
from vgrad.config.shape import all_fields, choice_of
from vgrad.config.starter import starter
from vgrad.errors import RequestError


def test_it_loads_as_it_is(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(starter("first-try"), encoding="utf-8")
    config = load_config(file)
    assert config.name == "first-try"
    assert config.data.name == "digits"
    assert config.model.activation.name == "sigmoid", "it shows a gradient that vanishes"


@pytest.mark.parametrize("name", ["1e5", "007", "on", "null", "1_0"])
def test_a_name_that_looks_like_something_else_stays_a_name(name):
    assert yaml.safe_load(starter(name))["name"] == name


def test_it_shows_every_key_with_its_meaning_and_every_choice():
    text = starter("x")
    words = " ".join(text.replace("#", " ").split())
    for path, field in all_fields(Config):
        assert f"{path[-1]}:" in text
        assert str(field.description) in words
        choice = choice_of(field)
        for name in choice.registry.names() if choice else ():
            assert name in words


def test_it_fits_a_screen():
    lines = starter("x" * 20).splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 100


def test_a_name_that_is_no_name_is_refused():
    with pytest.raises(RequestError, match="cannot name a run"):
        starter("../x")
