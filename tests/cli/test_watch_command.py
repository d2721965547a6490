"""`vgrad watch`: a run that another process makes is followed to its end."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tiny_runs import SHORT

import vgrad
from vgrad.cli import exit_code
from vgrad.errors import RequestError, RunError
from vgrad.records import Record
from vgrad.store import Run, layout, open_run
from vgrad.store.following import Folder, Server, follow

Capture = pytest.CaptureFixture[str]
SLOW = """
name: slow
data: {name: blobs, n_samples: 60}
model: {depth: 2, width: 5}
train: {steps: 1000000, batch_size: 13}
log: {every: 2000}
"""


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "vgrad", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(vgrad.__file__).parents[1])},
    )


def until(true: object, seconds: float = 60.0) -> None:
    """Wait for something to come true."""
    assert callable(true)
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A run that would take long, and its process."""
    (tmp_path / "slow.yaml").write_text(SLOW)
    process = started(tmp_path, "run", "slow.yaml", "--quiet")
    runs = tmp_path / "runs"
    until(lambda: runs.exists() and any(not one.name.startswith(".") for one in runs.iterdir()))
    yield open_run("latest", runs).path, process
    process.kill()
    process.communicate()


def test_a_running_run_is_followed_until_it_ends(
    running: tuple[Path, subprocess.Popen[str]],
) -> None:
    path, process = running
    steps: list[int] = []
    for record in follow(Folder(path), 0.05):
        steps.append(record.metrics.step)
        assert record.layers.size == 3
        if len(steps) == 4:
            process.send_signal(signal.SIGINT)
    assert open_run(str(path)).status == "interrupted"
    assert steps == [2000 * n for n in range(len(steps))]
    assert tuple(steps) == open_run(str(path)).steps


def test_an_interrupt_ends_the_watching_and_not_the_run(
    running: tuple[Path, subprocess.Popen[str]],
) -> None:
    path, process = running
    watching = started(path.parents[1], "watch", "--interval", "0.1")
    time.sleep(2.0)
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=20)
    assert (watching.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert process.poll() is None


def test_a_run_that_has_ended_is_reported_at_once(tmp_path: Path, capsys: Capture) -> None:
    stored = vgrad.run(SHORT, runs_dir=tmp_path)
    assert exit_code(["watch", stored.id, "--runs-dir", str(tmp_path)]) == 0
    assert "Course of the run" in capsys.readouterr().out


@pytest.mark.parametrize("ref", ["nothing", "http://127.0.0.1:9/run"])
def test_what_is_not_there_is_told_in_a_line(ref: str, tmp_path: Path, capsys: Capture) -> None:
    assert exit_code(["watch", ref, "--runs-dir", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


class Silent(SimpleHTTPRequestHandler):
    """`python -m http.server`, without its log."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a folder of runs."""
    handler = partial(Silent, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def test_a_run_behind_an_address_is_followed(tmp_path: Path, server: str, capsys: Capture) -> None:
    stored = vgrad.run(SHORT, runs_dir=tmp_path)
    assert exit_code(["watch", f"{server}/{stored.id}/"]) == 0
    shown = capsys.readouterr().out
    assert stored.id in shown
    assert "Course of the run" in shown


class Cut:
    """A folder whose tables grow by what a test writes between two looks."""

    def __init__(self, whole: Run, path: Path, lines: list[int]) -> None:
        self._whole, self._lines, self._looks = whole, lines, 0
        self.run = Run(path)
        path.mkdir()

    def refresh(self) -> str:
        if self._looks == len(self._lines):
            return ""
        rows = self._lines[self._looks]
        self._looks += 1
        for name, each in ((layout.METRICS, 1), (layout.LAYERS, 3)):
            content = (self._whole.path / name).read_bytes().splitlines(keepends=True)
            torn = content[: 1 + rows * each] + [
                part[:5] for part in content[1 + rows * each :][:1]
            ]
            (self.run.path / name).write_bytes(b"".join(torn))
        return "" if rows else "no answer"

    def status(self) -> str:
        return "finished" if self._looks == len(self._lines) else "running"


def test_torn_lines_wait_and_a_table_that_was_cut_is_read_again(tmp_path: Path) -> None:
    config = {**SHORT, "train": {"steps": 5, "batch_size": 13}}
    whole = vgrad.run(config, runs_dir=tmp_path)
    said: list[str] = []
    source = Cut(whole, tmp_path / "cut", [0, 1, 3, 3, 2, 6])
    found: list[Record] = list(follow(source, 0.0, say=said.append))
    steps = [record.metrics.step for record in found]
    assert steps == [0, 1, 2, 0, 1, 2, 3, 4, 5]
    assert said == ["no answer; trying again"]


def test_a_run_that_is_lost_is_given_up(tmp_path: Path) -> None:
    stored = vgrad.run(SHORT, runs_dir=tmp_path)
    summary = stored.path / layout.SUMMARY
    summary.write_text(summary.read_text().replace('"finished"', '"running"'))
    times = iter(range(0, 100, 4))
    found = list(
        follow(Folder(stored.path), sleep=lambda _: None, clock=lambda: float(next(times)))
    )
    assert [record.metrics.step for record in found] == list(stored.steps)


def test_a_server_that_is_gone_for_a_while_is_told(tmp_path: Path, server: str) -> None:
    stored = vgrad.run(SHORT, runs_dir=tmp_path)
    (tmp_path / "copy").mkdir()
    source = Server(f"{server}/{stored.id}", tmp_path / "copy")
    away = stored.path.rename(tmp_path / "away")
    assert "404" in source.refresh()
    away.rename(stored.path)
    assert source.refresh() == ""
    with pytest.raises(RequestError, match="404"):
        Server(f"{server}/none", tmp_path / "copy")


def test_a_damaged_table_is_an_error_in_a_line(tmp_path: Path) -> None:
    stored = vgrad.run(SHORT, runs_dir=tmp_path)
    with (stored.path / layout.LAYERS).open("a") as file:
        file.write("1,2\n")
    with pytest.raises(RunError, match=r"layers\.csv"):
        list(follow(Folder(stored.path)))
