import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgrad.report.levels import BINS, levels_of, short_names, shortened_labels, spelt, value_of


def test_numbers_are_in_order_of_size_and_each_run_has_its_place() -> None:
    levels = levels_of("model.depth", ["10", "5", "100", "5"])
    assert levels.values == (5, 10, 100)
    assert levels.labels == ("5", "10", "100")
    assert levels.codes.tolist() == [1, 0, 2, 0]
    assert levels.justify == "right"


def test_what_is_no_number_is_in_the_order_of_the_runs() -> None:
    levels = levels_of("model.activation", ["tanh", "relu", "3", "tanh"])
    assert levels.values == ("tanh", "relu", 3)
    assert levels.codes.tolist() == [0, 1, 2, 0]
    assert levels.justify == "left"


def test_drawn_numbers_are_put_into_ranges_of_equally_many() -> None:
    texts = [repr(float(value)) for value in np.random.default_rng(0).uniform(1, 2, 80)]
    levels = levels_of("optimizer.lr", texts, drawn=True)
    assert np.bincount(levels.codes).tolist() == [10] * BINS
    for code, (low, high) in enumerate(levels.values):
        inside = [float(text) for text, one in zip(texts, levels.codes, strict=True) if one == code]
        assert (min(inside), max(inside)) == (low, high)
    assert len(levels_of("optimizer.lr", texts)) == 80  # a grid keeps its values
    assert len(levels_of("model.depth", ["5", "10"] * 40, drawn=True)) == 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-0.5", -0.5),
        (".5", 0.5),
        ("1e-05", 1e-5),
        ("tanh", "tanh"),
        ("", ""),
        ("inf", "inf"),
        ("-inf", "-inf"),
        ("1_000", "1_000"),
        ("٣", "٣"),
        ("true", "true"),
        ("'5'", "'5'"),
        ("1e999", "1e999"),
    ],
)
def test_a_cell_is_a_number_or_text(text: str, value: object) -> None:
    assert value_of(text) == value
    assert type(value_of(text)) is type(value)


def test_values_are_spelt_on_one_line() -> None:
    assert spelt("{name: gaussian, std: 0.01}") == "gaussian(std=0.01)"
    assert spelt("0.0012345678901") == "1.2e-3"
    assert spelt("0.001") == "0.001"
    assert spelt("a\n\x1b[31m") == "a  [31m"


def test_keys_are_called_by_as_little_as_tells_them_apart() -> None:
    keys = ("model.depth", "seed", "data.seed", "optimizer", "optimizer.lr", "a.b.c", "d.b.c")
    assert list(short_names(keys).values()) == [
        "depth", "seed", "data.seed", "optimizer", "lr", "a.b.c", "d.b.c",
    ]  # fmt: skip


@given(st.lists(st.text("ab…", max_size=12), max_size=6, unique=True), st.integers(3, 12))
def test_labels_that_are_cut_stay_different(labels: list[str], width: int) -> None:
    cut = shortened_labels(labels, width)
    assert len(set(cut)) == len(labels)
    assert cut == labels or max(map(len, cut)) <= width
