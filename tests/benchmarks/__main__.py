"""Benchmarks, each of which compares side by side in one run: `python -m tests.benchmarks`.

Run from the project's folder, with the `bench` extra installed. Times on a shared machine vary;
the ratios are medians over rounds in which the peers took turns.
"""

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from threadpoolctl import threadpool_limits

from tests.benchmarks.libraries import torch_step
from tests.benchmarks.pages import pages
from tests.benchmarks.peers import peers
from tests.benchmarks.steps import (
    Size,
    step_and_plan,
    vgrad_step,
    wired,
    without_sums,
)
from tests.benchmarks.sweeps import against_torch, scaling
from tests.benchmarks.timing import interleaved, milliseconds, ratio
from vgrad.config import load_config
from vgrad.experiment import prepare
from vgrad.session import threads_for
from vgrad.store import create_run
from vgrad.training import Trainer

ROUNDS = 7


def step() -> Iterator[str]:
    """A step with per-layer norms against PyTorch eager, one thread each."""
    import torch

    torch.set_num_threads(1)
    for size in (Size(50, 64, 128), Size(50, 64, 128, "relu"), Size(50, 64, 128, "tanh", "sgd")):
        works = {"vgrad": vgrad_step(size), "torch": torch_step(size)}
        times = interleaved(works, ROUNDS, repeats=20)
        yield (
            f"{size}: vgrad {milliseconds(times['vgrad'])}, PyTorch {milliseconds(times['torch'])}"
            f", {ratio(times['torch'], times['vgrad']):.2f} times as fast"
        )


def wiring_cost() -> Iterator[str]:
    """What residual and dense wiring add to a step with the same matrix products."""
    size = Size(49, 64, 128)
    residual = {"plain": vgrad_step(size)}
    residual |= {
        order: vgrad_step(size, wired(size, "residual", order=order))
        for order in ("post", "pre", "inside")
    }
    times = interleaved(residual, ROUNDS, repeats=20)
    for order in ("post", "pre", "inside"):
        more = ratio(times[order], times["plain"]) - 1.0
        yield f"{size}, residual {order}: {100 * more:+.1f} % on the plain net"
    for growth in (12, 32):
        dense, _ = step_and_plan(size, wired(size, "dense", growth=growth))
        bare = without_sums(*step_and_plan(size, wired(size, "dense", growth=growth)))
        times = interleaved({"dense": dense, "bare": bare}, ROUNDS, repeats=20)
        more = ratio(times["dense"], times["bare"]) - 1.0
        yield f"{size}, dense growth {growth}: {100 * more:+.1f} % on its products and activations"


def statistics_cost() -> Iterator[str]:
    """What the statistics of every layer cost at the default cadence, in a share of the run."""
    for depth in (10, 50, 200):
        base = {"model.depth": depth, "model.init": "orthogonal", "train.batch_size": 128}
        logged = trainer(base)
        telemetry = logged._telemetry
        stacks = logged._plans[128][1][0].stacks
        for _ in logged.advance(10):
            pass
        quiet = trainer({**base, "log.every": 10**6})

        def ten_steps(quiet: Trainer = quiet) -> None:
            for _ in quiet.advance(quiet.step + 10):
                pass

        works = {
            "ten steps": ten_steps,
            "statistics": lambda telemetry=telemetry, stacks=stacks: telemetry.measure(0, stacks),
        }
        times = interleaved(works, ROUNDS, repeats=10)
        share = ratio(times["statistics"], times["ten steps"])
        yield (
            f"depth {depth} × width 64 × batch 128: statistics {milliseconds(times['statistics'])}"
            f" on {milliseconds(times['ten steps'])} for ten steps: {100 * share:.1f} %"
        )


def logs_cost() -> Iterator[str]:
    """What writing rows to disk costs a run, at the default cadence and with every step logged."""
    for every in (10, 1):
        one = trainer({"model.depth": 50, "log.every": every, "train.batch_size": 128})
        with tempfile.TemporaryDirectory() as folder:
            writer = create_run(
                Path(folder), name="logs", config_yaml="", config={}, environment={}
            )
            (record,) = one.advance(every)

            def logged_step(one: Trainer = one, every: int = every) -> None:
                for _ in one.advance(one.step + every):
                    pass

            works = {"steps": logged_step, "rows": partial(writer.append, record)}
            times = interleaved(works, ROUNDS, repeats=20)
            writer.finish(status="finished")
        share = ratio(times["rows"], times["steps"])
        yield (
            f"depth 50 × width 64 × batch 128, every {every}: rows {milliseconds(times['rows'])}, "
            f"steps {milliseconds(times['steps'])}: {100 * share / (1 + share):.1f} % of the run"
        )


def recompute_cost() -> Iterator[str]:
    """Memory and time of `train.recompute: true`, against keeping all activations."""
    for depth in (100, 1000):
        plain = {"model.depth": depth, "model.init": "orthogonal", "log.every": 10**6}
        both = {again: trainer({**plain, "train.recompute": again}) for again in (False, True)}
        nbytes = {
            again: sum(plan.nbytes for plan, _ in t._plans.values()) for again, t in both.items()
        }

        def steps(one: Trainer, count: int = 1000 // depth) -> None:
            for _ in one.advance(one.step + count):
                pass

        works = {str(again): partial(steps, one) for again, one in both.items()}
        times = interleaved(works, ROUNDS, repeats=2)
        yield (
            f"depth {depth} × width 64 × batch 64: activations in {nbytes[True] / 1e6:.1f} MB "
            f"instead of {nbytes[False] / 1e6:.1f}, {ratio(times['True'], times['False']):.2f} "
            "times as long"
        )


def threads() -> Iterator[str]:
    """A step on all cores' BLAS threads against one, by size: what `THREADED_FROM` goes by."""
    for shape in ((50, 64, 128), (50, 128, 128), (20, 192, 256), (20, 256, 256), (30, 512, 256)):
        size = Size(*shape)
        work = vgrad_step(size)
        limits = {
            name: partial(threadpool_limits, n) for name, n in (("one", 1), ("all", os.cpu_count()))
        }
        times = interleaved(dict.fromkeys(limits, work), ROUNDS, repeats=3, within=limits)
        multiplications = size.width * (1 + size.width) * size.batch
        yield (
            f"{size}, 2^{math.log2(multiplications):.1f} multiplications a product: "
            f"{ratio(times['one'], times['all']):.2f} times as fast; vgrad takes "
            f"{'one' if threads_for(size.width * (1 + size.width), size.batch) else 'all'}"
        )


def depth_cost() -> Iterator[str]:
    """The cost per layer and step from 10 to 1,000 layers, in training as `vgrad run` does it."""
    for optimizer in ("sgd", "adam"):
        trainers = {
            depth: trainer({"model.depth": depth, "model.init": "orthogonal",
                            "optimizer": {"name": optimizer, "lr": 1e-4}})
            for depth in (10, 100, 1000)
        }  # fmt: skip

        def advance(one: Trainer, steps: int) -> Callable[[], None]:
            def work() -> None:
                for _ in one.advance(one.step + steps):
                    pass

            return work

        works = {str(d): advance(one, 2000 // d) for d, one in trainers.items()}
        times = interleaved(works, ROUNDS, repeats=1)
        per_layer = {d: [t / 2000 for t in times[str(d)]] for d in trainers}
        figures = ", ".join(
            f"{d}: {statistics.median(t) * 1e6:.1f} µs" for d, t in per_layer.items()
        )
        against = ratio(per_layer[1000], per_layer[10])
        yield f"{optimizer}: per layer and step {figures}; 1,000 against 10 layers {against:.2f}"


def trainer(overrides: dict[str, object]) -> Trainer:
    """Of digits, for as long as one likes."""
    return Trainer(prepare(load_config({"train": {"steps": 10**9}}, overrides)))


def quickstart() -> Iterator[str]:
    """`vgrad run configs/quickstart.yaml`, a whole process, against importing PyTorch and training
    the same in it."""
    with tempfile.TemporaryDirectory() as folder:
        ours = [sys.executable, "-m", "vgrad", "run", "configs/quickstart.yaml"]
        ours += ["--quiet", "--runs-dir", folder]
        peer = [sys.executable, "-m", "tests.benchmarks.torch_quickstart"]
        works = {"vgrad": lambda: process(ours), "torch": lambda: process(peer)}
        times = interleaved(works, rounds=5, repeats=1)
    yield (
        f"vgrad {statistics.median(times['vgrad']):.2f} s, PyTorch "
        f"{statistics.median(times['torch']):.2f} s, "
        f"{ratio(times['torch'], times['vgrad']):.2f} times as fast"
    )


def process(command: list[str]) -> float:
    """Run it to its end; the seconds it took."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begun


BENCHMARKS: dict[str, Callable[[], Iterator[str]]] = {
    "step": step,
    "peers": peers,
    "wiring": wiring_cost,
    "statistics": statistics_cost,
    "logs": logs_cost,
    "recompute": recompute_cost,
    "threads": threads,
    "depth": depth_cost,
    "quickstart": quickstart,
    "sweep": scaling,
    "sweep-torch": against_torch,
    "pages": pages,
}


def main() -> None:
    """Run the named benchmarks, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    names = parser.parse_args().names or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    with threadpool_limits(1, user_api="blas"):
        for name in names:
            print(f"{name}: {BENCHMARKS[name].__doc__}")
            for line in BENCHMARKS[name]():
                print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
