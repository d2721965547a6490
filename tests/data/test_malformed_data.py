"""Whatever is wrong with a table, a path or options, the error names the file and the place."""

import gzip
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from vgrad.data import Blobs, Csv, Npz, Spirals, Teacher


@dataclass(frozen=True)
class Table:
    """A file for `csv`, and what is to be said of it."""

    name: str
    content: bytes
    says: str
    key: str = "data.path"
    options: Mapping[str, object] = field(default_factory=dict)


LONG = "a,y\n" + "".join(f"{n},{n / 2}\n" for n in range(5000))
MANY_WORDS = "word,y\n" + "".join(f"w{n},{n / 2}\n" for n in range(60))
MANY_CLASSES = "a,y\n" + "".join(f"{n},class {n}\n" for n in range(1200))
MANY_NUMBERS = b"a,y\n" + b"".join(b"%d,%d\n" % (n, n) for n in range(1200))

TABLES = [
    Table("empty", b"", "is empty"),
    Table("blank lines only", b"\n\n\r\n\n", "is empty"),
    Table("header only", b"a,y\n", "has a header but no rows below it"),
    Table("cell too few", b"a,b,y\n1,2,3\n4,5\n", "row 3 has 2 cells, row 1 has 3"),
    Table("cell too many", b"a,y\n1,2\n\n1,2,\n", "row 4 has 3 cells, row 1 has 2"),
    Table(
        "first row sets the width",
        b"1,2\n1,2,3\n",
        "row 2 has 3 cells, row 1 has 2",
        options={"header": False, "target": 2},
    ),
    Table("empty cell", b"a,y\n1,2\n,3\n", "row 3, column 'a': the cell is empty"),
    Table("blank cell in text", b"a,y\nu,2\n  ,3\n", "row 3, column 'a': the cell is empty"),
    Table("empty target", b"a,y\n1,2\n2,\n", "row 3, column 'y': the cell is empty"),
    Table("text among numbers", b"age,y\n31,1\nold,2\n", "row 3, column 'age': 'old' is not"),
    Table("number among text", b"a,y\nNA,1\n12,2\n", "row 3, column 'a': '12' is a number"),
    Table("NA among numbers", b"a,y\n12,1\nNA,2\n", "'NA' is not a number, '12' in row 2"),
    Table(
        "comma for a point",
        b"a;y\n1.5;1\n2,5;2\n",
        "row 3, column 'a': '2,5' is not a number",
        options={"delimiter": ";"},
    ),
    Table("digit groups", b"a,y\n1000,1\n1_000,2\n", "row 3, column 'a': '1_000' is not a number"),
    Table("nan", b"a,y\n1,2\nnan,3\n", "row 3, column 'a': 'nan' is not a finite number"),
    Table("infinity", b"a,y\n1,2\n1,-inf\n", "row 3, column 'y': '-inf' is not a finite number"),
    Table("overflow", b"a,y\n1,2\n1,1e999\n", "row 3, column 'y': '1e999' is not a finite number"),
    Table("far down", f"{LONG}x,1\n".encode(), "row 5002, column 'a': 'x' is not a number"),
    Table("long cell", b"a,y\n1,2\n" + b"x" * 999 + b",3\n", "xxx...xxx"),
    Table("nameless column", b"a,,y\n1,2,3\n", "row 1: column 2 has no name in the header"),
    Table("name twice", b"a,b,a\n1,2,3\n", "row 1: columns 1 and 3 are both called 'a'"),
    Table(
        "unknown target",
        b"a,height\n1,2\n",
        "no column 'heigth'; one of 'a', 'height'; did you mean height?",
        "data.target",
        {"target": "heigth"},
    ),
    Table(
        "target in other case",
        b"a,Height\n1,2\n",
        "did you mean Height?",
        "data.target",
        {"target": "height"},
    ),
    Table("no header", b"1,2\n3,4\n", "has it no header (header: false)?", "data.target"),
    Table("other delimiter", b"a;y\n1;2\n", "is ',' the right delimiter?", "data.target"),
    Table("nothing but the target", b"y\n1\n2\n", "no column besides the target", "data.target"),
    Table("one class", b"a,y\n1,u\n2,u\n", "column 'y' is the same in every row", "data.target"),
    Table(
        "text to regress",
        b"a,y\n1,u\n2,v\n",
        "column 'y' is text ('u' …); regression needs",
        "data.task",
        {"task": "regression"},
    ),
    Table(
        "text of two targets",
        b"a,u,v\n1,2,x\n2,3,y\n",
        "but column 'v' is text",
        "data.target",
        {"target": ("u", "v")},
    ),
    Table(
        "classes of two targets",
        b"a,u,v\n1,2,3\n2,3,4\n",
        "several targets, but task is",
        "data.target",
        {"target": ("u", "v"), "task": "classification"},
    ),
    Table(
        "target twice",
        b"a,y\n1,2\n",
        "['y', 'y'] is no choice of columns",
        "data.target",
        {"target": ("y", "y")},
    ),
    Table("no target", b"a,y\n1,2\n", "[] is no choice of columns", "data.target", {"target": ()}),
    Table("too many categories", MANY_WORDS.encode(), "column 'word' has 60 different texts"),
    Table("too many classes", MANY_CLASSES.encode(), "column 'y': has more than 1,000 different"),
    Table(
        "too many numbers for classes",
        MANY_NUMBERS,
        "column 'y' has 1,200 distinct values",
        "data.target",
        {"task": "classification"},
    ),
    Table("Latin-1", "a,y\n1,2\nné,3\n".encode("latin-1"), "line 3 is not UTF-8: byte 0xe9 at pos"),
    Table("UTF-16", "a,y\n1,2\n".encode("utf-16"), "line 1 is not UTF-8"),
    Table("gzipped", gzip.compress(b"a,y\n1,2\n"), "line 1 is not UTF-8: byte 0x8b"),
    Table("open quote", b'a,y\n1,2\n"3,4\n5,6\n', "line 4: unexpected end of data"),
    Table("text after a quote", b'a,y\n"1"2,3\n', "line 2: ',' expected after '\"'"),
    Table("giant cell", b"a,y\n" + b"1" * 200_000 + b",2\n", "line 2: field larger than"),
]


@pytest.mark.parametrize("case", TABLES, ids=lambda case: case.name)
def test_a_malformed_table_is_refused_at_its_row_and_column(tmp_path, refused, case):
    file = tmp_path / "table.csv"
    file.write_bytes(case.content)
    error = refused(Csv(path=str(file), **{"target": "y", **case.options}))
    problem = error.problems[0]
    assert str(file) in problem.message
    assert case.says in str(error)
    assert problem.key == case.key
    assert len(problem.message) < len(str(file)) + 150


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", "\r"])
def test_a_delimiter_is_one_character_that_does_not_quote(tmp_path, refused, delimiter):
    error = refused(Csv(path=str(tmp_path / "t.csv"), target="y", delimiter=delimiter))
    assert error.problems[0].key == "data.delimiter"
    assert "cannot separate cells" in str(error)


# --- what may be wrong with a path ---------------------------------------------------------------


def a_missing_file(folder: Path) -> Path:
    (folder / "mesures.csv").touch()
    return folder / "measures.csv"


def a_folder(folder: Path) -> Path:
    return folder


def a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def below_a_file(folder: Path) -> Path:
    (folder / "file").touch()
    return folder / "file" / "table.csv"


def with_a_nul(folder: Path) -> Path:
    return folder / "a\0b"


def too_long(folder: Path) -> Path:
    return folder / ("n" * 999)


@pytest.mark.parametrize("kind", [Csv, Npz])
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (a_missing_file, "measures.csv: does not exist; did you mean"),
        (a_folder, "is a folder; a file"),
        (a_pipe, "pipe: is not a regular file"),
        (below_a_file, "cannot be read: Not a directory"),
        (with_a_nul, "is no path: embedded null byte"),
        (too_long, "cannot be read: File name too long"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_path_that_is_no_readable_file_is_refused(tmp_path, refused, kind, make, says):
    options = {"target": "y"} if kind is Csv else {}
    error = refused(kind(path=str(make(tmp_path)), **options))
    assert says in str(error)
    assert error.problems[0].key == "data.path"


def test_a_file_that_may_not_be_read_is_refused(tmp_path, refused, monkeypatch):
    def denied(*_):
        raise PermissionError(13, "Permission denied")

    # By hand, for the file's mode does not stop the superuser, who may run this.
    monkeypatch.setattr("vgrad.data.files.open", denied, raising=False)
    file = tmp_path / "table.csv"
    file.touch()
    assert f"{file}: may not be read: permission denied" in str(
        refused(Csv(path=str(file), target="y"))
    )


# --- options that do not fit together ------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "key"),
    [
        (Blobs(n_samples=3, classes=4), "data.n_samples"),
        (Spirals(n_samples=5, classes=6), "data.n_samples"),
        (Blobs(n_samples=1_000_000, features=10_000), "data.features"),
        (Teacher(n_samples=1_000_000, hidden=10_000), "data.hidden"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(refused, part, key):
    assert refused(part).problems[0].key == key
