"""A step of ours against the bare matrix products and against other libraries, all sizes.

`python -m tests.benchmarks peers` runs it once for one thread and once for two, each in a process
of its own, since some libraries take their number of threads from the environment, before they are
imported. By itself: `python -m tests.benchmarks.peers --threads 1 --csv peers.csv 10x64x128`.
"""

import argparse
import csv
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from itertools import product

from threadpoolctl import threadpool_limits

from tests.benchmarks.libraries import PEERS
from tests.benchmarks.steps import Size, floor_step, vgrad_step
from tests.benchmarks.timing import interleaved, ratio
from vgrad.nn.denormals import flushed_denormals
from vgrad.session import threads_for

SHAPES = (
    (2, 32, 32),
    (10, 64, 128),
    (50, 64, 128),
    (50, 128, 128),
    (100, 32, 64),
    (20, 256, 256),
    (30, 512, 256),
    (1000, 64, 64),
)
ROUNDS, SECONDS, MOST_REPEATS = 7, 0.05, 200
FLOOR, NUMPY = "products", "NumPy alone"


def peers() -> Iterator[str]:
    """Steps against bare matrix products, PyTorch, JAX, scikit-learn and thinc; 1 thread and 2."""
    for threads in (1, 2):
        command = [sys.executable, "-m", "tests.benchmarks.peers", "--threads", str(threads)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            yield from (line.rstrip("\n") for line in child.stdout or ())
        if child.returncode:
            raise SystemExit(child.returncode)


def compare(size: Size, names: Sequence[str]) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Seconds per step, round by round, and the seconds that each took to begin.

    Subnormal numbers count as 0 for all of them, as they do when vgrad trains.
    """
    makers: dict[str, Callable[[Size], Callable[[], object]]] = {
        "vgrad": vgrad_step,
        NUMPY: partial(vgrad_step, one_pass=False),
        FLOOR: floor_step,
        **{name: PEERS[name] for name in names},
    }
    works, began = {}, {}
    for name, make in makers.items():
        begun = time.perf_counter()
        try:
            work = make(size)
            work()
        except RuntimeError as error:  # as torch.compile of 1,000 layers
            print(f"{size}: {name} fails: {str(error).splitlines()[0]}", file=sys.stderr)
            continue
        works[name], began[name] = work, time.perf_counter() - begun
    begun = time.perf_counter()
    works["vgrad"]()
    repeats = int(SECONDS / (time.perf_counter() - begun))
    threads = threads_for(size.width * (1 + size.width), size.batch)  # as when vgrad trains
    limit = partial(threadpool_limits, threads, user_api="blas")
    within = {"vgrad": limit, NUMPY: limit}
    return interleaved(works, ROUNDS, min(max(repeats, 1), MOST_REPEATS), within), began


def lines(sizes: Sequence[Size], names: Sequence[str], path: str | None) -> Iterator[str]:
    """The table, a line for each size; the same into the CSV."""
    heads = ["vgrad ms", NUMPY, FLOOR, *names]
    yield f"{'depth×width×batch':<24}" + "".join(f"{head:>14}" for head in heads)
    table, rows = {name: [] for name in names}, []
    for size in sizes:
        with flushed_denormals():
            times, began = compare(size, names)
        ours = times["vgrad"]
        over = {name: ratio(times[name], ours) for name in names if name in times}
        for name, value in over.items():
            table[name].append(value)
        floor = ratio(ours, times[FLOOR])
        alone = ratio(times[NUMPY], ours)
        cells = [f"{statistics.median(ours) * 1e3:.3f}", f"{alone:.2f}×", f"{floor:.2f}×"]
        cells += [f"{over[name]:.2f}×" if name in over else "fails" for name in names]
        yield f"{size!s:<24}" + "".join(f"{cell:>14}" for cell in cells)
        rows += [
            [*vars(size).values(), name, statistics.median(seconds), began[name]]
            for name, seconds in times.items()
        ]
    means = [
        f"{statistics.geometric_mean(table[name]):.2f}×" if table[name] else "" for name in names
    ]
    yield f"{'geometric mean':<66}" + "".join(f"{cell:>14}" for cell in means)
    yield f"{FLOOR}: our time over that of the bare matrix products; others: theirs over ours"
    yield f"{NUMPY}: vgrad without its compiled kernels{'' if find_spec('numba') else ', as here'}"
    if path:
        with open(path, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            if not file.tell():
                writer.writerow([*vars(sizes[0]), "what", "seconds_per_step", "seconds_to_begin"])
            writer.writerows(rows)


def sizes_of(shapes: Sequence[str]) -> list[Size]:
    """The named shapes, or all, each with either activation and optimizer."""
    chosen = [tuple(map(int, shape.split("x"))) for shape in shapes] or SHAPES
    return [
        Size(*shape, activation, optimizer)
        for shape, activation, optimizer in product(chosen, ("tanh", "relu"), ("adam", "sgd"))
    ]


def main() -> None:
    """Measure in this process, with so many threads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shapes", nargs="*", metavar="DEPTHxWIDTHxBATCH")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--csv", metavar="FILE", help="add the times to it")
    parser.add_argument("--peers", default=",".join(PEERS), help="which, with commas between")
    arguments = parser.parse_args()
    threads = arguments.threads
    if os.environ.get("OMP_NUM_THREADS") != str(threads):  # read when libraries are imported
        os.environ |= {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
        os.execv(sys.executable, [sys.executable, "-m", "tests.benchmarks.peers", *sys.argv[1:]])
    if hasattr(os, "sched_setaffinity"):  # JAX has no other way to one thread
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    print(f"{threads} thread{'s' * (threads > 1)}")
    names = [name for name in arguments.peers.split(",") if name]
    for line in lines(sizes_of(arguments.shapes), names, arguments.csv):
        print(line, flush=True)


if __name__ == "__main__":
    main()
