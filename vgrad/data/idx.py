"""The IDX files of MNIST and those published in its form (Fashion-MNIST, KMNIST, EMNIST …)."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray

from vgrad.data.base import DataSet, Examples, check_size, datasets
from vgrad.data.digits import pixel_names
from vgrad.data.files import listing, malformed, reading, unpacked
from vgrad.data.targets import classes

UNSIGNED_BYTE = 0x08  # the third byte of the magic number names the type, the fourth the axes
AXES = {"images": 3, "labels": 1}
MAGIC = {(UNSIGNED_BYTE << 8) + n_axes: kind for kind, n_axes in AXES.items()}  # 2051, 2049
WHITE = 255
PIECE = 2**20  # bytes read at once, so that memory follows the content, not the header's claim


@datasets.register("idx", source="LeCun, Cortes & Burges 1998, the MNIST database")
@dataclass(frozen=True, kw_only=True)
class Idx(DataSet):
    """MNIST-format images and labels, plain or gzipped, from the folder `path`.

    The folder holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and, for the test part,
    the same with `t10k` (also spelt `train-images.idx3-ubyte`, and each with `.gz`). Without the
    t10k files, `test_fraction` of the examples are held back. Pixels are scaled to 0..1.
    """

    path_options: ClassVar[tuple[str, ...]] = ("path",)
    path: str

    def read(self, rng: np.random.Generator) -> Examples:  # noqa: ARG002 - nothing random
        """The images in the order of the files, each `rows`·`columns` features."""
        found = _find(self.path)
        train, train_labels = _read_part(found["train-images"], found["train-labels"])
        parts, labels = [train], [train_labels]
        if "t10k-images" in found:
            test, test_labels = _read_part(found["t10k-images"], found["t10k-labels"])
            if test.shape[1:] != train.shape[1:]:
                raise malformed(
                    found["t10k-images"],
                    f"images are {_size(test)} pixels, those for training {_size(train)}",
                )
            parts, labels = [train, test], [train_labels, test_labels]
        y, names = classes(
            np.concatenate(labels), path=found["train-labels"], what="the label", key="data.path"
        )
        x = [images.reshape(len(images), -1) / np.float32(WHITE) for images in parts]
        return Examples.of_parts(x, y, "classification", pixel_names(*train.shape[1:]), names)


def _find(directory: str) -> dict[str, str]:
    """Paths by role (`train-images` …); the t10k pair only where either of it is there.

    Raises:
        RequestError: a file is missing.
    """
    names = listing(directory)
    found: dict[str, str] = {}
    for part in ("train", "t10k"):
        for kind in AXES:
            there = [name for name in _spellings(part, kind) if name in names]
            if there:
                found[f"{part}-{kind}"] = str(Path(directory) / there[0])
    parts = {"train", *(role.split("-")[0] for role in found)}
    for part in sorted(parts, reverse=True):  # train first
        for kind in AXES:
            if f"{part}-{kind}" not in found:
                name = _spellings(part, kind)[0]
                raise malformed(directory, f"there is no {name} in it, nor {name}.gz")
    return found


def _spellings(part: str, kind: str) -> list[str]:
    suffix = f"idx{AXES[kind]}-ubyte"
    return [f"{part}-{kind}{mark}{suffix}{gz}" for gz in ("", ".gz") for mark in "-."]


def _read_part(images_path: str, labels_path: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    images = read_idx(images_path, "images")
    labels = read_idx(labels_path, "labels")
    if len(images) != len(labels):
        raise malformed(labels_path, f"holds {len(labels):,} labels for the {len(images):,} images")
    return images, labels


def read_idx(path: str, kind: str) -> NDArray[np.uint8]:
    """The array of an IDX file of `images` `(n, rows, columns)` or `labels` `(n,)`.

    Raises:
        RequestError: the file is not of that kind, or does not hold what its header declares.
    """
    with reading(path) as file:
        stream = unpacked(file)
        shape = _read_header(stream, path, kind)
        size = int(np.prod(shape, dtype=object))
        check_size(shape[0], size // shape[0], key="data.path", what=path)
        data = bytearray()
        while piece := stream.read(min(PIECE, size + 1 - len(data))):
            data += piece
    declared = " × ".join(f"{length:,}" for length in shape)
    if len(data) < size:
        raise malformed(path, f"ends after {len(data):,} of the {declared} bytes it declares")
    if len(data) > size:
        raise malformed(path, f"goes on after the {declared} bytes it declares")
    return np.frombuffer(data, np.uint8).reshape(shape)


def _read_header(stream: BinaryIO, path: str, kind: str) -> tuple[int, ...]:
    """The declared shape: a magic number, then a length per axis, all big-endian 32 bits."""
    n_axes = AXES[kind]
    length = 4 * (1 + n_axes)
    header = stream.read(length)
    magic = int.from_bytes(header[:4], "big")
    if len(header) >= 4 and MAGIC.get(magic) != kind:
        wanted = next(number for number, name in MAGIC.items() if name == kind)
        said = f", that of {MAGIC[magic]}" if magic in MAGIC else ""
        raise malformed(path, f"byte 0: magic number {magic}{said}", allowed=f"{wanted} ({kind})")
    if len(header) < length:
        raise malformed(path, f"ends after {len(header)} of the header's {length} bytes")
    shape: tuple[int, ...] = struct.unpack(f">{n_axes}I", header[4:])
    if 0 in shape:
        raise malformed(path, f"byte 4: declares no {kind}: {' × '.join(map(str, shape))}")
    return shape


def _size(images: NDArray[np.uint8]) -> str:
    return f"{images.shape[1]}×{images.shape[2]}"
