"""`--plugin` on the command line."""

import json
from pathlib import Path

import pytest
import yaml
from plugin_files import HALVES, HEAVY, SINE, edited, line_of, written

from vgrad.cli import exit_code
from vgrad.plugins import unload_plugins

pytestmark = pytest.mark.usefixtures("plugins_unloaded")

TINY = "model: {depth: 3, width: 8, activation: sine}\ntrain: {steps: 4}\nlog: {every: 2}\n"
PLUGIN = ["--plugin", "my_parts.py"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a plugin and a config that uses it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VGRAD_RUNS_DIR", raising=False)
    (tmp_path / "a.yaml").write_text(TINY)
    written(tmp_path, SINE)
    return tmp_path


def test_run_takes_plugins_and_the_report_shows_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(folder, HALVES, HEAVY, name="others.py")
    use = ["model.init=halves", "optimizer=heavy", "--plugin", "others.py"]
    assert exit_code(["run", "a.yaml", *PLUGIN, *use]) == 0
    shown = capsys.readouterr().out
    assert "activation sine(omega=1)" in shown
    assert "my_parts.py (sha256 " in shown
    assert "others.py (sha256 " in shown
    unload_plugins()  # as in a new process
    assert exit_code(["report"]) == 0
    assert capsys.readouterr().out == shown
    assert exit_code(["report", "--json"]) == 0
    recorded = json.loads(capsys.readouterr().out)["plugins"]
    assert [one["path"] for one in recorded] == ["my_parts.py", "others.py"]
    assert exit_code(["report", "--format", "markdown"]) == 0
    assert "- Plugins: my\\_parts.py (sha256 " in capsys.readouterr().out


def test_resume_takes_the_plugin_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["run", "a.yaml", *PLUGIN, "--quiet"]) == 0
    run_id = capsys.readouterr().out.strip()
    summary = folder / "runs" / run_id / "summary.json"
    left = {**json.loads(summary.read_text()), "status": "interrupted"}
    summary.write_text(json.dumps(left))
    unload_plugins()
    assert exit_code(["run", "--resume", run_id]) == 2
    assert "which is not given; --plugin my_parts.py" in capsys.readouterr().err
    assert exit_code(["run", "--resume", run_id, *PLUGIN, "--quiet"]) == 0
    assert capsys.readouterr().out.strip() == run_id


def test_check_list_and_schema_know_the_parts(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["check", "a.yaml", *PLUGIN]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["model"]["activation"]["name"] == "sine"
    assert exit_code(["list", "activations", *PLUGIN]) == 0
    assert "sin(omega·z)." in capsys.readouterr().out
    assert exit_code(["schema", *PLUGIN]) == 0
    assert "sin(omega·z)." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("command", "fragments"),
    [
        (["run", "a.yaml"], ["a.yaml:1:41: model.activation: no activation is called 'sine'"]),
        (["run", "a.yaml", "--plugin", "parts.py"], ["parts.py: there is no such file"]),
        (["check", "a.yaml", "--plugin", "a.yaml"], ["a.yaml:1:", "raises NameError"]),
        (["list", "--plugin", "my_parts.py"], ["--plugin adds to a family", "activations"]),
        (["run", "a.yaml", *PLUGIN, "model.activation.omega=0"], ["omega", "greater than 0"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_wrong_request_exits_2_with_a_message_and_leaves_nothing(
    command: list[str], fragments: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(command) == 2
    shown = capsys.readouterr()
    assert [part for part in fragments if part not in shown.err] == []
    assert shown.out == ""
    assert "Traceback" not in shown.err
    assert sorted(path.name for path in folder.iterdir()) == ["a.yaml", "my_parts.py"]


@pytest.mark.parametrize("command", [["run", "a.yaml"], ["check", "a.yaml"], ["list", "losses"]])
def test_a_wrong_gradient_is_one_line_and_exit_2(
    command: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(folder, edited(SINE, ("np.cos(s, out=out)", "np.sin(s, out=out)")))
    assert exit_code([*command, *PLUGIN]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    number = line_of(path, "def derivative")
    assert line.startswith(f"my_parts.py:{number}:5: activation sine: derivative gives ")
    assert not (folder / "runs").exists()


def test_a_part_that_breaks_in_a_run_is_one_line_and_exit_1(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(folder, edited(SINE, ("s = scratch[0]", "s = scratch[int(z.shape[1] == 64)]")))
    for command in ("run", "check"):
        assert exit_code([command, "a.yaml", *PLUGIN]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        number = line_of(path, "s = scratch")
        assert line.startswith(f"my_parts.py:{number}: raises IndexError: ")


def test_completion_offers_python_files(folder: Path) -> None:
    from vgrad.cli.options import complete_plugins

    (folder / "configs").mkdir()
    assert complete_plugins("") == ["configs/", "my_parts.py"]
