"""What a few networks show that are drawn: one forward and one backward pass each."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vgrad.data.batches import Loader
from vgrad.diagnosis import BESIDE, Verdict, diagnose
from vgrad.experiment import Experiment, Streams
from vgrad.forecast.content import Depths, Forecast
from vgrad.forecast.words import measured
from vgrad.nn.denormals import flushed_denormals
from vgrad.nn.plan import Plan
from vgrad.records import PREDICTION_DTYPE
from vgrad.stacks import layer_stacks
from vgrad.telemetry import Telemetry

Rows = NDArray[np.void]
Values = NDArray[np.float64]

FEWEST, MOST = 3, 10  # networks
WORK = 1.5e8
"""Multiplications forward that all of them may take together, a layer's calls counted as
`CALLS` of them: about a quarter of a second."""
CALLS = 2e4
TAILS = (0.05, 0.5, 0.95)
MEASURED = ("preact_mean", "preact_std", "act_mean", "act_std", "saturated_fraction")


def probe(experiment: Experiment, reason: str) -> Forecast:
    """Medians over networks of seeds from the config's own on, the first of which is that of a
    run; 5 % of them lie below the interval, 5 % above.

    Raises:
        RequestError: the network would not fit into memory, or its initializer not serve it.
    """
    seen = list(_networks(experiment, seeds_for(experiment)))
    with np.errstate(all="ignore"):  # what overflows is a result
        rows = _medians(seen)
    verdict = _verdict([one.layers for one in seen])
    return Forecast(
        rows, Depths(), verdict, measured(rows, len(seen)), "probe", reason, seeds=len(seen)
    )


def seeds_for(experiment: Experiment) -> int:
    """How many networks there is time for."""
    forward = experiment.parameters * experiment.batch_size
    calls = CALLS * len(experiment.graph.layers)
    return int(np.clip(WORK / (forward + calls), FEWEST, MOST))


@dataclass(frozen=True, eq=False)
class Seen:
    """One network: `LAYER_DTYPE` rows, and of each layer E[z²], the correlation of the z of two
    examples, and the means over examples of ‖δ‖² and of the mean square of ∂ℓ/∂W."""

    layers: Rows
    q: Values
    correlation: Values
    delta: Values
    grad: Values


def _networks(experiment: Experiment, count: int) -> Iterator[Seen]:
    dataset, seed = experiment.dataset, experiment.config.seed
    first = replace(experiment, streams=Streams.of_seed(seed))
    network = first.network()
    plan = network.plan(experiment.batch_size)
    stacks = list(layer_stacks(network, plan, np.zeros_like(network.params)))
    stacks = [replace(stack, previous_weight=None) for stack in stacks]
    telemetry = Telemetry(max(stack.largest for stack in stacks), experiment.dtype)
    outputs = experiment.graph.output.rows
    loader = Loader(dataset.x_train, dataset.y_train, dataset.n_classes, outputs)
    for own in range(seed, seed + count):
        one = replace(experiment, streams=Streams.of_seed(own))
        initializer = one.initialize(network)
        inputs, targets = plan.inputs[0][1:], plan.targets
        with flushed_denormals(), np.errstate(all="ignore"):
            if initializer.max_corrections:
                loader.load(np.arange(plan.batch), inputs=inputs, targets=targets)
                network.calibrate(initializer, plan)
            loader.load(one.order().take(), inputs=inputs, targets=targets)
            network.differentiate(plan, plan.full)
            yield _seen(telemetry.measure(0, stacks), plan)


def _seen(layers: Rows, plan: Plan) -> Seen:
    tape, columns = plan.full, []
    sources = [tape.value(layer.source) for layer in plan.graph.layers]
    for z, delta, x in zip(tape.preactivations, tape.deltas, sources, strict=True):
        strength, errors, inputs = (
            np.einsum("ub,ub->b", one, one, dtype=np.float64) for one in (z, delta, x)
        )
        total, summed = strength.sum(), z.sum(axis=1, dtype=np.float64)
        pairs = max(plan.batch - 1, 1)
        alike = (summed @ summed - total) / (pairs * total) if plan.batch > 1 else np.nan
        weights = z.shape[0] * x.shape[0]
        columns.append((total / z.size, alike, errors.mean(), (errors * inputs).mean() / weights))
    return Seen(layers, *np.array(columns).T)


def _medians(seen: list[Seen]) -> Rows:
    layers, names = seen[0].layers, seen[0].layers["name"]
    rows = np.zeros(layers.size, PREDICTION_DTYPE)
    rows["layer"], rows["name"] = layers["layer"], names
    for name in MEASURED:
        rows[name] = np.median([one.layers[name] for one in seen], axis=0)
    rows["q"] = np.median([one.q for one in seen], axis=0)
    rows["correlation"] = np.median([one.correlation for one in seen], axis=0)
    delta = np.array([one.delta for one in seen])  # (seeds, layers)
    rows["chi"][:-1] = np.median(delta[:, :-1] / delta[:, 1:], axis=0)
    rows["chi"][-1] = np.nan
    rms = np.array([one.layers["delta_rms"] for one in seen])
    last = _reference(names, rms)
    low, middle, high = np.quantile(rms / rms[:, [last]], TAILS, axis=0)
    rows["delta_low"], rows["delta_rms"], rows["delta_high"] = low, middle, high
    grad = np.sqrt([one.grad for one in seen])
    rows["grad_rms"] = np.median(grad / grad[:, [last]], axis=0)
    return rows


def _reference(names: NDArray[np.str_], rms: Values) -> int:
    """The last hidden layer on the way from input to output that gets any gradient."""
    alive = np.all(rms > 0.0, axis=0)
    beside = np.array([str(name).endswith(BESIDE) for name in names])
    (places,) = np.nonzero(alive[:-1] & ~beside[:-1])
    return int(places[-1]) if places.size else names.size - 1


def _verdict(measured: list[Rows]) -> Verdict:
    """That of most networks, in the words of the first of them."""
    verdicts = [diagnose(rows) for rows in measured]
    kind = Counter(one.kind for one in verdicts).most_common(1)[0][0]
    return next(one for one in verdicts if one.kind == kind)
