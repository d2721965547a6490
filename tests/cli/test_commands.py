"""The commands as a user types them: what they print where, and how they exit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from vgrad.cli import app, exit_code
from vgrad.cli.listing import FAMILIES, _registry

ROOT = Path(__file__).parents[2]
TINY = "model: {depth: 3, width: 8}\ntrain: {steps: 4}\nlog: {every: 2}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with a small config, `a.yaml`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VGRAD_RUNS_DIR", raising=False)
    (tmp_path / "a.yaml").write_text(TINY)
    return tmp_path


def vgrad(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A real process."""
    return subprocess.run(
        [sys.executable, "-m", "vgrad", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )


def test_run_prints_the_verdict_and_the_table_on_stdout(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["run", "a.yaml"]) == 0
    shown = capsys.readouterr()
    assert "HEALTHY" in shown.out
    assert [name for name in ("linear1", "linear3", "output") if name in shown.out] == [
        "linear1",
        "linear3",
        "output",
    ]
    assert len(list((folder / "runs").iterdir())) == 1


def test_output_into_a_pipe_has_no_colours_and_keeps_to_80_columns(folder: Path) -> None:
    done = vgrad("run", "a.yaml", "model.depth=50", COLUMNS="80")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_no_color_is_obeyed_even_where_colours_are_forced(folder: Path) -> None:
    vgrad("run", "a.yaml", "--quiet")
    plain = vgrad("report", NO_COLOR="1", FORCE_COLOR="1")
    assert "\x1b[3" not in plain.stdout


def test_quiet_prints_the_run_id_and_nothing_else(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["run", "a.yaml", "--quiet"]) == 0
    shown = capsys.readouterr()
    assert (folder / "runs" / shown.out.strip()).is_dir()
    assert shown.err == ""


@pytest.mark.parametrize(
    "command",
    [
        ["run", "a.yaml", "--json"],
        ["report", "--json"],
        ["list", "--json"],
        ["list", "optimizers", "--json"],
        ["check", "a.yaml", "--json"],
        ["predict", "a.yaml", "--json"],
        ["schema"],
    ],
    ids=" ".join,
)
def test_json_is_one_document_and_nothing_else(
    command: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code(["run", "a.yaml", "--quiet"])
    capsys.readouterr()
    assert exit_code(command) == 0
    assert json.loads(capsys.readouterr().out)


def test_report_shows_a_stored_run_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exit_code(["run", "a.yaml"])
    first = capsys.readouterr().out
    assert exit_code(["report", "latest"]) == 0
    assert capsys.readouterr().out == first
    assert exit_code(["report", "--step", "0"]) == 0
    assert "step 0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("format", "beginning"), [("markdown", "#"), ("csv", "step,layer,name"), ("json", "{")]
)
def test_report_knows_other_formats(
    format: str, beginning: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code(["run", "a.yaml", "--quiet"])
    capsys.readouterr()
    assert exit_code(["report", "--format", format]) == 0
    assert capsys.readouterr().out.startswith(beginning)


def test_list_filters_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for activation in ("tanh", "relu"):
        exit_code(["run", "a.yaml", f"model.activation={activation}", "--quiet"])
    capsys.readouterr()
    assert exit_code(["list", "--json", "--where", "model.activation=tanh"]) == 0
    (only,) = json.loads(capsys.readouterr().out)
    assert only["config"]["model.activation"] == "tanh"
    assert exit_code(["list", "--status", "diverged"]) == 0
    assert "no run matches" in capsys.readouterr().err


@pytest.mark.parametrize("kind", FAMILIES)
def test_list_prints_the_catalogue(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["list", kind]) == 0
    shown = capsys.readouterr().out
    assert [name for name in _registry(kind).names() if name not in shown] == []


def test_check_prints_the_resolved_config_and_what_it_takes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["check", "a.yaml"]) == 0
    shown = capsys.readouterr().out
    resolved = yaml.safe_load(shown)
    assert resolved["loss"] == "cross_entropy"
    assert "parameters      754" in shown  # 65·8 + 2·9·8 + 9·10
    assert [word for word in ("memory", "steps", "estimated time") if word not in shown] == []
    assert not (folder / "runs").exists()


def test_init_writes_a_config_that_runs_and_replaces_none(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["init", "mine"]) == 0
    assert exit_code(["init", "mine"]) == 2
    assert "--force" in capsys.readouterr().err
    assert exit_code(["init", "mine", "--force"]) == 0
    assert exit_code(["run", "mine.yaml", "train.steps=2", "--quiet"]) == 0


@pytest.mark.parametrize(
    ("command", "fragments"),
    [
        (["run", "b.yaml"], ["b.yaml", "no such file"]),
        (["run"], ["CONFIG", "vgrad init"]),
        (["run", "a.yaml", "model.dept=3"], ["command line", "model.dept", "depth"]),
        (["run", "a.yaml", "model.activation=sigmod"], ["sigmoid"]),
        (
            ["run", "a.yaml", "model.width=65536", "model.depth=1000"],
            ["command line", "model.width", "GiB"],
        ),
        (["run", "a.yaml", "data={name: csv, path: no.csv, target: y}"], ["no.csv"]),
        (["run", "a.yaml", "data=sine", "loss=cross_entropy"], ["loss", "needs classes", "mse"]),
        (["run", "a.yaml", "model.bias_init=he_normal"], ["model.bias_init", "gaussian"]),
        (["run", "a.yaml", "--checkpoint-every", "0"], ["checkpoint"]),
        (["run", "a.yaml", "--resume", "x"], ["--resume"]),
        (["run", "--resume", "nothing"], ["nothing"]),
        (["run", "a.yaml", "--runs-dir", "a.yaml"], ["a.yaml", "--runs-dir"]),
        (["report", "nothing"], ["nothing"]),
        (["report"], ["no runs"]),
        (["list", "activation"], ["activations"]),
        (["list", "--where", "depth"], ["KEY=VALUE"]),
        (["list", "--status", "finish"], ["finished"]),
        (["run", "a.yaml", "--no-such-option"], ["--no-such-option"]),
        (["init", "../climb"], ["../climb"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_wrong_request_exits_2_with_a_message_and_leaves_nothing(
    command: list[str], fragments: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(command) == 2
    shown = capsys.readouterr()
    assert [part for part in fragments if part.lower() not in shown.err.lower()] == []
    assert shown.out == ""
    assert "Traceback" not in shown.err
    assert sorted(path.name for path in folder.iterdir()) == ["a.yaml"]


def test_a_step_that_was_not_logged_names_the_nearest(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code(["run", "a.yaml", "--quiet"])
    assert exit_code(["report", "--step", "3"]) == 2
    assert "nearest are 2 and 4" in capsys.readouterr().err
    assert exit_code(["report", "--step", "first"]) == 2
    assert "a number, or last" in capsys.readouterr().err


def test_a_diverged_run_is_a_result(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["run", "a.yaml", "optimizer.lr=1e30", "model.activation=relu"]) == 0
    assert "EXPLODING" in capsys.readouterr().out


NEEDED_FOR_WORK = {"numpy", "pydantic", "yaml", "threadpoolctl"}
NEEDED_BY_FEW = {
    *("torch", "jax", "sklearn", "scipy", "numba"),
    *("plotly", "jinja2", "itables", "plotext", "pandas", "polars", "pyarrow"),
    *("tensorboard", "mlflow", "wandb", "optuna", "distributed", "dask", "pebble"),
}


@pytest.mark.parametrize(
    ("arguments", "forbidden"),
    [
        (["--help"], NEEDED_FOR_WORK | NEEDED_BY_FEW),
        (["run", "--help"], NEEDED_FOR_WORK | NEEDED_BY_FEW),
        (["run", "a.yaml", "--quiet"], NEEDED_BY_FEW),
        (["report", "latest"], {"pydantic"} | NEEDED_BY_FEW),
        (["list"], {"pydantic"} | NEEDED_BY_FEW),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_imports_nothing_that_it_does_not_use(
    folder: Path, arguments: list[str], forbidden: set[str]
) -> None:
    exit_code(["run", "a.yaml", "--quiet"])
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "vgrad", *arguments],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert "vgrad" in imported
    assert imported & forbidden == set()


@pytest.mark.parametrize("command", [one.name for one in app.registered_commands])
def test_every_command_has_an_example_in_its_help(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code([command, "--help"]) == 0
    assert f"Example: vgrad {command}" in capsys.readouterr().out


def test_completion_offers_configs_runs_and_kinds(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vgrad.cli.listing import complete_kinds
    from vgrad.cli.options import complete_configs, complete_runs

    exit_code(["run", "a.yaml", "--quiet"])
    (folder / "configs").mkdir()
    assert complete_configs("") == ["a.yaml", "configs/", "runs/"]
    assert complete_configs("no/such/") == []
    assert complete_kinds("act") == ["activations"]
    assert complete_runs("latest") == ["latest"]
    assert len(complete_runs("run")) == 1
