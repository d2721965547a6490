"""One run from its config to its folder: the seam that the command line, Python and sweeps use."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TypedDict

from vgrad import store
from vgrad.config import Config
from vgrad.config.dumping import dump_yaml, flatten
from vgrad.errors import Problem, RequestError, RunError
from vgrad.experiment import Experiment, prepare
from vgrad.forecast.making import predicted_layers
from vgrad.interrupts import Interrupts
from vgrad.plugins import blamed
from vgrad.plugins.loading import Paths
from vgrad.provenance import (
    Overrides,
    Source,
    comment_of,
    kernels_of,
    load_with_plugins,
    require_plugins,
    with_kernels_of,
)
from vgrad.records import Plugin
from vgrad.session import Session, Watch
from vgrad.store import (
    Run,
    RunBuffer,
    collect_environment,
    create_run,
    layout,
    reopen_run,
)
from vgrad.training import Trainer

RUNS_DIR = "runs"
RUNS_DIR_VARIABLE = "VGRAD_RUNS_DIR"
DEFAULT_NAME = "run"


def _shown(run: Run) -> str:
    from vgrad.report.notebook import run_html

    return run_html(run)


Run.shown_by = _shown


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
        described, predictions = _described(experiment, used), predicted_layers(experiment)
        folder = default_runs_dir() if runs_dir is None else Path(runs_dir)
        with interrupts.held():
            writer = create_run(folder, predictions=predictions, **described)
            with closing(writer):
                Session(experiment, trainer, writer, interrupts, watch).go(checkpoint_every)
        return Run(writer.path)


def run_in_memory(
    config: Config,
    run_id: str,
    *,
    watch: Watch | None = None,
    command: Sequence[str] | None = None,
) -> RunBuffer:
    """Train what a config says and return what `run` would have written, as files in memory; but
    for the predictions, which take as long as many a run of a sweep, and need no training.

    A run that fails is a result here too: its status and error say so. `command` is what asked
    for it, by default this process's own.

    Raises:
        RequestError: the request is wrong; nothing was started.
    """
    config, used = load_with_plugins(config)
    experiment = prepare(config)
    with blamed():
        trainer = Trainer(experiment)
    buffer = RunBuffer(run_id, **_described(experiment, used, command))
    interrupts = Interrupts()
    with suppress(Exception), interrupts.active(), interrupts.held():  # `buffer` has the error
        Session(experiment, trainer, buffer, interrupts, watch).go()
    return buffer


def _described(
    experiment: Experiment, plugins: Sequence[Plugin], command: Sequence[str] | None = None
) -> "Description":
    """What is known of a run before it begins."""
    return {
        "name": experiment.config.name or DEFAULT_NAME,
        "config_yaml": comment_of(plugins) + dump_yaml(experiment.config),
        "config": flatten(experiment.config),
        "environment": collect_environment(
            sys.argv if command is None else command, plugins, kernels_of(experiment)
        ),
        "tables": list(_extra_tables(experiment)),
    }


class Description(TypedDict):
    """The keywords that `create_run` and `RunBuffer` share."""

    name: str
    config_yaml: str
    config: Mapping[str, object]
    environment: Mapping[str, object]
    tables: Sequence[str]


def _extra_tables(experiment: Experiment) -> Iterator[str]:
    """The tables that the records of this experiment fill beside those of every run."""
    if experiment.graph.blocks:
        yield layout.BLOCKS
    if experiment.limits_gradient:
        yield layout.CLIPPING
    if experiment.config.log.histograms:
        yield layout.JOURNAL


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
        RequestError: there is no such run, it has ended, another process is at it, a plugin is
            missing or has changed, or it was made with Numba, which is not installed now.
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
        experiment = with_kernels_of(stored, prepare(config))
        with blamed():
            trainer = Trainer(experiment)
        with interrupts.held(), closing(reopen_run(stored.path)) as writer:
            stored = Run(stored.path)  # as it stands now that nobody else can write it
            _refuse_ended(stored, stored.summary.get("status"))
            _restore(trainer, stored, experiment.config.log.every)
            writer.rewind(trainer.step - 1 if trainer.step else None)
            writer.resume(collect_environment(sys.argv, used, kernels_of(experiment)))
            session = Session(experiment, trainer, writer, interrupts, watch)
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
