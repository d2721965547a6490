"""Splitting, standardizing and casting, whatever the data set."""

from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from vgrad.data import DataSet, Digits, Examples, Line, datasets, load
from vgrad.errors import RequestError

OFFLINE = [entry for entry in datasets if not entry.required]
RANDOM = ["digits", "spirals", "moons", "circles", "blobs", "teacher", "sine"]


@dataclass(frozen=True, kw_only=True)
class Given(DataSet):
    """Examples made by a test."""

    examples: Examples

    def read(self, rng: np.random.Generator) -> Examples:  # noqa: ARG002
        return self.examples


def numbers(x, y=None) -> Examples:
    y = np.arange(len(x), dtype=float)[:, None] if y is None else y
    return Examples(x, y, "regression", tuple(f"f{n}" for n in range(x.shape[1])))


def labelled(labels) -> Examples:
    y = np.asarray(labels, np.int64)
    names = tuple(map(str, range(y.max() + 1)))
    return Examples(np.arange(len(y), dtype=float)[:, None], y, "classification", ("row",), names)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("entry", OFFLINE, ids=lambda entry: entry.name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_data_set_gives_arrays_of_one_form(entry, dtype):
    data = load(entry.part(), rng(), dtype)
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        assert x.dtype == dtype
        assert x.shape == (len(y), data.n_features)
        assert x.flags.c_contiguous
        assert np.isfinite(x).all()
        if data.task == "classification":
            assert y.dtype == np.int64
            assert y.shape == (len(x),)
        else:
            assert y.dtype == dtype
            assert y.shape == (len(x), data.n_targets)
    assert len(data.x_train) > 0
    assert len(data.feature_names) == data.n_features
    assert (data.n_classes > 0) == (data.task == "classification") == (data.n_targets == 0)


@pytest.mark.parametrize("entry", datasets, ids=lambda entry: entry.name)
def test_every_data_set_stands_in_the_catalogue_with_its_source(entry):
    assert entry.summary
    assert entry.source
    assert set(entry.part.path_options) <= {field.name for field in fields(entry.part)}


@pytest.mark.parametrize("name", RANDOM)
def test_same_seed_same_arrays_other_seed_other_arrays(name):
    first, again, other = (load(datasets.build(name), rng(seed)) for seed in (1, 1, 2))
    for field in ("x_train", "y_train", "x_test", "y_test"):
        assert getattr(first, field).tobytes() == getattr(again, field).tobytes()
    assert first.x_train.tobytes() != other.x_train.tobytes()


@given(
    labels=st.lists(st.integers(0, 4), min_size=2, max_size=60),
    fraction=st.floats(0, 1, exclude_max=True),
    seed=st.integers(0, 99),
)
def test_split_takes_each_row_once_and_leaves_every_class_to_train_on(labels, fraction, seed):
    _, labels = np.unique(labels, return_inverse=True)
    examples = labelled(labels)
    data = load(Given(examples=examples, test_fraction=fraction, standardize=False), rng(seed))
    rows = np.concatenate([data.x_train, data.x_test])[:, 0].astype(int)
    assert sorted(rows) == list(range(len(labels)))
    assert (examples.y[rows] == np.concatenate([data.y_train, data.y_test])).all()
    assert set(data.y_train) == set(labels)
    n_classes = len(set(labels))
    assert len(data.y_test) == min(round(fraction * len(labels)), len(labels) - n_classes)


@given(sizes=st.lists(st.integers(10, 60), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_split_takes_from_each_class_in_proportion(sizes, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    data = load(Given(examples=labelled(labels), test_fraction=0.3), rng(seed))
    for count, size in zip(np.bincount(data.y_test, minlength=len(sizes)), sizes, strict=True):
        # Each class is rounded, by half a row at most; and all share what the roundings of the
        # classes and of the whole, half a row each, leave over, in proportion to their sizes.
        shared = (len(sizes) + 1) / 2 * size / sum(sizes)
        assert abs(count - 0.3 * size) <= 0.5 + shared + 1e-9


def test_training_rows_come_in_random_order():
    data = load(Given(examples=numbers(np.arange(50.0)[:, None]), standardize=False), rng())
    assert (np.diff(data.x_train[:, 0]) < 0).any()
    assert (data.x_train[:, 0] == data.y_train[:, 0]).all()


def test_without_a_test_fraction_the_test_part_has_no_rows():
    data = load(Given(examples=numbers(np.ones((5, 3))), test_fraction=0.0), rng())
    assert data.x_test.shape == (0, 3)
    assert data.y_test.shape == (0, 1)


def test_a_test_part_that_comes_with_the_data_is_taken_as_it_is():
    given_test = numbers(np.array([[10.0], [20.0]]))
    examples = replace(numbers(np.arange(10.0)[:, None]), test=given_test)
    data = load(Given(examples=examples, test_fraction=0.5, standardize=False), rng())
    assert (data.x_test == given_test.x).all()
    assert sorted(data.x_train[:, 0]) == list(range(10))


tables = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=12),
    elements=st.integers(-1000, 1000).map(float),
)


@given(x=tables, seed=st.integers(0, 99))
def test_features_get_mean_0_and_deviation_1_on_the_training_part(x, seed):
    data = load(Given(examples=numbers(x)), rng(seed), np.float64)
    mean, std = data.x_train.mean(axis=0), data.x_train.std(axis=0)
    # Rounding of sums of a dozen numbers up to 1000 over a deviation of at least ~0.3.
    assert np.abs(mean).max() < 1e-11
    assert np.minimum(np.abs(std - 1), std).max() < 1e-11


@given(x=tables, seed=st.integers(0, 99), shift=st.integers(1, 10_000))
def test_standardization_does_not_look_at_the_test_part(x, seed, shift):
    examples = numbers(x)
    before = load(Given(examples=examples), rng(seed), np.float64)
    tested = before.y_test[:, 0].astype(int)  # the target is the row's number
    moved = x.copy()
    moved[tested] += shift
    after = load(Given(examples=numbers(moved)), rng(seed), np.float64)
    assert after.x_train.tobytes() == before.x_train.tobytes()
    raw = load(Given(examples=examples, standardize=False), rng(seed), np.float64).x_train
    std = raw.std(axis=0)
    varied = np.ptp(raw, axis=0) > 0
    moves = (after.x_test - before.x_test)[:, varied] * std[varied]
    assert np.allclose(moves, shift, rtol=1e-9)  # a difference of numbers up to 1e5 in float64


@pytest.mark.parametrize("value", [0.1, 1e6 + 0.1, -3e-300, 1e300])
def test_a_constant_feature_becomes_0_in_both_parts(value):
    x = np.full((10, 2), value)
    x[:, 1] = np.arange(10)
    test = numbers(np.full((3, 2), 5.0))
    data = load(Given(examples=replace(numbers(x), test=test)), rng())
    assert (data.x_train[:, 0] == 0).all()
    assert (data.x_test[:, 0] == 0).all()
    assert np.ptp(data.x_train[:, 1]) > 0


def test_a_large_offset_does_not_cost_precision():
    x = 1.7e9 + np.arange(100.0)[:, None]  # seconds since 1970: float32 has steps of 128 there
    data = load(Given(examples=numbers(x), test_fraction=0.0), rng())
    assert len(np.unique(data.x_train)) == 100


def test_wide_examples_are_standardized_as_narrow_ones_are():
    x = rng().normal(3, 2, (40, 70_000))  # wider than a block of the computation
    wide = load(Given(examples=numbers(x)), rng(5), np.float64)
    narrow = load(Given(examples=numbers(x[:, :7])), rng(5), np.float64)
    assert (wide.x_train[:, :7] == narrow.x_train).all()


@pytest.mark.parametrize("unit", [1e-310, 1e-200, 1e200, 1e300])
def test_the_unit_of_a_feature_does_not_matter(unit):
    x = np.array([[1.0], [2.0], [3.0], [4.0]])
    plain, scaled = (
        load(Given(examples=numbers(x * factor), test_fraction=0.0), rng(), np.float64)
        for factor in (1.0, unit)
    )
    # 1e-310 is subnormal and has 43 bits.
    assert np.abs(plain.x_train - scaled.x_train).max() < 1e-11


@pytest.mark.parametrize(("largest", "standardize"), [(1e300, False), (1.5e308, True)])
def test_numbers_beyond_the_dtype_are_refused_by_feature(largest, standardize):
    x = np.ones((6, 2))
    x[:, 1] = np.array([largest, -largest, 1, 2, 3, 4])
    part = Given(examples=numbers(x), standardize=standardize, test_fraction=0.0)
    with pytest.raises(RequestError, match="feature 'f1' holds numbers too large for float32"):
        load(part, rng())


def test_targets_beyond_the_dtype_are_refused():
    examples = numbers(np.ones((3, 1)), y=np.array([[1.0], [1e200], [2.0]]))
    with pytest.raises(RequestError, match="the target holds numbers too large for float32"):
        load(Given(examples=examples), rng())


def test_examples_beyond_the_memory_are_one_clear_line():
    class Vast(Digits):
        def read(self, rng):  # noqa: ARG002
            raise MemoryError

    with pytest.raises(RequestError, match="do not fit into memory"):
        load(Vast(), rng())


def test_a_data_set_may_have_other_defaults_than_the_family():
    assert (Line().test_fraction, Line().standardize) == (0.0, False)
    assert (Digits().test_fraction, Digits().standardize) == (0.2, True)
