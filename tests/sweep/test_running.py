"""What a sweep leaves behind, whoever makes its runs."""

from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_sweeps import SWEEP, results, sweep_file, tables

import vgrad
from vgrad.errors import RequestError
from vgrad.plugins import unload_plugins
from vgrad.store import Sweep
from vgrad.sweep import How, Workers, local_pool, resume_sweep, run_sweep
from vgrad.sweep.jobs import Job, Outcome, PluginFile, execute


class Inline(Executor):
    """Makes each run at once, where it stands."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class LastFirst(Executor):
    """Makes runs in another order than they were handed over in."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._waiting.append((future, lambda: fn(*args, **kwargs)))
        if len(self._waiting) >= 4:
            for waiting, call in reversed(self._waiting):
                waiting.set_result(call())
            self._waiting.clear()
        return future


def inline() -> How:
    return How(executor=Workers(Inline(), lambda: 1))


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """The sweep, made one run after the other in this process."""
    folder = tmp_path_factory.mktemp("reference")
    return run_sweep(sweep_file(folder), how=inline(), runs_dir=folder / "runs")


def test_a_sweep_leaves_its_file_its_results_and_its_runs(reference: Sweep) -> None:
    names = sorted(path.name for path in reference.path.iterdir())
    assert names[-2:] == ["results.csv", "sweep.yaml"]
    assert len(names) == 12 + 2
    assert names[0] == "0001-activation=tanh-lr=0.1-seed=0"
    assert (reference.status, reference.planned) == ("finished", 12)
    assert reference.keys == ("model.activation", "optimizer.lr", "seed")
    files = sorted(path.name for path in (reference.path / names[0]).iterdir())
    assert files == ["config.yaml", "environment.json", "layers.csv", "metrics.csv", "summary.json"]


def test_a_row_of_results_says_what_the_run_says(reference: Sweep) -> None:
    for result in reference.results:
        run = reference.run(result.run_id)
        assert (run.id, run.status, run.verdict) == (result.run_id, result.status, result.verdict)
        last = run.metrics[-1]
        for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy"):
            np.testing.assert_equal(result.numbers[name], last[name])
        assert result.numbers["steps"] == run.summary["steps"]
        assert result.error == run.summary["error"]
        assert str(run.config["seed"]) == result.varied["seed"]


def test_runs_that_diverge_are_results_like_others(reference: Sweep) -> None:
    statuses = [result.status for result in reference.results]
    assert statuses.count("diverged") == 6
    assert statuses.count("finished") == 6
    row = next(result for result in reference.results if result.status == "diverged")
    assert "no longer finite" in (row.error or "")


def test_a_run_of_a_sweep_is_the_run_that_vgrad_run_makes(reference: Sweep, tmp_path: Path) -> None:
    stored = reference.run("0007")
    again = vgrad.run(stored.path / "config.yaml", runs_dir=tmp_path)
    for name in ("config.yaml", "layers.csv"):
        assert (again.path / name).read_bytes() == (stored.path / name).read_bytes()
    assert again.summary.keys() == stored.summary.keys()
    assert again.environment.keys() == stored.environment.keys()


def processes() -> AbstractContextManager[Executor]:
    return ProcessPoolExecutor(2, mp_context=get_context("spawn"))


EXECUTORS: dict[str, Callable[[], AbstractContextManager[Executor]]] = {
    "threads": lambda: ThreadPoolExecutor(3),
    "processes of the standard library": processes,
    "one that ends runs in another order": lambda: nullcontext(LastFirst()),
}


@pytest.mark.parametrize("kind", EXECUTORS)
def test_results_do_not_depend_on_the_executor(kind: str, reference: Sweep, tmp_path: Path) -> None:
    with EXECUTORS[kind]() as executor:
        how = How(executor=Workers(executor, lambda: 2))
        sweep = run_sweep(sweep_file(tmp_path), how=how, runs_dir=tmp_path / "runs")
    assert results(sweep) == results(reference)
    assert tables(sweep) == tables(reference)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_do_not_depend_on_the_number_of_workers(
    workers: int, reference: Sweep, tmp_path: Path
) -> None:
    sweep = run_sweep(sweep_file(tmp_path), how=How(workers), runs_dir=tmp_path / "runs")
    assert results(sweep) == results(reference)
    assert tables(sweep) == tables(reference)


def test_the_stored_file_of_a_sweep_repeats_it(reference: Sweep, tmp_path: Path) -> None:
    again = run_sweep(reference.path / "sweep.yaml", how=inline(), runs_dir=tmp_path)
    assert results(again) == results(reference)
    assert (again.path / "sweep.yaml").read_bytes() == (reference.path / "sweep.yaml").read_bytes()


def test_two_sweeps_and_a_run_may_go_on_in_one_folder_at_once(
    reference: Sweep, tmp_path: Path
) -> None:
    file = sweep_file(tmp_path)

    def both(_: int) -> Sweep:
        return run_sweep(file, how=inline(), runs_dir=tmp_path / "runs")

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(both, range(2))
    assert first.path != second.path
    assert results(first) == results(second) == results(reference)


def test_a_run_that_takes_too_long_fails_with_what_it_logged_kept(tmp_path: Path) -> None:
    text = SWEEP.replace("steps: 12", "steps: 1000000000").replace("1.0e+300", "0.2")
    file = sweep_file(tmp_path, text.replace('"range(0, 3)"', "[0]"))
    how = How(timeout=0.3, executor=Workers(Inline(), lambda: 1))
    sweep = run_sweep(file, how=how, runs_dir=tmp_path / "runs")
    assert [result.status for result in sweep.results] == ["failed"] * 4
    for result in sweep.results:
        assert "it took more than 0.3 s" in (result.error or "")
        assert len(sweep.run(result.run_id).steps) > 1


def test_a_job_that_cannot_begin_is_an_outcome_with_its_reason() -> None:
    outcome = execute(Job("0001", {"data": {"name": "csv", "path": "/gone.csv", "target": "y"}}))
    assert outcome.summary["status"] == "failed"
    assert "/gone.csv" in str(outcome.summary["error"])
    assert not outcome.files


def test_data_that_is_gone_when_a_run_begins_fails_that_run_alone(tmp_path: Path) -> None:
    class LosesAFile(Inline):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            (tmp_path / "1.csv").unlink(missing_ok=True)
            return super().submit(fn, *args, **kwargs)

    for number in (0, 1):
        rows = "".join(f"{i % 7},{i % 3},{i % 2}\n" for i in range(40))
        (tmp_path / f"{number}.csv").write_text("a,b,y\n" + rows)
    text = """\
base: {data: {name: csv, path: 0.csv, target: y}, model: {depth: 1, width: 3}, train: {steps: 3}}
parameters:
  data.path: {values: [0.csv, 1.csv]}
"""
    how = How(executor=Workers(LosesAFile(), lambda: 1))
    sweep = run_sweep(sweep_file(tmp_path, text), how=how, runs_dir=tmp_path / "runs")
    assert [result.status for result in sweep.results] == ["finished", "failed"]
    assert "1.csv" in (sweep.results[1].error or "")


def test_a_plugin_goes_to_the_workers_with_the_runs(tmp_path: Path) -> None:
    plugin = Path(vgrad.__file__).parents[1] / "configs/plugins/my_parts.py"
    text = SWEEP.replace("[tanh, relu]", "[squareplus, tanh]").replace("1.0e+300", "0.2")
    with local_pool(2) as workers:
        sweep = run_sweep(
            sweep_file(tmp_path, text),
            plugins=[plugin],
            how=How(executor=workers),
            runs_dir=tmp_path / "runs",
        )
    assert {result.status for result in sweep.results} == {"finished"}
    assert sweep.run("0001").plugins[0].parts
    unload_plugins()
    with pytest.raises(RequestError, match=r"my_parts.py .*, which is not given"):
        resume_sweep(sweep.id, runs_dir=tmp_path / "runs")


def test_a_plugin_that_the_worker_does_not_see_is_loaded_from_its_bytes(tmp_path: Path) -> None:
    plugin = Path(vgrad.__file__).parents[1] / "configs/plugins/my_parts.py"
    config = {"model": {"depth": 1, "width": 4, "activation": "squareplus"}, "train": {"steps": 2}}
    far = PluginFile(str(tmp_path / "not_here.py"), plugin.read_bytes())
    outcome = execute(Job("0001", config, (far,)))
    unload_plugins()
    assert outcome.summary["status"] == "finished"


def test_an_outcome_travels_as_bytes() -> None:
    import pickle

    outcome = execute(Job("0001", {"model": {"depth": 1, "width": 4}, "train": {"steps": 2}}))
    again: Outcome = pickle.loads(pickle.dumps(outcome))
    assert again.files == outcome.files
    assert len(pickle.dumps(outcome)) < 2 * sum(map(len, outcome.files.values()))


def test_a_sweep_that_is_wrong_leaves_nothing_behind(tmp_path: Path) -> None:
    file = sweep_file(tmp_path, SWEEP.replace("[tanh, relu]", "[tanh, rleu]"))
    with pytest.raises(RequestError) as caught:
        run_sweep(file, how=inline(), runs_dir=tmp_path / "runs")
    assert str(caught.value).startswith(f"{file}:8:37: model.activation: ")
    assert "did you mean relu?" in str(caught.value)
    assert not (tmp_path / "runs").exists()
