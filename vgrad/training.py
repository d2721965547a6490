"""The training loop and nothing else: it yields a record for each logged step.

Step k stands for the network after k updates. A logged step differentiates its batch on the full
tape, measures every layer, and only then updates; the steps between update each group of layers
as soon as the backward pass has its gradient.
"""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vgrad.config import Config
from vgrad.data.batches import Loader, consecutive
from vgrad.euclidean import norm
from vgrad.experiment import LARGEST_TEST_BATCH, Experiment, prepare
from vgrad.limiting import Limiter
from vgrad.nn.arrays import Array, fill
from vgrad.nn.denormals import flushed_denormals
from vgrad.nn.network import Group, Network
from vgrad.nn.optimizers import Optimizer
from vgrad.nn.plan import Plan, Tape
from vgrad.nn.schedules import Scheduler
from vgrad.observation import Observation
from vgrad.records import Metrics, Record
from vgrad.stacks import StretchView, stretch_views
from vgrad.telemetry import Telemetry

FORWARD = {"weight_norm": "weight", "preact_std": "pre-activation", "act_std": "output"}
"""What of a layer can first be not finite on the way forward, and its name to the user."""

State = dict[str, NDArray[np.generic]]


class Stateful(Protocol):
    """Who keeps a part of what the steps to come depend on."""

    def state(self) -> State:
        """That part, as named arrays."""

    def load_state(self, state: State) -> None:
        """Go on from what `state` returned."""


@dataclass(frozen=True)
class Divergence:
    """Where the first number that is not finite was found."""

    step: int
    layer: str
    """The first layer, in the order of the forward pass, that holds one; "" if only the loss."""
    what: str

    def __str__(self) -> str:
        where = f" of {self.layer}" if self.layer else ""
        return f"step {self.step}: the {self.what}{where} is no longer finite"


def train(config: Config) -> Iterator[Record]:
    """Train from scratch; a record per logged step, the last one after the last update.

    Raises:
        RequestError: the config cannot be carried out.
    """
    trainer = Trainer(prepare(config))
    return trainer.advance(trainer.steps)


class Trainer:
    """An experiment under way: `step` updates of `steps` made, unless `divergence` ended it."""

    @np.errstate(all="ignore")  # weights that overflow are a result, found at step 0
    def __init__(self, experiment: Experiment) -> None:
        """Build the network and write its first weights.

        Raises:
            RequestError: the network would not fit into memory, or its initializer not serve it.
        """
        self.steps, self.step = experiment.steps, 0
        self.divergence: Divergence | None = None
        self._experiment = experiment
        self._every = experiment.config.log.every
        self._histograms = experiment.config.log.histograms
        self._network = network = experiment.network()
        parts = [group.part for group in network.groups]
        segments = [one for group in network.groups for one in network.segments(group)]
        self._optimizer = Optimizer(
            experiment.rule, network.params, parts, segments, compiler=network.compiler
        )
        self._limiter = Limiter(experiment, network)
        self._scheduler = Scheduler(experiment.schedule, experiment.rule.lr, self.steps)
        self._order = experiment.order()
        dataset, outputs = experiment.dataset, experiment.graph.output.rows
        self._loader = Loader(dataset.x_train, dataset.y_train, dataset.n_classes, outputs)
        self._test = TestPart(experiment, network)
        self._previous = np.zeros_like(network.params)
        self._plans = {size: self._plan(size) for size in self._order.sizes}
        stacks = [one for _, views in self._plans.values() for view in views for one in view.stacks]
        self._telemetry = Telemetry(max(stack.largest for stack in stacks), experiment.dtype)
        self._scratch = np.empty(max(layer.weight.size for layer in network.layers), network.dtype)
        self._penalty = [0.0] * len(network.layers)  # of each layer, at the last step
        self._finished = False
        self._loss = math.nan  # of the last batch, without penalties
        self._tested_at = 0  # examples seen when the test part was last evaluated
        self._began = time.perf_counter()
        self._initialize()

    def _plan(self, size: int) -> tuple[Plan, list[StretchView]]:
        plan = self._network.plan(size, recompute=self._experiment.config.train.recompute)
        return plan, stretch_views(self._network, plan, self._previous)

    def _initialize(self) -> None:
        initializer = self._experiment.initialize(self._network)
        if initializer.max_corrections:
            size = self._order.batch_size
            plan, _ = self._plans[size]
            self._loader.load(np.arange(size), inputs=plan.inputs[0][1:], targets=plan.targets)
            self._network.calibrate(initializer, plan)

    @property
    def loss(self) -> float:
        """The mean loss of the last batch, without penalties; nan before the first."""
        return self._loss

    @property
    def finished(self) -> bool:
        """Whether the record of the last step was made."""
        return self._finished

    def advance(self, until: float) -> Iterator[Record]:
        """Go on to step `until`, at most `steps`, or to where a number is no longer finite.

        Yields a record for each step that is to be logged before `until`, and that of the last
        step when it is reached.
        """
        until = min(until, self.steps)
        while (record := self._next_record(until)) is not None:
            yield record

    def _next_record(self, until: float) -> Record | None:
        with flushed_denormals(), np.errstate(all="ignore"):  # what overflows is a result
            while self.divergence is None and self.step < until:
                batch = self._next_batch()
                if self.step % self._every == 0:
                    record = self._record(batch)
                    if self.divergence is None:
                        self._update_all(batch.plan)
                    return record
                if not self._quick_step(batch.plan):
                    return self._record(batch)
            if self.divergence is None and self.step == self.steps and not self._finished:
                self._finished = True
                return self._record(self._next_batch())
        return None

    def _next_batch(self) -> "Batch":
        epoch = self._order.seen / self._order.n
        chosen = self._order.take()
        plan, views = self._plans[len(chosen)]
        y = self._loader.load(chosen, inputs=plan.inputs[0][1:], targets=plan.targets)
        return Batch(epoch, y, plan, views)

    def _quick_step(self, plan: Plan) -> bool:
        """An update that nobody looks at; False, and no update, where the loss is not finite."""
        self._loss = self._network.evaluate(plan)
        if not math.isfinite(self._loss):
            return False
        self._before_update()
        self._limiter.begin()
        self._network.backward(plan, plan.lean, self._update_group)
        self._limiter.end()
        self._after_update(plan.lean)
        return True

    def _update_group(self, group: Group, grads: Array) -> None:
        self._penalize(group.layers, self._network.group_grads)
        self._limiter.group(group, self.step)
        self._optimizer.update(group.index, grads)

    def _update_all(self, plan: Plan) -> None:
        self._before_update()
        for group in reversed(self._network.groups):
            self._optimizer.update(group.index, self._network.grads[group.part])
        self._after_update(plan.full)

    def _after_update(self, tape: Tape) -> None:
        self._network.commit(tape)
        self._scheduler.observe(self.step, self._loss)
        self.step += 1

    def _before_update(self) -> None:
        if self._is_due(self.step + 1):
            np.copyto(self._previous, self._network.params)
        self._optimizer.begin(self._rate())

    def _is_due(self, step: int) -> bool:
        """Whether it will be logged anyway, and not just for being the one that diverged."""
        return step % self._every == 0 or step == self.steps

    def _rate(self) -> float:
        return self._scheduler.rate(self.step)

    def _penalize(self, layers: Iterable[int], layer_grads: Sequence[Array]) -> None:
        """Add the penalties' gradient to that of these layers' weights, and note their value."""
        penalties = self._experiment.penalties
        if penalties:
            for index in layers:
                weight, grad = self._network.layers[index].weight[:, 1:], layer_grads[index][:, 1:]
                scratch = self._scratch[: weight.size].reshape(weight.shape)
                self._penalty[index] = penalties.add(weight, grad, scratch)

    def _record(self, batch: "Batch") -> Record:
        """Differentiate the batch and measure everything; notes where it is not finite."""
        network, plan = self._network, batch.plan
        # the weights before are not known at first, nor at the step that diverges
        moved = self.step > 0 and self._is_due(self.step)
        seen = Observation(
            self.step, batch.views, self._telemetry, histograms=self._histograms, moved=moved
        )

        def look(stretch: int) -> None:
            self._penalize(batch.views[stretch].layers, network.layer_grads)
            seen.take_in(stretch)

        loss = self._loss = network.differentiate(plan, plan.full, look=look)
        accuracy = math.nan
        if self._experiment.dataset.task == "classification":
            accuracy = correct(plan.outputs, batch.y) / plan.batch
        loss += sum(self._penalty)
        grad_norm = norm(network.grads)
        test_loss, test_accuracy = self._test_metrics()
        metrics = Metrics(
            step=self.step,
            epoch=batch.epoch,
            train_loss=loss,
            train_accuracy=accuracy,
            test_loss=test_loss,
            test_accuracy=test_accuracy,
            lr=self._rate(),
            grad_norm=grad_norm,
            param_norm=norm(network.params),
            seconds=time.perf_counter() - self._began,
        )
        if not (math.isfinite(loss) and math.isfinite(grad_norm + metrics.param_norm)):
            self.divergence = locate_divergence(seen.layers, loss)
        return Record(
            metrics,
            seen.layers,
            seen.blocks,
            self._limiter.record(self.step) if self._limiter.active else None,
            seen.histograms,
        )

    def _test_metrics(self) -> tuple[float, float]:
        """Loss and accuracy on the test part, nan where it is not evaluated at this step.

        It is evaluated first and last, and between whenever as many examples were trained on as
        it holds: so it never takes more than about a third of the time of training.
        """
        seen = self._order.seen
        due = self.step == 0 or self._finished or seen - self._tested_at >= self._test.n
        if not due or self._test.n == 0:
            return math.nan, math.nan
        self._tested_at = seen
        return self._test.evaluate()

    def state(self) -> State:
        """Everything that the steps to come depend on, as named arrays; not copied."""
        own: State = {
            "step": np.asarray(self.step),
            "tested_at": np.asarray(self._tested_at),
            "seconds": np.asarray(time.perf_counter() - self._began),
            "params": self._network.params,
            "previous": self._previous,
        }
        parts = {name: owner.state() for name, owner in self._owners()}
        nested = {f"{part}/{k}": v for part, state in parts.items() for k, v in state.items()}
        return own | nested

    def _owners(self) -> "Iterator[tuple[str, Stateful]]":
        """Who keeps a part of the state."""
        yield "network", self._network
        yield "optimizer", self._optimizer
        yield "schedule", self._scheduler
        yield "limiter", self._limiter
        yield "order", self._order

    def load_state(self, state: State) -> None:
        """Go on from what `state` returned.

        Raises:
            KeyError, ValueError: it is not the state of a trainer of this experiment.
        """
        self.step, self._tested_at = int(state["step"]), int(state["tested_at"])
        self._began = time.perf_counter() - float(state["seconds"])
        if self.step > self.steps:
            raise ValueError(f"step {self.step} of {self.steps}")
        fill(self._network.params, state["params"])
        fill(self._previous, state["previous"])
        for part, owner in self._owners():
            prefix = f"{part}/"
            owner.load_state(
                {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
            )


@dataclass(frozen=True, eq=False)
class Batch:
    """A batch in the network's buffers: `epoch` passes were over before it; `y` as in the data."""

    epoch: float
    y: NDArray[np.generic]
    plan: Plan
    views: list[StretchView]


class TestPart:
    """The test part of the data, and the buffers to evaluate a network on it."""

    __test__ = False  # not a test, whatever pytest makes of its name

    def __init__(self, experiment: Experiment, network: Network) -> None:
        dataset = experiment.dataset
        self.n = len(dataset.x_test)
        self._classes = bool(dataset.n_classes)
        self._network = network
        self._loader = Loader(
            dataset.x_test, dataset.y_test, dataset.n_classes, experiment.graph.output.rows
        )
        self._batches = list(consecutive(self.n, LARGEST_TEST_BATCH))
        self._plans = {
            size: network.plan(size, training=False) for size in {len(b) for b in self._batches}
        }

    def evaluate(self) -> tuple[float, float]:
        """The mean loss, without penalties, and the accuracy (nan for regression)."""
        loss, right = 0.0, 0
        for batch in self._batches:
            plan = self._plans[len(batch)]
            y = self._loader.load(batch, inputs=plan.inputs[0][1:], targets=plan.targets)
            loss += self._network.evaluate(plan) * len(batch)
            if self._classes:
                right += correct(plan.outputs, y)
        return loss / self.n, right / self.n if self._classes else math.nan


def correct(outputs: Array, classes: NDArray[np.generic]) -> int:
    """How many examples fall into their class: the largest of the outputs `(outputs, batch)`, or
    the sign of a single one."""
    chosen = outputs.argmax(axis=0) if len(outputs) > 1 else outputs[0] > 0
    return int(np.count_nonzero(chosen == classes))


def locate_divergence(layers: NDArray[np.void], loss: float) -> Divergence:
    """Where the first number that is not finite appears: forward through the layers, then in the
    loss, then backward."""
    step = int(layers["step"][0])
    for row in layers:
        for column, what in FORWARD.items():
            if not math.isfinite(row[column]):
                return Divergence(step, str(row["name"]), what)
    if not math.isfinite(loss):
        return Divergence(step, "", "loss")
    for row in layers[::-1]:
        if not math.isfinite(row["grad_norm"]):
            return Divergence(step, str(row["name"]), "gradient")
    return Divergence(step, "", "gradient")
