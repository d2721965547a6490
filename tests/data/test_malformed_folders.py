"""Whatever is wrong with an MNIST folder, the error names the file and the place in it."""

import gzip
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vgrad.data import Idx

IMAGES = np.arange(6 * 4, dtype=np.uint8).reshape(6, 2, 2)
LABELS = np.array([0, 1, 2, 0, 1, 2], np.uint8)
PARTS = {"train": (IMAGES, LABELS), "t10k": (IMAGES[:3], LABELS[:3])}

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def replaced(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        file = folder / name
        file.write_bytes(change(file.read_bytes()))

    return spoil


def removed(*names: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return spoil


def big_endian(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(4, "big") for number in numbers)


def flipped(data: bytes, at: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def claiming(n: int) -> Callable[[bytes], bytes]:
    return lambda data: big_endian(2051, n, 2, 2) + data[16:]


FOLDERS = {
    "no file at all": (
        removed(TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS),
        f"there is no {TRAIN_IMAGES} in it",
    ),
    "labels missing": (removed(TRAIN_LABELS), f"there is no {TRAIN_LABELS} in it"),
    "test labels missing": (removed(TEST_LABELS), f"there is no {TEST_LABELS} in it"),
    "test images missing": (removed(TEST_IMAGES), f"there is no {TEST_IMAGES} in it"),
    "test part alone": (removed(TRAIN_IMAGES, TRAIN_LABELS), f"there is no {TRAIN_IMAGES} in it"),
    "empty file": (
        replaced(TRAIN_IMAGES, lambda _: b""),
        f"{TRAIN_IMAGES}: ends after 0 of the header's 16 bytes",
    ),
    "header cut": (
        replaced(TRAIN_LABELS, lambda data: data[:6]),
        f"{TRAIN_LABELS}: ends after 6 of the header's 8 bytes",
    ),
    "wrong magic number": (
        replaced(TRAIN_IMAGES, lambda data: big_endian(2052) + data[4:]),
        f"{TRAIN_IMAGES}: byte 0: magic number 2052; 2051 (images)",
    ),
    "labels for images": (
        replaced(TRAIN_IMAGES, lambda _: big_endian(2049, 1) + b"\0"),
        f"{TRAIN_IMAGES}: byte 0: magic number 2049, that of labels; 2051 (images)",
    ),
    "a page of HTML": (
        replaced(TEST_IMAGES, lambda _: b"<!DOCTYPE html><html>not found</html>"),
        f"{TEST_IMAGES}: byte 0: magic number",
    ),
    "data cut": (
        replaced(TRAIN_IMAGES, lambda data: data[:-1]),
        f"{TRAIN_IMAGES}: ends after 23 of the 6 × 2 × 2 bytes it declares",
    ),
    "data too long": (
        replaced(TEST_LABELS, lambda data: data + b"\0"),
        f"{TEST_LABELS}: goes on after the 3 bytes it declares",
    ),
    "no images": (
        replaced(TRAIN_IMAGES, lambda _: big_endian(2051, 0, 28, 28)),
        f"{TRAIN_IMAGES}: byte 4: declares no images: 0 × 28 × 28",
    ),
    "no pixels": (
        replaced(TRAIN_IMAGES, lambda _: big_endian(2051, 6, 0, 28)),
        f"{TRAIN_IMAGES}: byte 4: declares no images: 6 × 0 × 28",
    ),
    "more than a machine holds": (
        replaced(TRAIN_IMAGES, claiming(4_000_000_000)),
        f"{TRAIN_IMAGES}: 4,000,000,000 × 4 values are too many",
    ),
    "more than the file holds": (
        replaced(TRAIN_IMAGES, claiming(200_000_000)),
        f"{TRAIN_IMAGES}: ends after 24 of the 200,000,000 × 2 × 2 bytes it declares",
    ),
    "more than the gzip file holds": (
        replaced(TRAIN_IMAGES, lambda data: gzip.compress(claiming(200_000_000)(data))),
        f"{TRAIN_IMAGES}: ends after 24 of the 200,000,000 × 2 × 2 bytes it declares",
    ),
    "fewer labels than images": (
        replaced(TRAIN_LABELS, lambda data: big_endian(2049, 5) + data[8:-1]),
        f"{TRAIN_LABELS}: holds 5 labels for the 6 images",
    ),
    "test images of another size": (
        replaced(TEST_IMAGES, lambda data: big_endian(2051, 3, 4, 1) + data[16:]),
        f"{TEST_IMAGES}: images are 4×1 pixels, those for training 2×2",
    ),
    "one class": (
        lambda folder: [
            replaced(name, lambda data: data[:8] + bytes(len(data) - 8))(folder)
            for name in (TRAIN_LABELS, TEST_LABELS)
        ],
        f"{TRAIN_LABELS}: the label is the same in every row",
    ),
    "gzip cut": (
        replaced(TRAIN_IMAGES, lambda data: gzip.compress(data)[:-12]),
        f"{TRAIN_IMAGES}: is a gzip file that ends too early",
    ),
    "gzip damaged": (
        replaced(TRAIN_IMAGES, lambda data: flipped(gzip.compress(data), 12)),
        f"{TRAIN_IMAGES}: is a damaged gzip file",
    ),
    "gzip with a wrong checksum": (
        replaced(TRAIN_IMAGES, lambda data: flipped(gzip.compress(data), -8)),
        f"{TRAIN_IMAGES}: is a damaged gzip file",
    ),
    "a folder of that name": (
        lambda folder: [removed(TRAIN_IMAGES)(folder), (folder / TRAIN_IMAGES).mkdir()],
        f"{TRAIN_IMAGES}: is a folder; a file",
    ),
}


@pytest.mark.parametrize(("spoil", "says"), FOLDERS.values(), ids=FOLDERS)
def test_a_malformed_mnist_folder_is_refused_at_its_file(
    tmp_path, write_mnist, refused, spoil, says
):
    write_mnist(tmp_path, PARTS)
    spoil(tmp_path)
    error = refused(Idx(path=str(tmp_path)))
    assert str(tmp_path) in error.problems[0].message
    assert says in str(error)
    assert error.problems[0].key == "data.path"


def test_a_folder_that_is_missing_or_a_file_is_refused(tmp_path, refused):
    (tmp_path / "mnist").touch()
    assert "mnist: is a file; a folder" in str(refused(Idx(path=str(tmp_path / "mnist"))))
    error = refused(Idx(path=str(tmp_path / "minst")))
    assert "minst: does not exist; did you mean" in str(error)


def test_what_a_header_claims_is_not_allocated(tmp_path, write_mnist, refused):
    write_mnist(tmp_path, PARTS)
    replaced(TRAIN_IMAGES, claiming(200_000_000))(tmp_path)
    tracemalloc.start()
    try:
        refused(Idx(path=str(tmp_path)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20e6  # the header claims 800 MB; a piece that is read at once has 1 MB
