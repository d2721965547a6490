"""What can be known to be wrong is told before the first run starts."""

from pathlib import Path

import pytest

from vgrad.errors import RequestError
from vgrad.sweep import Metric, check, read_spec
from vgrad.sweep.checking import MOST_SHOWN, Checked, sample

EXPERIMENT = """\
data: {name: moons, n_samples: 40}
model: {depth: 2, width: 4}
train: {steps: 3}
"""


def checked(folder: Path, *overrides: str, text: str = EXPERIMENT) -> Checked:
    path = folder / "base.yaml"
    path.write_text(text)
    return check(read_spec(path, overrides))


def refusal(folder: Path, *overrides: str, text: str = EXPERIMENT) -> list[str]:
    with pytest.raises(RequestError) as caught:
        checked(folder, *overrides, text=text)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def test_a_sweep_is_ranked_by_what_its_data_asks_for(tmp_path: Path) -> None:
    assert checked(tmp_path, "seed=1,2").metric == Metric("test_accuracy", "maximize")
    no_test = ("seed=1,2", "data.test_fraction=0")
    assert checked(tmp_path, *no_test).metric == Metric("train_accuracy", "maximize")
    regression = "data: {name: teacher, n_samples: 40}\nmodel: {depth: 1, width: 4}\n"
    assert checked(tmp_path, "seed=1,2", text=regression).metric == Metric("test_loss", "minimize")


def test_the_memory_of_the_largest_run_is_known(tmp_path: Path) -> None:
    small = checked(tmp_path, "model.width=2,4")
    large = checked(tmp_path, "model.width=2,256,4")
    assert (small.planned, large.planned) == (2, 3)
    assert large.largest > small.largest > 0


def test_every_wrong_value_is_told_once_however_often_it_is_combined(tmp_path: Path) -> None:
    found = refusal(tmp_path, "model.depth=1,-2,-3", "seed=range(0,5)", "model.width=4,0")
    told = [line.split(";")[0] for line in found]
    assert told == [
        "command line: model.width: 0 is out of range",
        "command line: model.depth: -2 is out of range",
        "command line: model.depth: -3 is out of range",
    ]


def test_what_only_a_combination_makes_wrong_names_all_of_it(tmp_path: Path) -> None:
    text = """\
base: {data: {name: moons, n_samples: 40}, model: {depth: 2, width: 4}}
parameters:
  train.batch_size:
    values: [1, 8]
  model.norm:
    values: [none, batch]
"""
    (line,) = refusal(tmp_path, text=text)
    assert line.startswith(("base.yaml:4:14: train.batch_size", "base.yaml:6:20: model.norm"))
    assert "(with " in line


def test_what_would_not_fit_into_memory_is_refused_at_its_value(tmp_path: Path) -> None:
    text = "base: {data: {name: moons}}\nparameters:\n  model.width: {values: [4, 65536]}\n"
    (line,) = refusal(tmp_path, text=text + "  model.depth: {value: 1000}\n")
    assert line.startswith("base.yaml:")
    assert "GiB" in line


def test_what_is_wrong_in_the_base_is_told_there_and_once(tmp_path: Path) -> None:
    text = "data: {name: csv, path: nosuch.csv, target: y}\n"
    (line,) = refusal(tmp_path, "seed=1,2", "optimizer.lr=0.1,1", text=text)
    assert line.startswith("base.yaml:1:")
    assert "nosuch.csv: does not exist" in line


def test_no_more_problems_are_told_than_one_can_read(tmp_path: Path) -> None:
    found = refusal(tmp_path, "model.depth=range(-1000,0)")
    assert len(found) == MOST_SHOWN


def test_whoever_waits_hears_how_far_it_is(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    path = tmp_path / "base.yaml"
    path.write_text(EXPERIMENT)
    check(read_spec(path, ["seed=1,2,3"]), lambda *news: heard.append(news))
    assert heard == [(1, 3), (2, 3), (3, 3)]


def test_a_sample_is_spread_over_all_runs(tmp_path: Path) -> None:
    path = tmp_path / "base.yaml"
    path.write_text(EXPERIMENT)
    spec = read_spec(path, ["seed=range(0,100)"])
    assert [changes["seed"] for changes in sample(spec, 100, 5)] == [0, 20, 40, 60, 80]
    assert len([*sample(spec, 100, 200)]) == 100
