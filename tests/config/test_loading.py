"""From a file, or a mapping, to a config: defaults, places, paths, and all problems at once."""

import pickle
from pathlib import Path, PurePath

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vgrad.config import Config, Part, load_config
from vgrad.errors import Problem, RequestError


@pytest.fixture
def write(tmp_path: Path):
    """Writes a config file and returns its path."""

    def write_file(text: str) -> Path:
        file = tmp_path / "a.yaml"
        file.write_text(text, encoding="utf-8")
        return file

    return write_file


def problems_of(source, overrides=()) -> list[str]:
    with pytest.raises(RequestError) as caught:
        load_config(source, overrides)
    return [str(problem) for problem in caught.value.problems]


def test_a_file_with_only_a_depth_gets_every_default(write):
    config = load_config(write("model: {depth: 20}"))
    assert config.model.depth == 20
    assert (config.name, config.seed, config.loss, config.dtype) == (None, 0, None, "float32")
    assert config.model.width == 64
    assert config.model.activation == Part("tanh")
    assert config.model.init.name == "xavier_normal"
    assert config.model.bias_init == 0.0
    assert config.optimizer == Part("sgd", {"lr": 0.1, "weight_decay": 0.0})
    assert (config.train.steps, config.train.epochs, config.train.batch_size) == (500, None, 64)
    assert (config.log.every, config.log.histograms) == (10, False)
    assert config.data.name == "digits"


def test_numbers_are_read_as_people_write_them(write):
    config = load_config(write("optimizer: {name: sgd, lr: 1e-3}\nregularization: {l1: 1, l2: .5}"))
    assert config.optimizer.options["lr"] == 1e-3
    assert config.regularization.l1 == 1.0
    assert type(config.regularization.l1) is float
    assert config.regularization.l2 == 0.5
    assert load_config(write("seed: 1_000")).seed == 1000


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbfseed: 3\r\nmodel:\r\n  depth: 2\r\n")
    assert load_config(file).seed == 3
    file.write_bytes(b"seed: 3\r\nmodel:\r\n  dept: 2\r\n")
    assert ":3:3: model.dept" in problems_of(file)[0]


def test_a_list_of_widths_gives_the_depth(write):
    config = load_config(write("model: {width: [32, 16, 8]}"))
    assert (config.model.depth, config.model.width) == (3, (32, 16, 8))
    config = load_config(write("model: {depth: 2, width: [32, 16]}"))
    assert config.model.depth == 2


def test_epochs_take_the_place_of_the_default_steps(write):
    train = load_config(write("train: {epochs: 20, batch_size: full}")).train
    assert (train.steps, train.epochs, train.batch_size) == (None, 20, "full")


def test_every_problem_is_reported_in_the_order_of_the_file(write):
    file = write(
        "lr: 0.1\n"
        "model:\n"
        "  activation: sigmod\n"
        "  dept: 3\n"
        "  depth: -1\n"
        "  depth: 4\n"
        "  init: {name: gaussian, std: -1, mean: 0}\n"
        "dtype: float16\n"
        "seed: !!int 3\n"
    )
    places = [problem.split(": ")[0:2] for problem in problems_of(file, ["log.every=0"])]
    assert places == [
        [f"{file}:1:1", "lr"],
        [f"{file}:3:15", "model.activation"],
        [f"{file}:4:3", "model.dept"],
        [f"{file}:6:3", "model.depth"],
        [f"{file}:7:31", "model.init.std"],
        [f"{file}:7:35", "model.init.mean"],
        [f"{file}:8:8", "dtype"],
        [f"{file}:9:7", "seed"],
        ["command line", "log.every"],
    ]


def test_a_problem_reads_as_a_sentence(write):
    file = write("model:\n  depth: 3\n  activation: sigmod\noptimizer:\n  name: sgd\n  lr: -0.1")
    first, second = problems_of(file)
    assert first.startswith(f"{file}:3:15: model.activation: no activation is called 'sigmod'; one")
    assert first.endswith("; did you mean sigmoid?")
    assert second == (
        f"{file}:6:7: optimizer.lr: -0.1 is out of range; must be a number greater than 0"
    )


def test_an_option_of_another_part_is_said_to_be_one(write):
    (problem,) = problems_of(write("model: {init: {name: orthogonal, std: 0.1}}"))
    assert "unknown key; orthogonal takes gain" in problem
    assert "it is an option of gaussian" in problem


def test_a_thousand_wrong_values_do_not_make_a_thousand_lines(write):
    problems = problems_of(write(f"model: {{width: [{'0, ' * 1000}]}}"))
    assert len(problems) == 101
    assert problems[-1].endswith("more problems")


def test_a_file_that_is_not_there_names_its_nearest_sibling(tmp_path):
    (tmp_path / "quickstart.yaml").touch()
    (problem,) = problems_of(tmp_path / "quikstart.yaml")
    assert "there is no such file; did you mean" in problem
    assert "quickstart.yaml?" in problem


@pytest.mark.parametrize("name", [".", "a\0b", "n" * 300, "a.yaml/b"])
def test_what_cannot_be_opened_is_one_clear_line(name, tmp_path):
    (tmp_path / "a.yaml").touch()
    (problem,) = problems_of(f"{tmp_path}/{name}")
    assert "cannot be read" in problem


def test_data_paths_are_relative_to_the_file_that_names_them(tmp_path, monkeypatch):
    folder, elsewhere = tmp_path / "configs", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    file = folder / "a.yaml"
    file.write_text("data: {name: csv, path: ../x.csv, target: y}")

    def path(*arguments):
        return load_config(*arguments).data.options["path"]

    assert path(file) == str(tmp_path / "x.csv")
    assert path("../configs/a.yaml") == str(tmp_path / "x.csv")
    assert path(file, ["data.path=z.csv"]) == str(elsewhere / "z.csv")
    assert path(file, {"data.path": PurePath("z.csv")}) == str(elsewhere / "z.csv")
    assert path({"data": {"name": "csv", "path": "z.csv", "target": "y"}}) == str(
        elsewhere / "z.csv"
    )
    monkeypatch.setenv("HOME", "/home/ada")
    assert path(file, ["data.path=~/z.csv"]) == "/home/ada/z.csv"
    read = load_config(file)
    monkeypatch.chdir(tmp_path)
    assert read.with_overrides({"seed": 1}).data == read.data


def test_a_config_knows_where_its_keys_were_written(write):
    file = write("seed: 3\ndata:\n  name: csv\n  path: x.csv\n  target: y\nmodel: {depth: 3}\n")
    config = load_config(file, ["optimizer.lr=0.5"])

    def place(key):
        found = config.locate(Problem("is wrong", key=key))
        return found.file, found.line, found.column

    assert place("data.path") == (str(file), 4, 9)
    assert place("data.test_fraction") == (str(file), 3, 3), "the nearest parent"
    assert place("model.width") == (str(file), 6, 8)
    assert place("optimizer.lr") == ("command line", 0, 0)
    assert place("dtype") == (str(file), 0, 0), "a default has no line"
    assert place("") == (str(file), 0, 0)
    located = Problem("row 7 is short", file="x.csv", line=7)
    assert config.locate(located) == located


def test_equality_and_hash_are_of_the_keys_and_not_of_their_origin(write):
    from_file = load_config(write("seed: 3"))
    from_mapping = load_config({"seed": 3})
    assert from_file == from_mapping
    assert hash(from_file) == hash(from_mapping)
    assert from_file != load_config({"seed": 4})
    assert from_file != "seed: 3"


def test_a_config_survives_pickling_with_its_origin(write):
    config = load_config(write("seed: 3\nmodel: {width: [3, 4], activation: leaky_relu}"))
    copy = pickle.loads(pickle.dumps(config))
    assert copy == config
    assert copy.locate(Problem("", key="seed")).line == 1
    assert copy.with_overrides({"seed": 9}).seed == 9


def test_a_mapping_may_hold_numpy_numbers_tuples_and_paths():
    config = load_config(
        {"seed": np.int64(3), "model": {"width": (4, 5)}, "optimizer": {"name": "sgd", "lr": 1}},
        {"optimizer.lr": np.float32(0.5)},
    )
    assert (config.seed, config.model.width) == (3, (4, 5))
    assert config.optimizer.options["lr"] == 0.5


@pytest.mark.parametrize(
    ("source", "key", "fragment"),
    [
        ({"seed": object()}, "seed", "of type object cannot stand"),
        ({"seed": b"3"}, "seed", "of type bytes cannot"),
        ({"model": {3: 4}}, "model.3", "the key 3 is not text"),
        ({"name": "a\0"}, "name", "control character"),
        ({"seed": np.zeros(2)}, "seed", "of type ndarray cannot"),
        ({"modle": {}}, "modle", "did you mean model?"),
    ],
)
def test_a_mapping_of_other_things_is_refused(source, key, fragment):
    with pytest.raises(RequestError) as caught:
        load_config(source)
    assert caught.value.problems[0].key == key
    assert fragment in str(caught.value)


def test_every_problem_of_a_mapping_is_reported_too():
    problems = problems_of({"seed": b"3", "model": {3: 4, "depth": -1}}, {"name": {1, 2}, "x": 1})
    keys = [problem.split(": ")[0] for problem in problems if "override" not in problem]
    assert keys == ["seed", "model.3", "model.depth"]
    assert [problem.split(": ")[1] for problem in problems if "override" in problem] == [
        "name",
        "x",
    ]


def test_a_mapping_that_holds_itself_is_refused():
    data: dict[str, object] = {}
    data["model"] = data
    assert any("nested deeper" in problem for problem in problems_of(data))


KEYS = st.sampled_from(
    [
        "name",
        "seed",
        "data",
        "model",
        "loss",
        "optimizer",
        "train",
        "steps",
        "epochs",
        "lr",
        "depth",
        "width",
        "activation",
        "init",
        "bias_init",
        "std",
        "mode",
        "gain",
        "betas",
        "dtype",
        "clip",
        "norm",
        "path",
        "target",
        "log",
        "every",
        "test_fraction",
    ]
) | st.text(max_size=5)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["tanh", "adam", "sgd", "csv", "digits", "gaussian", "float64", "full", "he_normal", "../x"]
    )
)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)


def outcome(source, overrides=()):
    """The config, or the error; anything else that is raised is a bug."""
    try:
        return load_config(source, overrides)
    except RequestError as error:
        return error


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(KEYS, DATA),
    st.dictionaries(KEYS, DATA, max_size=2)
    | st.lists(
        st.text(max_size=12) | st.builds("{}.{}={}".format, KEYS, KEYS, SCALARS), max_size=2
    ),
)
def test_any_data_gives_a_config_or_problems(data, overrides):
    result = outcome(data, overrides)
    assert isinstance(result, Config) or (result.problems and str(result))


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.text("{}[]:,-&*!|>%@`\"'\n abc#?\t.1e<~").map(str.encode)
    | st.binary(max_size=40)
    | DATA.map(lambda data: yaml.safe_dump(data).encode())
)
def test_any_bytes_give_a_config_or_located_problems(tmp_path, content):
    file = tmp_path / "a.yaml"
    file.write_bytes(content)
    result = outcome(file)
    if isinstance(result, RequestError):
        assert all(problem.file == str(file) for problem in result.problems)
