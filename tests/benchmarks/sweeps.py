"""What it costs to make many runs side by side."""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.timing import ratio
from vgrad.sweep import How, run_sweep

RUNS_OF_A_SECOND = """\
base:
  model: {depth: 20, width: 64, activation: tanh, init: xavier_normal}
  optimizer: {name: adam, lr: 0.001}
  train: {steps: STEPS, batch_size: 64}
parameters:
  seed: {values: "range(0, 64)"}
"""
AGAINST_TORCH = Path(__file__).with_name("sweep64.yaml")
ROUNDS = 3


def scaling() -> Iterator[str]:
    """64 runs of a second each by one worker and by two, and what the coordinator takes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sweep.yaml"
        file.write_text(RUNS_OF_A_SECOND.replace("STEPS", str(_steps_of_a_second(folder))))
        times: dict[int, list[float]] = {1: [], 2: []}
        shares: list[float] = []
        for _ in range(ROUNDS):
            for workers, taken in times.items():
                before, begun = _own_time(), time.perf_counter()
                run_sweep(file, how=How(workers), runs_dir=folder)
                taken.append(time.perf_counter() - begun)
                shares.append((_own_time() - before) / taken[-1])
        yield (
            f"64 runs of a second: one worker {min(times[1]):.1f} s, two {min(times[2]):.1f} s, "
            f"{ratio(times[1], times[2]):.2f} times as fast; the coordinator takes "
            f"{100 * max(shares):.1f} % of the time"
        )


def _own_time() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _steps_of_a_second(folder: str) -> int:
    file = Path(folder) / "probe.yaml"
    text = RUNS_OF_A_SECOND.replace("STEPS", "500").replace("range(0, 64)", "range(0, 4)")
    file.write_text(text)
    sweep = run_sweep(file, how=How(1), runs_dir=folder)
    return round(500 / min(result.numbers["seconds"] for result in sweep.results))


def against_torch() -> Iterator[str]:
    """64 runs of depth 20, width 64, 500 steps against a plain PyTorch loop, whole processes."""
    times: dict[str, list[float]] = {"vgrad": [], "torch": []}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            commands = {
                "vgrad": ["vgrad", "sweep", str(AGAINST_TORCH), "--quiet", "--runs-dir", folder],
                "torch": ["tests.benchmarks.torch_sweep", str(AGAINST_TORCH)],
            }
            for name, command in commands.items():
                begun = time.perf_counter()
                subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)
                times[name].append(time.perf_counter() - begun)
    yield (
        f"64 runs of 500 steps, depth 20 × width 64: vgrad {min(times['vgrad']):.1f} s, a loop of "
        f"PyTorch {min(times['torch']):.1f} s, {ratio(times['torch'], times['vgrad']):.1f} times "
        "as fast"
    )
