"""`vgrad.run`, `vgrad.resume`, `vgrad.open_run`: one run from its config to its folder."""

import json
import math
import sys
import threading
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import yaml
from threadpoolctl import threadpool_info
from tiny_runs import CONFIG, DIVERGING, Onlooker, assert_readable, folders, rows

import vgrad
from vgrad import experiment
from vgrad.config.dumping import dump_yaml
from vgrad.estimate import estimate
from vgrad.experiment import prepare
from vgrad.forecast.making import predicted_layers
from vgrad.session import THREADED_FROM, blas_threads

Overrides = dict[str, object]


# --- what a run leaves behind ---------------------------------------------------------------------


def test_a_run_leaves_its_files_and_says_what_it_came_to(tmp_path: Path) -> None:
    run = vgrad.run(CONFIG, runs_dir=tmp_path)
    assert run.path.parent == tmp_path
    assert sorted(one.name for one in run.path.iterdir()) == [
        "config.yaml",
        "environment.json",
        "layers.csv",
        "metrics.csv",
        "predictions.csv",
        "summary.json",
    ]
    assert_readable(run)
    summary = json.loads((run.path / "summary.json").read_bytes())
    last = run.metrics[-1]
    final = {name: last[name].item() for name in run.metrics.dtype.names or ()}
    grads, deltas = run.layers_at(12)["grad_norm"], run.layers_at(12)["delta_rms"]
    assert summary.pop("config")["model.depth"] == 2
    assert summary == {
        "run_id": run.id,
        "name": "tiny",
        "status": "finished",
        "verdict": run.verdict,
        "steps": 12,
        "final": final,
        "gradient_ratio": pytest.approx(grads[0] / grads[-1], rel=1e-6),  # 9 digits are stored
        "slope_per_layer": pytest.approx(2 * math.log(deltas[0] / deltas[1]), rel=1e-6),
        "seconds": final["seconds"],
        "error": None,
    }
    assert run.verdict


def test_a_run_remembers_how_it_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["vgrad", "run", "a.yaml"])
    environment = vgrad.run(CONFIG, runs_dir=tmp_path).environment
    assert environment["command"] == ["vgrad", "run", "a.yaml"]
    times = [datetime.fromisoformat(environment[f"{end}_time"]) for end in ("start", "end")]
    assert times == sorted(times)


def test_a_config_is_the_same_however_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump(CONFIG))
    deeper = {**CONFIG, "model": {"depth": 3, "width": 5}}
    runs = tmp_path / "runs"
    given = [
        vgrad.run(deeper, runs_dir=runs),
        vgrad.run(CONFIG, {"model.depth": 3}, runs_dir=runs),
        vgrad.run(path, ["model.depth=3"], runs_dir=str(runs)),
        vgrad.run(str(path), {"model": {"depth": 3}}, runs_dir=runs),
        vgrad.run(vgrad.load_config(deeper), runs_dir=runs),
        vgrad.run(vgrad.load_config(path), ["model.depth=3"], runs_dir=runs),
    ]
    assert len({run.config_yaml for run in given}) == 1
    assert all(rows(run.path) == rows(given[0].path) for run in given)


def test_a_run_without_a_name_is_called_run(tmp_path: Path) -> None:
    run = vgrad.run({"data": "line", "train": {"steps": 1}}, runs_dir=tmp_path)
    assert run.id.endswith("-run")
    assert run.name == "run"


def test_runs_are_kept_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VGRAD_RUNS_DIR", str(tmp_path / "there"))
    run = vgrad.run(CONFIG)
    assert run.path.parent == tmp_path / "there"
    assert vgrad.open_run().id == vgrad.open_run("tiny").id == run.id
    monkeypatch.delenv("VGRAD_RUNS_DIR")
    monkeypatch.chdir(tmp_path)
    assert vgrad.run(CONFIG).path.resolve().parent == tmp_path / "runs"


def test_a_run_that_diverges_is_a_result(tmp_path: Path) -> None:
    run = vgrad.run(CONFIG, DIVERGING, runs_dir=tmp_path)
    assert (run.status, run.verdict) == ("diverged", run.summary["verdict"])
    step = run.summary["steps"]
    assert run.steps[-1] == step < 12
    assert run.summary["error"].startswith(f"step {step}: the ")
    assert run.summary["error"].endswith(" is no longer finite")
    assert_readable(run)
    last = run.metrics[-1]
    assert not math.isfinite(last["train_loss"] + last["grad_norm"])


# --- the same again -------------------------------------------------------------------------------

REPEATED: dict[str, Overrides] = {
    "plain": {},
    "options": {"model.activation": {"name": "leaky_relu", "negative_slope": 0.3}},
    "odd numbers": {"optimizer.lr": 1 / 3, "regularization.l2": 1e-7, "model.bias_init": 1e-5},
    "lsuv, widths": {"model.width": [4, 7], "model.init": "lsuv", "dtype": "float64"},
    "epochs": {"train.epochs": 2, "loss": "huber", "optimizer": "nadam"},
    "a random bias": {"model.bias_init": {"name": "gaussian", "std": 0.1}, "seed": 2**40},
}


@pytest.mark.parametrize("variant", REPEATED)
def test_a_stored_config_repeats_its_run_byte_for_byte(tmp_path: Path, variant: str) -> None:
    first = vgrad.run(CONFIG, REPEATED[variant], runs_dir=tmp_path)
    second = vgrad.run(first.path / "config.yaml", runs_dir=tmp_path)
    assert rows(second.path) == rows(first.path)
    assert second.config_yaml == first.config_yaml
    assert second.config_yaml == dump_yaml(vgrad.load_config(first.path / "config.yaml"))


def test_a_stored_config_finds_its_data_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "here").mkdir()
    np.savez(tmp_path / "here" / "a.npz", x=rng.normal(size=(40, 3)), y=np.arange(40) % 2)
    path = tmp_path / "here" / "a.yaml"
    path.write_text(yaml.safe_dump({**CONFIG, "data": {"name": "npz", "path": "a.npz"}}))
    first = vgrad.run(path, runs_dir=tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    assert rows(vgrad.run(first.path / "config.yaml").path) == rows(first.path)


def test_who_looks_on_changes_nothing_and_sees_everything(tmp_path: Path) -> None:
    plain = vgrad.run(CONFIG, runs_dir=tmp_path)
    onlooker = Onlooker()
    watched = vgrad.run(CONFIG, runs_dir=tmp_path, watch=onlooker)
    assert rows(watched.path) == rows(plain.path)
    assert (onlooker.total, onlooker.start, onlooker.closed) == (12, 0, 1)
    assert tuple(record.metrics.step for record in onlooker.records) == watched.steps
    assert onlooker.steps == sorted(set(onlooker.steps))
    assert onlooker.steps[-1] <= 12


@pytest.mark.parametrize("every", [1, 4, 5, 100])
def test_checkpoints_change_nothing(tmp_path: Path, every: int) -> None:
    plain = vgrad.run(CONFIG, runs_dir=tmp_path)
    run = vgrad.run(CONFIG, runs_dir=tmp_path, checkpoint_every=every)
    assert rows(run.path) == rows(plain.path)
    state = run.read_checkpoint()
    assert (None if state is None else int(state["step"])) == {1: 11, 4: 8, 5: 10, 100: None}[every]


def test_what_is_logged_changes_no_result(tmp_path: Path) -> None:
    runs = [vgrad.run(CONFIG, {"log.every": n}, runs_dir=tmp_path) for n in (1, 4, 100)]
    assert len({run.layers_at(12).tobytes() for run in runs}) == 1


# --- what may go wrong ----------------------------------------------------------------------------

WRONG: dict[str, Overrides] = {
    "an unknown key": {"model.dept": 3},
    "an unknown name": {"optimizer": "sdg"},
    "missing data": {"data": {"name": "npz", "path": "missing.npz"}},
    "a loss that does not fit": {"data": "sine", "loss": "cross_entropy"},
    "no initializer for biases": {"model.bias_init": "orthogonal"},
    "a gain that is not known": {
        "model": {"activation": "mish", "init": {"name": "orthogonal", "gain": "activation"}}
    },
    "beyond the memory": {"model.width": 65536, "model.depth": 3},
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_request_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(experiment, "available_memory", lambda: 2.0**30)
    with pytest.raises(vgrad.RequestError):
        vgrad.run(CONFIG, WRONG[kind], runs_dir=tmp_path / "runs")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cadence", [0, -1])
def test_a_cadence_of_no_steps_is_a_wrong_request(tmp_path: Path, cadence: int) -> None:
    with pytest.raises(vgrad.RequestError, match="at least 1"):
        vgrad.run(CONFIG, runs_dir=tmp_path / "runs", checkpoint_every=cadence)
    with pytest.raises(vgrad.RequestError, match="at least 1"):
        vgrad.resume("latest", runs_dir=tmp_path / "runs", checkpoint_every=cadence)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_keeps_what_was_logged(tmp_path: Path) -> None:
    onlooker = Onlooker(error=KeyboardInterrupt(), at=4)
    with pytest.raises(KeyboardInterrupt):
        vgrad.run(CONFIG, runs_dir=tmp_path, watch=onlooker)
    run = vgrad.open_run("latest", tmp_path)
    assert_readable(run)
    assert (run.status, run.steps, onlooker.closed) == ("interrupted", (0, 4), 1)
    assert run.summary["steps"] == 5  # the step after the record had been made
    assert run.summary["final"]["step"] == 4
    assert run.summary["error"] is None
    assert run.verdict
    assert run.environment["end_time"]


def test_a_run_that_breaks_says_why_and_keeps_what_was_logged(tmp_path: Path) -> None:
    onlooker = Onlooker(error=ZeroDivisionError("a bug"), at=4)
    with pytest.raises(ZeroDivisionError):
        vgrad.run(CONFIG, runs_dir=tmp_path, watch=onlooker)
    run = vgrad.open_run("latest", tmp_path)
    assert_readable(run)
    assert (run.status, run.steps, onlooker.closed) == ("failed", (0, 4), 1)
    assert run.summary["error"] == "a bug"


def test_a_watcher_that_cannot_be_made_fails_the_run(tmp_path: Path) -> None:
    def watch(_total: int, _start: int) -> Onlooker:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        vgrad.run(CONFIG, runs_dir=tmp_path, watch=watch)
    run = vgrad.open_run("latest", tmp_path)
    assert (run.status, run.summary["error"]) == ("failed", "ZeroDivisionError")
    assert run.summary["final"] is None


# --- threads --------------------------------------------------------------------------------------


def test_a_run_works_off_the_main_thread(tmp_path: Path) -> None:
    alone = vgrad.run(CONFIG, runs_dir=tmp_path / "alone")
    done: list[vgrad.Run] = []
    thread = threading.Thread(target=lambda: done.append(vgrad.run(CONFIG, runs_dir=tmp_path)))
    thread.start()
    thread.join()
    (run,) = done
    assert run.status == "finished"
    assert rows(run.path) == rows(alone.path)


def test_runs_on_threads_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    seeds = range(4)
    alone = [vgrad.run(CONFIG, {"seed": n}, runs_dir=tmp_path / "alone") for n in seeds]
    done: dict[int, vgrad.Run] = {}
    barrier = threading.Barrier(len(seeds))

    def work(seed: int) -> None:
        barrier.wait()
        done[seed] = vgrad.run(CONFIG, {"seed": seed}, runs_dir=tmp_path / "runs")

    threads = [threading.Thread(target=work, args=(seed,)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({run.id for run in done.values()}) == len(seeds)
    assert all(rows(done[n].path) == rows(alone[n].path) for n in seeds)


def blas_thread_counts() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_small_networks_take_one_blas_thread_and_give_the_others_back(tmp_path: Path) -> None:
    before = blas_thread_counts()
    within: list[set[int]] = []

    class Counting(Onlooker):
        def on_record(self, _record: object) -> None:
            within.append(blas_thread_counts())

    vgrad.run(CONFIG, runs_dir=tmp_path, watch=Counting())
    assert within[0] == {1}
    assert blas_thread_counts() == before


def test_large_networks_keep_all_blas_threads() -> None:
    before = blas_thread_counts()
    wide = prepare(
        vgrad.load_config(
            CONFIG, {"model.width": 1024, "data.n_samples": 2000, "train.batch_size": 64}
        )
    )
    assert wide.batch_size * 1024 * 1024 >= THREADED_FROM
    with blas_threads(wide):
        assert blas_thread_counts() == before


# --- before it starts -----------------------------------------------------------------------------


def test_an_estimate_tells_what_a_run_will_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    takes = estimate(prepare(vgrad.load_config(CONFIG, {"train.steps": 5000})))
    assert takes.parameters == 5 * 3 + 5 * 6 + 3 * 6
    assert takes.steps == 5000
    assert takes.nbytes > 4 * takes.parameters
    assert 0.0 < takes.seconds < 600.0
    assert list(folders(tmp_path)) == []


@pytest.mark.parametrize("given", [{"train.steps": 0}, DIVERGING], ids=["none", "diverged"])
def test_an_estimate_of_a_run_that_ends_at_once_does_not_go_on_for_ever(given: Overrides) -> None:
    takes = estimate(prepare(vgrad.load_config(CONFIG, given)))
    assert math.isnan(takes.seconds) == (given == {"train.steps": 0})


# --- theory beside measurement --------------------------------------------------------------------


def test_a_run_begins_with_what_theory_predicts(tmp_path: Path) -> None:
    run = vgrad.run(CONFIG, runs_dir=tmp_path)
    expected = predicted_layers(prepare(vgrad.load_config(CONFIG)))
    assert expected is not None
    assert run.predictions["name"].tolist() == run.layers_at(0)["name"].tolist()
    np.testing.assert_allclose(run.predictions["delta_rms"], expected["delta_rms"], rtol=1e-8)


def test_where_theory_is_silent_a_run_has_no_predictions(tmp_path: Path) -> None:
    run = vgrad.run(CONFIG, {"model.init": "lsuv"}, runs_dir=tmp_path)
    assert run.predictions.size == 0
    assert not (run.path / "predictions.csv").exists()
