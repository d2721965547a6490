"""What may befall a run from outside: signals, a full disk, a process that is killed."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny_runs import CONFIG, SHORT, assert_readable, folders, rows

import vgrad
from vgrad.store import list_runs

# --- programs -------------------------------------------------------------------------------------

LONG = {
    **CONFIG,
    "train": {"steps": 20_000, "batch_size": 13},
    "optimizer": "nadam",
    "log": {"every": 250},
}
"""A second or two of training, and 81 records."""
ENDLESS = "train.steps=10_000_000"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump(LONG))
    return path


def limit_files(size: int) -> Callable[[], None]:
    """In the process to be: no file may grow beyond `size` bytes. (Python ignores SIGXFSZ.)"""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def start(*arguments: object, **options: Any) -> "subprocess.Popen[str]":
    """`vgrad …` in a process of its own."""
    command = [sys.executable, "-m", "vgrad", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, **pipes, text=True, **options)


def vgrad_(*arguments: object, **options: Any) -> "subprocess.CompletedProcess[str]":
    """`vgrad …`, to its end."""
    process = start(*arguments, **options)
    stdout, stderr = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)


def end(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Its exit code, and what it said on stderr."""
    _, stderr = process.communicate(timeout=60)
    return process.returncode, stderr


def wait_for_rows(runs_dir: Path, count: int) -> Path:
    """The one run, once it has logged so many steps."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for path in runs_dir.glob("[!.]*/metrics.csv"):
            if path.read_bytes().count(b"\n") > count:
                return path.parent
        time.sleep(0.002)
    raise AssertionError("the run does not get on")


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> vgrad.Run:
    """The run that nothing befell."""
    return vgrad.run(LONG, runs_dir=tmp_path_factory.mktemp("whole"))


def assert_stopped(code: int, stderr: str, runs_dir: Path) -> None:
    """It was interrupted; unless the training was over before the signal came."""
    assert "Traceback" not in stderr
    statuses = [info.status for info in list_runs(runs_dir)]
    assert (code, statuses) in [
        (130, []),
        (130, ["interrupted"]),
        (130, ["finished"]),  # while the report was made
        (0, ["finished"]),
    ]
    if code == 130:
        assert stderr.endswith("interrupted\n")
    for info in list_runs(runs_dir):
        assert_readable(vgrad.open_run(info.id, runs_dir))
    assert not [one for one in folders(runs_dir) if one.name.startswith(".")]


@pytest.mark.parametrize(
    "logged",
    [1, 20, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 5, 40, 60, 75, 80, 81))],
)
def test_ctrl_c_while_it_trains_keeps_the_run_and_resume_ends_in_the_same_bytes(
    tmp_path: Path, config: Path, whole: vgrad.Run, logged: int
) -> None:
    runs = tmp_path / "runs"
    process = start("run", config, "--runs-dir", runs, "--checkpoint-every", 700)
    path = wait_for_rows(runs, logged)
    process.send_signal(signal.SIGINT)
    code, stderr = end(process)
    assert_stopped(code, stderr, runs)
    run = vgrad.open_run(path.name, runs)
    assert len(run.steps) >= logged
    if run.status == "interrupted":
        done = vgrad_("run", "--resume", path.name, "--runs-dir", runs, "--quiet")
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{path.name}\n", "")
    assert rows(path) == rows(whole.path)


DELAYS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5)


@pytest.mark.parametrize(
    "delay", [0.2, *(pytest.param(n, marks=pytest.mark.slow) for n in DELAYS if n != 0.2)]
)
def test_ctrl_c_at_any_time_is_no_traceback_and_leaves_no_run_or_a_sound_one(
    tmp_path: Path, config: Path, delay: float
) -> None:
    process = start(
        "run", config, "--runs-dir", tmp_path / "runs", env=says_when_it_begins(tmp_path)
    )
    wait_for(tmp_path / "begun")
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    assert_stopped(*end(process), tmp_path / "runs")


WHEN_IMPORTED = """
import atexit, os, signal, sys

class Finder:
    def find_spec(name, path=None, target=None):
        if name == {!r}:
            {}

sys.meta_path.insert(0, Finder)
"""
INTERRUPT = "os.kill(os.getpid(), signal.{})"
STOPPING = ["SIGINT", "SIGTERM", "SIGHUP"]


def when_imported(module: str, do: str, folder: Path) -> dict[str, str]:
    """An environment in which Python does this when it imports that module."""
    (folder / "sitecustomize.py").write_text(WHEN_IMPORTED.format(module, do))
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def says_when_it_begins(folder: Path) -> dict[str, str]:
    """An environment in which Python writes a file when our program takes over from it: before,
    Ctrl-C is a traceback of Python's own."""
    return when_imported("vgrad.cli", f"open({str(folder / 'begun')!r}, 'w').close()", folder)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        *product(["typer", "vgrad.runner", "pydantic", "numpy.random"], STOPPING[:1]),
        *product(["numpy.random"], STOPPING[1:]),
    ],
)
def test_a_signal_to_stop_while_it_starts_is_no_traceback_and_leaves_no_run(
    tmp_path: Path, config: Path, module: str, name: str
) -> None:
    inside_exec = f"exec({INTERRUPT.format(name)!r} + '; sum(range(9))')"
    env = when_imported(module, inside_exec, tmp_path)
    process = start("run", config, "--runs-dir", tmp_path / "runs", env=env)
    assert end(process) == (130, "interrupted\n")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", STOPPING)
def test_a_signal_when_all_is_done_does_not_kill_a_run_that_succeeded(
    tmp_path: Path, name: str
) -> None:
    env = when_imported("vgrad.cli", f"atexit.register(lambda: {INTERRUPT.format(name)})", tmp_path)
    assert end(start("--version", env=env)) == (0, "")


def wait_for(path: Path) -> None:
    until = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.001)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_to_stop_are_like_ctrl_c(
    tmp_path: Path, config: Path, number: signal.Signals
) -> None:
    process = start("run", config, ENDLESS, "--runs-dir", tmp_path / "runs")
    wait_for_rows(tmp_path / "runs", 2)
    process.send_signal(number)
    code, stderr = end(process)
    assert code == 130
    assert_stopped(code, stderr, tmp_path / "runs")


def test_an_impatient_ctrl_c_is_like_a_single_one(tmp_path: Path, config: Path) -> None:
    process = start("run", config, ENDLESS, "--runs-dir", tmp_path / "runs")
    wait_for_rows(tmp_path / "runs", 2)
    for _ in range(5):
        process.send_signal(signal.SIGINT)
    code, stderr = end(process)
    assert code == 130
    assert_stopped(code, stderr, tmp_path / "runs")


def test_a_run_that_was_told_to_ignore_its_terminal_goes_on(tmp_path: Path) -> None:
    """As `nohup vgrad run …` is."""
    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump(LONG | {"train": {"steps": 6000, "batch_size": 13}}))
    process = start(
        "run",
        path,
        "--runs-dir",
        tmp_path / "runs",
        "--quiet",
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    wait_for_rows(tmp_path / "runs", 1)
    process.send_signal(signal.SIGHUP)
    assert end(process) == (0, "")
    assert [info.status for info in list_runs(tmp_path / "runs")] == ["finished"]


@pytest.mark.parametrize("every", [None, 700])
def test_a_run_that_is_killed_is_lost_but_not_its_rows_and_goes_on(
    tmp_path: Path, config: Path, whole: vgrad.Run, every: int | None
) -> None:
    runs = tmp_path / "runs"
    cadence = () if every is None else ("--checkpoint-every", every)
    process = start("run", config, "--runs-dir", runs, *cadence)
    path = wait_for_rows(runs, 5)
    process.kill()
    end(process)
    run = vgrad.open_run(path.name, runs)
    assert run.status == "lost"
    assert_readable(run)
    logged = len(run.steps)
    assert 5 <= logged < 81
    assert rows(path)[0][: logged + 1] == rows(whole.path)[0][: logged + 1]
    listed = vgrad_("list", "--runs-dir", runs, "--json")
    assert json.loads(listed.stdout)[0]["status"] == "lost"
    shown = vgrad_("report", "latest", "--runs-dir", runs, "--format", "json")
    assert json.loads(shown.stdout)["last_step"] == run.steps[-1]
    done = vgrad_("run", "--resume", "latest", "--runs-dir", runs, *cadence, "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert rows(path) == rows(whole.path)


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_time_can_be_read_listed_and_continued(
    tmp_path: Path, config: Path, whole: vgrad.Run
) -> None:
    for moment in range(10):
        runs = tmp_path / str(moment)
        process = start("run", config, "--runs-dir", runs, "--checkpoint-every", 100)
        wait_for_rows(runs, moment * 6)
        process.kill()
        end(process)
        (info,) = list_runs(runs)
        assert info.status == "lost"
        run = vgrad.open_run(info.id, runs)
        assert len(run.steps) >= moment * 6
        assert run.steps == tuple(run.metrics["step"].tolist())
        assert rows(vgrad.resume(info.id, runs_dir=runs).path) == rows(whole.path)


def test_a_run_that_is_running_cannot_be_continued_by_another(tmp_path: Path, config: Path) -> None:
    runs = tmp_path / "runs"
    process = start("run", config, ENDLESS, "--runs-dir", runs)
    path = wait_for_rows(runs, 1)
    assert [info.status for info in list_runs(runs)] == ["running"]
    refused = vgrad_("run", "--resume", path.name, "--runs-dir", runs)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
    assert f"{path.name} is still running" in refused.stderr
    process.kill()
    end(process)


@pytest.mark.parametrize("kind", ["finished", "unknown"])
def test_what_cannot_go_on_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    if kind == "finished":
        vgrad.run(SHORT, runs_dir=tmp_path)
    before = sorted(one.name for one in tmp_path.iterdir())
    done = vgrad_(
        "run", "--resume", "latest" if kind == "finished" else "x", "--runs-dir", tmp_path
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert sorted(one.name for one in tmp_path.iterdir()) == before


# --- disks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size", [20_000, *(pytest.param(n, marks=pytest.mark.slow) for n in (3000, 4096, 9000, 31_000))]
)
def test_a_disk_that_fills_up_ends_the_run_in_one_line_and_keeps_its_rows(
    tmp_path: Path, config: Path, whole: vgrad.Run, size: int
) -> None:
    runs = tmp_path / "runs"
    done = vgrad_("run", config, "--runs-dir", runs, "--quiet", preexec_fn=limit_files(size))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    (info,) = list_runs(runs)
    run = vgrad.open_run(info.id, runs)
    message = f"cannot write {run.path / 'layers.csv'}: File too large"
    assert done.stderr == f"{message}\n"
    assert (info.status, info.error) == ("failed", message)
    assert_readable(run)
    assert len(run.steps) > 1
    logged, rest = rows(run.path), rows(whole.path)
    assert logged[0] == rest[0][: len(logged[0])]
    assert rest[1].startswith(logged[1])
    assert len(logged[1]) > size - 2000  # all that fits
    again = vgrad_("run", "--resume", info.id, "--runs-dir", runs, "--quiet")
    assert (again.returncode, again.stderr) == (0, "")  # when there is room again
    assert rows(run.path) == rest


def test_a_checkpoint_that_does_not_fit_ends_the_run_and_leaves_the_one_before(
    tmp_path: Path, config: Path
) -> None:
    runs = tmp_path / "runs"
    done = vgrad_(
        "run",
        config,
        "--runs-dir",
        runs,
        "--quiet",
        "--checkpoint-every",
        5,
        preexec_fn=limit_files(3000),
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.endswith("checkpoint.npz: File too large\n")
    run = vgrad.open_run("latest", runs)
    assert run.status == "failed"
    assert run.read_checkpoint() is None
    assert_readable(run)


@pytest.mark.parametrize("size", [0, 100, 1000])
def test_a_disk_that_is_full_already_is_a_wrong_request_and_leaves_nothing(
    tmp_path: Path, config: Path, size: int
) -> None:
    runs = tmp_path / "runs"
    done = vgrad_("run", config, "--runs-dir", runs, "--quiet", preexec_fn=limit_files(size))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "File too large; see --runs-dir" in done.stderr
    assert list(folders(runs)) == []


def test_a_file_in_the_place_of_the_runs_is_a_wrong_request(tmp_path: Path, config: Path) -> None:
    (tmp_path / "runs").write_text("mine")
    done = vgrad_("run", config, "--runs-dir", tmp_path / "runs", "--quiet")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"cannot write runs into {tmp_path / 'runs'}: ")
    assert (tmp_path / "runs").read_text() == "mine"


def test_a_wrong_request_leaves_no_run(tmp_path: Path, config: Path) -> None:
    done = vgrad_("run", config, "model.depth=-1", "--runs-dir", tmp_path / "runs")
    assert (done.returncode, done.stdout) == (2, "")
    assert list(folders(tmp_path / "runs")) == []


def test_a_folder_of_runs_may_have_a_name_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump(SHORT))
    runs = Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9"))
    done = vgrad_("run", path, "--runs-dir", runs, "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert vgrad.open_run(done.stdout.strip(), runs).environment["command"][-2] == str(runs)


def test_two_programs_that_begin_at_the_same_time_do_not_collide(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump(SHORT))
    processes = [start("run", path, "--runs-dir", tmp_path / "runs", "--quiet") for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    ids = {stdout.strip() for stdout, _ in outputs}
    assert ids == {info.id for info in list_runs(tmp_path / "runs")}
    assert len(ids) == 2
    one, other = (tmp_path / "runs" / run_id for run_id in ids)
    assert rows(one) == rows(other)
