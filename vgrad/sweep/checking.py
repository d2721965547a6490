"""Everything that can be known to be wrong, before the first run of a sweep starts."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from vgrad.config import Config
from vgrad.errors import Problem, RequestError
from vgrad.experiment import Experiment, prepare
from vgrad.sweep.axes import Changes
from vgrad.sweep.spec import Metric, Spec
from vgrad.sweep.trials import count, trials

MOST_SHOWN = 20  # problems; the rest are of the same kind
HARMLESS = ("seed",)
"""Keys that decide nothing about whether a run can begin: a net of each is built but once."""


@dataclass(frozen=True)
class Checked:
    """A sweep whose every run can begin: how many, and what they are ranked by; `largest` is the
    memory of the largest run, in bytes."""

    planned: int
    metric: Metric
    largest: int


def check(spec: Spec, on_checked: Callable[[int, int], None] | None = None) -> Checked:
    """Resolve the config of every run, and build the network of all that could differ in it.

    `on_checked` hears of how many of how many runs were checked.

    Raises:
        RequestError: a run would be wrong; each problem at the place where it was caused.
    """
    planned = count(spec)
    problems: dict[str, Problem] = {}
    seen: set[str] = set()
    built: set[str] = set()
    first: Experiment | None = None
    largest = 0
    for number, changes in enumerate(_to_check(spec, planned), start=1):
        if on_checked:
            on_checked(number, planned)
        try:
            config = spec.config(changes)
            shape = _shape(config)
            if shape in seen:
                continue
            seen.add(shape)
            experiment = _begun(spec, config, changes, built)
        except RequestError as error:
            for problem in error.problems:
                problems.setdefault(_same(problem), problem)
            if len(problems) >= MOST_SHOWN:
                break
            continue
        largest = max(largest, experiment.nbytes)
        first = first or experiment
    if problems or first is None:
        raise RequestError(spec.document.in_order(list(problems.values())))
    metric = spec.metric or _usual_metric(first)
    return Checked(planned, metric, largest)


def _to_check(spec: Spec, planned: int) -> Iterator[Changes]:
    """The changes of every run; where they are not known, those at the ends of each axis."""
    if spec.method != "bayes":
        return (trial.changes for trial in trials(spec, planned))
    middle: Changes = {}
    for axis in spec.axes:
        middle |= axis.rows_at_ends()[0]
    return chain([middle], (middle | row for axis in spec.axes for row in axis.rows_at_ends()))


def _shape(config: Config) -> str:
    plain = {key: value for key, value in config.to_dict().items() if key not in HARMLESS}
    return json.dumps(plain, sort_keys=True, default=str)


def _begun(spec: Spec, config: Config, changes: Changes, built: set[str]) -> Experiment:
    """The experiment of a run, its network initialized once for each kind of model."""
    try:
        experiment = prepare(config)
        experiment.check_memory()
        model = json.dumps(config.to_dict()["model"])
        if model not in built:
            built.add(model)
            experiment.initialize(experiment.network())
        return experiment
    except RequestError as error:
        raise spec.located(error, changes) from None


def _same(problem: Problem) -> str:
    """What makes a problem one that was reported already: all but the other values beside it."""
    return (
        f"{problem.file}:{problem.line}:{problem.column}:{problem.key}:"
        + problem.message.split(" (with ")[0]
    )


def _usual_metric(experiment: Experiment) -> Metric:
    part = "test" if len(experiment.dataset.x_test) else "train"
    if experiment.dataset.task == "classification":
        return Metric.called("test_accuracy" if part == "test" else "train_accuracy")
    return Metric.called("test_loss" if part == "test" else "train_loss")


def sample(spec: Spec, planned: int, most: int) -> Iterator[Changes]:
    """The changes of at most so many runs, evenly spread over all that are known beforehand."""
    stride = max(1, planned // most)
    return islice(islice(_to_check(spec, planned), 0, None, stride), most)
