"""Listing runs, whatever state they are in."""

import json
import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from stored_runs import CONFIG, new_run, stored_run
from stored_sweeps import result, stored_sweep

from vgrad.errors import RequestError
from vgrad.store import RunInfo, Sweep, SweepInfo, known_keys, list_runs, list_sweep, matches
from vgrad.store.layout import STATUSES


def test_a_folder_without_runs_lists_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path, tmp_path / "missing", tmp_path / "file", tmp_path / "file" / "below"):
        assert list(list_runs(folder)) == []


def test_runs_are_listed_newest_first_with_what_they_came_to(tmp_path: Path) -> None:
    final = {"step": 10, "test_loss": 0.25, "test_accuracy": None, "grad_norm": "inf"}
    with new_run(tmp_path, "first") as writer:
        writer.finish(
            status="diverged",
            verdict="exploding",
            steps=10,
            final=final,
            gradient_ratio="inf",
            seconds=1.5,
            error="step 10: the loss is no longer finite",
        )
    with new_run(tmp_path, "second") as running:
        second, first = list_runs(tmp_path)
        assert (second.id, second.name, second.status) == (running.id, "second", "running")
        assert (second.verdict, second.steps, second.final) == (None, 0, {})
        assert math.isnan(second.gradient_ratio)
    assert first.id == writer.id
    assert (first.status, first.verdict, first.steps) == ("diverged", "exploding", 10)
    assert first.final["test_loss"] == 0.25
    assert math.isnan(first.final["test_accuracy"])
    assert first.final["grad_norm"] == first.gradient_ratio == math.inf
    assert first.error == "step 10: the loss is no longer finite"
    assert first.config == CONFIG


def overwritten(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda run: void((run / name).write_bytes(content))


def changed(**fields: object) -> Callable[[Path], None]:
    """With other fields in its summary."""

    def change(run: Path) -> None:
        path = run / "summary.json"
        path.write_text(json.dumps(json.loads(path.read_bytes()) | fields))

    return change


def void(_result: object) -> None:
    """Nothing, of whatever was done."""


def a_folder_in_its_place(run: Path) -> None:
    (run / "summary.json").unlink()
    (run / "summary.json").mkdir()


def a_loop_in_its_place(run: Path) -> None:
    (run / "summary.json").unlink()
    (run / "summary.json").symlink_to("summary.json")


def a_link_to_nothing(run: Path) -> None:
    shutil.rmtree(run)
    run.symlink_to("nowhere")


def a_loop_of_folders(run: Path) -> None:
    shutil.rmtree(run)
    run.symlink_to(run.name)


def a_file_instead(run: Path) -> None:
    shutil.rmtree(run)
    run.write_text("hello")


def emptied(run: Path) -> None:
    for file in run.iterdir():
        file.unlink()


DAMAGED: dict[str, Callable[[Path], None]] = {
    "no summary": lambda run: (run / "summary.json").unlink(),
    "an empty summary": overwritten("summary.json", b""),
    "a torn summary": overwritten("summary.json", b'{"status": "fin'),
    "a binary summary": overwritten("summary.json", bytes(range(256))),
    "a summary of zeros": overwritten("summary.json", bytes(4096)),
    "a summary that is a list": overwritten("summary.json", b"[]"),
    "a summary that is null": overwritten("summary.json", b"null"),
    "an endless nesting": overwritten("summary.json", b"[" * 200_000),
    "a folder for a summary": a_folder_in_its_place,
    "a loop for a summary": a_loop_in_its_place,
    "an unknown status": changed(status="dreaming"),
    "a status that is a list": changed(status=["finished"]),
    "no status": changed(status=None),
}
"""What is done to a run's folder, after which it is listed as damaged."""

ODD: dict[str, Callable[[Path], None]] = {
    "numbers beyond float": changed(final={"test_loss": 10**400}, seconds=-(10**400)),
    "numbers as text": changed(final={"test_loss": "much"}, gradient_ratio="more", steps="many"),
    "final is a list": changed(final=[1, 2]),
    "config is a list": changed(config=[1, 2]),
    "config is nested": changed(config={"model": {"depth": [1, {"a": None}]}}),
    "fields of any kind": changed(name=[1], verdict={"a": 1}, error=[2], steps=None),
    "control characters": changed(name="\x1b[31m\n\0", error="\ud800"),
    "an empty object": overwritten("summary.json", b'{"status": "finished"}'),
    "all else is missing": lambda run: [
        void(file.unlink()) for file in run.iterdir() if file.name != "summary.json"
    ],
    "binary elsewhere": overwritten("environment.json", b"\xff"),
    "a running run of nobody": lambda run: [
        void(change(run)) for change in (changed(status="running"), overwritten("metrics.csv", b""))
    ],
}
"""What is done to a run's folder, after which it is still listed as what it was."""

NO_RUNS: dict[str, Callable[[Path], None]] = {
    "an empty folder": emptied,
    "a file": a_file_instead,
    "a link to nothing": a_link_to_nothing,
    "a loop": a_loop_of_folders,
}


@pytest.mark.parametrize("kind", [*DAMAGED, *ODD, *NO_RUNS])
def test_a_damaged_run_hides_no_other(tmp_path: Path, kind: str) -> None:
    sound = [stored_run(tmp_path, "before"), stored_run(tmp_path, "hurt")]
    hurt = sound.pop()
    sound.append(stored_run(tmp_path, "behind"))
    (DAMAGED | ODD | NO_RUNS)[kind](hurt)
    listed = {info.id: info for info in list_runs(tmp_path)}
    statuses = {name: info.status for name, info in listed.items()}
    expected = {path.name: "finished" for path in sound}
    if kind in DAMAGED:
        assert statuses.pop(hurt.name) == "damaged"
        error = listed[hurt.name].error
        assert error is None or error.startswith(str(hurt / "summary.json"))
    elif kind in ODD:
        status = "lost" if kind == "a running run of nobody" else "finished"
        assert statuses.pop(hurt.name) == status
    assert statuses == expected
    assert len(matches(list(listed.values()), ["name!=nothing", "steps>=0"], "finished")) >= 2


@pytest.mark.parametrize("name", [b"caf\xe9", b"a\nb", b"\x1b[31m", b"x" * 255, b"a b", b"*"])
def test_a_run_may_be_renamed_to_anything(tmp_path: Path, name: bytes) -> None:
    path = stored_run(tmp_path)
    os.rename(path, os.fsencode(tmp_path) + b"/" + name)
    (info,) = list_runs(tmp_path)
    assert os.fsencode(info.id) == name
    assert info.status == "finished"


def test_a_folder_that_nobody_may_read_is_listed_as_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_run(tmp_path)

    def refused(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)
    (info,) = list_runs(tmp_path)
    assert info.status == "damaged"
    assert "Permission denied" in (info.error or "")


def test_ten_thousand_runs_are_listed(tmp_path: Path) -> None:
    """How fast is measured elsewhere."""
    source = stored_run(tmp_path / "one")
    content = (source / "summary.json").read_bytes()
    for number in range(10_000):
        folder = tmp_path / f"2025{number:08d}"
        folder.mkdir()
        (folder / "summary.json").write_bytes(content)
    shutil.rmtree(tmp_path / "one")
    runs = list(list_runs(tmp_path))
    assert [info.id for info in runs] == [f"2025{n:08d}" for n in range(9999, -1, -1)]
    assert matches(runs, ["model.depth=2"], "finished") == runs


RUN = RunInfo(
    id="20250101-120000-000-deep",
    name="deep",
    status="finished",
    verdict="vanishing",
    steps=500,
    final={"test_accuracy": 0.75, "test_loss": math.nan},
    gradient_ratio=1e-7,
    seconds=2.5,
    config={
        "name": "on",
        "seed": 0,
        "model.depth": 30,
        "model.width": "[64, 32]",
        "model.activation": "tanh",
        "data.standardize": True,
        "data.path": "/a b/c=d.csv",
        "data.target": "1e-3",
        "optimizer.lr": 0.001,
        "clip": None,
    },
)
HOLD = [
    "model.activation=tanh",
    "model.activation = tanh",
    " model.activation!=relu ",
    "model.depth=30",
    "model.depth=30.0",
    "model.depth>=30",
    "model.depth<=30",
    "model.depth>29.5",
    "model.depth<1e2",
    "model.depth!=abc",
    "optimizer.lr=1e-3",
    "optimizer.lr=0.001",
    "optimizer.lr<1e-2",
    "model.width=[64, 32]",
    "model.width=[64,32]",
    "data.standardize=true",
    "data.path=/a b/c=d.csv",
    "data.target=1e-3",
    "data.target='1e-3'",
    "verdict=vanishing",
    "verdict!=null",
    "clip=null",
    "status=finished",
    "steps>499",
    "gradient_ratio<1e-6",
    "test_accuracy>.7",
    "name=deep",
    "name>a",
    "seconds<.inf",
    "test_loss!=0",
]
FAIL = [
    "model.activation=relu",
    "model.activation=Tanh",
    "model.depth>30",
    "model.depth=abc",
    "model.depth<abc",
    "model.activation<3",
    "verdict=null",
    "test_loss=0",
    "test_loss<0",
    "test_loss=.nan",
    "name=",
    "clip!=null",
    "clip=3",
]


@pytest.mark.parametrize("condition", HOLD)
def test_a_condition_that_holds_keeps_the_run(condition: str) -> None:
    assert matches([RUN], [condition], None) == [RUN]


@pytest.mark.parametrize("condition", FAIL)
def test_a_condition_that_does_not_hold_leaves_the_run_out(condition: str) -> None:
    assert matches([RUN], [condition], None) == []


def test_all_conditions_must_hold_and_the_status_must_fit() -> None:
    assert matches([RUN], ["model.depth=30", "model.activation=relu"], None) == []
    assert matches([RUN], ["model.depth=30", "verdict=vanishing"], "finished") == [RUN]
    assert matches([RUN], [], "diverged") == []


def test_a_run_without_the_key_is_left_out() -> None:
    other = RunInfo("other", config={"optimizer.beta": 0.9})
    assert matches([RUN, other], ["optimizer.beta=0.9"], None) == [other]
    assert matches([RUN, other], ["optimizer.beta!=0.5"], None) == [other]


@pytest.mark.parametrize("condition", ["", "=", "=3", "model.depth", "a b=3", "model.depth~3"])
def test_what_is_no_condition_says_so(condition: str) -> None:
    with pytest.raises(RequestError, match="is not a condition; KEY=VALUE"):
        matches([RUN], [condition], None)


@pytest.mark.parametrize("value", ["*a", "&a", "!!python/name:os.system", "{", "a: b: c", "\x00"])
def test_a_value_that_is_no_yaml_is_text(value: str) -> None:
    run = RunInfo("strange", config={"key": value})
    assert matches([run], [f"key={value}"], None) == [run]


def test_a_misspelt_key_suggests_the_nearest() -> None:
    with pytest.raises(RequestError) as caught:
        matches([RUN], ["model.activaton=tanh"], None)
    assert str(caught.value) == (
        "no run has a key 'model.activaton'; did you mean model.activation?"
    )
    assert matches([], ["model.activaton=tanh"], None) == []  # no run, no key to compare with


def test_a_misspelt_status_suggests_the_nearest() -> None:
    with pytest.raises(RequestError) as caught:
        matches([], [], "finish")
    (problem,) = caught.value.problems
    assert problem.suggestion == "finished"
    assert problem.allowed == f"one of {', '.join(STATUSES)}"


def test_what_can_be_asked_of_runs_is_their_config_their_result_and_their_state() -> None:
    keys = known_keys([RUN, RunInfo("other", config={"optimizer.beta": 0.9})])
    assert {"optimizer.beta", "model.depth", "test_accuracy", "status", "gradient_ratio"} <= keys


def test_sweeps_are_listed_among_runs_without_opening_their_runs(tmp_path: Path) -> None:
    run = stored_run(tmp_path)
    rows = [
        result("0000", {"seed": 0}, test_accuracy=0.5),
        result("0001", {"seed": 1}, test_accuracy=0.75, verdict="vanishing", seconds=None),
        result("0002", {"seed": 2}, status="failed", verdict=None, test_accuracy=0.9),
    ]
    path = stored_sweep(tmp_path, "2099-s", {"seed": [0, 1, 2]}, rows, runs=4, name="seeds")
    (path / "0000").touch()  # no run at all
    sweep, other = list_runs(tmp_path)
    assert other.id == run.name
    assert sweep == SweepInfo(
        "2099-s",
        name="seeds",
        status="interrupted",
        method="grid",
        planned=4,
        ended=3,
        statuses={"finished": 2, "failed": 1},
        verdicts={"healthy": 1, "vanishing": 1},
        metric="test_accuracy",
        best=0.75,
        best_run="0001",
        seconds=3.0,
    )
    assert matches([sweep, other], ["kind=sweep"], None) == [sweep]
    assert matches([sweep, other], ["seconds>2"], "interrupted") == [sweep]
    assert matches([sweep, other], ["model.depth=2"], None) == [other]


def test_the_best_of_a_sweep_is_that_of_its_goal(tmp_path: Path) -> None:
    rows = [result(str(loss), {"seed": loss}, test_loss=loss) for loss in (3, 1, 2)]
    goal = {"name": "test_loss", "goal": "minimize"}
    stored_sweep(tmp_path, keys={"seed": [3, 1, 2]}, rows=rows, metric=goal)
    (sweep,) = list_runs(tmp_path)
    assert isinstance(sweep, SweepInfo)
    assert (sweep.best, sweep.best_run) == (1.0, "1")


@pytest.mark.parametrize("name", ["sweep.yaml", "results.csv"])
def test_a_damaged_sweep_hides_no_other(tmp_path: Path, name: str) -> None:
    (stored_sweep(tmp_path, "2024-hurt") / name).write_bytes(b"[")
    stored_sweep(tmp_path, "2025-sound")
    sound, hurt = list_runs(tmp_path)
    assert (sound.status, hurt.status) == ("finished", "damaged")
    assert name in (hurt.error or "")


def test_the_runs_of_a_sweep_are_listed_from_its_results(tmp_path: Path) -> None:
    keys = {"model.depth": [5, 10], "model.activation": ["tanh", "{name: prelu, slope: 0.1}"]}
    runs = list_sweep(Sweep(stored_sweep(tmp_path, keys=keys)))
    first = runs[0]
    assert (first.status, first.verdict, first.steps) == ("finished", "healthy", 100)
    assert first.config == {
        "data": "digits", "model.depth": 5, "model.activation": "tanh", "seed": 0
    }  # fmt: skip
    assert first.final["test_accuracy"] == 1.0
    assert matches(runs, ["model.depth=10", "test_accuracy>0.3"], None) == [runs[2]]
    assert matches(runs, ["model.activation=tanh"], "finished") == runs[::2]
    assert matches(runs, ["data=digits"], "failed") == []
