"""`vgrad sweep` as its users see it."""

import json
from pathlib import Path

import pytest

from vgrad.cli import exit_code
from vgrad.store import open_sweep

SWEEP = """\
base: {data: {name: moons, n_samples: 80}, model: {depth: 1, width: 4}, train: {steps: 4}}
parameters:
  model.activation: {values: [tanh, relu]}
  seed: {values: [0, 1]}
"""

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SWEEP)
    return path


def vgrad(*arguments: object) -> int:
    return exit_code([str(one) for one in arguments])


def test_a_sweep_prints_its_report_on_stdout_and_its_progress_on_stderr(
    file: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert vgrad("sweep", file, "--workers", 1, "--runs-dir", tmp_path / "runs") == 0
    out, err = capsys.readouterr()
    sweep = open_sweep("latest", tmp_path / "runs")
    assert (sweep.name, sweep.planned, sweep.status) == ("small", 4, "finished")
    assert sweep.id in out
    assert "4/4" in err
    assert all(len(line) <= 80 for line in out.splitlines())


def test_quiet_prints_the_sweep_id_and_nothing_else(
    file: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert vgrad("sweep", file, "-q", "--workers", 1, "--runs-dir", tmp_path) == 0
    out, err = capsys.readouterr()
    assert (out.strip(), err) == (open_sweep("latest", tmp_path).id, "")


def test_a_failed_run_is_exit_code_1(file: Path, tmp_path: Path) -> None:
    arguments = ("train.steps=100000000", "--timeout", 0.2, "--workers", 1, "-q")
    assert vgrad("sweep", file, *arguments, "--runs-dir", tmp_path) == 1


def test_a_dry_run_shows_the_runs_and_starts_none(
    file: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert vgrad("sweep", file, "--dry-run", "--runs-dir", tmp_path / "runs") == 0
    out = capsys.readouterr().out
    assert "4 runs (grid)" in out
    assert "ranked by test_accuracy" in out
    assert not (tmp_path / "runs").exists()
    assert vgrad("sweep", file, "--dry-run", "--json", "--runs-dir", tmp_path / "runs") == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["planned"], len(plan["runs"])) == (4, 4)
    assert plan["bytes"] > 0


THREE = ("seed", "train.steps", "model.depth")
WRONG = {
    "no config": ((), "there is no CONFIG"),
    "nothing to vary": (("configs/quickstart.yaml",), "there is nothing to vary"),
    "an unknown key": (("configs/quickstart.yaml", "model.dept=1,2"), "did you mean depth?"),
    "an empty list": (("configs/quickstart.yaml", "seed="), "seed: nothing is given"),
    "a billion runs": (
        ("configs/quickstart.yaml", "seed=range(0,1000000000)"),
        "seed: 1,000,000,000 values; a whole number up to 100,000",
    ),
    "a billion combinations": (
        ("configs/quickstart.yaml", *(f"{key}=range(1,1001)" for key in THREE)),
        "1,000,000,000 runs (1,000 of seed × 1,000 of train.steps × 1,000 of model.depth); "
        "at most 100,000",
    ),
    "a combination that makes an invalid config": (
        ("configs/quickstart.yaml", "model.depth=1,2", "model.width=4,[3,3]"),
        "lists 2 widths for a depth of 1",
    ),
    "an unknown method": (("configs/quickstart.yaml", "seed=0,1", "--method", "gird"), "grid?"),
    "random without a number": (
        ("configs/quickstart.yaml", "seed=0,1", "--method", "random"),
        "random needs a number of runs",
    ),
    "resume with a config": (("configs/quickstart.yaml", "--resume", "x"), "no CONFIG beside"),
    "retry without resume": (("configs/quickstart.yaml", "--retry-failed"), "--resume SWEEP"),
    "no such sweep": (("--resume", "nothing"), "is called 'nothing'"),
    "no workers": (("configs/quickstart.yaml", "seed=0,1", "--workers", "0"), "--workers"),
    "no time": (("configs/quickstart.yaml", "seed=0,1", "--timeout", "0"), "--timeout leaves no"),
    "not a number of seconds": (("configs/quickstart.yaml", "--timeout", "soon"), "--timeout"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_is_refused_in_a_line_before_anything_starts(
    case: str, tmp_path: Path, capsys: Captured
) -> None:
    arguments, said = WRONG[case]
    assert vgrad("sweep", *arguments, "--runs-dir", tmp_path / "runs") == 2
    out, err = capsys.readouterr()
    assert not out
    assert said in err
    assert not (tmp_path / "runs").exists()
