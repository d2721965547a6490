"""What becomes of a sweep that is interrupted, killed, or loses a worker or its disk."""

import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest
from small_sweeps import SWEEP, results, sweep_file, tables, vgrad

from vgrad.errors import RequestError, RunError
from vgrad.store import Sweep, open_sweep, sweep_writing
from vgrad.sweep import How, Workers, resume_sweep, run_sweep
from vgrad.sweep.jobs import Outcome

KILLS = 20
ENDS_WITHIN = 60.0  # seconds, of what takes one


class Inline(Executor):
    """Makes each run at once, and fails to after so many."""

    def __init__(self, most: float = float("inf"), error: BaseException | None = None) -> None:
        self.most, self.error, self.made = most, error, list[str]()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if len(self.made) >= self.most and self.error is not None:
            raise self.error
        self.made.append(args[0].run_id)
        future.set_result(fn(*args, **kwargs))
        return future


def how(executor: Executor) -> How:
    return How(executor=Workers(executor, lambda: 1))


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """The sweep as it is when nothing happens to it."""
    folder = tmp_path_factory.mktemp("reference")
    return run_sweep(sweep_file(folder), how=how(Inline()), runs_dir=folder / "runs")


def left_after(runs: int, folder: Path) -> Sweep:
    """The sweep interrupted after so many runs."""
    with pytest.raises(KeyboardInterrupt):
        run_sweep(
            sweep_file(folder), how=how(Inline(runs, KeyboardInterrupt())), runs_dir=folder / "runs"
        )
    return open_sweep("latest", folder / "runs")


def assert_same(sweep: Sweep, reference: Sweep) -> None:
    assert results(sweep) == results(reference)
    assert tables(sweep) == tables(reference)
    assert not list(sweep.path.glob(".*"))


def test_a_sweep_that_was_interrupted_goes_on_without_repeating_a_run(
    reference: Sweep, tmp_path: Path
) -> None:
    left = left_after(5, tmp_path)
    assert left.status == "interrupted"
    kept = {result.run_id for result in left.results}
    rest = Inline()
    sweep = resume_sweep(left.id, how=how(rest), runs_dir=tmp_path / "runs")
    assert sweep.status == "finished"
    assert not kept & {*rest.made}
    assert len(kept) + len(rest.made) == 12
    assert_same(sweep, reference)


def test_a_run_whose_files_were_stored_but_not_its_row_is_not_repeated(
    reference: Sweep, tmp_path: Path
) -> None:
    left = left_after(6, tmp_path)
    table = left.path / "results.csv"
    lines = table.read_bytes().splitlines(keepends=True)
    table.write_bytes(b"".join(lines[:-2]) + lines[-2][:20])  # a row torn, another one lost
    rest = Inline()
    sweep = resume_sweep(left.id, how=how(rest), runs_dir=tmp_path / "runs")
    assert len(rest.made) == 12 - (len(lines) - 1)
    assert_same(sweep, reference)


def test_a_finished_sweep_has_nothing_to_go_on_with(reference: Sweep) -> None:
    before = (reference.path / "results.csv").read_bytes()
    rest = Inline()
    resume_sweep(str(reference.path), how=how(rest))
    assert not rest.made
    assert (reference.path / "results.csv").read_bytes() == before


def test_what_was_half_written_is_cleared_away(reference: Sweep, tmp_path: Path) -> None:
    left = left_after(4, tmp_path)
    half = left.path / ".new-1-abc"
    half.mkdir()
    (half / "config.yaml").write_text("half")
    assert_same(resume_sweep(left.id, how=how(Inline()), runs_dir=tmp_path / "runs"), reference)


def test_only_failed_runs_are_made_again_and_only_when_asked(tmp_path: Path) -> None:
    class FailsSome(Inline):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            if args[0].run_id.startswith(("0002", "0007")):
                future: Future[Any] = Future()
                future.set_exception(OSError("the machine fell down the stairs"))
                return future
            return super().submit(fn, *args, **kwargs)

    sweep = run_sweep(sweep_file(tmp_path), how=how(FailsSome()), runs_dir=tmp_path / "runs")
    failed = [result for result in sweep.results if result.status == "failed"]
    assert [result.run_id[:4] for result in failed] == ["0002", "0007"]
    assert failed[0].error == "OSError: the machine fell down the stairs"
    assert sweep.status == "finished"
    again = Inline()
    resume_sweep(sweep.id, how=how(again), runs_dir=tmp_path / "runs")
    assert not again.made
    sweep = resume_sweep(sweep.id, how=how(again), retry_failed=True, runs_dir=tmp_path / "runs")
    assert [one[:4] for one in again.made] == ["0002", "0007"]
    assert [result.status for result in sweep.results].count("failed") == 0


def test_a_disk_that_fills_up_stops_the_sweep_which_goes_on_later(
    reference: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = sweep_writing.SweepWriter._store
    room = iter(range(5))

    def full(self: sweep_writing.SweepWriter, path: Path, files: dict[str, bytes]) -> None:
        if next(room, None) is None:
            raise OSError(28, "No space left on device")
        stored(self, path, files)

    monkeypatch.setattr(sweep_writing.SweepWriter, "_store", full)
    with pytest.raises(RunError, match=r"cannot write .*: No space left on device"):
        run_sweep(sweep_file(tmp_path), how=how(Inline()), runs_dir=tmp_path / "runs")
    monkeypatch.undo()
    left = open_sweep("latest", tmp_path / "runs")
    assert (left.status, len(left.results)) == ("interrupted", 5)
    assert_same(resume_sweep(left.id, how=how(Inline()), runs_dir=tmp_path / "runs"), reference)


def test_a_sweep_that_is_going_on_cannot_be_taken_up_by_another(tmp_path: Path) -> None:
    class TriesToo(Inline):
        problem = ""

        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            try:
                resume_sweep("latest", how=how(Inline()), runs_dir=tmp_path / "runs")
            except RequestError as error:
                self.problem = str(error)
            assert open_sweep("latest", tmp_path / "runs").status == "running"
            return super().submit(fn, *args, **kwargs)

    executor = TriesToo()
    run_sweep(sweep_file(tmp_path), how=how(executor), runs_dir=tmp_path / "runs")
    assert "is being written by another process" in executor.problem


def test_an_outcome_that_never_comes_back_is_a_row_with_its_reason(tmp_path: Path) -> None:
    class Vanishes(Inline):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_result(Outcome.failure("nobody knows"))
            return future

    sweep = run_sweep(sweep_file(tmp_path), how=how(Vanishes()), runs_dir=tmp_path / "runs")
    assert {(result.status, result.error) for result in sweep.results} == {
        ("failed", "nobody knows")
    }


# --- real processes, really killed ----------------------------------------------------------------

LONGER = SWEEP.replace("steps: 12", "steps: 300").replace("1.0e+300", "0.3")


def await_rows(folder: Path, count: int) -> Sweep:
    """The sweep in `folder`, once so many of its runs have ended."""
    since = time.monotonic()
    while time.monotonic() - since < ENDS_WITHIN:
        try:
            sweep = open_sweep("latest", folder)
            if len(sweep.results) >= count:
                return sweep
        except (RequestError, RunError):
            pass
        time.sleep(0.01)
    raise TimeoutError(f"no {count} runs in {folder}")


def workers_of(process: "subprocess.Popen[str]") -> list[int]:
    """The process numbers of a sweep's workers."""
    children = subprocess.run(
        ["pgrep", "-P", str(process.pid), "-f", "spawn_main"], capture_output=True, text=True
    )
    return [int(line) for line in children.stdout.split()]


def test_a_worker_that_is_killed_takes_one_run_with_it(tmp_path: Path) -> None:
    file = sweep_file(tmp_path, LONGER.replace("steps: 300", "steps: 3000"))
    process = vgrad("sweep", file, "--workers", "2", folder=tmp_path / "runs")
    await_rows(tmp_path / "runs", 2)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    out, err = process.communicate(timeout=ENDS_WITHIN)
    assert process.returncode == 1, err
    sweep = open_sweep("latest", tmp_path / "runs")
    statuses = [result.status for result in sweep.results]
    assert (statuses.count("failed"), statuses.count("finished")) == (1, 11)
    (failed,) = (result for result in sweep.results if result.status == "failed")
    assert failed.error == "its worker process was killed by SIGKILL"
    assert failed.error in err
    assert "Traceback" not in out + err


def test_ctrl_c_ends_a_sweep_in_order_and_says_how_to_go_on(tmp_path: Path) -> None:
    file = sweep_file(tmp_path, LONGER.replace("steps: 300", "steps: 3000"))
    process = vgrad("sweep", file, "--workers", "2", folder=tmp_path / "runs")
    await_rows(tmp_path / "runs", 1)
    workers = workers_of(process)
    for pid in (process.pid, *workers):  # as a terminal does: the whole group hears it
        os.kill(pid, signal.SIGINT)
    _, err = process.communicate(timeout=ENDS_WITHIN)
    assert process.returncode == 130
    assert "Traceback" not in err
    hint = re.search(r"to go on: vgrad sweep --resume (\S+)", err)
    assert hint
    left = Sweep(Path(hint[1]))
    assert left.status == "interrupted"
    again = vgrad("sweep", "--resume", left.id, "--quiet", folder=tmp_path / "runs")
    out, err = again.communicate(timeout=ENDS_WITHIN)
    assert (again.returncode, out.strip()) == (0, left.id), err
    assert Sweep(left.path).status == "finished"


def test_workers_end_when_the_coordinator_is_killed(tmp_path: Path) -> None:
    file = sweep_file(tmp_path, LONGER.replace("steps: 300", "steps: 1000000"))
    process = vgrad("sweep", file, "model.depth=1,2", "train.steps=10,1000000", folder=tmp_path)
    await_rows(tmp_path, 1)
    workers = workers_of(process)
    process.kill()
    process.communicate(timeout=ENDS_WITHIN)
    since = time.monotonic()
    while any(map(lives, workers)):
        assert time.monotonic() - since < ENDS_WITHIN
        time.sleep(0.05)


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.slow
def test_a_sweep_killed_at_twenty_random_moments_ends_as_one_never_killed(tmp_path: Path) -> None:
    text = LONGER.replace("range(0, 3)", "range(0, 40)")
    whole = vgrad("sweep", sweep_file(tmp_path, text), "--quiet", folder=tmp_path / "whole")
    whole.communicate(timeout=ENDS_WITHIN * 3)
    assert whole.returncode == 0
    file, folder = tmp_path / "sweep.yaml", tmp_path / "killed"
    moments = random.Random(4)
    process = vgrad("sweep", file, folder=folder)
    left = await_rows(folder, 1)
    for _ in range(KILLS):
        process.kill()
        process.communicate(timeout=ENDS_WITHIN)
        process = vgrad("sweep", "--resume", left.id, folder=folder)
        time.sleep(moments.uniform(0.6, 1.6))  # from before the first new run to well into them
    process.kill()
    process.communicate(timeout=ENDS_WITHIN)
    last = vgrad("sweep", "--resume", left.id, "--quiet", folder=folder)
    assert last.communicate(timeout=ENDS_WITHIN * 3)[0].strip() == left.id
    assert_same(Sweep(left.path), open_sweep("latest", tmp_path / "whole"))
