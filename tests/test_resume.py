"""`vgrad.resume`: a run that was left goes on to the bytes that it would have had."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_runs import CONFIG, DIVERGING, Onlooker, assert_readable, rows

import vgrad
import vgrad.experiment
from vgrad.nn.optimizers import optimizers
from vgrad.store import reopen_run

Overrides = dict[str, object]

HASTY: dict[str, object] = {
    **{"name": "plateau", "warmup": 1, "window": 2, "factor": 0.5},
    **{"patience": 0, "cooldown": 1, "threshold": 0.9},  # no loss falls by so much
}
"""A schedule that has cut, is cooling down and is halfway through a window when it is left."""

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
    "one cycle": {"schedule": {"name": "one_cycle", "warmup": 3}},
    "plateau": {"schedule": HASTY},
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


def test_the_plateau_that_goes_on_had_cut_the_rate_before_and_cuts_it_after(
    tmp_path: Path,
) -> None:
    run = vgrad.run(CONFIG, {"schedule": HASTY, "log.every": 1}, runs_dir=tmp_path)
    rates = run.metrics["lr"][1:]  # after the warm-up
    first, *_, last = np.flatnonzero(np.diff(rates)) + 2
    assert first <= 5 < 8 < last  # the checkpoints of the test above are at 3 to 8


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


ENDED: dict[str, Overrides] = {"finished": {}, "diverged": DIVERGING}


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


def test_a_run_goes_on_by_the_kernels_that_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of Numba may differ from NumPy's by rounding."""
    pytest.importorskip("numba", reason="numba is not installed: pip install -e '.[fast]'")
    for began, threshold in ((None, np.inf), ("numba", 0.0)):
        monkeypatch.setattr(vgrad.experiment, "COMPILED_FROM", threshold)
        whole = vgrad.run(CONFIG, {}, runs_dir=tmp_path / f"{began}")
        left = interrupted(tmp_path, {}, 8, 3)
        assert whole.environment["kernels"] == left.environment["kernels"] == began
        monkeypatch.setattr(vgrad.experiment, "COMPILED_FROM", 0.0)  # Numba has come meanwhile
        run = vgrad.resume(left.id, runs_dir=tmp_path)
        assert run.environment["resumed"][-1]["kernels"] == began
        assert rows(run.path) == rows(whole.path)
    left = interrupted(tmp_path, {}, 8, 3)
    monkeypatch.setitem(sys.modules, "numba", None)  # importing it fails
    with pytest.raises(vgrad.RequestError, match=r"made with numba, .* pip install numba"):
        vgrad.resume(left.id, runs_dir=tmp_path)


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
