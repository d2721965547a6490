"""A training step allocates no array: everything that is large is there before it."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from drawn_graphs import NORMS, WIRINGS, fill, graph_of, network_of
from parameter_tables import table, tensors
from reference.cases import mlp

from vgrad.config import load_config
from vgrad.experiment import prepare
from vgrad.nn.activations import activations
from vgrad.nn.clipping import clips
from vgrad.nn.losses import losses
from vgrad.nn.noise import GradientNoise
from vgrad.nn.optimizers import Optimizer, optimizers
from vgrad.nn.optimizers.base import CHUNK
from vgrad.training import Trainer

WIDTH, BATCH = 32, 2048
SMALLEST = WIDTH * BATCH * 4
"""Bytes of a layer's array in single precision: what must not show."""
ALLOWED = 2 * np.getbufsize() * 8 + 16_384
"""Bytes that may: views and Python's numbers, a few kB in all, and the buffers in which NumPy
converts a type or repeats a row, of `np.getbufsize()` elements however large the array is."""
STEPS = 5  # what one step holds for a moment shows in one step, what each leaves behind in five


def peak(step: Callable[[], object], steps: int = STEPS) -> int:
    """The most bytes that were held beyond those held before, after warming up."""
    step()
    step()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(steps):
            step()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def step_of(activation: str, loss: str, dtype: Any) -> Callable[[], object]:
    """Both kinds of steps of a small network whose layers are all large, outputs included."""
    sizes = (WIDTH,) * 4
    net = mlp(sizes, activations.build(activation), losses.build(loss), dtype)
    rng = np.random.default_rng(0)
    net.params[...] = rng.normal(scale=0.1, size=net.params.shape)
    plan = net.plan(BATCH)
    plan.inputs[0][1:] = rng.normal(size=(WIDTH, BATCH))
    plan.targets[...] = np.eye(WIDTH)[:, rng.integers(0, WIDTH, BATCH)]

    def step() -> None:
        net.differentiate(plan, plan.lean, lambda group, grads: None)  # noqa: ARG005
        net.differentiate(plan, plan.full)

    return step


@pytest.mark.parametrize("wiring", WIRINGS, ids=str)
def test_a_step_of_any_wiring_allocates_no_array(wiring: tuple[str, dict[str, Any]]) -> None:
    check_wired(wiring, ("batch", {}), dropout=0.2)


@pytest.mark.parametrize("norm", NORMS, ids=str)
def test_a_step_with_any_norm_allocates_no_array(norm: tuple[str, dict[str, Any]]) -> None:
    check_wired(("residual", {"gate": 0.5}), norm, dropout=0.0)


def check_wired(
    wiring: tuple[str, dict[str, Any]], norm: tuple[str, dict[str, Any]], dropout: float
) -> None:
    graph = graph_of(
        wiring, norm, features=WIDTH, widths=(WIDTH,) * 4, outputs=WIDTH, dropout=dropout
    )
    net = network_of(graph, dtype=np.float32)
    plan = net.plan(BATCH)
    fill(plan, 0)

    def step() -> None:
        for tape in (plan.lean, plan.full):
            net.differentiate(plan, tape, lambda group, grads: None)  # noqa: ARG005
            net.commit(tape)

    assert peak(step) < ALLOWED < SMALLEST


def test_the_bound_tells_an_array_of_a_layer() -> None:
    step = step_of("tanh", "mse", np.float32)
    assert peak(lambda: (step(), np.empty(SMALLEST // 4, np.float32))) > SMALLEST > ALLOWED


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", activations.names())
def test_no_activation_allocates_an_array(name: str, dtype: Any) -> None:
    assert peak(step_of(name, "mse", dtype)) < ALLOWED


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", losses.names())
def test_no_loss_allocates_an_array(name: str, dtype: Any) -> None:
    assert peak(step_of("tanh", name, dtype)) < ALLOWED


@pytest.mark.parametrize("name", optimizers.names())
def test_no_optimizer_allocates_an_array(name: str) -> None:
    rule = optimizers.build(name)
    segments = table([(128, 257), (128, 257), (WIDTH,)])
    params, grads = np.random.default_rng(0).normal(size=(2, segments[-1].part.stop))
    optimizer = Optimizer(rule, params, [slice(0, params.size)], segments)

    def step() -> None:
        optimizer.begin(rule.lr)
        optimizer.update(0, grads)

    assert min(CHUNK, 128 * 257) * params.itemsize > ALLOWED
    assert peak(step) < ALLOWED


@pytest.mark.parametrize("scale", [1.0, 1e20])
@pytest.mark.parametrize("name", clips.names())
def test_no_clip_allocates_an_array(name: str, scale: float) -> None:
    segments = table([(64, 1025), (64, 1025), (64, 1025), (SMALLEST // 4,), (1, 2)])
    params, grads = np.random.default_rng(0).normal(size=(2, segments[-1].part.stop))
    params, large = params.astype(np.float32), (scale * grads).astype(np.float32)
    grads = large.copy()
    clipper = clips.build(name).bind(params, grads, segments)

    def step() -> None:
        np.copyto(grads, large)
        assert clipper() == (name != "none")

    assert min(one.nbytes for one in tensors(segments[:4], grads)) > ALLOWED
    assert peak(step) < ALLOWED


def test_no_noise_allocates_an_array() -> None:
    grads, scratch = np.zeros(SMALLEST // 4, np.float32), np.empty(CHUNK, np.float32)
    rng, noise = np.random.default_rng(0), GradientNoise(0.3)
    assert peak(lambda: noise.add(grads, 0, rng, scratch)) < ALLOWED


@pytest.mark.parametrize("penalties", [{}, {"l1": 1e-4, "l2": 1e-4}], ids=str)
@pytest.mark.parametrize("batch_size", [512, "full"])
def test_a_hundred_steps_of_training_allocate_no_array(
    penalties: dict[str, float], batch_size: Any
) -> None:
    never = 10**9
    config = load_config(
        {
            "model": {"depth": 2, "width": 128},
            "optimizer": "adam",
            "regularization": penalties,
            "train": {"steps": never, "batch_size": batch_size},
            "log": {"every": never},
        }
    )
    trainer = Trainer(prepare(config))
    for _ in trainer.advance(20):  # the record of step 0, and all sizes that batches have
        pass
    assert peak(lambda: list(trainer.advance(trainer.step + 100 // STEPS))) < ALLOWED
    assert trainer.step > 100
    assert trainer.divergence is None
