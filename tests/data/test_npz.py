"""Archives of the user's own arrays."""

import numpy as np
import pytest

from vgrad.data import Npz, load


def read(tmp_path, *, options=None, packed=False, **arrays):
    file = tmp_path / "arrays.npz"
    (np.savez_compressed if packed else np.savez)(file, **arrays)
    return Npz(path=str(file), **(options or {})).read(np.random.default_rng(0))


X = np.arange(12.0).reshape(4, 3)


@pytest.mark.parametrize("packed", [False, True])
def test_reals_in_y_make_a_regression(tmp_path, packed):
    examples = read(tmp_path, x=X, y=[0.5, 1.0, 2.0, 3.0], packed=packed)
    assert examples.task == "regression"
    assert (examples.x == X).all()
    assert examples.y.tolist() == [[0.5], [1.0], [2.0], [3.0]]
    assert examples.feature_names == ("x[0]", "x[1]", "x[2]")


def test_y_of_several_columns_is_several_targets(tmp_path):
    examples = read(tmp_path, x=X, y=np.arange(8).reshape(4, 2))
    assert examples.task == "regression"
    assert examples.y.shape == (4, 2)
    assert examples.y.dtype == np.float64


@pytest.mark.parametrize(
    ("y", "indices", "names"),
    [
        (np.array([7, 3, 7, 5]), [2, 0, 2, 1], ("3", "5", "7")),
        (np.array([[7], [3], [7], [5]]), [2, 0, 2, 1], ("3", "5", "7")),
        (np.array([True, False, True, True]), [1, 0, 1, 1], ("False", "True")),
        (np.array(["cat", "ant", "cat", "bee"]), [2, 0, 2, 1], ("ant", "bee", "cat")),
        (np.array([b"cat", b"ant", b"cat", b"bee"]), [2, 0, 2, 1], ("ant", "bee", "cat")),
    ],
    ids=["integers", "a column of integers", "booleans", "strings", "bytes"],
)
def test_labels_in_y_make_classes(tmp_path, y, indices, names):
    examples = read(tmp_path, x=X, y=y)
    assert examples.task == "classification"
    assert examples.y.tolist() == indices
    assert examples.class_names == names


def test_task_overrules_the_type_of_y(tmp_path):
    regression = read(tmp_path, x=X, y=[7, 3, 7, 5], options={"task": "regression"})
    assert regression.y.tolist() == [[7], [3], [7], [5]]
    classes = read(tmp_path, x=X, y=[7.0, 3.0, 7.0, 5.0], options={"task": "classification"})
    assert classes.y.tolist() == [2, 0, 2, 1]
    assert classes.class_names == ("3", "5", "7")


def test_images_are_flattened_row_by_row(tmp_path):
    images = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)
    examples = read(tmp_path, x=images, y=[0, 1, 0, 1])
    assert (examples.x == images.reshape(4, 6)).all()
    assert examples.feature_names[3] == "x[1,1]"


def test_test_arrays_are_the_test_part_and_share_its_classes(tmp_path):
    y, y_test = np.array(["b", "c", "b", "c"]), np.array(["c", "a"])
    examples = read(tmp_path, x=X, y=y, x_test=X[:2] + 100, y_test=y_test)
    assert examples.class_names == ("a", "b", "c")
    assert examples.y.tolist() == [1, 2, 1, 2]
    assert examples.test.y.tolist() == [2, 0]
    assert (examples.test.x == X[:2] + 100).all()


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f8", "int8", "uint64", "bool"])
def test_any_type_of_number_loads(tmp_path, dtype):
    x = np.array([[0, 1], [1, 0], [1, 1], [0, 0]], dtype)
    file = tmp_path / "arrays.npz"
    np.savez(file, x=np.asfortranarray(x), y=[0.1, 0.2, 0.3, 0.4])
    part = Npz(path=str(file), standardize=False, test_fraction=0.0)
    data = load(part, np.random.default_rng(0))
    order = np.argsort(data.y_train[:, 0])
    assert (data.x_train[order] == x.astype(np.float32)).all()
