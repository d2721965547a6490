"""Sweep files, alone and with a command line: what they ask for, and where they are wrong."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from vgrad.config.dumping import to_yaml
from vgrad.errors import RequestError
from vgrad.sweep import Metric, Spec, Wishes, read_spec, wishes
from vgrad.sweep.checking import check
from vgrad.sweep.trials import count, trials

EXPERIMENT = """\
data: {name: moons, n_samples: 40}
model: {depth: 2, width: 4}
train: {steps: 3}
"""
BASE = (
    "base: {data: {name: moons, n_samples: 40}, model: {depth: 2, width: 4}, train: {steps: 3}}\n"
)
GRID = f"{BASE}parameters:\n  seed: {{values: [1, 2]}}\n  model.depth: {{values: [1, 3]}}\n"
LIST = f"{BASE}method: list\nparameters:\n"
ROWS = f"{BASE}method: list\nparameters:\n- {{seed: 1}}\n- {{seed: 2, model.depth: 5}}\n"


def spec_of(
    folder: Path, text: str, overrides: tuple[str, ...] = (), wish: Wishes | None = None
) -> Spec:
    path = folder / "sweep.yaml"
    path.write_text(text, encoding="utf-8")
    return read_spec(path, overrides, wish)


def runs_of(spec: Spec) -> list[tuple[object, ...]]:
    """What each run changes, in the order of the keys."""
    changes = [trial.changes for trial in trials(spec, count(spec))]
    return [tuple(one.get(key, "-") for key in spec.keys) for one in changes]


def refusal(folder: Path, text: str, *overrides: str, wish: Wishes | None = None) -> str:
    """What a wrong sweep is told, all of it in lines of their own, without the folder."""
    with pytest.raises(RequestError) as caught:
        check(spec_of(folder, text, overrides, wish))
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.problems)
    return "\n".join(lines).replace(f"{folder}/", "")


def test_a_grid_is_every_combination_the_last_key_changing_fastest(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, GRID)
    assert spec.keys == ("seed", "model.depth")
    assert runs_of(spec) == [(1, 1), (1, 3), (2, 1), (2, 3)]
    assert (spec.method, spec.seed, spec.runs, spec.metric) == ("grid", 0, None, None)


def test_a_file_says_all_that_weights_and_biases_users_know(tmp_path: Path) -> None:
    text = f"""\
{BASE}name: known
method: random
runs: 7
seed: 3
metric: {{name: test_loss, goal: maximize}}
parameters:
  optimizer.lr: {{distribution: log_uniform_values, min: 0.001, max: 0.1}}
  model.activation: {{values: [tanh, relu], probabilities: [0.25, 0.75]}}
  model.width: {{value: 8}}
"""
    spec = spec_of(tmp_path, text)
    assert (spec.name, spec.method, spec.runs, spec.seed) == ("known", "random", 7, 3)
    assert spec.metric == Metric("test_loss", "maximize")
    assert check(spec).planned == 7
    assert {width for _, _, width in runs_of(spec)} == {8}


def test_a_metric_has_its_usual_goal(tmp_path: Path) -> None:
    assert spec_of(tmp_path, GRID + "metric: {name: test_loss}").metric == Metric(
        "test_loss", "minimize"
    )
    assert check(spec_of(tmp_path, GRID)).metric == Metric("test_accuracy", "maximize")


def test_a_base_is_a_file_relative_to_the_sweep_s_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bases").mkdir()
    (tmp_path / "bases" / "small.yaml").write_text(EXPERIMENT)
    monkeypatch.chdir("/")
    spec = spec_of(tmp_path, "base: bases/small.yaml\nparameters: {seed: {values: [1]}}\n")
    assert spec.base.data.options["n_samples"] == 40


def test_paths_in_a_sweep_file_are_relative_to_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x,y\n" + "1,0\n2,1\n" * 10)
    monkeypatch.chdir("/")
    whole = f"{BASE}parameters:\n  data:\n    values:\n"
    whole += "".join(
        f"    - {{name: csv, path: {name}, target: y}}\n" for name in ("a.csv", "b.csv")
    )
    assert check(spec_of(tmp_path, whole)).planned == 2
    option = "base: {data: {name: csv, path: a.csv, target: y}}\n"
    option += "parameters:\n  data.path: {values: [a.csv, b.csv]}\n"
    assert check(spec_of(tmp_path, option)).planned == 2


@pytest.mark.parametrize("form", ["zip: [seed, model.depth]", "zip: [[seed, model.depth]]"])
def test_zipped_keys_move_together(tmp_path: Path, form: str) -> None:
    text = f"{GRID}  model.width: {{values: [4, 5]}}\n{form}\n"
    assert runs_of(spec_of(tmp_path, text)) == [(1, 1, 4), (1, 1, 5), (2, 3, 4), (2, 3, 5)]


def test_an_empty_zip_is_none(tmp_path: Path) -> None:
    assert runs_of(spec_of(tmp_path, f"{GRID}zip: []\n")) == runs_of(spec_of(tmp_path, GRID))


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        ("{seed: 1}", [(2, 1), (2, 3)]),
        ("{seed: 1, model.depth: 3}", [(1, 1), (2, 1), (2, 3)]),
        ("[{seed: 1, model.depth: 3}, {seed: 2, model.depth: [1, 3]}]", [(1, 1)]),
    ],
)
def test_excluded_combinations_are_left_out(
    tmp_path: Path, exclude: str, left: list[tuple[int, int]]
) -> None:
    assert runs_of(spec_of(tmp_path, f"{GRID}exclude: {exclude}\n")) == left


def test_a_list_valued_combination_can_be_excluded(tmp_path: Path) -> None:
    text = f"{BASE}parameters:\n  model.width: {{values: [[4, 5], [6, 7]]}}\n"
    assert runs_of(spec_of(tmp_path, f"{text}exclude: {{model.width: [4, 5]}}\n")) == [([6, 7],)]


def test_a_list_states_runs_one_by_one(tmp_path: Path) -> None:
    assert runs_of(spec_of(tmp_path, ROWS)) == [(1, "-"), (2, 5)]


def test_a_list_of_values_moves_side_by_side(tmp_path: Path) -> None:
    text = f"{GRID}  model.width: {{value: 9}}\nmethod: list\n"
    assert runs_of(spec_of(tmp_path, text)) == [(1, 1, 9), (2, 3, 9)]


def test_the_command_line_makes_a_sweep_of_an_experiment(tmp_path: Path) -> None:
    overrides = ("model.depth=1,3", "seed=range(0,2)", "train.steps=5")
    spec = spec_of(tmp_path, EXPERIMENT, overrides)
    assert spec.keys == ("model.depth", "seed")
    assert runs_of(spec) == [(1, 0), (1, 1), (3, 0), (3, 1)]
    assert (spec.base.train.steps, spec.name) == (5, "sweep")


def test_the_command_line_lists_mappings_and_lists(tmp_path: Path) -> None:
    overrides = ("model.width=[4, 5],[6, 7]", "optimizer={name: sgd, lr: 0.1},adam")
    spec = spec_of(tmp_path, EXPERIMENT, overrides)
    assert [width for width, _ in runs_of(spec)] == [[4, 5], [4, 5], [6, 7], [6, 7]]
    assert check(spec).planned == 4
    single = spec_of(tmp_path, EXPERIMENT, ("model.width=[4, 5]", "seed=1,2"))
    assert single.keys == ("seed",)
    assert single.base.model.width == (4, 5)


def test_the_command_line_overrides_a_sweep_file(tmp_path: Path) -> None:
    fixed = spec_of(tmp_path, GRID, ("seed=9", "train.steps=5"))
    assert (fixed.keys, runs_of(fixed)) == (("model.depth",), [(1,), (3,)])
    assert (fixed.base.seed, fixed.base.train.steps) == (9, 5)
    instead = spec_of(tmp_path, GRID, ("seed=7,8,9",))
    assert runs_of(instead) == [(seed, depth) for seed in (7, 8, 9) for depth in (1, 3)]
    beside = spec_of(tmp_path, GRID, ("model.width=4,5",))
    assert (beside.keys[-1], len(runs_of(beside))) == ("model.width", 8)


def test_a_fixed_key_leaves_the_runs_of_a_list(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, ROWS, ("seed=7",))
    assert (spec.base.seed, runs_of(spec)) == (7, [("-",), (5,)])


def test_exclusions_hold_for_what_the_command_line_fixes(tmp_path: Path) -> None:
    text = f"{GRID}exclude: {{seed: 1, model.depth: 3}}\n"
    assert runs_of(spec_of(tmp_path, text, ("seed=1",))) == [(1,)]
    assert runs_of(spec_of(tmp_path, text, ("seed=2",))) == [(1,), (3,)]


def test_an_option_of_a_swept_part_holds_for_each_part(tmp_path: Path) -> None:
    """As for one run: the order in which overrides are given does not matter."""
    for overrides in (
        ("optimizer=sgd,adam", "optimizer.lr=0.5"),
        ("optimizer.lr=0.5", "optimizer=sgd,adam"),
    ):
        spec = spec_of(tmp_path, EXPERIMENT, overrides)
        configs = [spec.config(one.changes) for one in trials(spec, count(spec))]
        parts = [one.optimizer for one in configs]
        assert [(one.name, one.options["lr"]) for one in parts] == [("sgd", 0.5), ("adam", 0.5)]


def test_options_of_the_command_line_stand_above_the_file(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, GRID, (), wishes("random", 3, "test_loss"))
    assert (spec.method, spec.runs, spec.metric) == ("random", 3, Metric("test_loss", "minimize"))
    listed = spec_of(tmp_path, GRID, (), wishes("list"))
    assert runs_of(listed) == [(1, 1), (2, 3)]
    listed = spec_of(tmp_path, EXPERIMENT, ("seed=1,2", "model.depth=1,3"), wishes("list"))
    assert runs_of(listed) == [(1, 1), (2, 3)]


WRONG = [
    ("metod: grid", "sweep.yaml:5:1: metod: unknown key; one of base, parameters, method"),
    ("metod: grid", "did you mean method?"),
    ("method: gird", "sweep.yaml:5:9: method: 'gird' is not one of the choices"),
    ("method: gird", "did you mean grid?"),
    ("method: [grid]", "sweep.yaml:5:9: method: "),
    ("method: random", "sweep.yaml:5:9: runs: random needs a number of runs; runs: N, or --runs N"),
    ("runs: 0", "sweep.yaml:5:7: runs: 0 is out of range"),
    ("runs: many", "sweep.yaml:5:7: runs: 'many' is not a whole number"),
    (
        "method: random\nruns: 1000000000",
        "sweep.yaml:6:7: runs: 1,000,000,000 runs; at most 100,000",
    ),
    ("seed: -1", "sweep.yaml:5:7: seed: -1 is out of range"),
    ("name: ../../x", "sweep.yaml:5:7: name: '../../x' cannot name a run"),
    (
        "metric: test_loss",
        "sweep.yaml:5:9: metric: 'test_loss' is not a mapping; must be a mapping of name",
    ),
    ("metric: {name: test_los}", "sweep.yaml:5:16: metric.name: 'test_los' is not one of the"),
    ("metric: {name: test_los}", "did you mean test_loss?"),
    ("metric: {goal: minimize}", "sweep.yaml:5:9: metric: has a goal but no name"),
    ("metric: {name: test_loss, goal: minimise}", "did you mean minimize?"),
    ("zip: 3", "sweep.yaml:5:6: zip: is no group of keys"),
    ("zip: seed", "sweep.yaml:5:6: zip: is no group of keys"),
    ("zip: [seed]", "sweep.yaml:5:6: zip: is no group of keys; at least two keys"),
    ("zip: [[]]", "sweep.yaml:5:7: zip: is no group of keys"),
    ("zip: [seed, [model.depth]]", "sweep.yaml:5:7: zip: is no group of keys"),
    ("zip: [seed, 3]", "zip: is no group of keys"),
    ("zip: [seed, seed]", "sweep.yaml:5:13: zip: names seed twice; each key once"),
    ("zip: [seed, model.dept]", "sweep.yaml:5:13: zip: model.dept is not a parameter"),
    ("zip: [seed, model.dept]", "did you mean model.depth?"),
    ("exclude: everything", "sweep.yaml:5:10: exclude: is no combination"),
    ("exclude: [{}]", "sweep.yaml:5:11: exclude: is no combination"),
    ("exclude: {sed: 1}", "sweep.yaml:5:11: exclude: sed is not swept; one of seed, model.depth"),
    ("exclude: {sed: 1}", "did you mean seed?"),
    ("exclude: {4: 1}", "sweep.yaml:5:11: exclude.4: the key 4 is not text"),
    ("exclude: {seed: [1, 2]}", "sweep.yaml:5:10: exclude: leaves no combination"),
    ("method: random\nruns: 2\nexclude: {seed: [1, 2]}", "exclude: leaves no combination"),
    ("4: 3", "sweep.yaml:5:1: 4: the key 4 is not text"),
    ("seed: *a", "sweep.yaml:5:7: seed: the alias *a is refused"),
    ("seed: !!int 3", "sweep.yaml:5:7: seed: the tag !!int is refused"),
    ("name: 'a\0b'", "sweep.yaml:5:9: holds the control character"),
    ('name: "a\\0b"', "sweep.yaml:5:7: name: holds the control character"),
    ("base: {}", "base: is given twice, first in line 1"),
    ("---\nbase: x", "a second document begins"),
]


@pytest.mark.parametrize(("line", "message"), WRONG)
def test_a_wrong_line_is_refused_at_its_place(tmp_path: Path, line: str, message: str) -> None:
    assert message in refusal(tmp_path, f"{GRID}{line}\n")


WRONG_PARAMETERS = [
    ("seed: {values: []}", "sweep.yaml:3:18: parameters.seed.values: the list is empty"),
    ("seed: 3", "sweep.yaml:3:9: parameters.seed: is no parameter"),
    ("seed: [1, 2]", "sweep.yaml:3:9: parameters.seed: is no parameter"),
    ("seed: {min: 0}", "sweep.yaml:3:9: parameters.seed.max: is missing; int_uniform needs it"),
    ("seed: {min: 0, max: 5}", "sweep.yaml:3:9: seed: a grid cannot hold a distribution"),
    ("seed: {values: 'range(0, 1000000000)'}", "sweep.yaml:3:18: parameters.seed.values: 1,000,"),
    (
        "seed: {values: 'range(0, 100000)'}\n  model.depth: {values: [1, 2]}",
        "sweep.yaml:3:3: 200,000 runs (100,000 of seed × 2 of model.depth); at most 100,000",
    ),
    ("model.depth: {values: [1, -3]}", "sweep.yaml:3:29: model.depth: -3 is out of range"),
    ("model.depth: {values: [1, true]}", "sweep.yaml:3:29: model.depth: true is not a whole"),
    ("model.dept: {values: [1]}", "sweep.yaml:3:3: model.dept: unknown key"),
    ("model.dept: {values: [1]}", "did you mean depth?"),
    ("'model.width[0]': {values: [1]}", "model.width takes one value as a whole"),
    ("'': {values: [1]}", "sweep.yaml:3:3: unknown key; a key such as model.depth"),
    ("3: {values: [1]}", "sweep.yaml:3:3: parameters.3: the key 3 is not text"),
    ("[a]: {values: [1]}", "a key must be plain text"),
    ("seed: {values: [1]}\n  seed: {values: [2]}", "seed: is given twice, first in line 3"),
    (
        "model:\n    parameters:\n      depth: {value: 1}",
        "parameters.model.parameters: unknown key",
    ),
    ('data.name: {values: ["a\\0b"]}', "holds the control character"),
    ("optimizer.lr: {values: [.nan]}", "sweep.yaml:3:27: optimizer.lr: .nan is not a finite"),
    (
        "train.steps: {values: [1]}\n  train.epochs: {values: [1]}",
        "sweep.yaml:4:27: train.epochs: steps and epochs are both given (with train.steps=1)",
    ),
]


@pytest.mark.parametrize(("lines", "message"), WRONG_PARAMETERS)
def test_a_wrong_parameter_is_refused_at_its_place(
    tmp_path: Path, lines: str, message: str
) -> None:
    assert message in refusal(tmp_path, f"{BASE}parameters:\n  {lines}\n")


WRONG_FILES = [
    ("", "the file is empty"),
    ("[1]", "sweep.yaml:1:1: a list of 1 is no mapping"),
    ("method: grid", "base: is missing"),
    (BASE, "parameters: is missing"),
    (f"{BASE}parameters:", "parameters: is no mapping"),
    (f"{BASE}parameters: {{}}", "sweep.yaml:2:13: parameters: nothing is given"),
    (f"{BASE}parameters: [{{seed: 1}}]", "sweep.yaml:2:13: parameters: is no mapping"),
    ("!!map\n" + GRID, "the tag !!map is refused"),
    (
        "base: nosuch.yaml\nparameters: {seed: {values: [1]}}",
        "sweep.yaml:1:7: base: there is no file",
    ),
    ("base: .\nparameters: {seed: {values: [1]}}", "sweep.yaml:1:7: base: there is no file"),
    ("base: 3\nparameters: {seed: {values: [1]}}", "sweep.yaml:1:7: base: 3 is no config"),
    ('base: "a\\0b"\nparameters: {seed: {values: [1]}}', "sweep.yaml:1:7: base: holds the control"),
    ("base: {model: {dept: 3}}\nparameters: {seed: {values: [1]}}", "sweep.yaml:1:16: model.dept"),
    (
        "base: {data: {name: csv, path: no.csv, target: y}}\nparameters: {seed: {values: [1]}}",
        "sweep.yaml:1:32: data.path: ",
    ),
    (f"{BASE}method: list\nparameters: []", "sweep.yaml:3:13: parameters: nothing is given"),
    (f"{BASE}method: list\nparameters: [{{}}]", "there is nothing to vary"),
    (f"{BASE}method: list\nparameters: [{{seed: 1}}, 3]", "sweep.yaml:3:25: parameters: is no run"),
    (f"{BASE}method: list\nparameters: [{{seed: 1}}, {{seed: -1}}]", "sweep.yaml:3:32: seed: -1"),
    (f"{BASE}method: list\nparameters: [{{seed: 1}}, {{sed: 1}}]", "sweep.yaml:3:26: sed: unknown"),
    (
        f"{LIST}  seed: {{values: [1, 2]}}\n  model.depth: {{values: [1, 2, 3]}}",
        "lists of different lengths: seed 2, model.depth 3",
    ),
    (
        f"{LIST}  seed: {{min: 1, max: 2}}\n  model.depth: {{values: [1, 2]}}",
        "sweep.yaml:4:9: parameters: seed has no plain list of values",
    ),
    (
        BASE + "parameters: {" + ", ".join(f"k{n}: {{value: 1}}" for n in range(3000)) + "}",
        "sweep.yaml:2:13: parameters: 3,000 keys are varied; at most 100",
    ),
]


@pytest.mark.parametrize(("text", "message"), WRONG_FILES)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(tmp_path, f"{text}\n")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["seed=range(0,1000000000)"], "command line: seed: 1,000,000,000 values"),
        (["seed=range(0,100000)", "model.depth=1,2"], "command line: 200,000 runs"),
        (["seed=range(0,99999999999999999999)"], "command line: seed: the number is too large"),
        (["seed=1,2,[3"], "command line: seed: is not valid YAML"),
        (["seed="], "command line: seed: nothing is given"),
        (["seed"], "command line: 'seed' is no override; KEY=VALUE"),
        (["=1,2"], "command line: '=1,2' is no override"),
        (["sed=1,2"], "command line: sed: unknown key"),
        (["model.depth=1,-2"], "command line: model.depth: -2 is out of range"),
        (["seed=5"], "there is nothing to vary; give a key several values"),
        ([], "there is nothing to vary"),
        (["model.depth=1,x", "model.width=0,4"], "model.depth: 'x' is not a whole number"),
    ],
)
def test_a_wrong_command_line_is_refused(
    tmp_path: Path, overrides: list[str], message: str
) -> None:
    assert message in refusal(tmp_path, EXPERIMENT, *overrides)


def test_options_that_cannot_be_are_refused(tmp_path: Path) -> None:
    text = refusal(tmp_path, EXPERIMENT, "seed=1,2", wish=wishes("random"))
    assert text == "command line: runs: random needs a number of runs; runs: N, or --runs N"
    text = refusal(tmp_path, EXPERIMENT, "seed=1,2", wish=wishes("random", 10**9))
    assert text == "command line: runs: 1,000,000,000 runs; at most 100,000"
    with pytest.raises(RequestError, match=r"--method gird; .* did you mean grid\?"):
        wishes("gird")
    with pytest.raises(RequestError, match=r"--metric accuracy; one of test_accuracy"):
        wishes(metric="accuracy")


@pytest.mark.parametrize("override", ["seed=1,2", "seed=5"])
def test_what_moves_together_is_changed_in_the_file(tmp_path: Path, override: str) -> None:
    text = refusal(tmp_path, f"{GRID}zip: [seed, model.depth]\n", override)
    assert text == "command line: seed: moves together with other keys; change it in the file"


def test_problems_of_every_parameter_are_told_at_once(tmp_path: Path) -> None:
    text = refusal(tmp_path, f"{BASE}parameters:\n  seed: 3\n  model.depth: {{values: []}}\n")
    assert [line.split(": ")[0] for line in text.splitlines()] == [
        "sweep.yaml:3:9",
        "sweep.yaml:4:25",
    ]


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.sampled_from(
        ["", "grid", "seed", "range(0,3)", "lin(0,1,2)", "a: b", "../x", "a,b", "é\x85"]
    ),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["seed", "values", "min", "max", "q", "distribution", "name", "3", ""]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
WHOLE = {
    "base": {"data": {"name": "moons", "n_samples": 40}, "train": {"steps": 1}},
    "method": "random",
    "name": "fuzzed",
    "runs": 3,
    "seed": 1,
    "metric": {"name": "test_loss", "goal": "minimize"},
    "parameters": {
        "seed": {"values": [1, 2]},
        "model.depth": {"values": [1, 2]},
        "optimizer.lr": {"distribution": "log_uniform_values", "min": 0.1, "max": 1.0},
        "model.width": {"min": 2, "max": 8, "q": 2},
    },
    "zip": [["seed", "model.depth"]],
    "exclude": [{"seed": 1, "model.depth": [1]}],
}


def nodes(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways down to everything in plain data."""
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [
        *([path] if path else []),
        *(way for key, one in items for way in nodes(one, (*path, key))),
    ]


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A valid sweep with one to three things in it replaced, taken out or added."""
    data: dict[str, Any] = copy.deepcopy(WHOLE)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(nodes(data)))
        holder: Any = data
        for step in path[:-1]:
            holder = holder[step]
        if draw(st.booleans()):
            holder[path[-1]] = draw(ANYTHING)
        elif len(nodes(data)) > 1:
            del holder[path[-1]]
        if not data:
            break
    return data


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=mutated(), method=st.sampled_from([None, "grid", "random", "list"]))
@example(data={**WHOLE, "zip": []}, method=None)
@example(data={**WHOLE, "parameters": {"model": {"value": {"depth": 1}}}}, method="grid")
def test_any_sweep_file_is_a_sweep_or_a_refusal(
    tmp_path: Path, data: dict[str, Any], method: str | None
) -> None:
    text = yaml.safe_dump(data, allow_unicode=True)
    try:
        spec = spec_of(tmp_path, text, (), wishes(method))
        planned = check(spec).planned if count(spec) < 20 else 20
    except RequestError as error:
        problems = error.problems
    else:
        for trial in trials(spec, planned):
            spec.config(trial.changes)
        return
    assert problems
    assert all(problem.file and problem.message for problem in problems)
    assert not any("object at 0x" in str(problem) for problem in problems)


VALUES = {
    "seed": st.integers(0, 2**63 - 1),
    "model.depth": st.integers(0, 5),
    "model.width": st.one_of(
        st.integers(1, 9), st.lists(st.integers(1, 9), min_size=2, max_size=2)
    ),
    "model.activation": st.sampled_from(["tanh", {"name": "leaky_relu", "negative_slope": 0.2}]),
    "optimizer.lr": st.floats(1e-6, 1e3),
    "name": st.sampled_from(["1e5", "on", "null", "a.b", "0x1"]),
}
INTERVALS = {
    "seed": {"min": 0, "max": 10**6},
    "optimizer.lr": {"distribution": "log_uniform", "min": -7.3, "max": 0.1},
    "model.depth": {"distribution": "q_uniform", "min": 2, "max": 11, "q": 3},
    "model.width": {"distribution": "q_log_uniform_values", "min": 2, "max": 100, "q": 2},
}


def pairs(of: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Two different values."""
    return st.lists(of, min_size=2, max_size=2, unique_by=repr)


@st.composite
def sweeps(draw: st.DrawFn) -> dict[str, Any]:
    """A valid sweep file of any method."""
    method = draw(st.sampled_from(["grid", "random", "list", "rows"]))
    keys = draw(st.lists(st.sampled_from([*VALUES]), min_size=2, max_size=4, unique=True))
    lists = {key: draw(pairs(VALUES[key])) for key in keys}
    data: dict[str, Any] = {"base": WHOLE["base"], "seed": draw(st.integers(0, 9))}
    if method == "rows":
        kept = draw(st.lists(st.sets(st.sampled_from(keys), min_size=1), min_size=1, max_size=4))
        rows = [{key: lists[key][0] for key in keys if key in some} for some in kept]
        return {**data, "method": "list", "parameters": rows}
    parameters: dict[str, Any] = {key: {"values": values} for key, values in lists.items()}
    zipped = keys[:2] if draw(st.booleans()) and method != "list" else []
    if method == "random":
        spread = {key: one for key, one in INTERVALS.items() if key in keys and key not in zipped}
        parameters |= spread if draw(st.booleans()) else {}
        if keys[-1] not in zipped and "values" in parameters[keys[-1]]:
            parameters[keys[-1]]["probabilities"] = [0.1, 0.9]
        data["runs"] = draw(st.integers(1, 6))
    first = {key: lists[key][0] for key in keys[:2] if "values" in parameters[key]}
    if first and draw(st.booleans()):
        data["exclude"] = first
    return {
        **data,
        "method": method,
        "parameters": parameters,
        **({"zip": zipped} if zipped else {}),
    }


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=sweeps())
def test_a_sweep_that_is_written_down_is_read_back_the_same(
    tmp_path: Path, data: dict[str, Any]
) -> None:
    """Run-ids and columns hang on it: a sweep is resumed from its own `sweep.yaml`."""
    spec = spec_of(tmp_path, to_yaml(data))
    planned = count(spec)
    metric = Metric.called("test_loss")
    again = spec_of(tmp_path, to_yaml(spec.to_plain(planned, metric)))
    assert (again.keys, count(again), again.base) == (spec.keys, planned, spec.base)
    assert repr([*trials(again, planned)]) == repr([*trials(spec, planned)])
    assert again.to_plain(planned, metric) == spec.to_plain(planned, metric)
