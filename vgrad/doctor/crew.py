"""Who carries out the probes: processes beside this one, of one BLAS thread each."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from vgrad.doctor.search import Runner, Task, in_turn
from vgrad.plugins import load_plugins


@contextmanager
def crew(plugins: Sequence[str] = (), workers: int | None = None) -> Iterator[Runner]:
    """A runner on as many processes as there are cores; on one core, none but this one.

    They are spawned rather than forked: BLAS may have threads by now. Each begins with the
    `plugins` loaded.
    """
    workers = cores() if workers is None else workers
    if workers < 2:
        yield in_turn
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(
        workers, context, initializer=load_plugins, initargs=(tuple(plugins),)
    ) as pool:

        def run(tasks: Sequence[Task]) -> list[object]:
            return list(pool.map(carried_out, tasks))

        try:
            yield run
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def carried_out(task: Task) -> object:
    """What the task comes to."""
    return task()


def cores() -> int:
    """How many this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1
