"""Sweep files and overrides, as their users write them, right and wrong."""

import random
import re
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vgrad.config.dumping import to_yaml
from vgrad.errors import RequestError
from vgrad.sweep import Wishes, check, read_spec, wishes
from vgrad.sweep.spec import Metric, Spec
from vgrad.sweep.trials import Trial, count, trials

BASE = "base: {model: {depth: 3, width: 8}, train: {steps: 2}}\n"


def spec_of(folder: Path, text: str, *overrides: str, **wish: object) -> Spec:
    path = folder / "sweep.yaml"
    path.write_text(BASE + text)
    return read_spec(path, overrides, Wishes(**wish))  # type: ignore[arg-type]


def changes(spec: Spec) -> list[dict[str, object]]:
    return [trial.changes for trial in trials(spec, count(spec))]


# --- what is asked for ----------------------------------------------------------------------------


def test_a_grid_is_every_combination_with_the_last_key_changing_fastest(tmp_path: Path) -> None:
    spec = spec_of(
        tmp_path, "parameters:\n  model.depth: {values: [1, 2]}\n  seed: {values: 'range(0, 2)'}\n"
    )
    assert changes(spec) == [
        {"model.depth": depth, "seed": seed} for depth in (1, 2) for seed in (0, 1)
    ]


def test_the_base_is_a_path_relative_to_the_sweep_file(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/net.yaml").write_text("model: {depth: 7}\nname: net\n")
    path = tmp_path / "sweep.yaml"
    path.write_text("base: configs/net.yaml\nparameters: {seed: {values: [0, 1]}}\n")
    spec = read_spec(path)
    assert (spec.base.model.depth, spec.name) == (7, "net")


def test_zipped_parameters_move_together(tmp_path: Path) -> None:
    parameters = (
        "parameters:\n"
        "  model.activation: {values: [tanh, relu, selu]}\n"
        "  seed: {values: [0, 1]}\n"
        "  model.init: {values: [xavier_normal, he_normal, lecun_normal]}\n"
    )
    for form in ("[model.activation, model.init]", "[[model.activation, model.init]]"):
        found = changes(spec_of(tmp_path, parameters + f"zip: {form}\n"))
        assert len(found) == 6
        pairs = {(one["model.activation"], one["model.init"]) for one in found}
        assert pairs == {
            ("tanh", "xavier_normal"), ("relu", "he_normal"), ("selu", "lecun_normal")
        }  # fmt: skip


def test_what_is_excluded_is_left_out(tmp_path: Path) -> None:
    text = (
        "parameters: {model.depth: {values: [1, 2, 3]}, seed: {values: [0, 1]}}\n"
        "exclude:\n  - {model.depth: [2, 3], seed: 1}\n"
    )
    found = changes(spec_of(tmp_path, text))
    assert [(one["model.depth"], one["seed"]) for one in found] == [(1, 0), (1, 1), (2, 0), (3, 0)]


def test_a_list_is_one_run_after_the_other(tmp_path: Path) -> None:
    rows = "method: list\nparameters:\n  - {model.depth: 1, seed: 4}\n  - {model.depth: 2}\n"
    assert changes(spec_of(tmp_path, rows)) == [{"model.depth": 1, "seed": 4}, {"model.depth": 2}]
    columns = "method: list\nparameters: {model.depth: {values: [1, 2]}, seed: {value: 4}}\n"
    assert changes(spec_of(tmp_path, columns)) == [
        {"model.depth": 1, "seed": 4}, {"model.depth": 2, "seed": 4}
    ]  # fmt: skip


def test_the_command_line_overrides_adds_and_replaces_axes(tmp_path: Path) -> None:
    text = "parameters: {model.depth: {values: [1, 2]}, seed: {values: [0, 1]}}\n"
    spec = spec_of(tmp_path, text, "seed=7", "model.depth=3,4", "model.activation=tanh,relu")
    assert spec.base.seed == 7
    assert changes(spec) == [
        {"model.depth": depth, "model.activation": activation}
        for depth in (3, 4)
        for activation in ("tanh", "relu")
    ]


def test_an_experiment_file_becomes_a_sweep_by_values(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("model: {depth: 3}\n")
    spec = read_spec(path, ["seed=range(0,3)", "optimizer={name: adam, lr: 0.01}"])
    assert (spec.name, spec.method, spec.keys) == ("net", "grid", ("seed",))
    assert spec.base.optimizer.name == "adam"


def test_a_metric_has_the_goal_that_everyone_has_with_it(tmp_path: Path) -> None:
    text = "parameters: {seed: {values: [0]}}\nmetric: {name: test_loss}\n"
    assert spec_of(tmp_path, text).metric == Metric("test_loss", "minimize")
    assert check(spec_of(tmp_path, text.splitlines()[0])).metric.name == "test_accuracy"
    regression = "parameters: {data: {values: [sine, line]}}\n"
    assert check(spec_of(tmp_path, regression)).metric == Metric("test_loss", "minimize")


# --- draws ----------------------------------------------------------------------------------------

DRAWS = {
    "{min: 0.1, max: 0.5}": lambda x: (x - 0.1) / 0.4,
    "{min: 1.0e-4, max: 1.0, distribution: log_uniform_values}": lambda x: np.log10(x) / 4 + 1,
    "{min: -7, max: 0.0, distribution: log_uniform}": lambda x: np.log(x) / 7 + 1,
}


@pytest.mark.parametrize("given", DRAWS)
def test_a_distribution_is_drawn_evenly_over_what_it_spans(given: str, tmp_path: Path) -> None:
    text = f"method: random\nruns: 2000\nparameters: {{optimizer.lr: {given}}}\n"
    drawn = np.array([one["optimizer.lr"] for one in changes(spec_of(tmp_path, text))])
    even = np.sort(DRAWS[given](drawn))
    steps = (np.arange(even.size) + 0.5) / even.size
    assert np.abs(even - steps).max() < 1.95 / np.sqrt(even.size)  # Kolmogorov-Smirnov, 0.1 %


def test_whole_numbers_steps_bells_and_weights_are_drawn_as_stated(tmp_path: Path) -> None:
    text = """\
method: random
runs: 2000
parameters:
  model.depth: {min: 2, max: 5}
  model.dropout: {min: 0.0, max: 0.5, q: 0.25, distribution: q_uniform}
  model.bias_init: {distribution: normal, mu: 0.5, sigma: 0.1}
  optimizer.lr: {distribution: log_normal, mu: -3, sigma: 0.5}
  model.activation: {values: [tanh, relu], probabilities: [0.9, 0.1]}
"""
    found = changes(spec_of(tmp_path, text))
    columns = {key: [one[key] for one in found] for key in found[0]}
    depths, counts = np.unique(columns["model.depth"], return_counts=True)
    assert depths.tolist() == [2, 3, 4, 5]
    assert counts.min() > 400
    assert {type(one) for one in columns["model.depth"]} == {int}
    assert set(columns["model.dropout"]) == {0.0, 0.25, 0.5}
    biases, rates = np.array(columns["model.bias_init"]), np.log(np.array(columns["optimizer.lr"]))
    assert biases.mean() == pytest.approx(0.5, abs=0.01)
    assert biases.std() == pytest.approx(0.1, rel=0.1)
    assert (rates.mean(), rates.std()) == pytest.approx((-3, 0.5), rel=0.1)
    assert columns["model.activation"].count("tanh") == pytest.approx(1800, abs=60)


def test_the_first_draws_of_more_runs_are_the_same(tmp_path: Path) -> None:
    text = "method: random\nruns: 9\nseed: 4\nparameters: {optimizer.lr: {min: 0.1, max: 1.0}}\n"
    few = changes(spec_of(tmp_path, text))
    assert changes(spec_of(tmp_path, text, runs=30))[:9] == few
    assert changes(spec_of(tmp_path, text.replace("seed: 4", "seed: 5"))) != few


# --- what is wrong --------------------------------------------------------------------------------

WRONG = {
    "parameters: {model.dept: {values: [1]}}": "2:14: model.dept: unknown key",
    "parameters: {model.depth: {values: []}}": "2:36: parameters.model.depth.values: the list is",
    "parameters: {model.depth: {valus: [1]}}": "2:28: parameters.model.depth.valus: unknown key",
    "parameters: {model.depth: [1, 2]}": "2:27: parameters.model.depth: is no parameter",
    "parameters: {model.depth: {values: [1, -2]}}": "2:40: model.depth: -2 is out of range",
    "parameters: {model.depth: {values: [1, two]}}": "2:40: model.depth: 'two' is not a whole",
    "parameters: {seed: {values: 'range(0, 1000000000)'}}": "2:29: parameters.seed.values: 1,000,",
    "parameters: {seed: {min: 3, max: 1}}\nmethod: random\nruns: 2": "2:34: parameters.seed.max: 1",
    "parameters: {seed: {min: 3}}\nmethod: random": "2:20: parameters.seed.max: is missing",
    "parameters: {optimizer.lr: {min: 0, max: 1, distribution: log_uniform_values}}": "no logar",
    "parameters: {seed: {distribution: unifrm, min: 0, max: 1}}": "did you mean uniform?",
    "parameters: {seed: {min: 0, max: 4}}": "a grid cannot hold a distribution; values, or method",
    "parameters: {seed: {values: [0], min: 1}}": "is stated twice",
    "parameters: {seed: {values: [0, 1], probabilities: [0.5, 0.6]}}": "2 numbers, none negative",
    "parameters: {seed: {values: [0, 1]}}\nmethod: gird": "3:9: method: 'gird' is not one of",
    "parameters: {seed: {values: [0, 1]}}\nmethod: random": "runs: N, or --runs N",
    "parameters: {seed: {values: [0, 1]}}\nruns: 0": "3:7: runs: 0 is out of range",
    "parameters: {seed: {values: [0, 1]}}\nrun_cap: 3": "3:1: run_cap: unknown key",
    "parameters: {seed: {values: [0, 1]}}\nmetric: {name: acc}": "3:16: metric.name: 'acc' is not",
    "parameters: {seed: {values: [0, 1]}}\nzip: [seed, model.depth]": "model.depth is not a param",
    "parameters: {seed: {values: [0, 1]}, model.depth: {values: [1]}}\nzip: [seed, model.depth]": (
        "lists of different lengths: seed 2, model.depth 1"
    ),
    "parameters: {seed: {values: [0, 1]}}\nzip: [seed, seed]": "names seed twice",
    "parameters: {seed: {values: [0, 1]}}\nexclude: [{sed: 0}]": "sed is not swept; one of seed;",
    "parameters: {seed: {values: [0, 1]}}\nexclude: [{seed: [0, 1]}]": "leaves no combination",
    "parameters: {seed: {values: [0, 1]}}\nexclude: [3]": "3:11: exclude: is no combination",
    "parameters: []": "parameters: nothing is given",
    "parameters: {}": "parameters: nothing is given",
    "method: list\nparameters: []": "nothing is given",
    "method: list\nparameters: [3]": "is no run",
    "parameters: {seed: {values: [0]}}\nparameters: {}": "is given twice",
    "method: grid": "parameters: is missing",
    "parameters: {model.depth: {values: [1, 2]}, model.width: {values: [4, [3, 3]]}}": (
        "2:71: model.width: lists 2 widths for a depth of 1 (with model.depth=1)"
    ),
    "parameters: {model.norm: {values: [batch]}, train.batch_size: {values: [1]}}": "two examples",
    "parameters: {model.depth: {values: [1, 2000]}, model.width: {value: 65000}}": "GiB",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_sweep_is_refused_with_its_place_before_any_run(text: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError) as caught:
        check(spec_of(tmp_path, text))
    first = caught.value.problems[0]
    assert WRONG[text] in str(first)
    assert str(first).startswith(f"{tmp_path / 'sweep.yaml'}:")


def test_errors_in_the_base_have_their_own_places(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text("parameters: {seed: {values: [0]}}\nbase:\n  model: {dept: 3}\n")
    with pytest.raises(RequestError, match=rf"^{re.escape(str(path))}:3:11: model.dept: unknown"):
        read_spec(path)
    path.write_text("parameters: {seed: {values: [0]}}\nbase: gone.yaml\n")
    with pytest.raises(RequestError, match=rf"^{re.escape(str(path))}:2:7: base: there is no file"):
        read_spec(path)


def test_one_wrong_value_is_said_once_however_many_runs_have_it(tmp_path: Path) -> None:
    text = (
        "parameters: {seed: {values: 'range(0, 50)'}, model.activation: {values: [tnah, relu]}}\n"
    )
    with pytest.raises(RequestError) as caught:
        check(spec_of(tmp_path, text))
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(("option", "near"), [("--method", "bayes"), ("--metric", "test_loss")])
def test_wishes_that_there_are_not_name_the_nearest(option: str, near: str) -> None:
    wrong = {option.removeprefix("--"): near.replace("s", "z")}
    with pytest.raises(RequestError, match=rf"did you mean {near}\?"):
        wishes(**wrong)  # type: ignore[arg-type]


# --- any sweep ------------------------------------------------------------------------------------

AXES = {
    "model.activation": ["tanh", "relu", {"name": "leaky_relu", "negative_slope": 0.1}],
    "model.depth": [1, 2, 3],
    "model.width": [4, [3], 5],
    "optimizer.lr": [0.1, 1e-3, 0.5],
    "seed": [0, 1, 2],
}


@st.composite
def sweeps(draw: st.DrawFn) -> dict[str, object]:
    keys = draw(st.lists(st.sampled_from(sorted(AXES)), min_size=1, max_size=4, unique=True))
    method = draw(st.sampled_from(["grid", "random", "list"]))
    parameters = {key: {"values": AXES[key]} for key in keys}
    sweep: dict[str, object] = {"method": method, "parameters": parameters, "seed": 3}
    if method == "random":
        sweep["runs"] = draw(st.integers(1, 9))
    if method != "list" and len(keys) > 1 and draw(st.booleans()):
        sweep["zip"] = keys[:2]
    if draw(st.booleans()):
        sweep["exclude"] = [{keys[0]: AXES[keys[0]][0]}]
    return sweep


@given(sweeps())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_stored_form_of_any_sweep_gives_the_same_runs(
    tmp_path: Path, sweep: dict[str, object]
) -> None:
    spec = spec_of(tmp_path, yaml.safe_dump(sweep))
    runs: list[Trial] = list(trials(spec, count(spec)))
    path = tmp_path / "again.yaml"
    path.write_text(to_yaml(spec.to_plain(count(spec), Metric.called("test_loss"))))
    again = read_spec(path)
    assert list(trials(again, count(again))) == runs
    assert again.base == spec.base


def test_any_mutation_of_a_sweep_file_is_a_sweep_or_is_refused_in_lines(tmp_path: Path) -> None:
    rng = random.Random(1)
    texts = [BASE + text for text in WRONG] + [
        BASE + "method: random\nruns: 3\nparameters: {optimizer.lr: {min: 0.1, max: 1, q: 0.1}}\n"
    ]
    pieces = [*"[]{}:,'\"\n -&*!%@`#0aé", "null", "values", "zip: ", "1e999", ".nan", "- "]
    path = tmp_path / "sweep.yaml"
    for _ in range(600):
        text = rng.choice(texts)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(text))
            text = text[:at] + rng.choice(pieces) + text[at + rng.randint(0, 3) :]
        path.write_text(text)
        said = refusal(path)
        assert said.count("\n") < 25
        assert "Traceback" not in said


def refusal(path: Path) -> str:
    """What is wrong with a sweep file; nothing where nothing is."""
    try:
        spec = read_spec(path)
        list(islice(trials(spec, count(spec)), 5))
    except RequestError as error:
        return str(error)
    return ""
