"""Sweeps whose runs are chosen by the results before them."""

import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest
from small_sweeps import results, sweep_file

from vgrad.errors import RequestError
from vgrad.store import open_sweep
from vgrad.sweep import How, Workers, resume_sweep, run_sweep
from vgrad.sweep.jobs import Outcome

BAYES = """\
base:
  data: {name: moons, n_samples: 80}
  model: {depth: 1, width: 6}
  train: {steps: 10, batch_size: 16}
method: bayes
runs: 16
seed: 5
parameters:
  model.activation: {values: [tanh, relu]}
  optimizer.lr: {min: 1.0e-6, max: 1.0, distribution: log_uniform_values}
  model.depth: {min: 1, max: 4}
  model.dropout: {min: 0.0, max: 0.4, q: 0.1, distribution: q_uniform}
exclude:
  - {model.activation: relu, model.depth: [1, 2]}
"""

pytest.importorskip("optuna")


class Inline(Executor):
    def __init__(self, most: float = float("inf")) -> None:
        self.most, self.made = most, list[str]()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if len(self.made) >= self.most:
            raise KeyboardInterrupt
        self.made.append(args[0].run_id)
        future.set_result(fn(*args, **kwargs))
        return future


def how(executor: Executor, count: int = 1) -> How:
    return How(executor=Workers(executor, lambda: count))


def test_runs_stay_within_their_bounds_and_out_of_what_is_excluded(tmp_path: Path) -> None:
    sweep = run_sweep(sweep_file(tmp_path, BAYES), how=how(Inline()), runs_dir=tmp_path / "runs")
    assert len(sweep.results) == 16
    for result in sweep.results:
        varied = result.varied
        assert 1e-6 <= float(varied["optimizer.lr"]) <= 1.0
        assert int(varied["model.depth"]) in range(1, 5)
        assert float(varied["model.dropout"]) in (0.0, 0.1, 0.2, 0.3, 0.4)
        assert varied["model.activation"] == "tanh" or int(varied["model.depth"]) > 2


@pytest.mark.parametrize("count", [2, 7, 30])
def test_which_runs_are_made_does_not_depend_on_how_many_go_on_at_once(
    count: int, tmp_path: Path
) -> None:
    file = sweep_file(tmp_path, BAYES)
    one = run_sweep(file, how=how(Inline()), runs_dir=tmp_path / "one")
    many = run_sweep(file, how=how(Inline(), count), runs_dir=tmp_path / "many")
    assert results(many) == results(one)


def test_an_interrupted_search_goes_on_with_the_runs_that_it_would_have_made(
    tmp_path: Path,
) -> None:
    file = sweep_file(tmp_path, BAYES)
    whole = run_sweep(file, how=how(Inline()), runs_dir=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run_sweep(file, how=how(Inline(11)), runs_dir=tmp_path / "left")
    left = open_sweep("latest", tmp_path / "left")
    rest = Inline()
    again = resume_sweep(left.id, how=how(rest), runs_dir=tmp_path / "left")
    assert len(rest.made) < 16 - 8
    assert results(again) == results(whole)


def test_the_search_comes_to_better_runs_than_chance(tmp_path: Path) -> None:
    text = BAYES.replace("runs: 16", "runs: 48")
    sweep = run_sweep(sweep_file(tmp_path, text), how=how(Inline()), runs_dir=tmp_path / "runs")
    reached = [result.numbers["test_accuracy"] for result in sweep.results]
    chance, learnt = reached[:18], reached[-18:]  # the first ten and those under way then are draws
    assert sum(learnt) / 18 > sum(chance) / 18 + 0.05


def test_without_optuna_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(RequestError, match=r"pip install 'vgrad\[bayes\]'"):
        run_sweep(sweep_file(tmp_path, BAYES), how=how(Inline()), runs_dir=tmp_path / "runs")


def test_a_distribution_that_the_search_does_not_know_is_refused_with_its_place(
    tmp_path: Path,
) -> None:
    given = "{min: 1.0e-6, max: 1.0, distribution: log_uniform_values}"
    text = BAYES.replace(given, "{distribution: log_normal, mu: -3, sigma: 1}")
    file = sweep_file(tmp_path, text)
    with pytest.raises(RequestError) as caught:
        run_sweep(file, how=how(Inline()), runs_dir=tmp_path / "runs")
    assert str(caught.value).startswith(f"{file}:10:17: optimizer.lr: bayes does not know")
    assert not (tmp_path / "runs").exists()


def test_what_a_run_that_failed_had_reached_by_then_decides_nothing(tmp_path: Path) -> None:
    class Fails(Inline):
        def __init__(self, accuracy: float) -> None:
            super().__init__()
            self.accuracy = accuracy

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            future = super().submit(fn, *args, **kwargs)
            if len(self.made) % 3 == 0:  # as after a timeout, which comes sooner or later
                summary = {"status": "failed", "final": {"test_accuracy": self.accuracy}}
                future = Future()
                future.set_result(Outcome(summary))
            return future

    file = sweep_file(tmp_path, BAYES)
    few, many = (
        run_sweep(file, how=how(Fails(accuracy)), runs_dir=tmp_path / str(accuracy))
        for accuracy in (0.1, 1.0)
    )
    assert [one.run_id for one in few.results] == [one.run_id for one in many.results]
