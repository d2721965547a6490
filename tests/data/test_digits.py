"""The digits that come with vgrad."""

from importlib.resources import files

import numpy as np
import pytest

from vgrad.data import Digits, load

COUNTS = (178, 182, 177, 183, 181, 182, 181, 179, 174, 180)  # of the digits 0..9 in the source

FIRST_ROW = """
     0  0  5 13  9  1  0  0
     0  0 13 15 10 15  5  0
     0  3 15  2  0 11  8  0
     0  4 12  0  0  8  8  0
     0  5  8  0  0  9  8  0
     0  4 11  0  1 12  7  0
     0  2 14  5 10 12  0  0
     0  0  6 13 10  0  0  0
"""


@pytest.fixture(scope="module")
def examples():
    return Digits().read(np.random.default_rng(0))


def test_there_are_1797_images_of_64_pixels_with_the_class_counts_of_the_source(examples):
    assert examples.x.shape == (1797, 64)
    assert tuple(np.bincount(examples.y)) == COUNTS
    assert examples.class_names == tuple("0123456789")


def test_the_first_image_is_the_zero_that_the_source_begins_with(examples):
    assert examples.y[0] == 0
    assert (examples.x[0] * 16 == np.array(FIRST_ROW.split(), float)).all()
    assert examples.feature_names[:9] == (*(f"r0c{n}" for n in range(8)), "r1c0")


def test_pixels_are_scaled_from_0_to_1(examples):
    assert examples.x.min() == 0
    assert examples.x.max() == 1


def test_a_fifth_is_held_back_from_every_class():
    data = load(Digits(), np.random.default_rng(0))
    assert (len(data.x_train), len(data.x_test)) == (1438, 359)
    assert set(np.bincount(data.y_test)) <= {35, 36, 37}


def test_the_licence_comes_with_the_file():
    text = files("vgrad.data").joinpath("digits.LICENSE.md").read_text(encoding="utf-8")
    assert "Alpaydin" in text
    assert "10.24432/C50P49" in text
    assert "CC BY 4.0" in text
