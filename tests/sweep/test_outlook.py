"""What a sweep will be and take, before anything of it starts."""

import math
from pathlib import Path

import pytest

from vgrad.errors import RequestError
from vgrad.experiment import prepare
from vgrad.sweep import Wishes, read_spec
from vgrad.sweep.outlook import Outlook, cost_of, outlook

EXPERIMENT = """\
data: {name: moons, n_samples: 40}
model: {depth: 2, width: 4}
train: {steps: 30, batch_size: 16}
"""


def planned(folder: Path, *overrides: str, wish: Wishes | None = None, workers: int = 2) -> Outlook:
    path = folder / "base.yaml"
    path.write_text(EXPERIMENT)
    return outlook(path, overrides, wish or Wishes(), workers)


def test_an_outlook_has_every_run_and_what_all_take(tmp_path: Path) -> None:
    plan = planned(tmp_path, "model.depth=1,2", "seed=range(0,3)")
    assert (plan.keys, plan.method, plan.planned) == (("model.depth", "seed"), "grid", 6)
    assert [trial.number for trial in plan.trials] == [1, 2, 3, 4, 5, 6]
    assert (plan.workers, plan.metric) == (2, "test_accuracy")
    assert plan.seconds > 0
    assert math.isfinite(plan.seconds)


def test_memory_is_that_of_the_runs_at_once(tmp_path: Path) -> None:
    one = planned(tmp_path, "seed=1,2,3,4", workers=1)
    four = planned(tmp_path, "seed=1,2,3,4", workers=4)
    assert four.nbytes == 4 * one.nbytes


def test_there_are_no_more_workers_than_runs(tmp_path: Path) -> None:
    assert planned(tmp_path, "seed=1,2", workers=8).workers == 2


def test_draws_are_shown_as_they_will_be_made(tmp_path: Path) -> None:
    plan = planned(tmp_path, "seed=range(0,50)", wish=Wishes("random", 4))
    again = planned(tmp_path, "seed=range(0,50)", wish=Wishes("random", 4))
    assert plan.trials == again.trials
    assert len(plan.trials) == 4


def test_runs_that_results_choose_are_not_known_yet(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    plan = planned(tmp_path, "model.depth=1,2", wish=Wishes("bayes", 5))
    assert (plan.trials, plan.planned, plan.method) == ((), 5, "bayes")
    assert plan.seconds > 0


def test_a_wrong_sweep_has_no_outlook(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"model\.depth: -1 is out of range"):
        planned(tmp_path, "model.depth=1,-1")


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    planned(tmp_path, "seed=1,2")
    assert [path.name for path in tmp_path.iterdir()] == ["base.yaml"]


def test_more_of_anything_costs_more(tmp_path: Path) -> None:
    path = tmp_path / "base.yaml"
    path.write_text(EXPERIMENT)
    base = read_spec(path, ["seed=1,2"]).base
    cost = cost_of(prepare(base))
    for change in ({"model.depth": 5}, {"model.width": 64}, {"train.steps": 90}):
        assert cost_of(prepare(base.with_overrides(change))) > cost
