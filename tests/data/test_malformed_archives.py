"""Whatever is wrong with an archive, the error names the file and the array in it."""

import io
import os
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest

from vgrad.data import Npz

X, Y = np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 1])
NAN, INF = X.copy(), np.array([0.5, 1, np.inf, 2])
NAN[3, 1] = np.nan
TEXT = np.array(["a", "b", "a", "b"])


def archive(**arrays: object) -> bytes:
    """An archive of these arrays; x and y are good ones where none are given."""
    file = io.BytesIO()
    np.savez(file, **{"x": X, "y": Y, **arrays})
    return file.getvalue()


def npy(array: object) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def archive_of(**members: bytes) -> bytes:
    """An archive whose members are these bytes, or good ones."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in {"x": npy(X), "y": npy(Y), **members}.items():
            made.writestr(f"{name}.npy", content)
    return file.getvalue()


def archive_without(*names: str, **more: object) -> bytes:
    file = io.BytesIO()
    arrays = {"x": X, "y": Y, **more}
    np.savez(file, **{name: array for name, array in arrays.items() if name not in names})
    return file.getvalue()


def claimed(shape: str, dtype: str = "<f8", version: bytes = b"\1\0") -> bytes:
    """An .npy file of 64 bytes of data, whatever its header claims."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header + bytes(64)


LOCAL, CENTRAL = b"PK\x03\x04", b"PK\x01\x02"  # what a member's two headers begin with


def overwritten(data: bytes, places: dict[bytes, int], value: int) -> bytes:
    """The archive with a 16-bit field of all its headers of these kinds overwritten."""
    for signature, offset in places.items():
        at = data.find(signature)
        while at >= 0:
            data = data[: at + offset] + value.to_bytes(2, "little") + data[at + offset + 2 :]
            at = data.find(signature, at + 1)
    return data


METHOD, FLAGS = {LOCAL: 8, CENTRAL: 10}, {LOCAL: 6, CENTRAL: 8}
STORED = archive()
DATA_BYTE = STORED.find(X.tobytes()) + 3

NO_ARCHIVE = "is not an .npz archive"
UNREADABLE = "array 'x' cannot be read: "

ARCHIVES = {
    "empty file": (b"", NO_ARCHIVE),
    "text": (b"x,y\n1,2\n", NO_ARCHIVE),
    "pickle": (pickle.dumps({"x": 1, "y": 2}), NO_ARCHIVE),
    "archive cut": (STORED[: len(STORED) // 2], NO_ARCHIVE),
    "single array": (npy(X), "is a single array (.npy); an .npz with x and y"),
    "empty archive": (archive_without("x", "y"), "no array 'x' in it; arrays x, y (and x_test,"),
    "no y": (archive_without("y"), "there is no array 'y' in it"),
    "other names": (archive_without("x", "y", X=X, Y=Y), "it holds 'X', 'Y'"),
    "near name": (archive_without("y", y_=Y), "did you mean y_?"),
    "objects in x": (archive(x=X.astype(object)), "array 'x' holds 'object'"),
    "objects in y": (archive(y=np.array([0, "a", None, 1], object)), "array 'y' holds 'object'"),
    "fields": (archive(x=np.zeros(4, [("a", float)])), "array 'x' holds \"[('a', '<f8')]\""),
    "complex": (archive(x=X + 1j), "array 'x' holds 'complex128'; numbers of"),
    "dates": (archive(x=X.astype("M8[s]")), "array 'x' holds 'datetime64[s]'"),
    "x without features": (archive(x=X[:, 0]), "'x' is of shape (4,); (n, features …)"),
    "x a number": (archive(x=1.0), "array 'x' is of shape ()"),
    "x of no rows": (archive(x=X[:0], y=Y[:0]), "array 'x' is of shape (0, 2)"),
    "x of no columns": (archive(x=X[:, :0]), "array 'x' is of shape (4, 0)"),
    "y of 3 axes": (archive(y=X[:, :, None]), "'y' is of shape (4, 2, 1); (n,) or (n, k)"),
    "y a number": (archive(y=3), "array 'y' is of shape ()"),
    "y too short": (archive(y=Y[:3]), "array 'x' has 4 rows, 'y' has 3"),
    "nan in x": (archive(x=NAN), "x[3, 1] is nan; finite numbers"),
    "inf in y": (archive(y=INF), "y[2] is inf; finite numbers"),
    "text in x": (archive(x=X.astype(str)), "array 'x' is text; numbers"),
    "rows of text in y": (archive(y=X.astype(str)), "'y' is of shape (4, 2); classes are (n,)"),
    "one class": (archive(y=Y * 0), "array 'y' is the same in every row"),
    "many classes": (archive(x=np.ones((1100, 1)), y=np.arange(1100)), "has 1,100 distinct values"),
    "x_test alone": (archive(x_test=X), "has 'x_test' but no 'y_test'"),
    "y_test alone": (archive(y_test=Y), "has 'y_test' but no 'x_test'"),
    "x_test too wide": (
        archive(x_test=np.ones((1, 3)), y_test=[1]),
        "array 'x' is of shape (4, 2), 'x_test' of shape (1, 3)",
    ),
    "y_test too wide": (
        archive(x_test=X, y_test=X),
        "array 'y' is of shape (4,), 'y_test' of shape (4, 2)",
    ),
    "y_test of text": (archive(x_test=X, y_test=TEXT), "one of arrays 'y' and 'y_test' is text"),
    "y_test too short": (archive(x_test=X, y_test=Y[:3]), "'x_test' has 4 rows, 'y_test' has 3"),
    "nan in x_test": (archive(x_test=NAN, y_test=Y), "x_test[3, 1] is nan"),
    "claims a trillion": (
        archive_of(x=claimed("(1000000, 1000000)")),
        "array 'x': 1,000,000,000,000 × 1 values are too many",
    ),
    "claims a gigabyte": (
        archive_of(x=claimed("(100000000, 1)")),
        "array 'x' declares 100,000,000 values of float64, but holds 64 bytes",
    ),
    "claims a giant text": (
        archive_of(y=claimed("(4,)", "<U400000000")),
        "array 'y' declares 4 values of <U400000000, but holds 64 bytes",
    ),
    "claims nothing": (archive_of(y=claimed("(1000000000,)", "<U0")), "array 'y' holds '<U0'"),
    "claims less": (archive_of(x=claimed("(-4, -2)")), f"{UNREADABLE}'negative length"),
    "claims objects": (archive_of(x=claimed("(4, 2)", "|O")), "array 'x' holds 'object'"),
    "header is code": (archive_of(x=claimed("(4, os.system('true'))")), UNREADABLE),
    "header too deep": (archive_of(x=claimed("(" * 5000)), UNREADABLE),
    "format to come": (archive_of(x=claimed("(4, 2)", version=b"\7\0")), UNREADABLE),
    "no array in x": (archive_of(x=b"hello"), UNREADABLE),
    "nothing in x": (archive_of(x=b""), UNREADABLE),
    "a byte flipped": (
        STORED[:DATA_BYTE] + b"\xff" + STORED[DATA_BYTE + 1 :],
        f"{UNREADABLE}\"Bad CRC-32 for file 'x.npy'\"",
    ),
    "unknown compression": (overwritten(STORED, METHOD, 99), UNREADABLE),
    "not LZMA": (overwritten(STORED, METHOD, zipfile.ZIP_LZMA), UNREADABLE),
    "not BZIP2": (overwritten(STORED, METHOD, zipfile.ZIP_BZIP2), UNREADABLE),
    "not DEFLATE": (overwritten(STORED, METHOD, zipfile.ZIP_DEFLATED), UNREADABLE),
    "encrypted": (overwritten(STORED, FLAGS, 1), UNREADABLE),
}


@pytest.mark.parametrize(("content", "says"), ARCHIVES.values(), ids=ARCHIVES)
def test_a_malformed_archive_is_refused_at_its_array(tmp_path, refused, content, says):
    file = tmp_path / "arrays.npz"
    file.write_bytes(content)
    error = refused(Npz(path=str(file)))
    assert str(file) in error.problems[0].message
    assert says in str(error)
    assert error.problems[0].key == "data.path"


@pytest.mark.parametrize(
    ("task", "y", "says"),
    [
        ("regression", TEXT, "array 'y' is text; numbers"),
        ("classification", X, "array 'y' is of shape (4, 2); classes are (n,)"),
    ],
)
def test_a_task_that_the_targets_cannot_serve_is_refused(tmp_path, refused, task, y, says):
    file = tmp_path / "arrays.npz"
    file.write_bytes(archive(y=y))
    error = refused(Npz(path=str(file), task=task))
    assert says in str(error)
    assert error.problems[0].key == "data.task"


def test_an_object_in_an_archive_is_never_unpickled(tmp_path, refused):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    file = tmp_path / "arrays.npz"
    file.write_bytes(archive(x=np.array([[Bomb()]], object), y=[1]))
    assert "pickled objects are never loaded" in str(refused(Npz(path=str(file))))
    assert not (tmp_path / "exploded").exists()


def test_what_a_header_claims_is_not_allocated(tmp_path, refused):
    file = tmp_path / "arrays.npz"
    file.write_bytes(archive_of(x=claimed("(100000000, 1)")))
    tracemalloc.start()
    try:
        refused(Npz(path=str(file)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20e6  # the header claims 800 MB
