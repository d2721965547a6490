"""JSON documents and arrays, written whole or not at all."""

import errno
import json
import math
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from stored_runs import python

from vgrad.errors import RunError
from vgrad.store import documents
from vgrad.store.documents import read_json, write_arrays, write_json


def test_numbers_that_json_lacks_are_spelled_out(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": math.nan, "b": [math.inf, -math.inf], "c": {"d": np.float32(0.5)}})
    assert json.loads(path.read_text()) == {"a": None, "b": ["inf", "-inf"], "c": {"d": 0.5}}


def test_text_of_any_kind_comes_back(tmp_path: Path) -> None:
    not_utf8 = b"caf\xe9".decode(errors="surrogateescape")  # how Python spells such a path
    document = {"path": not_utf8, "greek": "‖ΔW‖₂", "control": "\0\x1b[31m\n"}
    path = tmp_path / "a.json"
    write_json(path, document)
    assert read_json(path) == document
    assert path.read_bytes().decode()  # UTF-8 all the same


@pytest.mark.parametrize("there", [True, False])
def test_a_failing_write_leaves_what_stood_there_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    path = tmp_path / "summary.json"
    if there:
        write_json(path, {"status": "running"})
    before = path.read_bytes() if there else None

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(documents.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_json(path, {"status": "finished"})
    assert [one.name for one in tmp_path.iterdir()] == ([path.name] if there else [])
    if there:
        assert path.read_bytes() == before


def test_a_write_that_is_interrupted_leaves_what_stood_there(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    write_json(path, {"status": "running"})

    def torn(file: IO[bytes]) -> None:
        file.write(b'{"status": "fini')
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        documents.replace(path, torn)
    assert read_json(path) == {"status": "running"}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_document_that_is_not_json_leaves_what_stood_there(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    write_json(path, {"status": "running"})
    with pytest.raises(TypeError):
        write_json(path, {"status": object()})
    assert read_json(path) == {"status": "running"}


SIZE_LIMIT = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from vgrad.store.documents import write_arrays, write_json
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
folder = Path(sys.argv[1])
for write, content in ((write_json, {"a": "x" * 9999}), (write_arrays, {"a": np.zeros(9999)})):
    try:
        write(folder / write.__name__, content)
    except OSError as error:
        print(error.strerror)
"""


def test_a_file_that_meets_the_systems_limit_leaves_what_stood_there(tmp_path: Path) -> None:
    for name in ("write_json", "write_arrays"):
        (tmp_path / name).write_text("before")
    done = python(SIZE_LIMIT, tmp_path)
    assert (done.stdout, done.stderr) == ("File too large\n" * 2, "")
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {
        "write_json": "before",
        "write_arrays": "before",
    }


def test_arrays_come_back_bit_for_bit(tmp_path: Path) -> None:
    arrays = {
        "optimizer/slots/mean": np.array([0.1, -0.0, np.nan, 5e-324]),
        "step": np.asarray(3),
        "order/pass_state": np.asarray('{"state": 1}'),
    }
    write_arrays(tmp_path / "a.npz", arrays)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as read:
        assert {name: array.tobytes() for name, array in read.items()} == {
            name: array.tobytes() for name, array in arrays.items()
        }


DAMAGED = {
    "empty": b"",
    "torn": b'{"status": "runn',
    "binary": b"\xff\xfe\x00\x01",
    "a list": b"[1, 2]",
    "a number": b"3",
    "nested": b'{"a":' * 100_000,
    "digits": b'{"a": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_document_names_the_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "summary.json"
    path.write_bytes(DAMAGED[kind])
    with pytest.raises(RunError, match=r"summary\.json: (cannot be read|is not a JSON object)"):
        read_json(path)


def test_a_document_that_is_missing_or_no_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"summary\.json: is missing"):
        read_json(tmp_path / "summary.json")
    with pytest.raises(RunError, match=r"cannot be read: .*Is a directory"):
        read_json(tmp_path)
