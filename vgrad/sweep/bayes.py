"""Runs that are chosen by what the runs before them reached: Optuna's samplers, asked and told.

Which runs are made does not depend on how many workers make them: a run is chosen once exactly
the runs up to `AHEAD` before it are known, however many more have ended by then.
"""

import math
from dataclasses import dataclass
from typing import Any

from vgrad.errors import Problem, RequestError
from vgrad.sweep.axes import Axis, Bell, Changes, Choices
from vgrad.sweep.spec import Metric, Spec
from vgrad.sweep.trials import MOST_REFUSED, Trial, count, run_id

AHEAD = 8
"""Runs that may be under way at once: few enough to learn from, enough to keep a machine busy."""


class BayesTrials:
    """Runs suggested by Optuna's tree-structured Parzen estimator (Bergstra et al. 2011)."""

    def __init__(self, spec: Spec, metric: Metric) -> None:
        """
        Raises:
            RequestError: Optuna is not installed, or does not know a distribution.
        """
        self.planned = count(spec)
        self._spec, self._metric = spec, metric
        optuna = _optuna()
        self._optuna = optuna
        self._study = optuna.create_study(
            direction=metric.goal, sampler=optuna.samplers.TPESampler(seed=spec.seed)
        )
        self._space = _Space(optuna, spec)
        self._asked: dict[int, Any] = {}
        self._known: dict[int, float] = {}
        self._made = self._told = 0

    def next(self) -> Trial | None:
        """The next run; None where there is none, or what it builds on is not known yet."""
        if self.exhausted or not self._tell_until(self._made + 1 - AHEAD):
            return None
        self._made += 1
        self._asked[self._made], changes = self._ask()
        return Trial(self._made, run_id(self._made, self.planned, changes), changes)

    @property
    def exhausted(self) -> bool:
        """Whether all were made."""
        return self._made == self.planned

    def tell(self, number: int, value: float) -> None:
        """Note what a run reached; a run that has no metric was as bad as can be."""
        self._known[number] = value

    def _tell_until(self, last: int) -> bool:
        """Tell the study of all runs up to this number, in their order; whether it can be done."""
        while self._told < last:
            if self._told + 1 not in self._known:
                return False
            self._told += 1
            value = self._known.pop(self._told)
            worst = -self._metric.sign * math.inf
            trial = self._asked.pop(self._told)
            self._study.tell(trial, worst if math.isnan(value) else value)
        return True

    def _ask(self) -> tuple[Any, Changes]:
        for _ in range(MOST_REFUSED):
            trial = self._study.ask(self._space.distributions)
            changes = self._space.changes(trial.params)
            if not self._spec.excluded(changes):
                return trial, changes
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
        problem = Problem("leaves no combination", "exclude", "at least one")
        raise RequestError(self._spec.document.locate(problem))


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        allowed = "pip install 'vgrad[bayes]'"
        problem = Problem("method bayes needs Optuna, which is not installed", "", allowed)
        raise RequestError(problem) from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


@dataclass(frozen=True)
class _Space:
    """The axes of a sweep as Optuna knows them: one parameter each, of rows by their index."""

    axes: tuple[Axis, ...]
    distributions: dict[str, Any]

    def __init__(self, optuna: Any, spec: Spec) -> None:
        object.__setattr__(self, "axes", spec.axes)
        known = {axis.keys[0]: _distribution(optuna, spec, axis) for axis in spec.axes}
        object.__setattr__(self, "distributions", known)

    def changes(self, params: dict[str, Any]) -> Changes:
        changes: Changes = {}
        for axis in self.axes:
            value = params[axis.keys[0]]
            if isinstance(axis, Choices):
                changes |= axis.at(value)
            elif isinstance(axis, Bell) or axis.whole:
                changes[axis.key] = value
            else:
                changes[axis.key] = axis.clipped(value)
        return changes


def _distribution(optuna: Any, spec: Spec, axis: Axis) -> Any:
    kinds = optuna.distributions
    if isinstance(axis, Choices):
        return kinds.CategoricalDistribution(range(len(axis)))
    if isinstance(axis, Bell) or (axis.log and axis.step):
        problem = Problem("bayes does not know this distribution", axis.key, KNOWN)
        place = spec.place_of(axis.key, None)
        raise RequestError(problem.at(place.file, *place.value) if place else problem)
    if axis.whole:
        return kinds.IntDistribution(int(axis.low), int(axis.high))
    return kinds.FloatDistribution(*axis.ends, log=axis.log, step=axis.step)


KNOWN = "values, uniform, int_uniform, q_uniform, log_uniform or log_uniform_values"
