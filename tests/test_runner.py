"""`vgrad.run`, `vgrad.resume`, `vgrad.open_run`: one run from its config to its folder."""

import json
import math
import os
import sys
import threading
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import yaml
from threadpoolctl import threadpool_info
from tiny_runs import CONFIG, Onlooker, assert_readable, folders, rows

import vgrad
from vgrad import experiment
from vgrad.config.dumping import dump_yaml
from vgrad.experiment import prepare
from vgrad.nn.optimizers import optimizers
from vgrad.runner import THREADED_FROM, blas_threads, estimate
from vgrad.store import reopen_run

Overrides = dict[str, object]


# --- what a run leaves behind -------------------------------------------------------------------


def test_a_run_leaves_its_files_and_says_what_it_came_to(tmp_path: Path) -> None:
    run = vgrad.run(CONFIG, runs_dir=tmp_path)
    assert run.path.parent == tmp_path
    assert sorted(one.name for one in run.path.iterdir()) == [
        "config.yaml",
        "environment.json",
        "layers.csv",
        "metrics.csv",
        "summary.json",
    ]
    assert_readable(run)
    summary = json.loads((run.path / "summary.json").read_bytes())
    last = run.metrics[-1]
    final = {name: last[name].item() for name in run.metrics.dtype.names or ()}
    grads = run.layers_at(12)["grad_norm"]
    assert summary.pop("config")["model.depth"] == 2
    assert summary == {
        "run_id": run.id,
        "name": "tiny",
        "status": "finished",
        "verdict": run.verdict,
        "steps": 12,
        "final": final,
        "gradient_ratio": pytest.approx(grads[0] / grads[-1], rel=1e-6),  # 9 digits are stored
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
    given = {"data": "sine", "model.activation": "relu", "optimizer.lr": 1e6}
    run = vgrad.run(CONFIG, given, runs_dir=tmp_path)
    assert (run.status, run.verdict) == ("diverged", run.summary["verdict"])
    step = run.summary["steps"]
    assert run.steps[-1] == step < 12
    assert run.summary["error"].startswith(f"step {step}: the ")
    assert run.summary["error"].endswith(" is no longer finite")
    assert_readable(run)
    last = run.metrics[-1]
    assert not math.isfinite(last["train_loss"] + last["grad_norm"])


# --- the same again -----------------------------------------------------------------------------

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


# --- what may go wrong --------------------------------------------------------------------------

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


# --- going on -----------------------------------------------------------------------------------

CONTINUED: dict[str, Overrides] = {
    **{
        name: {"optimizer": {"name": name, "lr": 0.01}, "train.steps": 9}
        for name in optimizers.names()
    },
    "lsuv": {"model.init": "lsuv"},
    "full batch": {"train.batch_size": "full"},
    "penalties": {"regularization.l1": 1e-3, "regularization.l2": 1e-2},
    "double precision": {"dtype": "float64", "model.activation": "gelu"},
    "regression": {"data": "teacher"},
}


def interrupted(
    runs_dir: Path, overrides: Overrides, at: int, checkpoint_every: int | None
) -> vgrad.Run:
    with pytest.raises(KeyboardInterrupt):
        vgrad.run(
            CONFIG,
            overrides,
            runs_dir=runs_dir,
            checkpoint_every=checkpoint_every,
            watch=Onlooker(error=KeyboardInterrupt(), at=at),
        )
    return vgrad.open_run("latest", runs_dir)


@pytest.mark.parametrize("variant", CONTINUED)
def test_an_interrupted_run_goes_on_to_the_same_bytes(tmp_path: Path, variant: str) -> None:
    """From a checkpoint at a logged step, at one between two, and without any."""
    overrides = CONTINUED[variant]
    whole = vgrad.run(CONFIG, overrides, runs_dir=tmp_path / "whole")
    for every, at in ((4, 8), (3, 8), (5, 4), (None, 8), (100, 0)):
        left = interrupted(tmp_path, overrides, at, every)
        assert left.steps == tuple(range(0, at + 1, 4))
        run = vgrad.resume(left.id, runs_dir=tmp_path)
        assert run.path == left.path
        assert run.status == "finished"
        assert_readable(run)
        assert rows(run.path) == rows(whole.path)
        same = ("verdict", "steps", "gradient_ratio", "error", "config")
        assert {k: run.summary[k] for k in same} == {k: whole.summary[k] for k in same}
        assert run.summary["final"] | {"seconds": 0} == whole.summary["final"] | {"seconds": 0}


def test_a_run_goes_on_where_its_checkpoint_was_and_not_before(tmp_path: Path) -> None:
    left = interrupted(tmp_path, {}, at=8, checkpoint_every=5)
    onlooker = Onlooker()
    vgrad.resume(left.id, runs_dir=tmp_path, watch=onlooker)
    assert (onlooker.total, onlooker.start) == (12, 5)
    assert [record.metrics.step for record in onlooker.records] == [8, 12]


def test_a_run_may_be_interrupted_again_and_again(tmp_path: Path) -> None:
    given: Overrides = {"log.every": 2, "optimizer": "nadam"}
    whole = vgrad.run(CONFIG, given, runs_dir=tmp_path / "whole")
    left = interrupted(tmp_path, given, at=4, checkpoint_every=3)
    for at in (6, 10):
        onlooker = Onlooker(error=KeyboardInterrupt(), at=at)
        with pytest.raises(KeyboardInterrupt):
            vgrad.resume(left.id, runs_dir=tmp_path, checkpoint_every=3, watch=onlooker)
        again = vgrad.open_run(left.id, tmp_path)
        assert again.status == "interrupted"
        assert again.steps == tuple(range(0, at + 1, 2))
    run = vgrad.resume(left.id, runs_dir=tmp_path)
    assert rows(run.path) == rows(whole.path)
    assert len(run.environment["resumed"]) == 3


def test_a_run_that_is_interrupted_before_it_logs_again_keeps_what_it_came_to(
    tmp_path: Path,
) -> None:
    left = interrupted(tmp_path, {}, at=4, checkpoint_every=5)
    assert left.read_checkpoint() is None  # step 5 was not reached
    left = interrupted(tmp_path, {}, at=8, checkpoint_every=5)

    class AtOnce(Onlooker):
        def on_step(self, _step: int) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vgrad.resume(left.id, runs_dir=tmp_path, watch=AtOnce())
    run = vgrad.open_run(left.id, tmp_path)
    assert run.steps == (0, 4)
    assert run.summary["final"]["step"] == 4
    assert run.summary["seconds"] == run.metrics["seconds"][-1]
    assert run.summary["gradient_ratio"] is not None


def test_the_time_of_a_run_that_went_on_counts_on(tmp_path: Path) -> None:
    left = interrupted(tmp_path, {}, at=8, checkpoint_every=5)
    run = vgrad.resume(left.id, runs_dir=tmp_path)
    assert (np.diff(run.metrics["seconds"]) > 0).all()


def test_a_run_whose_last_rows_were_torn_goes_on(tmp_path: Path) -> None:
    whole = vgrad.run(CONFIG, runs_dir=tmp_path / "whole")
    left = interrupted(tmp_path, {}, at=8, checkpoint_every=7)
    for name in ("metrics.csv", "layers.csv"):
        content = (left.path / name).read_bytes()
        (left.path / name).write_bytes(content[:-10])
    run = vgrad.resume(left.id, runs_dir=tmp_path)
    assert rows(run.path) == rows(whole.path)


ENDED: dict[str, Overrides] = {
    "finished": {},
    "diverged": {"data": "sine", "model.activation": "relu", "optimizer.lr": 1e6},
}


@pytest.mark.parametrize("status", ENDED)
def test_a_run_that_has_ended_does_not_go_on(tmp_path: Path, status: str) -> None:
    run = vgrad.run(CONFIG, ENDED[status], runs_dir=tmp_path)
    before = {one.name: one.read_bytes() for one in run.path.iterdir()}
    with pytest.raises(vgrad.RequestError, match=f"{run.id} has {status}; "):
        vgrad.resume(run.id, runs_dir=tmp_path)
    assert {one.name: one.read_bytes() for one in run.path.iterdir()} == before


def test_a_run_that_is_running_does_not_go_on_twice(tmp_path: Path) -> None:
    left = interrupted(tmp_path, {}, at=8, checkpoint_every=None)
    with reopen_run(left.path) as writer:
        with pytest.raises(vgrad.RequestError, match="is being written by another process"):
            vgrad.resume(left.id, runs_dir=tmp_path)
        writer.resume({})
        with pytest.raises(vgrad.RequestError, match="is still running"):
            vgrad.resume(left.id, runs_dir=tmp_path)
    assert vgrad.open_run(left.id, tmp_path).steps == left.steps


def test_a_run_that_does_not_exist_does_not_go_on(tmp_path: Path) -> None:
    with pytest.raises(vgrad.RequestError, match=r"no run in .* is called 'nothing'"):
        vgrad.resume("nothing", runs_dir=tmp_path)
    with pytest.raises(vgrad.RequestError, match="there are no runs"):
        vgrad.resume("latest", runs_dir=tmp_path)


def of_another_network(path: Path) -> None:
    state = dict(np.load(path / "checkpoint.npz"))
    np.savez(path / "checkpoint.npz", **(state | {"params": np.zeros(3)}))


DAMAGED = {
    "binary": lambda path: (path / "checkpoint.npz").write_bytes(b"\xff" * 100),
    "torn": lambda path: os.truncate(path / "checkpoint.npz", 900),
    "of another network": of_another_network,
    "without its arrays": lambda path: np.savez(path / "checkpoint.npz", step=np.asarray(3)),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_checkpoint_is_one_clear_line_and_changes_nothing(
    tmp_path: Path, kind: str
) -> None:
    left = interrupted(tmp_path, {}, at=8, checkpoint_every=5)
    DAMAGED[kind](left.path)
    before = {one.name: one.read_bytes() for one in left.path.iterdir()}
    with pytest.raises(vgrad.RunError, match="checkpoint") as caught:
        vgrad.resume(left.id, runs_dir=tmp_path)
    assert "\n" not in str(caught.value)
    assert {one.name: one.read_bytes() for one in left.path.iterdir()} == before


@pytest.mark.parametrize("name", ["config.yaml", "summary.json", "environment.json", "metrics.csv"])
def test_a_damaged_run_that_shall_go_on_is_a_clear_error(tmp_path: Path, name: str) -> None:
    left = interrupted(tmp_path, {}, at=8, checkpoint_every=5)
    (left.path / name).write_bytes(b"\xff\xff\n\xff\xff\n")
    with pytest.raises((vgrad.RunError, vgrad.RequestError), match=name):
        vgrad.resume(left.id, runs_dir=tmp_path)


# --- threads ------------------------------------------------------------------------------------


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


# --- before it starts ---------------------------------------------------------------------------


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


@pytest.mark.parametrize("given", [{"train.steps": 0}, ENDED["diverged"]], ids=["none", "diverged"])
def test_an_estimate_of_a_run_that_ends_at_once_does_not_go_on_for_ever(given: Overrides) -> None:
    takes = estimate(prepare(vgrad.load_config(CONFIG, given)))
    assert math.isnan(takes.seconds) == (given == {"train.steps": 0})
