"""Showing sweeps as a user types it."""

import json
from pathlib import Path

import pytest
from stored_sweeps import stored_sweep

from vgrad.cli import exit_code
from vgrad.cli.options import complete_runs

SWEEP, RUN = "20250105-120000-000-sweep", "0001-depth=5-seed=1"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a sweep over depth and seed in `runs`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VGRAD_RUNS_DIR", raising=False)
    stored_sweep(tmp_path / "runs", SWEEP, folders=[RUN])
    return tmp_path


def test_report_shows_a_sweep(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["report"]) == 0
    first = capsys.readouterr().out
    assert "test accuracy by model.depth, mean ± standard error over 2 seeds" in first
    options = ["--by", "depth,seed", "--metric", "gradient_ratio", "--all"]
    assert exit_code(["report", "sweep", *options]) == 0
    assert "gradient ratio by model.depth and seed" in capsys.readouterr().out
    assert exit_code(["report", SWEEP, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sweep_id"] == SWEEP


def test_list_shows_sweeps_and_within_one_its_runs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["list"]) == 0
    assert "sweep 4/4 · best 100.0% · 4 healthy" in capsys.readouterr().out
    assert exit_code(["list", "--sweep", "latest", "--json", "--where", "model.depth=5"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["run_id"] for one in listed] == ["0000-depth=5-seed=0", RUN]
    assert exit_code(["list", "--sweep", "latest", "--limit", "1"]) == 0
    assert "3 more runs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "fragments"),
    [
        (["report", "--by", "dept"], ["dept", "model.depth"]),
        (["report", "--metric", "accuracy"], ["test_accuracy"]),
        (["report", "--format", "jsn"], ["did you mean json?"]),
        (["report", "--step", "3"], ["--step", "is a sweep", "SWEEP/RUN"]),
        (["report", "--all-layers", "--step", "0"], ["--step", "--all-layers"]),
        (["report", RUN, "--by", "depth"], ["--by", "is a run"]),
        (["list", "--sweep", "nothing"], ["no sweep", "nothing"]),
        (["report", "sweep/0009"], ["no run", "vgrad list --sweep"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_a_wrong_request_exits_2_with_a_message(
    command: list[str], fragments: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(command) == 2
    shown = capsys.readouterr()
    assert [part for part in fragments if part not in shown.err] == []
    assert shown.out == ""


def test_compare_puts_runs_side_by_side(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.yaml").write_text("model: {depth: 3, width: 8}\ntrain: {steps: 4}\n")
    for depth in ("3", "5"):
        assert exit_code(["run", "a.yaml", f"model.depth={depth}", f"name=d{depth}", "-q"]) == 0
    capsys.readouterr()
    assert exit_code(["compare", "d3", "d5"]) == 0
    assert "model.depth" in capsys.readouterr().out
    assert exit_code(["compare", "d3", "d5", "--json", "--statistic", "delta_rms"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["config"]["model.depth"] == [3, 5]
    for wrong in (["d3"], [], ["d3", SWEEP], ["d3", "d5", "--statistic", "norm"]):
        assert exit_code(["compare", *wrong]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_damaged_sweep_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "runs" / SWEEP / "results.csv").unlink()
    assert exit_code(["report"]) == 1
    assert "results.csv: is missing" in capsys.readouterr().err


def test_completion_offers_sweeps_and_behind_a_slash_their_runs(folder: Path) -> None:
    assert complete_runs("sweep") == [SWEEP]
    assert complete_runs(f"{SWEEP}/") == [f"{SWEEP}/{RUN}"]
    assert complete_runs(f"{SWEEP}/none") == []
