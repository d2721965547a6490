"""MNIST-format folders."""

import numpy as np
import pytest

from vgrad.data import Idx, load


def drawn(n, seed, rows=3, columns=4):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 10
    return rng.integers(0, 256, (n, rows, columns), dtype=np.uint8), labels.astype(np.uint8)


TRAIN, TEST = drawn(40, 1), drawn(20, 2)


def loaded(folder, **options):
    return load(Idx(path=str(folder), standardize=False, **options), np.random.default_rng(0))


def rows(x, y):
    """Images with labels, in an order of their own."""
    table = np.column_stack([x.reshape(len(x), -1), y])
    return table[np.lexsort(table.T)]


@pytest.mark.parametrize("mark", ["-", "."])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzipped"])
def test_the_four_files_are_training_and_test_part(tmp_path, write_mnist, mark, packed):
    write_mnist(tmp_path, {"train": TRAIN, "t10k": TEST}, mark=mark, packed=packed)
    data = loaded(tmp_path, test_fraction=0.5)
    for x, y, (images, labels) in (
        (data.x_train, data.y_train, TRAIN),
        (data.x_test, data.y_test, TEST),
    ):
        wanted = images.astype(np.float32) / np.float32(255)
        assert (rows(x, y) == rows(wanted, labels)).all()
    assert data.class_names == tuple("0123456789")
    assert data.feature_names[:5] == ("r0c0", "r0c1", "r0c2", "r0c3", "r1c0")


def test_without_test_files_a_fraction_is_held_back(tmp_path, write_mnist):
    write_mnist(tmp_path, {"train": TRAIN})
    data = loaded(tmp_path, test_fraction=0.25)
    assert (len(data.x_train), len(data.x_test)) == (30, 10)


def test_a_gzipped_file_is_known_by_its_content(tmp_path, write_mnist):
    write_mnist(tmp_path, {"train": TRAIN}, packed=True)
    for file in tmp_path.iterdir():
        file.rename(file.with_suffix(""))
    assert len(loaded(tmp_path).x_train) == 32


def test_labels_that_begin_at_1_become_classes_from_0(tmp_path, write_mnist):
    write_mnist(tmp_path, {"train": (TRAIN[0], TRAIN[1] + 1)})
    data = loaded(tmp_path)
    assert set(data.y_train) == set(range(10))
    assert data.class_names == tuple(str(n) for n in range(1, 11))
