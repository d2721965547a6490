"""What the tests of data share: a writer of MNIST folders, and the refusal of a request."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vgrad.data import DataSet, load
from vgrad.errors import RequestError

MAGIC = {3: 2051, 1: 2049}


def idx_bytes(array: np.ndarray) -> bytes:
    """An IDX file of unsigned bytes: magic number, lengths, values."""
    header = struct.pack(f">{1 + array.ndim}I", MAGIC[array.ndim], *array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def write_mnist() -> Callable[..., None]:
    """Writes the named files of an MNIST folder; `mark` and `packed` choose their spelling."""

    def write(
        folder: Path,
        parts: dict[str, tuple[np.ndarray, np.ndarray]],
        mark: str = "-",
        packed: bool = False,
    ) -> None:
        folder.mkdir(exist_ok=True)
        for part, (images, labels) in parts.items():
            for kind, array in (("images", images), ("labels", labels)):
                name = f"{part}-{kind}{mark}idx{array.ndim}-ubyte"
                content = idx_bytes(array)
                if packed:
                    name, content = name + ".gz", gzip.compress(content)
                (folder / name).write_bytes(content)

    return write


@pytest.fixture
def refused() -> Callable[[DataSet], RequestError]:
    """Loads a data set that must be refused; the error, which is one line."""

    def refuse(part: DataSet) -> RequestError:
        with pytest.raises(RequestError) as caught:
            load(part, np.random.default_rng(0))
        assert len(caught.value.problems) == 1
        assert "\n" not in str(caught.value)
        return caught.value

    return refuse
