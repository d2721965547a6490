"""Sweeps on a real Dask cluster: a scheduler and two workers, processes on loopback."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from small_sweeps import SWEEP, results, sweep_file, tables, vgrad

from vgrad.errors import RequestError
from vgrad.store import Sweep, open_sweep
from vgrad.sweep import How, run_sweep

pytest.importorskip("distributed")

ENDS_WITHIN = 120.0  # seconds
SCHEDULER = ("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
WORKER = ("worker", "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard")


@dataclass
class Cluster:
    """A scheduler's address, and its workers, in a folder that nobody else looks into."""

    address: str
    workers: "list[subprocess.Popen[str]]"


def dask(*arguments: str, folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(run_sweep.__code__.co_filename).parents[2])},
    )


def await_line(process: "subprocess.Popen[str]", pattern: str) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError(f"{process.args} ended with {process.wait()}")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    far = tmp_path / "far"
    far.mkdir()
    with ExitStack() as ended:
        scheduler = dask(*SCHEDULER, folder=far)
        ended.callback(end, scheduler)
        address = await_line(scheduler, r"Scheduler at:\s+(tcp://\S+)")
        workers = [dask(*WORKER, address, folder=far) for _ in range(2)]
        for worker in workers:
            ended.callback(end, worker)
            await_line(worker, r"(Registered to|Starting established connection)")
        yield Cluster(address, workers)


def end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def test_a_cluster_gives_the_results_that_one_process_gives(
    cluster: Cluster, tmp_path: Path
) -> None:
    file = sweep_file(tmp_path)
    here = run_sweep(file, how=How(1), runs_dir=tmp_path / "here")
    there = run_sweep(file, how=How(dask=cluster.address), runs_dir=tmp_path / "there")
    assert results(there) == results(here)
    assert tables(there) == tables(here)
    pids = {there.run(result.run_id).environment["pid"] for result in there.results}
    assert pids == {worker.pid for worker in cluster.workers}


@pytest.mark.slow
def test_a_worker_of_the_cluster_that_is_killed_loses_nothing(
    cluster: Cluster, tmp_path: Path
) -> None:
    text = SWEEP.replace("steps: 12", "steps: 3000").replace("1.0e+300", "0.3")
    process = vgrad(
        "sweep", sweep_file(tmp_path, text), "--dask", cluster.address, folder=tmp_path / "runs"
    )
    await_results(tmp_path / "runs", 3)
    os.kill(cluster.workers[0].pid, signal.SIGKILL)
    _, err = process.communicate(timeout=ENDS_WITHIN)
    assert process.returncode == 0, err
    sweep = open_sweep("latest", tmp_path / "runs")
    assert [result.status for result in sweep.results] == ["finished"] * 12
    assert "Traceback" not in err


def await_results(folder: Path, count: int) -> Sweep:
    since = time.monotonic()
    while time.monotonic() - since < ENDS_WITHIN:
        try:
            sweep = open_sweep("latest", folder)
        except RequestError:
            time.sleep(0.05)
            continue
        if len(sweep.results) >= count:
            return sweep
        time.sleep(0.02)
    raise TimeoutError


def test_a_scheduler_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as caught:
        run_sweep(sweep_file(tmp_path), how=How(dask="tcp://127.0.0.1:9"), runs_dir=tmp_path / "r")
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in str(caught.value)
    assert not (tmp_path / "r").exists()
