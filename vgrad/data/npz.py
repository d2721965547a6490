"""The user's own arrays, from a NumPy archive that is never unpickled."""

import lzma
import math
import struct
import tokenize
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO, ClassVar

import numpy as np

from vgrad.data.base import Array, DataSet, Examples, Task, check_size, datasets
from vgrad.data.files import malformed, quoted, reading
from vgrad.data.targets import TaskChoice, classes
from vgrad.errors import nearest

SUFFIX = ".npy"
NAMES_SHOWN = 12
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
TEXT = "US"  # dtype kinds
LABELS = "biu" + TEXT
KNOWN = "f" + LABELS
WIDEST_NUMBER = 8  # bytes; no long doubles

# What zipfile, its decompressors and NumPy's header parser raise on bytes that make no sense;
# RuntimeError where the archive is encrypted.
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    tokenize.TokenError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    SyntaxError,
    MemoryError,
    RecursionError,
    RuntimeError,
)


@datasets.register("npz", source="Harris et al. 2020, NumPy's archive format")
@dataclass(frozen=True, kw_only=True)
class Npz(DataSet):
    """The user's own arrays `x` and `y`, and `x_test`, `y_test` where there are, of one .npz file.

    `x (n, …)` is flattened to `(n, features)`. `y (n,)` of whole numbers or strings makes classes,
    of reals, or `(n, targets)`, a regression, unless `task` says otherwise. Without test arrays,
    `test_fraction` of the examples are held back.
    """

    path_options: ClassVar[tuple[str, ...]] = ("path",)
    path: str
    task: TaskChoice = "auto"

    def read(self, rng: np.random.Generator) -> Examples:  # noqa: ARG002 - nothing random
        """The examples in the order of the arrays."""
        arrays = read_arrays(self.path, required=("x", "y"), optional=("x_test", "y_test"))
        parts = [self._pair(arrays, "x", "y")]
        if "x_test" in arrays or "y_test" in arrays:
            self._check_alike(arrays)
            parts.append(self._pair(arrays, "x_test", "y_test"))
        x_parts, y_parts = zip(*parts, strict=True)
        task, y, class_names = self._interpret(np.concatenate(y_parts))
        return Examples.of_parts(x_parts, y, task, _names(arrays["x"]), class_names)

    def _check_alike(self, arrays: dict[str, Array]) -> None:
        """Whether the test arrays are there in pairs and of the training arrays' form."""
        for name, other in (("x_test", "y_test"), ("y_test", "x_test")):
            if other not in arrays:
                raise malformed(self.path, f"has {name!r} but no {other!r}")
        for name, test in (("x", "x_test"), ("y", "y_test")):
            if arrays[name].shape[1:] != arrays[test].shape[1:]:
                raise malformed(
                    self.path,
                    f"array {name!r} is {_shape(arrays[name])}, {test!r} {_shape(arrays[test])}",
                )
        if (arrays["y"].dtype.kind in TEXT) != (arrays["y_test"].dtype.kind in TEXT):
            raise malformed(self.path, "one of arrays 'y' and 'y_test' is text, the other is not")

    def _pair(self, arrays: dict[str, Array], x_name: str, y_name: str) -> tuple[Array, Array]:
        """Features `(n, features)` and targets `(n,)` or `(n, targets)`, checked."""
        x, y = arrays[x_name], arrays[y_name]
        for name, array, axes in ((x_name, x, "(n, features …)"), (y_name, y, "(n,) or (n, k)")):
            wrong = array.ndim < 2 if name == x_name else array.ndim not in (1, 2)
            if wrong or array.size == 0:
                raise malformed(self.path, f"array {name!r} is {_shape(array)}", allowed=axes)
            self._check_values(name, array)
        if x.dtype.kind in TEXT:
            raise malformed(self.path, f"array {x_name!r} is text", allowed="numbers")
        if len(x) != len(y):
            raise malformed(
                self.path, f"array {x_name!r} has {len(x):,} rows, {y_name!r} has {len(y):,}"
            )
        if y.dtype.kind == "S":
            y = np.char.decode(y, "utf-8", "replace")
        return x.reshape(len(x), -1), y[:, 0] if y.shape[1:] == (1,) else y

    def _check_values(self, name: str, array: Array) -> None:
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            index = np.argwhere(~np.isfinite(array))[0].tolist()
            value = array[tuple(index)]
            raise malformed(
                self.path,
                f"{name}[{', '.join(map(str, index))}] is {value}",
                allowed="finite numbers",
            )

    def _interpret(self, y: Array) -> tuple[Task, Array, tuple[str, ...]]:
        """Task, targets as `Examples` has them, class names."""
        text, flat = y.dtype.kind in TEXT, y.ndim == 1
        if self.task == "regression" and text:
            raise malformed(self.path, "array 'y' is text", key="data.task", allowed="numbers")
        if not flat and (text or self.task == "classification"):
            raise malformed(
                self.path,
                f"array 'y' is {_shape(y)}",
                key="data.task" if self.task == "classification" else "data.path",
                allowed="classes are (n,) whole numbers or strings",
            )
        auto: Task = "classification" if flat and y.dtype.kind in LABELS else "regression"
        task = auto if self.task == "auto" else self.task
        if task == "regression":
            return task, y.reshape(len(y), -1).astype(np.float64), ()
        return task, *classes(y, path=self.path, what="array 'y'", key="data.path")


def read_arrays(
    path: str, *, required: tuple[str, ...], optional: tuple[str, ...]
) -> dict[str, Array]:
    """These arrays of the archive at `path`; the optional ones where they are there.

    Raises:
        RequestError: the file is no archive or damaged, or an array is missing, holds anything
            but numbers or text, or is not as large as it declares.
    """
    with reading(path) as file:
        if file.read(len(np.lib.format.MAGIC_PREFIX)) == np.lib.format.MAGIC_PREFIX:
            raise malformed(path, "is a single array (.npy)", allowed="an .npz with x and y")
        try:
            archive = zipfile.ZipFile(file)
        except BROKEN:
            raise malformed(path, "is not an .npz archive") from None
        with archive:
            members = {info.filename.removesuffix(SUFFIX): info for info in archive.infolist()}
            for name in required:
                if name not in members:
                    raise _missing(path, name, tuple(members))
            return {
                name: _read_array(archive, members[name], path, name)
                for name in (*required, *optional)
                if name in members
            }


def _read_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str, name: str) -> Array:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's, of headers that Python 2 wrote
            with archive.open(info) as stream:
                shape, dtype, length = _header(stream)
            # All checked before it is allocated: NumPy would take the header's word for it.
            _check_declared(path, name, shape, dtype, info.file_size - length)
            with archive.open(info) as stream:
                array: Array = np.lib.format.read_array(stream, allow_pickle=False)
    except (*BROKEN, OSError) as error:
        raise malformed(path, f"array {name!r} cannot be read: {quoted(str(error))}") from error
    return array


def _check_declared(
    path: str, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], n_bytes: int
) -> None:
    too_wide = dtype.kind == "f" and dtype.itemsize > WIDEST_NUMBER
    if dtype.hasobject or dtype.kind not in KNOWN or too_wide or not dtype.itemsize:
        raise malformed(
            path,
            f"array {name!r} holds {quoted(str(dtype))}",
            allowed="numbers of up to 64 bits, or text; pickled objects are never loaded",
        )
    size = math.prod(shape)
    check_size(size, max(1, dtype.itemsize // 8), key="data.path", what=f"{path}: array {name!r}")
    if size * dtype.itemsize != n_bytes:
        raise malformed(
            path,
            f"array {name!r} declares {size:,} values of {dtype}, but holds {n_bytes:,} bytes",
        )


def _header(stream: BinaryIO | Any) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape, dtype and the header's length in bytes."""
    version = np.lib.format.read_magic(stream)
    if version not in HEADERS:
        raise ValueError(f"format version {version} is not for plain arrays")
    shape, _, dtype = HEADERS[version](stream)
    if any(length < 0 for length in shape):
        raise ValueError(f"negative length in shape {shape}")
    return shape, dtype, stream.tell()


def _missing(path: str, name: str, names: tuple[str, ...]) -> Exception:
    shown = ", ".join(quoted(known) for known in names[:NAMES_SHOWN]) or "nothing"
    return malformed(
        path,
        f"there is no array {name!r} in it",
        allowed=f"arrays x, y (and x_test, y_test); it holds {shown}",
        suggestion=nearest(name, names),
    )


def _names(x: Array) -> tuple[str, ...]:
    """`x[3]` or, of images, `x[0,3]`: the index of each feature."""
    return tuple(f"x[{','.join(map(str, index))}]" for index in np.ndindex(x.shape[1:]))


def _shape(array: Array) -> str:
    return f"of shape {array.shape}"
