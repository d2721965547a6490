"""Whether the process that writes a run still lives."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from stored_runs import new_run, record

from vgrad.errors import RequestError
from vgrad.store import list_runs, open_run, reopen_run

WRITE_UNTIL_KILLED = """
import sys, time
from pathlib import Path
from stored_runs import new_run, record
writer = new_run(Path(sys.argv[1]))
writer.append(record(0))
print(writer.id, flush=True)
time.sleep(60)
"""


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """A process that has logged a step of its run, and goes on; and the run's folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE_UNTIL_KILLED, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent,
    )
    assert process.stdout is not None
    yield process, tmp_path / process.stdout.readline().strip()
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_run_that_another_process_writes_is_running_and_cannot_be_written(
    writing: tuple["subprocess.Popen[str]", Path],
) -> None:
    _, path = writing
    assert open_run(path.name, path.parent).status == "running"
    assert [info.status for info in list_runs(path.parent)] == ["running"]
    with pytest.raises(RequestError, match=f"{path.name} is being written by another process"):
        reopen_run(path)
    assert open_run(path.name, path.parent).metrics["step"].tolist() == [0]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_whose_process_is_gone_without_a_word_is_lost_and_can_be_written(
    writing: tuple["subprocess.Popen[str]", Path], number: signal.Signals
) -> None:
    process, path = writing
    process.send_signal(number)
    process.wait()
    run = open_run(path.name, path.parent)
    assert run.summary["status"] == "running"
    assert run.status == "lost"
    assert [info.status for info in list_runs(path.parent)] == ["lost"]
    assert run.layers["step"].tolist() == [0, 0]
    with reopen_run(path) as writer:
        writer.append(record(10))
        assert open_run(path.name, path.parent).status == "running"
    assert open_run(path.name, path.parent).metrics["step"].tolist() == [0, 10]


def test_a_run_is_running_until_its_writer_is_closed(tmp_path: Path) -> None:
    with new_run(tmp_path) as writer:
        assert open_run("latest", tmp_path).status == "running"
        with pytest.raises(RequestError, match="is being written"):
            reopen_run(writer.path)
        assert open_run("latest", tmp_path).status == "running"  # who was refused broke nothing
        writer.finish(status="finished")
        assert open_run("latest", tmp_path).status == "finished"
    reopen_run(writer.path).close()


def test_looking_on_does_not_keep_anyone_from_writing(tmp_path: Path) -> None:
    new_run(tmp_path).close()
    runs = [open_run("latest", tmp_path) for _ in range(3)]
    assert {run.status for run in runs} == {"lost"}
    with reopen_run(runs[0].path):
        pass


@pytest.mark.parametrize("instead", ["nothing", "a folder", "a loop"])
def test_a_run_whose_metrics_nobody_can_hold_is_lost(tmp_path: Path, instead: str) -> None:
    with new_run(tmp_path) as writer:
        pass
    path = writer.path / "metrics.csv"
    path.unlink()
    if instead == "a folder":
        path.mkdir()
    if instead == "a loop":
        path.symlink_to(path)
    assert [info.status for info in list_runs(tmp_path)] == ["lost"]
