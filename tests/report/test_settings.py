import pytest
from fake_runs import CONFIG

from vgrad.report.settings import setting, settings_of


def test_the_settings_are_those_of_the_config_in_reading_order() -> None:
    assert settings_of(CONFIG) == {
        "data": "digits",
        "depth": "30",
        "width": "64",
        "activation": "sigmoid",
        "init": "xavier_normal",
        "loss": "cross_entropy",
        "optimizer": "sgd",
        "lr": "0.1",
        "batch size": "64",
        "clip": "none",
        "seed": "0",
        "dtype": "float32",
    }


def test_only_what_is_remarkable_is_shown() -> None:
    config = {"model": {"norm": "none", "connectivity": "residual"}, "regularization": {"l1": 0.0}}
    assert settings_of(config) == {"connectivity": "residual"}
    assert settings_of({"regularization": {"l2": 1e-4}}) == {"l2": "0.0001"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("tanh", "tanh"),
        ({"name": "leaky_relu", "negative_slope": 0.1}, "leaky_relu(negative_slope=0.1)"),
        ([64, 32], "64-32"),
        ([64, 64, 64, 8], "64-…-8"),
        ([], ""),
        (None, ""),
    ],
)
def test_values_are_spelt_on_one_line(value: object, text: str) -> None:
    assert setting({"model": {"it": value}}, "model.it") == text


def test_a_part_has_a_name_however_it_is_written() -> None:
    assert setting({"optimizer": "adam"}, "optimizer.name") == "adam"
    assert setting({"optimizer": {"name": "adam", "lr": 0.1}}, "optimizer.name") == "adam"


@pytest.mark.parametrize("config", [{}, {"model": None}, {"model": 3}, {"model": {"depth": None}}])
def test_a_damaged_config_has_no_settings(config: dict[str, object]) -> None:
    assert settings_of(config) == {}
