"""The stretch from a trainer at some step to the end of its run, watched and written down."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from vgrad.diagnosis import diagnose_run
from vgrad.errors import RunError
from vgrad.experiment import Experiment
from vgrad.interrupts import Interrupts
from vgrad.plugins import blamed
from vgrad.records import Metrics, Record
from vgrad.store import Recorder, Run
from vgrad.training import Trainer

THREADED_FROM = 2.0**23
"""Multiplications in the largest matrix product from which a second BLAS thread is worth its
hand-over; below, one thread is faster."""


class Watcher(Protocol):
    """Whoever looks on while a run is under way."""

    def on_step(self, step: int) -> None:
        """This many updates are made; called a few times a second."""

    def on_record(self, record: Record) -> None:
        """A step was logged."""

    def close(self) -> None:
        """The run is over, or broken off."""


Watch = Callable[[int, int], Watcher]
"""Makes the watcher of a run that goes from a step (second) to its last step (first)."""


class Session:
    """A trainer that goes on to its end, and who keeps what it logs."""

    def __init__(
        self,
        experiment: Experiment,
        trainer: Trainer,
        recorder: Recorder,
        interrupts: Interrupts,
        watch: Watch | None,
    ) -> None:
        self._experiment, self._trainer, self._recorder = experiment, trainer, recorder
        self._interrupts, self._watch = interrupts, watch
        self._first: NDArray[np.void] | None = None
        self._last: NDArray[np.void] | None = None
        self._metrics: Metrics | None = None

    def recall(self, stored: Run) -> None:
        """Take in what was logged before."""
        if stored.steps:
            self._first = stored.layers_at(stored.steps[0])
            self._last = stored.layers_at(stored.steps[-1])
            self._metrics = Metrics(*stored.metrics[-1].item())

    def go(self, checkpoint_every: int | None = None) -> None:
        """Train to the end, and write down how it ended, however it does.

        To be called while interrupts are held: the training is all that they may cut short.
        """
        try:
            with self._interrupts.released(), blas_threads(self._experiment), blamed():
                self._train(checkpoint_every)
        except KeyboardInterrupt:
            self._end("interrupted")
            raise
        except BaseException as error:
            self._end("failed", str(error) or type(error).__name__)
            raise
        divergence = self._trainer.divergence
        if divergence is None:
            self._end("finished")
        else:
            self._end("diverged", str(divergence))
        self._interrupts.forget()

    def _train(self, checkpoint_every: int | None) -> None:
        trainer, stride = self._trainer, Stride()
        watcher = self._watch(trainer.steps, trainer.step) if self._watch else Unwatched()
        with closing(watcher):
            while trainer.divergence is None:
                save_at = _next_multiple(trainer.step, checkpoint_every)
                for record in trainer.advance(min(trainer.step + stride.steps, save_at)):
                    with self._interrupts.held():
                        self._recorder.append(record)
                        self._take_in(record)
                    watcher.on_record(record)
                if trainer.finished:
                    return
                if trainer.step == save_at:
                    with self._interrupts.held():
                        self._recorder.checkpoint(trainer.state())
                watcher.on_step(trainer.step)
                stride.adapt()

    def _take_in(self, record: Record) -> None:
        self._metrics, self._last = record.metrics, record.layers
        if self._first is None:
            self._first = record.layers

    def _end(self, status: str, error: str | None = None) -> None:
        verdict = None
        if self._first is not None and self._last is not None:
            verdict = diagnose_run(self._first, self._last, diverged=status == "diverged")
        try:
            self._recorder.finish(
                status=status,
                verdict=verdict.kind if verdict else None,
                steps=self._trainer.step,
                final=asdict(self._metrics) if self._metrics else None,
                gradient_ratio=verdict.gradient_ratio if verdict else None,
                slope_per_layer=verdict.slope_per_layer if verdict else None,
                seconds=self._metrics.seconds if self._metrics else 0.0,
                error=error,
            )
        except RunError:
            if status != "failed":  # a full disk has been told already
                raise


class Unwatched:
    """The watcher of a run that nobody watches."""

    def on_step(self, step: int) -> None:
        """Nothing."""

    def on_record(self, record: Record) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Stride:
    """How many steps to make before looking up again: about `SECONDS` worth."""

    SECONDS = 0.05  # often enough for a picture that moves, rarely enough to cost nothing

    def __init__(self) -> None:
        self.steps = 1
        self._since = time.perf_counter()

    def adapt(self) -> None:
        """Take into account how long the last stride took."""
        now = time.perf_counter()
        taken, self._since = now - self._since, now
        self.steps = self.steps * 2 if taken < self.SECONDS / 2 else self.steps
        self.steps = max(1, self.steps // 2) if taken > self.SECONDS * 2 else self.steps


def _next_multiple(step: int, every: int | None) -> float:
    return math.inf if every is None else (step // every + 1) * every


@contextmanager
def blas_threads(experiment: Experiment) -> Iterator[None]:
    """Limit BLAS to one thread where more would not pay."""
    largest = max(layer.weight.size for layer in experiment.graph.layers)
    with threadpool_limits(threads_for(largest, experiment.batch_size), user_api="blas"):
        yield


def threads_for(weights: int, batch: int) -> int | None:
    """BLAS threads for a net whose largest layer has so many weights; None: all that there are."""
    return None if weights * batch >= THREADED_FROM else 1
