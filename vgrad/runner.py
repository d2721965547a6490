"""One run from its config to its folder: the seam that the command line, Python and sweeps use."""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from vgrad import store
from vgrad.config.dumping import dump_yaml, flatten
from vgrad.diagnosis import diagnose_run, gradient_ratio
from vgrad.errors import Problem, RequestError, RunError
from vgrad.experiment import Experiment, prepare
from vgrad.interrupts import Interrupts
from vgrad.plugins import blamed
from vgrad.plugins.loading import Paths
from vgrad.provenance import Overrides, Source, comment_of, load_with_plugins, require_plugins
from vgrad.records import Metrics, Record
from vgrad.store import Run, RunWriter, collect_environment, create_run, layout, reopen_run
from vgrad.training import Trainer

RUNS_DIR = "runs"
RUNS_DIR_VARIABLE = "VGRAD_RUNS_DIR"
DEFAULT_NAME = "run"

THREADED_FROM = 2.0**24
"""Multiplications in the largest matrix product from which a second BLAS thread is worth its
hand-over; below, one thread is faster."""
ESTIMATE_SECONDS = 0.3  # of training that an estimate is taken from


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


def default_runs_dir() -> Path:
    """The folder of runs where none is named."""
    return Path(os.environ.get(RUNS_DIR_VARIABLE) or RUNS_DIR)


def open_run(ref: str = "latest", runs_dir: str | Path | None = None) -> Run:
    """The stored run that `ref` stands for: a run-id, an unambiguous part of one, or `latest`.

    Raises:
        RequestError: there is none, or more than one.
    """
    return store.open_run(ref, default_runs_dir() if runs_dir is None else runs_dir)


def run(
    config: Source,
    overrides: Overrides = (),
    *,
    plugins: Paths = (),
    runs_dir: str | Path | None = None,
    checkpoint_every: int | None = None,
    watch: Watch | None = None,
) -> Run:
    """Train what a config says and keep it in `runs_dir/<run-id>/`; return the stored run.

    `config` is a YAML file, a mapping of the same form, or a `Config`; `overrides` maps dotted
    keys to values, or lists "KEY=VALUE". `plugins` are Python files with parts of your own, as
    `vgrad.plugins` describes them. A run that diverges is a result, not an error.

    Raises:
        RequestError: the request is wrong; nothing was started.
        RunError: the run could not go on; what was logged is kept.
        KeyboardInterrupt: it was interrupted; what was logged is kept.
    """
    resolved, used = load_with_plugins(config, overrides, plugins)
    _check_cadence(checkpoint_every)
    interrupts = Interrupts()
    with interrupts.active():
        experiment = prepare(resolved)
        with blamed():
            trainer = Trainer(experiment)
        folder = default_runs_dir() if runs_dir is None else Path(runs_dir)
        with interrupts.held():
            writer = create_run(
                folder,
                name=resolved.name or DEFAULT_NAME,
                config_yaml=comment_of(used) + dump_yaml(experiment.config),
                config=flatten(experiment.config),
                environment=collect_environment(sys.argv, used),
                tables=_extra_tables(experiment),
            )
            with closing(writer):
                _Session(experiment, trainer, writer, interrupts, watch).go(checkpoint_every)
        return Run(writer.path)


def _extra_tables(experiment: Experiment) -> Iterator[str]:
    """The tables that the records of this experiment fill beside those of every run."""
    if experiment.graph.blocks:
        yield layout.BLOCKS
    if experiment.limits_gradient:
        yield layout.CLIPPING


def resume(
    ref: str,
    *,
    plugins: Paths = (),
    runs_dir: str | Path | None = None,
    checkpoint_every: int | None = None,
    watch: Watch | None = None,
) -> Run:
    """Go on with a run that was interrupted or lost, from its last checkpoint or else from its
    beginning; it ends in the same bytes as one that was never interrupted, but for times.
    The `plugins` that it was made with must be given again: nothing is loaded by itself.

    Raises:
        RequestError: there is no such run, it has ended, another process is at it, or a plugin
            is missing or has changed.
        RunError: it could not go on; what was logged is kept.
        KeyboardInterrupt: it was interrupted again.
    """
    _check_cadence(checkpoint_every)
    stored = open_run(ref, runs_dir)
    if stored.status == "running":
        raise RequestError(Problem(f"{stored.id} is still running"))
    _refuse_ended(stored, stored.status)
    interrupts = Interrupts()
    with interrupts.active():
        require_plugins(stored, plugins)
        config, used = load_with_plugins(stored.path / "config.yaml", (), plugins)
        experiment = prepare(config)
        with blamed():
            trainer = Trainer(experiment)
        with interrupts.held(), closing(reopen_run(stored.path)) as writer:
            stored = Run(stored.path)  # as it stands now that nobody else can write it
            _refuse_ended(stored, stored.summary.get("status"))
            _restore(trainer, stored, experiment.config.log.every)
            writer.rewind(trainer.step - 1 if trainer.step else None)
            writer.resume(collect_environment(sys.argv, used))
            session = _Session(experiment, trainer, writer, interrupts, watch)
            session.recall(Run(stored.path))
            session.go(checkpoint_every)
        return Run(stored.path)


def _refuse_ended(stored: Run, status: object) -> None:
    if status in ("finished", "diverged"):
        problem = f"{stored.id} has {status}"
        raise RequestError(Problem(problem, allowed="only a run that was left goes on"))


def _restore(trainer: Trainer, stored: Run, every: int) -> None:
    """Take up the last checkpoint, if there is one and the tables hold what came before it."""
    state = stored.read_checkpoint()
    if state is None:
        return
    try:
        trainer.load_state(state)
    except (KeyError, ValueError) as error:
        raise RunError(f"{stored.path}: the checkpoint does not fit the config: {error}") from None
    logged = set(range(0, trainer.step, every))
    for table, steps in (("metrics.csv", stored.metrics["step"]), ("layers.csv", stored.steps)):
        missing = logged.difference(map(int, steps))
        if missing:
            raise RunError(f"{stored.path / table}: step {min(missing)} is missing")


def _check_cadence(checkpoint_every: int | None) -> None:
    if checkpoint_every is not None and checkpoint_every < 1:
        raise RequestError(Problem("a checkpoint cadence is a number of steps, at least 1"))


class _Session:
    """The stretch from a trainer at some step to the end of its run."""

    def __init__(
        self,
        experiment: Experiment,
        trainer: Trainer,
        writer: RunWriter,
        interrupts: Interrupts,
        watch: Watch | None,
    ) -> None:
        self._experiment, self._trainer, self._writer = experiment, trainer, writer
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

    def go(self, checkpoint_every: int | None) -> None:
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
                        self._writer.append(record)
                        self._take_in(record)
                    watcher.on_record(record)
                if trainer.finished:
                    return
                if trainer.step == save_at:
                    with self._interrupts.held():
                        self._writer.checkpoint(trainer.state())
                watcher.on_step(trainer.step)
                stride.adapt()

    def _take_in(self, record: Record) -> None:
        self._metrics, self._last = record.metrics, record.layers
        if self._first is None:
            self._first = record.layers

    def _end(self, status: str, error: str | None = None) -> None:
        verdict = ratio = None
        if self._first is not None and self._last is not None:
            diverged = status == "diverged"
            verdict = diagnose_run(self._first, self._last, diverged=diverged).kind
            ratio = gradient_ratio(self._last)
        try:
            self._writer.finish(
                status=status,
                verdict=verdict,
                steps=self._trainer.step,
                final=asdict(self._metrics) if self._metrics else None,
                gradient_ratio=ratio,
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
    threads = None if largest * experiment.batch_size >= THREADED_FROM else 1
    with threadpool_limits(threads, user_api="blas"):
        yield


@dataclass(frozen=True)
class Estimate:
    """What a run will take: `nbytes` of memory, `seconds` of time (nan where it is not known)."""

    parameters: int
    nbytes: int
    steps: int
    seconds: float


def estimate(experiment: Experiment) -> Estimate:
    """What a run will take. The time is extrapolated from its first steps, which are made.

    Raises:
        RequestError: the network would not fit into memory.
    """
    with blamed():
        trainer = Trainer(experiment)
    begun, target = time.perf_counter(), 1
    with blas_threads(experiment), blamed():
        while True:
            for _ in trainer.advance(min(target, trainer.steps)):
                pass
            taken = time.perf_counter() - begun
            ended = trainer.divergence is not None or trainer.step >= trainer.steps
            if ended or taken > ESTIMATE_SECONDS:
                break
            target *= 2
    seconds = taken * trainer.steps / trainer.step if trainer.step else math.nan
    return Estimate(experiment.parameters, experiment.nbytes, experiment.steps, seconds)
