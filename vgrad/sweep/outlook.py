"""What a sweep will be and take, before anything of it starts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from vgrad.config import Config
from vgrad.estimate import estimate
from vgrad.experiment import Experiment, prepare
from vgrad.plugins import load_plugins
from vgrad.plugins.loading import Paths
from vgrad.sweep.checking import check, sample
from vgrad.sweep.executors import default_workers
from vgrad.sweep.reading import Wishes, read_spec
from vgrad.sweep.spec import Spec
from vgrad.sweep.trials import Trial, trials

PROBED = 5  # runs whose first steps are made, to estimate the time of all
COSTED = 200  # runs whose cost is worked out; of more, so many evenly spread ones
CALL = 4000.0
"""Multiplications that take as long as what a layer costs beside its products."""


@dataclass(frozen=True)
class Outlook:
    """A sweep to be: `trials` (none yet where each is chosen by the results before), how many runs
    in all, at how many at once, `nbytes` of memory in all and `seconds` of time for all."""

    keys: tuple[str, ...]
    method: str
    planned: int
    trials: tuple[Trial, ...]
    workers: int
    nbytes: int
    seconds: float
    metric: str


def outlook(
    file: str | Path,
    overrides: Sequence[str],
    wishes: Wishes,
    workers: int | None = None,
    plugins: Paths = (),
) -> Outlook:
    """What a sweep would be. A few steps of some of its runs are made, to estimate the time.

    Raises:
        RequestError: it is wrong.
    """
    load_plugins(plugins)
    spec = read_spec(file, overrides, wishes)
    checked = check(spec)
    count = min(workers or default_workers(), checked.planned)
    known = spec.method != "bayes"
    return Outlook(
        spec.keys,
        spec.method,
        checked.planned,
        tuple(islice(trials(spec, checked.planned), checked.planned)) if known else (),
        count,
        checked.largest * count,
        _seconds(spec, checked.planned) / count,
        checked.metric.name,
    )


def _seconds(spec: Spec, planned: int) -> float:
    """Of all runs, one after the other: some are timed, and the rest by their cost."""
    configs = [spec.config(changes) for changes in sample(spec, planned, COSTED)]
    by_cost = {cost_of(experiment): experiment for experiment in map(prepare, _distinct(configs))}
    costs = sorted(by_cost)
    probed = sorted({costs[i] for i in np.linspace(0, len(costs) - 1, PROBED).round().astype(int)})
    timed = [estimate(by_cost[cost]).seconds for cost in probed]
    if any(math.isnan(one) for one in timed):
        return math.nan
    of_all = np.interp([cost_of(prepare(config)) for config in configs], probed, timed)
    return float(of_all.mean()) * planned


def _distinct(configs: Sequence[Config]) -> list[Config]:
    """One config of each model and length: what else differs costs next to nothing."""
    return list(
        {(repr(one.model), repr(one.train), repr(one.data)): one for one in configs}.values()
    )


def cost_of(experiment: Experiment) -> float:
    """What the run will take, in multiplications, about."""
    products = 3.0 * experiment.parameters * experiment.batch_size
    return experiment.steps * (products + CALL * len(experiment.graph.layers))
