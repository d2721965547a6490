"""Where runs are carried out: anything that speaks the interface of `concurrent.futures`.

`local_pool` is one process per worker on this machine, `dask_cluster` a Dask scheduler's workers.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.synchronize import Semaphore
from typing import Any

from vgrad.errors import Problem, RequestError, RunError

KILL_AFTER = 1.5, 10.0
"""A worker that is still at a run at (first) × timeout + (second) seconds hangs, and is killed."""
CONNECT_SECONDS = 5.0
LOOK_UP_EVERY = 0.1  # seconds, whether workers that are to begin have failed


@dataclass(frozen=True)
class Workers:
    """An executor, and at how many runs it can be at once. One that is `ours` ends, with all that
    it does, when the sweep ends."""

    executor: Executor
    count: Callable[[], int]
    ours: bool = False


def default_workers() -> int:
    """One for each core that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@contextmanager
def local_pool(workers: int | None = None, timeout: float | None = None) -> Iterator[Workers]:
    """So many processes on this machine, with one BLAS thread each; gone at the end.

    A worker that dies takes only its own run with it, and is replaced.
    """
    count = workers or default_workers()
    pool = LocalPool(count, timeout)
    try:
        yield Workers(pool, lambda: count, ours=True)
    finally:
        pool.shutdown(cancel_futures=True)


class LocalPool(Executor):
    """A pool of processes that outlives them: pebble's, as an `Executor`."""

    def __init__(self, workers: int, timeout: float | None = None) -> None:
        """
        Raises:
            RunError: no worker could begin; what it said stands on stderr.
        """
        from pebble import ProcessPool

        self._kill_after = timeout and timeout * KILL_AFTER[0] + KILL_AFTER[1]
        context = multiprocessing.get_context("spawn")
        self._ready = ready = context.Semaphore(0)  # kept: workers to come need it as well
        with _without_interrupts():  # its threads, and so the workers, inherit this
            self._pool = ProcessPool(
                max_workers=workers,
                initializer=_begin_worker,
                initargs=(ready,),
                context=context,
            )
            begun = self._pool.schedule(_nothing)
        # one that still begins while the pool is stopped would say so in a traceback
        for _ in range(workers):
            while not ready.acquire(timeout=LOOK_UP_EVERY):
                if begun.done() and begun.exception() is not None:
                    self.shutdown(cancel_futures=True)
                    raise RunError("no worker process could begin")

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a worker call `fn`."""
        future: Future[Any] = self._pool.schedule(
            fn, args=args, kwargs=kwargs, timeout=self._kill_after
        )
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers; with `cancel_futures` at once."""
        if cancel_futures:
            self._pool.stop()
        else:
            self._pool.close()
        if wait:
            self._pool.join()


def _nothing() -> None:
    """What a pool does to begin with."""


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Threads and processes that begin within it never get a Ctrl-C: the coordinator does."""
    if not hasattr(signal, "pthread_sigmask"):  # pragma: no cover - not on this platform
        yield
        return
    resource_tracker.ensure_running()  # which would unblock SIGINT in the thread that begins it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker(ready: Semaphore) -> None:
    """One BLAS thread; no Ctrl-C; and an end as soon as the coordinator is gone."""
    from threadpoolctl import threadpool_limits

    import vgrad.runner  # noqa: F401  # with NumPy, whose BLAS is to be limited

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1, user_api="blas")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    ready.release()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@contextmanager
def dask_cluster(address: str) -> Iterator[Workers]:
    """The workers of a Dask scheduler. They share no disk with us, but need vgrad installed.

    A worker that dies has its runs made by another one; a run that kills several is given up.

    Raises:
        RequestError: Dask is not installed, or there is no scheduler at this address.
    """
    try:
        from distributed import Client
    except ImportError:
        allowed = "pip install 'vgrad[dask]'"
        raise RequestError(
            Problem("--dask needs Dask, which is not installed", "", allowed)
        ) from None
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        what = Problem(f"no Dask scheduler answers at {address}", "", "tcp://HOST:PORT")
        raise RequestError(what) from error
    try:
        executor = client.get_executor(pure=False)
        yield Workers(executor, lambda: sum(client.nthreads().values()), ours=True)
    finally:
        client.close(timeout=CONNECT_SECONDS)


def reason(error: BaseException) -> str:
    """Why a run came back without an outcome, in words."""
    name = type(error).__name__
    if name == "ProcessExpired":
        code = getattr(error, "exitcode", None)
        if isinstance(code, int) and code < 0:
            return f"its worker process was killed by {signal.Signals(-code).name}"
        return f"its worker process ended with exit code {code}"
    if isinstance(error, TimeoutError):
        return "its worker hung long after the timeout, and was killed"
    if name == "KilledWorker":
        return "it killed the Dask workers that it was given to"
    return f"{name}: {error}"
