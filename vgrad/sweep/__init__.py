"""Sweeps: many runs of one experiment, made side by side, kept as they end, taken up again.

`run_sweep` makes them, `resume_sweep` goes on with those that were left.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from vgrad import store
from vgrad.config.dumping import to_yaml
from vgrad.interrupts import Interrupts
from vgrad.plugins import load_plugins
from vgrad.plugins.loading import Paths
from vgrad.provenance import comment_of, require_plugins
from vgrad.runner import default_runs_dir
from vgrad.store import Run, Sweep, SweepWriter, create_sweep, layout, reopen_sweep
from vgrad.sweep.bayes import BayesTrials
from vgrad.sweep.checking import Checked, check
from vgrad.sweep.coordinator import Cells, Coordinator, SweepWatcher
from vgrad.sweep.executors import Workers, dask_cluster, default_workers, local_pool
from vgrad.sweep.jobs import Job, PluginFile
from vgrad.sweep.reading import Wishes, read_spec, wishes
from vgrad.sweep.spec import Metric, Spec
from vgrad.sweep.trials import FixedTrials, Trial, Trials

__all__ = [
    "Checked",
    "How",
    "Metric",
    "Spec",
    "Wishes",
    "Workers",
    "check",
    "dask_cluster",
    "local_pool",
    "open_sweep",
    "read_spec",
    "resume_sweep",
    "run_sweep",
    "wishes",
]

DEFAULT_NAME = "sweep"

OnChecked = Callable[[int, int], None]
"""Hears of how many of how many runs were checked."""
Watch = Callable[[Spec, Checked, str], SweepWatcher]
"""Makes the watcher of a sweep that is checked, of this id."""


@dataclass(frozen=True)
class How:
    """How a sweep is carried out; none of it changes its results.

    `workers` processes here, by default one per core, or those of the Dask scheduler at the
    address `dask`, or of any `executor` of `concurrent.futures`; a run that takes more than
    `timeout` seconds fails.
    """

    workers: int | None = None
    dask: str | None = None
    timeout: float | None = None
    executor: Workers | None = None

    def open(self, runs: int) -> AbstractContextManager[Workers]:
        """The workers for so many runs, for as long as they are needed."""
        if self.executor is not None:
            return _borrowed(self.executor)
        if self.dask is not None:
            return dask_cluster(self.dask)
        wanted = self.workers or default_workers()
        return local_pool(min(wanted, runs), self.timeout)


@contextmanager
def _borrowed(workers: Workers) -> Iterator[Workers]:
    yield workers


def run_sweep(
    file: str | Path,
    overrides: Sequence[str] = (),
    *,
    wish: Wishes | None = None,
    how: How | None = None,
    plugins: Paths = (),
    runs_dir: str | Path | None = None,
    watch: Watch | None = None,
    on_checked: OnChecked | None = None,
) -> Sweep:
    """Make all runs of a sweep file, or of an experiment file with overrides of several values,
    and keep them in `runs_dir/<sweep-id>/`; return the stored sweep.

    Raises:
        RequestError: it is wrong; nothing was started.
        RunError: it could not go on; the runs that had ended are kept.
        KeyboardInterrupt: it was interrupted; the runs that had ended are kept.
    """
    used = load_plugins(plugins)
    spec, how = read_spec(file, overrides, wish), how or How()
    interrupts = Interrupts()
    with interrupts.active():
        sweep = _Sweep.of(spec, how, plugins, on_checked)
        folder = default_runs_dir() if runs_dir is None else Path(runs_dir)
        plain = spec.to_plain(sweep.checked.planned, sweep.checked.metric)
        text, name = comment_of(used) + to_yaml(plain), spec.name or DEFAULT_NAME
        with interrupts.held(), how.open(sweep.checked.planned) as workers:
            with create_sweep(folder, name, text, spec.keys) as writer:
                sweep.go(writer, workers, interrupts, watch)
            interrupts.forget()
    return Sweep(writer.path)


def resume_sweep(
    ref: str,
    *,
    how: How | None = None,
    retry_failed: bool = False,
    plugins: Paths = (),
    runs_dir: str | Path | None = None,
    watch: Watch | None = None,
    on_checked: OnChecked | None = None,
) -> Sweep:
    """Make the runs of a sweep that have not ended, with `retry_failed` also those that failed;
    the results are those of a sweep that was never left. The `plugins` that it was made with must
    be given again.

    Raises:
        RequestError: there is no such sweep, or another process is at it.
        RunError, KeyboardInterrupt: as `run_sweep`.
    """
    stored = open_sweep(ref, runs_dir)
    path = stored.path
    for result in stored.results[:1]:
        require_plugins(Run(path / result.run_id), plugins)
    load_plugins(plugins)
    spec, how = read_spec(path / layout.SWEEP), how or How()
    interrupts = Interrupts()
    with interrupts.active():
        sweep = _Sweep.of(spec, how, plugins, on_checked)
        with interrupts.held(), how.open(sweep.checked.planned) as workers:
            with reopen_sweep(path, spec.keys) as writer:
                if retry_failed:
                    writer.forget([layout.FAILED])
                sweep.go(writer, workers, interrupts, watch)
            interrupts.forget()
    return Sweep(path)


def open_sweep(ref: str = "latest", runs_dir: str | Path | None = None) -> Sweep:
    """The stored sweep that `ref` stands for: a sweep-id, an unambiguous part of one, or `latest`.

    Raises:
        RequestError: there is none, or more than one.
    """
    return store.open_sweep(ref, default_runs_dir() if runs_dir is None else runs_dir)


@dataclass(frozen=True)
class _Sweep:
    spec: Spec
    checked: Checked
    trials: Trials
    how: How
    plugins: tuple[PluginFile, ...]

    @classmethod
    def of(cls, spec: Spec, how: How, plugins: Paths, on_checked: OnChecked | None) -> "_Sweep":
        """
        Raises:
            RequestError: it is wrong.
        """
        checked = check(spec, on_checked)
        trials: Trials = (
            BayesTrials(spec, checked.metric) if spec.method == "bayes" else FixedTrials(spec)
        )
        paths = (plugins,) if isinstance(plugins, str | Path) else plugins
        return cls(spec, checked, trials, how, tuple(PluginFile.read(path) for path in paths))

    def go(
        self, writer: SweepWriter, workers: Workers, interrupts: Interrupts, watch: Watch | None
    ) -> None:
        watcher = watch(self.spec, self.checked, writer.id) if watch else Unwatched()
        metric = self.checked.metric
        Coordinator(self.trials, self._job, metric, writer, watcher).go(workers, interrupts)

    def _job(self, trial: Trial) -> Job:
        config = self.spec.config(trial.changes).to_dict()
        return Job(trial.run_id, config, self.plugins, self.how.timeout, tuple(sys.argv))


class Unwatched:
    """The watcher of a sweep that nobody watches."""

    def on_run(self, row: Cells, *, new: bool) -> None:
        """Nothing."""

    def on_wait(self, running: int) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""
