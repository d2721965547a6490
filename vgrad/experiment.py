"""From a config to everything that training needs: data, network, optimizer, random streams."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vgrad.compiling import available, compiled
from vgrad.config import Config
from vgrad.config.parts import Part
from vgrad.data import Dataset, datasets, load
from vgrad.data.batches import BatchOrder
from vgrad.errors import Problem, RequestError
from vgrad.nn.activations import activations
from vgrad.nn.clipping import Clip, NoClip, clips
from vgrad.nn.graph import Graph
from vgrad.nn.initializers import Initializer, initializers
from vgrad.nn.initializers.fixed import Constant
from vgrad.nn.kernels import Compiler
from vgrad.nn.losses import Loss, losses
from vgrad.nn.memory import Layout
from vgrad.nn.network import Network, groups_of
from vgrad.nn.noise import GradientNoise
from vgrad.nn.norms import norms
from vgrad.nn.optimizers import UpdateRule, optimizers
from vgrad.nn.penalties import Penalties
from vgrad.nn.schedules import Schedule, schedules
from vgrad.nn.stretches import stretches
from vgrad.nn.wiring import Model, connectivities

LARGEST_TEST_BATCH = 512  # examples evaluated at once: as fast as more, in bounded memory
STACK = 2**18  # elements of the arrays measured at once: of fewer the calls would cost too much
DEFAULT_LOSS = {"classification": "cross_entropy", "regression": "mse"}
GIB = 2.0**30
COMPILED_FROM = 1e9
"""Updates of single parameters and activations of single units in a run from which compiled kernels
save more, about a nanosecond each, than the second that it takes to have them."""


@dataclass(frozen=True, eq=False)
class Streams:
    """Independent random generators: changing what one draws leaves the others alone."""

    init: np.random.Generator
    data: np.random.Generator
    order: np.random.Generator
    noise: np.random.Generator
    """Dropout, and noise on gradients."""

    @classmethod
    def of_seed(cls, seed: int) -> "Streams":
        """The streams of an experiment's seed."""
        sequences = np.random.SeedSequence(seed).spawn(len(cls.__dataclass_fields__))
        return cls(*(np.random.default_rng(sequence) for sequence in sequences))


@dataclass(frozen=True, eq=False)
class Experiment:
    """A config with its data at hand; `config` has every choice made, the loss included."""

    config: Config
    dataset: Dataset
    loss: Loss
    rule: UpdateRule
    schedule: Schedule
    penalties: Penalties
    clip: Clip
    noise: GradientNoise
    graph: Graph
    streams: Streams
    kernels: bool = True
    """Whether compiled kernels may be used; not where NumPy alone has begun the run."""

    @property
    def dtype(self) -> np.dtype[np.floating[Any]]:
        """The precision of all arrays."""
        return np.dtype(self.config.dtype)

    @property
    def limits_gradient(self) -> bool:
        """Whether the optimizer gets another gradient than the loss gave."""
        return not isinstance(self.clip, NoClip) or bool(self.noise)

    @property
    def batch_size(self) -> int:
        """Examples per step."""
        asked = self.config.train.batch_size
        n = len(self.dataset.x_train)
        return n if asked == "full" else min(asked, n)

    @property
    def steps(self) -> int:
        """Updates to make."""
        train = self.config.train
        if train.steps is not None:
            return train.steps
        per_epoch = -(-len(self.dataset.x_train) // self.batch_size)
        return (train.epochs or 0) * per_epoch

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self.graph.size

    @property
    def compiler(self) -> Compiler | None:
        """What compiles the engine's kernels, where that would pay and can be done."""
        if not self.kernels:
            return None
        units = sum(layer.preactivation.rows for layer in self.graph.layers)
        numbers = self.steps * (self.parameters + self.batch_size * units)
        return compiled if numbers >= COMPILED_FROM and available() else None

    @property
    def nbytes(self) -> int:
        """The memory that data, parameters, optimizer and buffers will take, in bytes."""
        data, tested = self.dataset, len(self.dataset.x_test)
        held = data.x_train.nbytes + data.x_test.nbytes + data.y_train.nbytes + data.y_test.nbytes
        vectors = 3 + len(self.rule.slots)  # weights, gradient, previous weights, slots
        largest = max(group.size for group in groups_of(self.graph))
        parameters = vectors * self.parameters
        parameters += self.parameters if self.clip.needs_all else largest
        remainder = len(data.x_train) % self.batch_size
        plans = sum(self._plan_size(n, training=True) for n in {self.batch_size, remainder})
        for size in {min(LARGEST_TEST_BATCH, tested), tested % LARGEST_TEST_BATCH}:
            plans += self._plan_size(size, training=False)
        weight = max(layer.weight.size for layer in self.graph.layers)
        widest = max(layer.preactivation.rows for layer in self.graph.layers)
        measured = max(STACK, weight, widest * self.batch_size)
        scratch = weight * self.dtype.itemsize + measured * (3 * self.dtype.itemsize + 1)
        return held + (parameters + plans) * self.dtype.itemsize + scratch

    def _plan_size(self, batch: int, *, training: bool) -> int:
        """Elements of a plan's block of memory."""
        if batch == 0:
            return 0
        parts = stretches(self.graph) if training and self.config.train.recompute else ()
        scratch = self.loss.n_scratch
        return Layout(
            self.graph, batch, training=training, loss_scratch=scratch, stretches=parts
        ).size

    def order(self) -> BatchOrder:
        """The batches, from the first."""
        return BatchOrder(len(self.dataset.x_train), self.batch_size, self.streams.order)

    def network(self) -> Network:
        """The network, its weights not yet written.

        Raises:
            RequestError: it would not fit into memory; says how much it would need.
        """
        self.check_memory()
        whole = self.clip.needs_all
        return Network(
            self.graph,
            self.loss,
            self.dtype,
            rng=self.streams.noise,
            update_whole=whole,
            compiler=self.compiler,
        )

    def check_memory(self) -> None:
        """
        Raises:
            RequestError: the network would not fit into memory; says how much it would need.
        """
        available, needed = available_memory(), self.nbytes
        if needed > available:
            widest = max(layer.preactivation.rows for layer in self.graph.layers)
            raise self.located(
                Problem(
                    f"the network needs {needed / GIB:,.1f} GiB of memory",
                    "model.width" if widest > len(self.graph.layers) else "model.depth",
                    f"{available / GIB:,.1f} GiB are available",
                )
            )

    @property
    def initializers(self) -> tuple[Initializer, Initializer]:
        """What writes the weights, and what the biases."""
        init, bias = self.config.model.init, self.config.model.bias_init
        weights = initializers.build(init.name, init.options)
        if bias == 0.0 and weights.biases is not None:
            return weights, weights.biases
        return weights, Constant(bias) if isinstance(bias, float) else _bias(bias)

    def initialize(self, network: Network) -> Initializer:
        """Write the network's first weights; the data-driven part is left to the caller.

        Raises:
            RequestError: the initializer cannot serve this network.
        """
        initializer, biases = self.initializers
        try:
            network.initialize(initializer, biases, self.streams.init)
        except RequestError as error:
            raise self.located(*error.problems) from None
        return initializer

    def located(self, *problems: Problem) -> RequestError:
        """These problems, with the lines of the config that they belong to."""
        return RequestError(self.config.locate(problem) for problem in problems)


def prepare(config: Config, dataset: Dataset | None = None) -> Experiment:
    """Load the data and make every choice that depends on it. A `dataset` at hand, as the config
    would load it, is taken instead.

    Raises:
        RequestError: the data is missing or malformed, the loss does not fit it, the
            initializer of the biases is not one for biases, or the schedule does not suit the
            optimizer's rate or the number of updates; located.
    """
    streams = Streams.of_seed(config.seed)
    try:
        if dataset is None:
            part = datasets.build(config.data.name, config.data.options)
            dataset = load(part, streams.data, np.dtype(config.dtype))
        loss, config = _loss(config, dataset)
        if isinstance(config.model.bias_init, Part):
            _bias(config.model.bias_init)
        graph = _graph(config, dataset, loss)
    except RequestError as error:
        raise RequestError(config.locate(problem) for problem in error.problems) from None
    optimizer, schedule = config.optimizer, config.schedule
    penalties = config.regularization
    experiment = Experiment(
        config=config,
        dataset=dataset,
        loss=loss,
        rule=optimizers.build(optimizer.name, optimizer.options),
        schedule=schedules.build(schedule.name, schedule.options),
        penalties=Penalties(penalties.l1, penalties.l2),
        clip=clips.build(config.clip.name, config.clip.options),
        noise=GradientNoise(config.noise.eta, config.noise.gamma),
        graph=graph,
        streams=streams,
    )
    try:
        experiment.schedule.check(experiment.rule.lr, experiment.steps)
    except RequestError as error:
        raise experiment.located(*error.problems) from None
    return experiment


def _graph(config: Config, dataset: Dataset, loss: Loss) -> Graph:
    """The network of a config.

    Raises:
        RequestError: its layers cannot be wired, or normalized, as asked.
    """
    model = config.model
    widths = (model.width,) * model.depth if isinstance(model.width, int) else model.width
    norm = norms.build(model.norm.name, model.norm.options)
    connectivity = connectivities.build(model.connectivity.name, model.connectivity.options)
    wanted = config.train.batch_size
    n = len(dataset.x_train)
    if norm.over_batch and 1 in (wanted, n, n % wanted if wanted != "full" else 0):
        raise RequestError(
            Problem(
                f"{model.norm.name} norm needs two examples, and a batch would have one"
                if wanted == 1 or n == 1
                else f"{model.norm.name} norm needs two examples, and the last batch of an epoch "
                f"would have one: {n} examples in batches of {wanted}",
                "train.batch_size",
                "at least 2, and not one that leaves 1 over",
            )
        )
    connectivity.check(widths)
    activation = activations.build(model.activation.name, model.activation.options)
    outputs = _outputs(dataset, loss)
    return connectivity.build(
        Model(dataset.n_features, widths, outputs, activation, norm, model.dropout)
    )


def _loss(config: Config, dataset: Dataset) -> tuple[Loss, Config]:
    part = config.loss
    if part is None:
        config = config.with_overrides({"loss": DEFAULT_LOSS[dataset.task]})
        part = config.loss
        assert part is not None
    loss = losses.build(part.name, part.options)
    if loss.needs_classes and dataset.task != "classification":
        fitting = [entry.name for entry in losses if not entry.part.needs_classes]
        raise RequestError(
            Problem(
                f"{part.name} needs classes, and {config.data.name} has numbers to predict",
                "loss",
                f"one of {', '.join(fitting)}",
            )
        )
    return loss, config


def _outputs(dataset: Dataset, loss: Loss) -> int:
    if dataset.task == "regression":
        return dataset.n_targets
    return 1 if loss.one_output_for_two_classes and dataset.n_classes == 2 else dataset.n_classes


def _bias(part: Part) -> Initializer:
    if not initializers[part.name].part.for_biases:
        fitting = [entry.name for entry in initializers if entry.part.for_biases]
        raise RequestError(
            Problem(
                f"{part.name} is not for biases, which have no fan",
                "model.bias_init",
                f"a number, or one of {', '.join(fitting)}",
            )
        )
    return initializers.build(part.name, part.options)


def available_memory() -> float:
    """Bytes that this process can still take, as far as the system tells; else infinite."""
    return min(_free_memory(), _free_in_group())


def _free_in_group() -> float:
    """Bytes left to a container (Linux control groups, version 2)."""
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = ((group / f"memory.{one}").read_text() for one in ("max", "current"))
        return float(limit) - float(used)
    except (OSError, ValueError):  # there is no such group, or its limit is "max"
        return float("inf")


def _free_memory() -> float:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            sizes = dict(line.split(":", 1) for line in lines)
        return float(sizes["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return float("inf")
