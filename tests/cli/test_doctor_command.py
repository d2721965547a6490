"""`vgrad doctor` as a user types it."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vgrad.cli import exit_code
from vgrad.config import load_config

ROOT = Path(__file__).parents[2]
ILL = """\
# Eight sigmoid layers.
model:
  depth: 8          # too many
  width: 8
  activation: sigmoid
optimizer: {name: sgd, lr: 0.1}   # as always
train: {steps: 40}
log: {every: 20}
"""
TINY = "model: {depth: 2, width: 16}\noptimizer: {name: adam, lr: 0.01}\ntrain: {steps: 80}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with an ill config and one that is well; on one core."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VGRAD_RUNS_DIR", raising=False)
    monkeypatch.setattr("vgrad.doctor.crew.cores", lambda: 1)
    (tmp_path / "ill.yaml").write_text(ILL)
    (tmp_path / "well.yaml").write_text(TINY)
    return tmp_path


Capture = pytest.CaptureFixture[str]


def prescribed(capsys: Capture, *arguments: str) -> dict[str, object]:
    assert exit_code(["doctor", *arguments, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_verdict_cause_and_table_fit_eighty_columns(folder: Path, capsys: Capture) -> None:
    assert exit_code(["doctor", "ill.yaml"]) == 0
    shown = capsys.readouterr().out
    assert "VANISHING" in shown
    assert "as it is" in shown
    assert "gradient" in shown
    assert "model." in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_what_is_well_gets_nothing(folder: Path, capsys: Capture) -> None:
    assert exit_code(["doctor", "well.yaml"]) == 0
    shown = capsys.readouterr().out
    assert "HEALTHY" in shown
    assert "Nothing to prescribe" in shown


def test_json_holds_verdict_cause_and_prescriptions_with_changes_and_measurements(
    folder: Path, capsys: Capture
) -> None:
    found = prescribed(capsys, "ill.yaml")
    assert (found["verdict"], found["trains"]) == ("vanishing", False)
    assert "orders of magnitude" in str(found["cause"])
    prescriptions = found["prescriptions"]
    assert isinstance(prescriptions, list)
    first = prescriptions[0]
    assert (first["rank"], first["trains"]) == (1, True)
    assert set(first["measured"]) == set(found["measured"])  # type: ignore[call-overload]
    config = load_config("ill.yaml", first["change"])
    assert config != load_config("ill.yaml")


def test_quiet_prints_overrides_that_a_run_takes(folder: Path, capsys: Capture) -> None:
    first = prescribed(capsys, "ill.yaml")["prescriptions"][0]  # type: ignore[index]
    assert exit_code(["doctor", "ill.yaml", "--quiet"]) == 0
    overrides = shlex.split(capsys.readouterr().out)
    assert load_config("ill.yaml", overrides) == load_config("ill.yaml", first["change"])
    assert exit_code(["doctor", "well.yaml", "-q"]) == 0
    assert capsys.readouterr().out == "healthy\n"


@pytest.mark.parametrize("number", [1, 2])
def test_write_changes_the_users_own_file_and_nothing_else(
    number: int, folder: Path, capsys: Capture
) -> None:
    found = prescribed(capsys, "ill.yaml", "--write", "fixed.yaml", "--apply", str(number))
    change = found["prescriptions"][number - 1]["change"]  # type: ignore[index]
    assert load_config("fixed.yaml") == load_config("ill.yaml", change)
    text = (folder / "fixed.yaml").read_text()
    for kept in ("# Eight sigmoid layers.\n", "# as always\n", "train: {steps: 40}\n"):
        assert kept in text
    assert (folder / "ill.yaml").read_text() == ILL


def test_overrides_go_into_the_file_as_well(folder: Path, capsys: Capture) -> None:
    found = prescribed(capsys, "ill.yaml", "model.width=14", "--write", "fixed.yaml")
    change = found["prescriptions"][0]["change"]  # type: ignore[index]
    assert load_config("fixed.yaml") == load_config("ill.yaml", {"model.width": 14, **change})


def test_a_file_is_replaced_by_force_only(folder: Path, capsys: Capture) -> None:
    assert exit_code(["doctor", "ill.yaml", "--write", "ill.yaml"]) == 2
    assert "--force" in capsys.readouterr().err
    assert (folder / "ill.yaml").read_text() == ILL
    assert exit_code(["doctor", "ill.yaml", "--write", "ill.yaml", "--force"]) == 0
    assert (folder / "ill.yaml").read_text() != ILL


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["well.yaml", "--write", "fixed.yaml"], "nothing to prescribe"),
        (["ill.yaml", "--write", "fixed.yaml", "--apply", "99"], "no prescription 99"),
        (["ill.yaml", "model.depht=3"], "model.depht"),
        (["missing.yaml"], "no such file"),
        (["nothing"], "no run in runs is called 'nothing'"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_wrong_requests_are_told_so(
    arguments: list[str], said: str, folder: Path, capsys: Capture
) -> None:
    assert exit_code(["doctor", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not (folder / "fixed.yaml").exists()


def test_a_stored_run_is_judged_by_what_became_of_it(folder: Path, capsys: Capture) -> None:
    assert exit_code(["run", "ill.yaml", "--quiet"]) == 0
    capsys.readouterr()
    of_file, of_run = prescribed(capsys, "ill.yaml"), prescribed(capsys, "latest")
    assert of_run["verdict"] == of_file["verdict"]
    assert of_run["measured"]["steps"] == 40  # type: ignore[index]
    changes = [
        [one["change"] for one in found["prescriptions"]]  # type: ignore[attr-defined]
        for found in (of_file, of_run)
    ]
    assert changes[0] == changes[1]
    prescribed(capsys, "latest", "--write", "fixed.yaml")
    (config,) = (folder / "runs").glob("*/config.yaml")
    assert load_config("fixed.yaml") == load_config(config, changes[0][0])


def test_a_run_that_diverged_is_judged_too(folder: Path, capsys: Capture) -> None:
    overrides = ["data=sine", "model.activation=relu", "optimizer.lr=1e6"]
    assert exit_code(["run", "well.yaml", *overrides, "--quiet"]) == 0
    capsys.readouterr()
    found = prescribed(capsys, "latest")
    assert found["verdict"] == "exploding"
    assert found["measured"]["diverged"]  # type: ignore[index]


@pytest.mark.slow
def test_processes_beside_come_to_the_same_answer(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = prescribed(capsys, "ill.yaml")
    monkeypatch.setattr("vgrad.doctor.crew.cores", lambda: 2)
    assert prescribed(capsys, "ill.yaml") == alone


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_all_processes(number: signal.Signals, folder: Path) -> None:
    begun = subprocess.Popen(
        [sys.executable, "-m", "vgrad", "doctor", "ill.yaml", "model.depth=90"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    time.sleep(3.0)  # imports, and the first probes
    begun.send_signal(number)
    out, err = begun.communicate(timeout=20)  # whoever is left would hold the pipes open
    assert (begun.returncode, out) == (130, "")
    assert "Traceback" not in err
