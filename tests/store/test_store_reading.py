"""Reading a run back."""

import os
from pathlib import Path

import numpy as np
import pytest
from stored_runs import layers, new_run, stored_run

from vgrad.errors import RequestError, RunError
from vgrad.records import LAYER_DTYPE, METRICS_DTYPE
from vgrad.store import Run, open_run
from vgrad.store.layout import DAMAGED


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(stored_run(tmp_path, steps=(0, 10, 25)))


def test_a_run_offers_its_tables_as_structured_arrays(run: Run) -> None:
    assert run.metrics.dtype == METRICS_DTYPE
    assert run.layers.dtype == LAYER_DTYPE
    assert run.metrics["step"].tolist() == [0, 10, 25]
    assert run.layers["name"].tolist() == ["linear1", "output"] * 3
    assert run.steps == (0, 10, 25)


def test_a_run_says_what_it_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (run.id, run.name) == (run.path.name, "made-up")
    assert repr(run) == f"Run({str(run.path)!r})"
    assert (run.status, run.verdict) == ("finished", "healthy")
    assert run.config == {"name": "made-up"}
    assert run.config_yaml == "name: made-up\n"
    monkeypatch.chdir(run.path)
    assert Run(Path(".")).id == run.path.name


def test_a_logged_step_has_its_rows(run: Run) -> None:
    assert run.layers_at(10).tolist() == layers(10).tolist()


@pytest.mark.parametrize(
    ("step", "nearest"), [(-1, "0 and 10"), (11, "0 and 10"), (24, "10 and 25"), (99, "10 and 25")]
)
def test_a_step_that_was_not_logged_names_the_nearest(run: Run, step: int, nearest: str) -> None:
    with pytest.raises(RequestError) as caught:
        run.layers_at(step)
    assert str(caught.value) == f"step {step} of {run.id} is not logged; nearest are {nearest}"


def test_a_run_without_rows_has_no_step(tmp_path: Path) -> None:
    new_run(tmp_path).close()
    run = open_run("latest", tmp_path)
    assert run.steps == ()
    with pytest.raises(RequestError, match=r"step 0 of .* is not logged$"):
        run.layers_at(0)


PARTS = {
    "summary": "summary.json",
    "environment": "environment.json",
    "config": "config.yaml",
    "config_yaml": "config.yaml",
    "metrics": "metrics.csv",
    "layers": "layers.csv",
    "status": "summary.json",
    "steps": "layers.csv",
}


@pytest.mark.parametrize("content", [None, b"\xff\xff\n\xff"], ids=["missing", "binary"])
@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_missing_or_damaged_names_the_file(
    run: Run, part: str, content: bytes | None
) -> None:
    path = run.path / PARTS[part]
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RunError) as caught:
        getattr(run, part)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


CONFIGS = ["", "- a\n- b\n", "a: [", "!!python/object/apply:os.system [ls]", "a: &b [*b]\n{", "\0"]


@pytest.mark.parametrize("text", CONFIGS)
def test_a_stored_config_that_is_none_names_the_file(run: Run, text: str) -> None:
    (run.path / "config.yaml").write_text(text)
    with pytest.raises(RunError, match=r"config\.yaml: (is not a mapping|cannot be read)"):
        _ = run.config


def test_an_unknown_status_is_damage(run: Run) -> None:
    (run.path / "summary.json").write_text('{"status": "dreaming"}')
    assert run.status == DAMAGED
    assert run.name == run.id


def test_a_run_without_a_checkpoint_has_none(run: Run) -> None:
    assert run.read_checkpoint() is None


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    state = {"step": np.asarray(3), "params": np.array([0.5, np.nan], np.float32)}
    with new_run(tmp_path) as writer:
        writer.checkpoint({"step": np.asarray(1)})
        writer.checkpoint(state)  # only the last one is kept
    read = open_run("latest", tmp_path).read_checkpoint()
    assert read is not None
    assert {name: array.tobytes() for name, array in read.items()} == {
        name: array.tobytes() for name, array in state.items()
    }


def npy(run: Run) -> bytes:
    np.save(run.path / "one.npy", np.zeros(3))
    return (run.path / "one.npy").read_bytes()


def pickled(run: Run) -> bytes:
    np.savez(run.path / "one.npz", step=np.array([print], dtype=object))
    return (run.path / "one.npz").read_bytes()


def torn(run: Run) -> bytes:
    np.savez(run.path / "one.npz", params=np.zeros(1000))
    return (run.path / "one.npz").read_bytes()[:4000]


CHECKPOINTS = {
    "empty": lambda _run: b"",
    "binary": lambda _run: os.urandom(1000),
    "a single array": npy,
    "pickled objects": pickled,
    "torn": torn,
}


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_a_damaged_checkpoint_names_the_file_and_runs_no_code(run: Run, kind: str) -> None:
    (run.path / "checkpoint.npz").write_bytes(CHECKPOINTS[kind](run))
    with pytest.raises(RunError, match=r"checkpoint\.npz: cannot be read"):
        run.read_checkpoint()
