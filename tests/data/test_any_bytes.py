"""Whatever bytes a data file holds: it is read, or refused in a sentence, never a traceback."""

import gzip
import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vgrad.data import Csv, DataSet, Idx, Npz, load
from vgrad.errors import RequestError

TABLE = b'a,colour,y\n1.5,"red",0\n2,blue,1\n-3e2,red,0\n4,red,1\n'
IMAGES = gzip.compress(b"".join(n.to_bytes(4, "big") for n in (2051, 6, 2, 2)) + bytes(24), mtime=0)
LABELS = b"".join(n.to_bytes(4, "big") for n in (2049, 6)) + bytes([0, 1, 2, 0, 1, 2])


def _archive() -> bytes:
    file = io.BytesIO()
    np.savez(file, x=np.arange(8.0).reshape(4, 2), y=np.array([0, 1, 0, 1]))
    return file.getvalue()


ARCHIVE = _archive()

spoilt = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(0, 3), st.binary(min_size=1, max_size=4)),
    min_size=1,
    max_size=5,
)


def spoil(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    """`data` with bytes inserted for others at some places."""
    for place, length, new in changes:
        at = place % (len(data) + 1)
        data = data[:at] + new + data[at + length :]
    return data


def accepted_or_refused(part: DataSet) -> None:
    try:
        data = load(part, np.random.default_rng(0))
    except RequestError:
        return
    assert np.isfinite(data.x_train).all()


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=300) | spoilt.map(lambda changes: spoil(TABLE, changes)))
def test_no_bytes_in_a_table_are_a_traceback(tmp_path_factory, content):
    file = tmp_path_factory.getbasetemp() / "any.csv"
    file.write_bytes(content)
    accepted_or_refused(Csv(path=str(file), target="y"))


@settings(max_examples=200, deadline=None)
@given(content=spoilt.map(lambda changes: spoil(ARCHIVE, changes)))
def test_no_bytes_in_an_archive_are_a_traceback(tmp_path_factory, content):
    file = tmp_path_factory.getbasetemp() / "any.npz"
    file.write_bytes(content)
    accepted_or_refused(Npz(path=str(file)))


@settings(max_examples=200, deadline=None)
@given(content=spoilt.map(lambda changes: spoil(IMAGES, changes)))
def test_no_bytes_in_an_idx_file_are_a_traceback(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    (folder / "train-images-idx3-ubyte").write_bytes(content)
    (folder / "train-labels-idx1-ubyte").write_bytes(LABELS)
    accepted_or_refused(Idx(path=str(folder)))
