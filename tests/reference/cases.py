"""What the engine is compared on: networks with their data, and how the engine sees them.

The stored references, the live comparison with PyTorch and the finite differences all use these
cases, so that no two of them can mean different things.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.nn.activations import Activation, activations
from vgrad.nn.losses import Loss, losses
from vgrad.nn.network import Network
from vgrad.nn.penalties import Penalties
from vgrad.nn.plan import Plan
from vgrad.nn.wiring import perceptron
from vgrad.registry import Registry

Vector = NDArray[np.float64]

OPTIONS: dict[str, dict[str, float]] = {
    "leaky_relu": {"negative_slope": 0.2},
    "elu": {"alpha": 1.5},
    "celu": {"alpha": 0.5},
    "huber": {"delta": 0.25},
}
"""Another choice of options, for the activations and losses that have any."""

RULES: dict[str, tuple[dict[str, Any], ...]] = {
    "sgd": ({}, {"lr": 0.7}),
    "momentum": ({}, {"lr": 0.1, "momentum": 0.5}, {"momentum": 0.0}),
    "nesterov": ({}, {"lr": 0.1, "momentum": 0.5}),
    "adagrad": ({}, {"lr": 0.5, "eps": 1e-2}),
    "adadelta": ({}, {"lr": 0.3, "rho": 0.5, "eps": 1e-3}),
    "rmsprop": ({}, {"lr": 0.1, "alpha": 0.5, "eps": 1e-2}),
    "adam": ({}, {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-2}, {"betas": (0.0, 0.0)}),
    "amsgrad": ({}, {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-2}),
    "adamw": ({}, {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-2, "weight_decay": 0.3}),
    "adamax": ({}, {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-2}),
    "nadam": ({}, {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-2, "momentum_decay": 0.2}),
    "radam": ({}, {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-2}, {"betas": (0.9, 0.95)}),
    "rprop": ({}, {"lr": 0.1, "etas": (0.3, 2.0), "step_sizes": (1e-2, 0.5)}),
}
"""Of each optimizer that PyTorch has, the options it is compared with: its own, and others."""

STEPS = 20

SCHEDULES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("constant", {}),
    ("step", {"step_size": 30, "gamma": 0.5}),
    ("multistep", {"milestones": (10, 50, 120), "gamma": 0.3}),
    ("exponential", {"gamma": 0.97}),
    ("cosine", {}),
    ("cosine", {"min_lr": 0.02}),
    ("cosine_restarts", {"period": 25}),
    ("cosine_restarts", {"period": 10, "mult": 2, "min_lr": 0.01}),
    ("one_cycle", {}),
    ("one_cycle", {"pct_start": 0.1, "anneal_strategy": "linear", "div_factor": 5.0}),
    ("plateau", {"window": 1, "patience": 3, "factor": 0.8}),
    ("plateau", {"window": 1, "patience": 5, "cooldown": 4, "factor": 0.7, "min_lr": 0.05}),
)
"""Of each schedule that PyTorch has, the options it is compared with."""
UPDATES, PEAK = 200, 0.3
"""Length and highest rate of the compared schedules."""


def observed_losses() -> Vector:
    """What a plateau is judged on: a fall that slows down, with bumps."""
    i = np.arange(UPDATES)
    return 1.0 / (1.0 + i // 12) + 0.3 * np.sin(0.7 * i) ** 2


def gradient_sequence(rng: np.random.Generator) -> tuple[Vector, Vector]:
    """Parameters to start from, `(n,)`, and `STEPS` gradients `(STEPS, n)`.

    One is always 0, one rarely not, one alternates, one is constant, others are tiny and huge.
    """
    kinds = 9
    grads = rng.normal(size=(STEPS, kinds))
    grads[:, 0] = 0.0
    grads[:, 1] *= rng.random(STEPS) < 0.3
    grads[:, 2] *= rng.random(STEPS) < 0.7
    grads[:, 3] = np.where(np.arange(STEPS) % 2, -0.5, 0.5)
    grads[:, 4] = 0.25
    grads[:, 5] *= 1e-9
    grads[:, 6] *= 1e6
    start = rng.normal(size=kinds)
    start[::2] = 0.0  # from 0, small steps are not lost in the rounding of the parameter
    return start, grads


def parameter_count(sizes: tuple[int, ...]) -> int:
    """Weights and biases of a perceptron with these units per layer, inputs first."""
    return sum(n * (1 + m) for m, n in pairwise(sizes))


@dataclass(frozen=True, eq=False)
class Case:
    """A network, its parameters as one flat vector, a batch and penalties; all in float64.

    `x` is `(features, batch)` and `t` `(outputs, batch)`.
    """

    activation: Activation
    loss: Loss
    sizes: tuple[int, ...]
    params: Vector
    x: Vector
    t: Vector
    penalties: Penalties

    @property
    def batch(self) -> int:
        """Examples."""
        return int(self.x.shape[1])

    def moved(self, direction: Vector) -> "Case":
        """The same with other parameters."""
        return replace(self, params=self.params + direction)


def part(registry: Registry[Any], name: str, *, with_options: bool) -> Any:
    """The entry of that name, with its options of `OPTIONS` or with its defaults."""
    return registry.build(name, OPTIONS.get(name) if with_options else None)


def name_of(part: object, registry: Registry[Any]) -> str:
    """The name that a part is registered under."""
    return next(entry.name for entry in registry if entry.part is type(part))


def drawn(
    rng: np.random.Generator,
    activation: Activation,
    loss: Loss,
    sizes: tuple[int, ...],
    batch: int,
    penalties: Penalties,
) -> Case:
    """A case with random numbers, all of them exact in single precision too (they store small).

    The weights are small enough for pre-activations of a few units: beyond, φ′ of a saturated
    unit is a difference of nearly equal numbers, and no two programs agree on its last digits.
    """
    params = np.empty(parameter_count(sizes))
    start = 0
    for fan_in, fan_out in pairwise(sizes):
        stop = start + fan_out * (1 + fan_in)
        params[start:stop] = rng.normal(0.0, 1.0 / np.sqrt(1 + fan_in), stop - start)
        start = stop
    x = rng.normal(size=(sizes[0], batch))
    if not loss.needs_classes:
        t = rng.normal(size=(sizes[-1], batch))
    elif loss.one_output_for_two_classes and sizes[-1] == 1:
        t = rng.integers(0, 2, (1, batch)).astype(np.float64)
    else:
        t = np.eye(sizes[-1])[:, rng.integers(0, sizes[-1], batch)]
    params, x, t = (array.astype(np.float32).astype(np.float64) for array in (params, x, t))
    return Case(activation, loss, sizes, params, x, t, penalties)


def mlp(sizes: tuple[int, ...], activation: Activation, loss: Loss, dtype: Any) -> Network:
    """A perceptron with these units per layer, inputs first."""
    return Network(perceptron(sizes, activation), loss, np.dtype(dtype))


def built(case: Case, dtype: Any = np.float64) -> tuple[Network, Plan]:
    """The engine's network of the case, and a plan with its batch."""
    network = mlp(case.sizes, case.activation, case.loss, dtype)
    network.params[...] = case.params
    plan = network.plan(case.batch)
    plan.inputs[0][1:] = case.x
    plan.targets[...] = case.t
    return network, plan


def value_and_gradients(case: Case, dtype: Any = np.float64) -> tuple[float, list[NDArray[Any]]]:
    """The engine's loss with penalties, and its gradients `(fan_out, 1 + fan_in)` by layer."""
    network, plan = built(case, dtype)
    value = network.differentiate(plan)
    for layer, grad in zip(network.layers, network.layer_grads, strict=True):
        weight = layer.weight[:, 1:]
        value += case.penalties.add(weight, grad[:, 1:], np.empty_like(weight))
    return value, list(network.layer_grads)


def every_pair() -> Iterator[tuple[str, str]]:
    """The names of every activation with every loss."""
    return ((a.name, b.name) for a in activations for b in losses)
