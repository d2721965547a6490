"""Handing runs to workers and keeping what comes back, until all have ended."""

import math
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Protocol

from vgrad.config.dumping import in_one_line
from vgrad.errors import RunError
from vgrad.interrupts import Interrupts
from vgrad.store import SweepWriter
from vgrad.store.sweeps import ENDED_WELL
from vgrad.sweep.axes import Changes
from vgrad.sweep.executors import Workers, reason
from vgrad.sweep.jobs import Job, Outcome, execute
from vgrad.sweep.spec import Metric
from vgrad.sweep.trials import Trial, Trials

IN_LINE = 2  # runs handed over per worker: one under way, one waiting
LOOK_UP_EVERY = 0.2  # seconds without news
LOST_CLUSTER = ("CancelledError", "FutureCancelledError", "CommClosedError")
"""By name: Dask's own are not imported here."""

Cells = Mapping[str, str]


class SweepWatcher(Protocol):
    """Whoever looks on while a sweep is under way."""

    def on_run(self, row: Cells, *, new: bool) -> None:
        """A run has ended, just now or (not `new`) before the sweep was taken up again."""

    def on_wait(self, running: int) -> None:
        """Nothing has ended for a moment; so many runs are under way."""

    def close(self) -> None:
        """The sweep is over, or broken off."""


@dataclass(frozen=True)
class Coordinator:
    """A sweep: its runs, how a run becomes a job, who makes them, and who keeps them."""

    trials: Trials
    job_of: Callable[[Trial], Job]
    metric: Metric
    writer: SweepWriter
    watcher: SweepWatcher

    def go(self, workers: Workers, interrupts: Interrupts) -> None:
        """Make all runs that have not ended; to be called while interrupts are held.

        Raises:
            RunError: a result could not be stored, or the workers are gone; the rest is kept.
            KeyboardInterrupt: it was interrupted; the runs that had ended are kept.
        """
        pending: dict[Future[Outcome], Trial] = {}
        with closing(self.watcher):
            try:
                while self._fill(pending, workers) or pending:
                    with interrupts.released():
                        ended, _ = wait(pending, LOOK_UP_EVERY, FIRST_COMPLETED)
                    for future in ended:
                        self._take(pending.pop(future), future)
                    self.watcher.on_wait(min(len(pending), workers.count()))
            except BaseException:
                for future in () if workers.ours else pending:
                    future.cancel()
                with suppress(RunError):  # that a disk is full has been told already
                    self.writer.finish()
                raise
            self.writer.finish()

    def _fill(self, pending: dict[Future[Outcome], Trial], workers: Workers) -> bool:
        """Hand over as many runs as workers can take; whether there are more to come."""
        room = IN_LINE * max(1, workers.count())
        while len(pending) < room:
            trial = self.trials.next()
            if trial is None:
                break
            if not self._ended_before(trial):
                pending[workers.executor.submit(execute, self.job_of(trial))] = trial
        return not self.trials.exhausted

    def _ended_before(self, trial: Trial) -> bool:
        row = self.writer.ended.get(trial.run_id)
        if row is None:
            row = self.writer.recover(trial.run_id, varied_cells(trial.changes))
        if row is None:
            return False
        self._tell(trial, row)
        self.watcher.on_run(row, new=False)
        return True

    def _take(self, trial: Trial, future: Future[Outcome]) -> None:
        try:
            outcome = future.result()
        except (Exception, CancelledError) as error:
            if isinstance(error, BrokenExecutor) or type(error).__name__ in LOST_CLUSTER:
                raise RunError(f"the workers are gone: {type(error).__name__}: {error}") from None
            outcome = Outcome.failure(reason(error))
        varied = varied_cells(trial.changes)
        row = self.writer.keep(trial.run_id, varied, outcome.summary, outcome.files)
        self._tell(trial, row)
        self.watcher.on_run(row, new=True)

    def _tell(self, trial: Trial, row: Cells) -> None:
        ended_well = row["status"] in ENDED_WELL  # how far others came is up to the machine
        value = float(row[self.metric.name] or math.nan) if ended_well else math.nan
        self.trials.tell(trial.number, value)


def varied_cells(changes: Changes) -> dict[str, str]:
    """The values of the swept keys, as a config has them on one line."""
    return {key: in_one_line(value) for key, value in changes.items()}
