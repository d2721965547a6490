"""Malformed experiment files: each gives one clear problem at its place, never a traceback."""

from pathlib import Path

import pytest

from vgrad.config import load_config
from vgrad.errors import Problem, RequestError

NOT_WHOLE = "is not a whole number"
NOT_NUMBER = "is not a number"
NOT_FINITE = "is not a finite number"
NOT_FLAG = "is not true or false"
RANGE = "is out of range"
NOTHING = "nothing is given"
UNKNOWN = "unknown key"
YAML = "is not valid YAML"

# key → fragment of the message → values (in YAML) that get it
WRONG_VALUES: dict[str, dict[str, list[str]]] = {
    "name": {
        "cannot name a run": [
            "../../x",
            "..",
            ".hidden",
            "/etc/passwd",
            "a/b",
            "a\\b",
            "-rf",
            '"a b"',
            "''",
            "ünï",
            '"a\\nb"',
            "a" * 65,
            "'CON:'",
            "'$HOME'",
        ],
        "is not text": ["7", "1.5", "true", "[a]", "{a: b}", "1e3"],
        "control character": ['"a\\0b"'],
    },
    "seed": {
        RANGE: ["-1", "-9223372036854775807"],
        "too large": ["9223372036854775808", "1" + 40 * "0"],
        "too many digits": ["9" * 5000],
        NOT_WHOLE: ["'3'", "1.5", "1.0", "1e3", "true", "x", "[1]", "{a: 1}", "007", "0b11"],
        NOTHING: ["", "null", "~"],
        NOT_FINITE: [".nan", ".inf", "1e999"],
    },
    "model.depth": {
        RANGE: ["-1", "100001"],
        "too large": ["1" + 30 * "0"],
        NOT_WHOLE: ['"10"', "ten", "10.5", "10.0", "true", "yes", "[10]", "{name: 10}", "10 20"],
        NOTHING: ["null", ""],
        NOT_FINITE: [".inf", "-.INF", ".NaN"],
    },
    "model.width": {
        RANGE: ["0", "-64", "65537"],
        "is not a whole number or a list": ["'64'", "wide", "6.4", "false", "{a: 1}"],
        NOTHING: ["null"],
    },
    "model.activation": {
        "no activation is called 'sigmod'; one of": ["sigmod"],
        "did you mean sigmoid?": ["sigmod", "Sigmoid", "SIGMOID"],
        "no activation is called": ["''", "'../../x'", "__import__", "tanh;relu"],
        "is no activation": ["3", "true", "[tanh]"],
        NOTHING: ["null"],
    },
    "model.init": {
        "no initializer is called": ["xavier", "none", "he"],
        "is no init": ["0.1", "[]"],
    },
    "model.bias_init": {
        NOT_FINITE: [".nan", ".inf", "-1e999"],
        "a number, or one of": ["zero", "'0.0'", "true", "[0.0]"],
        NOTHING: ["null"],
    },
    "model.connectivity": {"no connectivity is called": ["residul", "nonesuch"]},
    "model.norm": {"did you mean none?": ["null", "", "None", "nonne"]},
    "model.dropout": {
        RANGE: ["-0.1", "1", "1.0", "5"],
        NOT_NUMBER: ["half", "true", "'0.0'", "[0.1]"],
        NOT_FINITE: [".nan"],
    },
    "loss": {"no loss is called": ["crossentropy", "MSE"], "is no loss": ["1", "[mse]"]},
    "data": {"no data set is called": ["digit", "mnist.csv"], "is no data set": ["5", "[digits]"]},
    "regularization.l1": {
        RANGE: ["-0.1", "-1"],
        NOT_NUMBER: ["'0.1'", "none", "no", "{l1: 1}"],
        NOT_FINITE: [".nan", ".inf"],
    },
    "regularization.l2": {NOTHING: [""], NOT_NUMBER: ["1,5", "1e", "0.1.2", "1_0.5"]},
    "optimizer": {
        "no optimizer is called": ["SGDD", "adamm"],
        "did you mean adam?": ["adamm", "Adam"],
        "is no optimizer": ["0.1", "[sgd, adam]", "true"],
    },
    "schedule": {"no schedule is called": ["constnt"], NOTHING: ["null"]},
    "clip": {"no clip is called": ["nothing"], NOTHING: ["null"]},
    "noise.eta": {RANGE: ["-0.1"], NOT_NUMBER: ["'0.3'", "true"], NOTHING: ["null"]},
    "noise.gamma": {RANGE: ["-1"], NOT_FINITE: [".inf"]},
    "noise": {"must be a mapping of eta, gamma": ["0.3", "none"]},
    "train.steps": {
        RANGE: ["-1", "1000000001"],
        NOT_WHOLE: ["1e4", "'500'", "many", "5.0", "on"],
    },
    "train.epochs": {RANGE: ["-20"], NOT_WHOLE: ["2.5", "full"]},
    "train.batch_size": {
        RANGE: ["0", "-64"],
        "is not a whole number or full": ["6.4", "true", "[64]"],
        "did you mean full?": ["ful", "Full"],
        "did you mean 64?": ["'64'"],
    },
    "log.every": {RANGE: ["0", "-10"], NOT_WHOLE: ["0.5", "never"]},
    "log.histograms": {NOT_FLAG: ["1", "0", "maybe", "'true'", "[true]"], NOTHING: ["~"]},
    "dtype": {
        "did you mean float32?": ["float23", "Float32"],
        "is not one of the choices; must be float32 or float64": ["int8", "''"],
        "is not text": ["32", "true"],
        NOTHING: ["null"],
    },
    "model": {
        "is not a mapping; must be a mapping of depth": ["20", "true", "[depth, 20]", "deep"],
        "did you mean depth: 20?": ["depth:20"],
        NOTHING: ["", "null"],
    },
    "train": {"must be a mapping of steps, epochs": ["500", "[steps]"]},
    "log": {"must be a mapping of every": ["10"]},
    "regularization": {"must be a mapping of l1, l2": ["0.1", "none"]},
}

# text, key, line, fragment of the message
WRONG_TEXTS: list[tuple[str, str, int, str]] = [
    # nothing, or no mapping
    ("", "", 0, "the file is empty; try vgrad init"),
    ("\n\n  \n", "", 0, "the file is empty"),
    ("# only a comment\n", "", 0, "the file is empty"),
    ("---\n", "", 0, "the file is empty"),
    ("null", "", 0, "the file is empty"),
    ("[]", "", 1, "a list of 0 is no mapping"),
    ("- depth: 3\n", "", 1, "a list of 1 is no mapping"),
    ("\n\n20", "", 3, "20 is no mapping"),
    ("just some words", "", 1, "is no mapping"),
    ("depth:20", "", 1, "is no mapping"),
    ("true", "", 1, "is no mapping"),
    # syntax
    ("model: {depth: 3", "", 1, YAML),
    ("model: [1, 2", "", 1, YAML),
    ("seed: 1\n}", "", 2, YAML),
    ("seed: 'abc", "", 1, YAML),
    ('seed: "abc', "", 1, YAML),
    ('name: "\\q"', "", 1, YAML),
    ("seed: 1\n\tname: x", "", 2, "a tab cannot indent; use spaces"),
    ("model:\n\tdepth: 3", "", 2, "a tab cannot indent"),
    ("model:\n  depth: 3\n width: 4", "", 3, YAML),
    ("seed: 1: 2", "", 1, YAML),
    ("seed: @x", "", 1, YAML),
    ("seed: `x`", "", 1, YAML),
    ("%YAML 9\nseed: 1", "", 1, YAML),
    ("seed: 1\n- 2", "", 2, YAML),
    ("seed: 1 name: x", "", 1, YAML),
    ("{a: 1}}", "", 1, YAML),
    ("seed: &", "", 1, YAML),
    ("seed: *", "", 1, YAML),
    ("seed: !<x", "", 1, YAML),
    ("name: |99\n  x", "", 1, YAML),
    ("seed: 1\nname\n", "", 2, YAML),
    ("model: {\n  depth: 3\n", "", 1, YAML),
    # more than one document
    ("seed: 1\n---\nseed: 2\n", "", 2, "a second document begins"),
    ("seed: 1\n...\n---\nseed: 2\n", "", 3, "a second document begins"),
    # keys
    ("seed: 1\nseed: 2", "seed", 2, "is given twice, first in line 1"),
    ("model:\n  depth: 1\n  width: 3\n  depth: 2", "model.depth", 4, "first in line 2"),
    ("model: {depth: 1}\nseed: 0\nmodel: {depth: 1}", "model", 3, "is given twice"),
    ('seed: 1\n"seed": 2', "seed", 2, "is given twice"),
    ("10: x", "10", 1, "the key 10 is not text"),
    ("model:\n  yes: 1", "model.yes", 2, "the key true is not text"),
    ("null: 1", "null", 1, "the key null is not text"),
    ("1.5: 1", "1.5", 1, "the key 1.5 is not text"),
    (": 1", "", 1, YAML),
    ("? [a, b]\n: 1", "", 1, "a key must be plain text"),
    ("? {a: b}\n: 1", "", 1, "a key must be plain text"),
    ("model:\n  {a: 1}: 2", "model", 2, "a key must be plain text"),
    ("seed: &a 1\n*a : 2", "", 2, "a key must be plain text"),
    ('"a\\0b": 1', "a\0b", 1, "control character"),
    ("dept: 3", "dept", 1, UNKNOWN),
    ("model:\n  dept: 3", "model.dept", 2, "did you mean depth?"),
    ("model: {}\n\nsead: 3", "sead", 3, "did you mean seed?"),
    ("lr: 0.1", "lr", 1, "did you mean optimizer.lr?"),
    ("depth: 3", "depth", 1, "did you mean model.depth?"),
    ("steps: 3", "steps", 1, "did you mean train.steps?"),
    ("batchsize: 3", "batchsize", 1, "did you mean train.batch_size?"),
    ("model:\n  epochs: 3", "model.epochs", 2, "did you mean train.epochs?"),
    ("model.depth: 3", "model.depth", 1, "did you mean model: {depth: …}?"),
    ("Model: {}", "Model", 1, "did you mean model?"),
    ("__class__: 1", "__class__", 1, UNKNOWN),
    ("_document: {}", "_document", 1, UNKNOWN),
    ("model_config: {}", "model_config", 1, UNKNOWN),
    ("log: {evry: 1}", "log.evry", 1, "did you mean every?"),
    ("'': 1", "", 1, UNKNOWN),
    ("qqqqqqqq: 1", "qqqqqqqq", 1, "one of name, seed, data, model"),
    # parts
    ("optimizer:\n  name: sgd\n  lr: -0.1", "optimizer.lr", 3, "-0.1 is out of range; must be a"),
    ("optimizer: {name: sgd, lr: 0}", "optimizer.lr", 1, "greater than 0"),
    ("optimizer: {name: sgd, lr: '0.1'}", "optimizer.lr", 1, "did you mean 0.1?"),
    ("optimizer: {name: sgd, lr: .nan}", "optimizer.lr", 1, NOT_FINITE),
    ("optimizer: {name: sgd, lr: 1e400}", "optimizer.lr", 1, NOT_FINITE),
    ("optimizer: {name: sgd, lr: true}", "optimizer.lr", 1, NOT_NUMBER),
    ("optimizer: {name: sgd, lr: null}", "optimizer.lr", 1, NOTHING),
    ("optimizer: {name: sgd, lr: [0.1]}", "optimizer.lr", 1, NOT_NUMBER),
    ("optimizer: {name: sgd, lr: {a: 1}}", "optimizer.lr", 1, NOT_NUMBER),
    ("optimizer: {name: sgd, lr: 1, lr: 2}", "optimizer.lr", 1, "is given twice"),
    ("optimizer: {name: sgd, rate: 1}", "optimizer.rate", 1, "unknown key; sgd takes lr"),
    ("optimizer: {name: sgd, betas: [0, 0]}", "optimizer.betas", 1, "an option of"),
    ("optimizer: {lr: 0.1}", "optimizer.name", 1, "is missing"),
    ("seed: 1\noptimizer: {}", "optimizer.name", 2, "is missing"),
    ("optimizer: {name: adamm}", "optimizer.name", 1, "did you mean adam?"),
    ("optimizer: {name: [sgd]}", "optimizer.name", 1, "no optimizer is called"),
    ("optimizer: {name: null}", "optimizer.name", 1, "no optimizer is called null"),
    ("optimizer:\n  name: adam\n  betas: [0.9]", "optimizer.betas", 3, "wrong length"),
    ("optimizer: {name: adam, betas: [0.9, 0.9, 0.9]}", "optimizer.betas", 1, "wrong length"),
    ("optimizer: {name: adam, betas: 0.9}", "optimizer.betas", 1, "is not a list"),
    ("optimizer: {name: adam, betas: [0.9, 1.0]}", "optimizer.betas[1]", 1, RANGE),
    ("optimizer: {name: adam, betas: [0.9, x]}", "optimizer.betas[1]", 1, NOT_NUMBER),
    ("optimizer:\n  name: adam\n  betas:\n    - 2\n    - 0.9", "optimizer.betas[0]", 4, RANGE),
    ("model:\n  init: {name: gaussian, std: x}", "model.init.std", 2, NOT_NUMBER),
    ("model:\n  init: {name: gaussian, std: -1}", "model.init.std", 2, RANGE),
    ("model:\n  init: constant", "model.init.value", 2, "the constant initializer needs it"),
    (
        "model:\n  init: {name: he_normal, mode: fan}",
        "model.init.mode",
        2,
        "not one of the choices",
    ),
    (
        "model:\n  init: {name: he_normal, mode: fanin}",
        "model.init.mode",
        2,
        "did you mean fan_in?",
    ),
    ("model:\n  activation: {name: tanh, slope: 1}", "model.activation.slope", 2, "no options"),
    ("model:\n  bias_init: {std: 1}", "model.bias_init.name", 2, "is missing"),
    ("model:\n  bias_init: {name: gauss}", "model.bias_init.name", 2, "did you mean gaussian?"),
    ("loss: {name: huber, delta: 0}", "loss.delta", 1, RANGE),
    ("loss:\n  delta: 1", "loss.name", 2, "is missing"),
    ("data: csv", "data.path", 1, "is missing; the csv data set needs it"),
    ("data: {name: csv, path: x.csv}", "data.target", 1, "is missing"),
    ("data:\n  name: digits\n  test_fraction: 1.5", "data.test_fraction", 3, RANGE),
    ("data:\n  name: digits\n  test_fraction: -1", "data.test_fraction", 3, RANGE),
    ("data: {name: digits, standardize: 1}", "data.standardize", 1, NOT_FLAG),
    ("data: {name: digits, path: x}", "data.path", 1, UNKNOWN),
    ("data: {name: csv, path: 3, target: y}", "data.path", 1, "is not text"),
    ("data: {name: ../../x}", "data.name", 1, "no data set is called"),
    ("clip: {norm: 0}", "clip.norm", 1, "0 is out of range; must be a number greater than 0"),
    ("seed: 1\nclip:\n  norm: '1'", "clip.norm", 3, "did you mean 1?"),
    ("clip: {norm: }", "clip.norm", 1, NOTHING),
    ("clip: {norm: !x 1}", "clip.norm", 1, "the tag !x is refused"),
    ("clip: {name: norm, max_norm: 0}", "clip.max_norm", 1, RANGE),
    ("clip: {name: norm, norm: 1.0}", "clip.norm", 1, "unknown key; norm takes max_norm"),
    ("clip: {agc: 0.01, eps: 0}", "clip.eps", 1, RANGE),
    ("clip: {norm: 1.0, eps: 1}", "clip.eps", 1, "it is an option of agc"),
    ("clip: {norm: 1.0, max_norm: 2.0}", "clip.max_norm", 1, "norm stands for it already"),
    ("clip:\n  norm: 1.0\n  value: 0.5", "clip", 2, "norm and value are given; one clip at a"),
    ("clip: {nrom: 1.0}", "clip.nrom", 1, "no clip is called 'nrom'; one of none, norm"),
    ("clip: {max_norm: 1.0}", "clip.max_norm", 1, "did you mean norm?"),
    ("clip: {none: 1}", "clip.none", 1, "none takes no value; did you mean none?"),
    ("clip: {}", "clip.name", 1, "is missing; the clip's name, one of none, norm"),
    ("clip: {exclude_output: true}", "clip.name", 1, "is missing"),
    ("optimizer: {sgd: 0.1}", "optimizer.name", 1, "is missing"),
    # keys that must agree
    ("model:\n  depth: 3\n  width: [1, 2]", "model.width", 3, "lists 2 widths for a depth of 3"),
    ("model:\n  width: [1, 2]\n  depth: 0", "model.width", 2, "lists 2 widths for a depth of 0"),
    ("model:\n  width: [8, 0, 8]", "model.width[1]", 2, RANGE),
    ("model:\n  width:\n  - 8\n  - '8'", "model.width[1]", 4, "did you mean 8?"),
    ("model:\n  width: [8, [8]]", "model.width[1]", 2, NOT_WHOLE),
    ("model:\n  width: [8, null]", "model.width[1]", 2, NOTHING),
    ("model:\n  width: [8, 8.5]", "model.width[1]", 2, NOT_WHOLE),
    ("train:\n  steps: 5\n  epochs: 5", "train.epochs", 3, "give one of steps and epochs"),
    ("train:\n  steps: null", "train.epochs", 2, "neither is given"),
    # what YAML could do and ours does not
    ("seed: !!python/object/apply:os.system [ls]", "seed", 1, "the tag !!python/object/apply"),
    ("name: !!python/name:os.system", "name", 1, "is refused"),
    ("!!python/object:object {}", "", 1, "is refused"),
    ("seed: !!int '3'", "seed", 1, "the tag !!int is refused"),
    ("seed: !mine 3", "seed", 1, "the tag !mine is refused"),
    ("seed: ! 3", "seed", 1, "is refused"),
    ("!!str seed: 3", "seed", 1, "is refused"),
    ("name: !!binary aGk=", "name", 1, "is refused"),
    ("model: !!set {depth}", "model", 1, "is refused"),
    (
        "seed: &s 3\ntrain: {steps: *s}",
        "train.steps",
        2,
        "the alias *s is refused; write the value",
    ),
    ("model: &m\n  depth: *m", "model.depth", 2, "the alias *m is refused"),
    ("model: &m {<<: *m}", "model.<<", 1, "merge keys are not supported"),
    ("model:\n  <<: {depth: 3}", "model.<<", 2, "merge keys are not supported"),
    ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "a", 1, UNKNOWN),
    ("seed: *nowhere", "seed", 1, "the alias *nowhere is refused"),
    # limits
    ("model: " + "[" * 50, "", 1, "nested deeper than 20"),
    ("model: " + "[" * 21 + "]" * 21, "", 1, "nested deeper than 20"),
    ("model: " + "[" * 100_000, "", 1, "nested deeper than 20"),
    ("model: " + "{a: " * 100_000, "", 1, "nested deeper than 20"),
    ("\n".join(" " * i + "a:" for i in range(500)), "", 21, "nested deeper than 20"),
    ("model: " + "- " * 5, "", 1, YAML),
    ("- " * 50_000, "", 1, "nested deeper than 20"),
    ("model:\n  width: [" + "1," * 250_000 + "]", "model.width", 2, "more than 200,000 values"),
    ("#" + "x" * (1 << 20), "", 0, "the file is too large"),
    ("model:\n  width: [" + "a," * 2_000 + "]", "model.width[0]", 2, NOT_WHOLE),
    ("k" * 900 + ": 1", "k" * 60 + "…", 1, UNKNOWN),
    ("name: " + "n" * 100_000, "name", 1, "cannot name a run"),
]

WRONG_BYTES: list[tuple[bytes, int, str]] = [
    (b"\x00\x01\x02\x03", 1, "control character"),
    (b"seed: 1\nname: a\x00b", 2, "control character"),
    (b"seed: 1\nname: \x1b[31mred", 2, "control character"),
    (b"\x89PNG\r\n\x1a\n\x00\x00", 1, "the byte 0x89 is not UTF-8"),
    (b"PK\x03\x04", 1, "control character"),
    (b"\x1f\x8b\x08\x00", 1, "the byte 0x8b is not UTF-8"),
    (b"seed: 1\nname: caf\xe9", 2, "the byte 0xe9 is not UTF-8"),
    (b"name: \xed\xa0\x80", 1, "is not UTF-8"),
    (b"name: \xc0\xaf", 1, "is not UTF-8"),
    (b"name: \xf5\x80\x80\x80", 1, "is not UTF-8"),
    (b"\xef\xbb\xbfseed: \xff", 1, "is not UTF-8"),
    (b"name: \x7f", 1, "control character"),
    (b"name: \xef\xbf\xbe", 1, "control character"),
    ("seed: 1".encode("utf-16"), 0, "the file is UTF-16"),
    ("\ufeffseed: 1".encode("utf-16-be"), 0, "the file is UTF-16"),
    ("seed: 1".encode("utf-16-le"), 1, "control character"),
    ("seed: 1".encode("utf-32-be"), 1, "control character"),
    (b"\xef\xbb\xbf", 0, "the file is empty"),
    (b"x" * ((1 << 20) + 1), 0, "the file is too large"),
]


def problems_in(content: bytes, folder: Path) -> tuple[Problem, ...]:
    file = folder / "a.yaml"
    file.write_bytes(content)
    with pytest.raises(RequestError) as caught:
        load_config(file)
    assert all(problem.file == str(file) for problem in caught.value.problems)
    return caught.value.problems


def file_with(key: str, value: str) -> str:
    """A file that says nothing but `value` at `key`."""
    section, _, name = key.rpartition(".")
    return f"{section}:\n  {name}: {value}\n" if section else f"{key}: {value}\n"


@pytest.mark.parametrize(
    ("key", "value", "fragment"),
    [
        (key, value, fragment)
        for key, table in WRONG_VALUES.items()
        for fragment, values in table.items()
        for value in values
    ],
    ids=lambda text: text[:24],
)
def test_a_wrong_value_is_named_at_its_place(
    key: str, value: str, fragment: str, tmp_path: Path
) -> None:
    problems = problems_in(file_with(key, value).encode(), tmp_path)
    assert len(problems) == 1, "one mistake, one problem"
    assert problems[0].key == key
    assert problems[0].line == 1 + ("." in key)
    assert problems[0].column > len(key.rpartition(".")[2])
    assert fragment in str(problems[0])
    assert len(str(problems[0])) < 1_000


@pytest.mark.parametrize(
    ("text", "key", "line", "fragment"), WRONG_TEXTS, ids=[repr(row[0][:30]) for row in WRONG_TEXTS]
)
def test_a_wrong_text_is_named_at_its_line(
    text: str, key: str, line: int, fragment: str, tmp_path: Path
) -> None:
    first = problems_in(text.encode(), tmp_path)[0]
    assert first.line == line
    assert fragment in str(first)
    assert first.key == key or fragment.startswith("nested deeper")


@pytest.mark.parametrize(("content", "line", "fragment"), WRONG_BYTES)
def test_what_is_no_text_is_refused(
    content: bytes, line: int, fragment: str, tmp_path: Path
) -> None:
    first = problems_in(content, tmp_path)[0]
    assert first.line == line
    assert fragment in str(first)


def test_the_tables_hold_what_the_issue_asks_for() -> None:
    values = sum(len(values) for table in WRONG_VALUES.values() for values in table.values())
    assert values + len(WRONG_TEXTS) + len(WRONG_BYTES) >= 200
