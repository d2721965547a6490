"""Who carries out the probes: processes beside this one, which end with it."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait

from vgrad.doctor.search import Runner, Task, in_turn
from vgrad.interrupts import Interrupts
from vgrad.plugins import load_plugins


@contextmanager
def crew(plugins: Sequence[str] = (), workers: int | None = None) -> Iterator[Runner]:
    """A runner on as many processes as there are cores; on one core, none but this one.

    They are spawned rather than forked: BLAS may have threads by now. Each begins with the
    `plugins` loaded. An interrupt ends them at once.
    """
    workers = cores() if workers is None else workers
    if workers < 2:
        yield in_turn
        return
    context = multiprocessing.get_context("spawn")
    with (
        Interrupts().active(),
        ProcessPoolExecutor(
            workers, context, initializer=_begin, initargs=(tuple(plugins),)
        ) as pool,
    ):

        def run(tasks: Sequence[Task]) -> list[object]:
            futures = [pool.submit(carried_out, task) for task in tasks]
            return [future.result() for future in futures]

        try:
            yield run
        except BaseException:
            # no future is cancelled: a pool that finds its processes dead trips over those
            # (gh-107219), and says so in a traceback
            pool.shutdown(wait=False)
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def carried_out(task: Task) -> object:
    """What the task comes to."""
    return task()


def cores() -> int:
    """How many this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _begin(plugins: tuple[str, ...]) -> None:
    """No Ctrl-C, which is for the one that waits; and an end as soon as that one is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    load_plugins(plugins)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
