"""Plans: what they hold, and that buffers shared in time never show."""

import tracemalloc
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.cases import drawn

from vgrad.nn.activations import activations
from vgrad.nn.arrays import ALIGNMENT, aligned, stacked
from vgrad.nn.losses import losses
from vgrad.nn.network import Network
from vgrad.nn.penalties import Penalties
from vgrad.nn.plan import Plan

ACTIVATIONS = st.sampled_from(activations.names())
LOSSES = st.sampled_from(losses.names())
SIZES = st.lists(st.integers(1, 9), min_size=2, max_size=7).map(tuple)
DTYPES = st.sampled_from([np.float32, np.float64])
FEW = settings(max_examples=40)


def network(sizes: tuple[int, ...], activation: str, loss: str, dtype: Any) -> Network:
    """A network with random weights."""
    net = Network(sizes, activations.build(activation), losses.build(loss), np.dtype(dtype))
    net.params[...] = 0.5 * np.random.default_rng(0).normal(size=net.params.shape)
    return net


def fill(plan: Plan, seed: int) -> None:
    """Write a random batch."""
    rng = np.random.default_rng(seed)
    plan.inputs[0][1:] = rng.normal(size=plan.inputs[0][1:].shape)
    plan.targets[...] = np.eye(len(plan.targets))[:, rng.integers(0, len(plan.targets), plan.batch)]


def arrays_of(plan: Plan) -> list[Any]:
    """Every buffer that a plan shows."""
    shown = [*plan.inputs, *plan.activated, *plan.scratch, *plan.grad_outputs]
    for tape in (plan.lean, plan.full):
        shown += [*tape.preactivations, *tape.slopes, *tape.deltas]
    shown += [array for array in plan.transposed if array is not None]
    return [*shown, plan.outputs, plan.targets, plan.loss_scratch]


@FEW
@given(SIZES, ACTIVATIONS, LOSSES, DTYPES, st.integers(1, 2000), st.booleans())
def test_plan_bytes_is_what_a_plan_allocates(
    sizes: Any, activation: str, loss: str, dtype: Any, batch: int, training: bool
) -> None:

    net = network(sizes, activation, loss, dtype)
    domain = tracemalloc.DomainFilter(inclusive=True, domain=np.lib.tracemalloc_domain)
    tracemalloc.start()
    try:
        plan = net.plan(batch, training=training)
        taken = tracemalloc.take_snapshot().filter_traces([domain]).statistics("filename")
    finally:
        tracemalloc.stop()
    assert sum(one.size for one in taken) == plan.nbytes + ALIGNMENT
    assert plan.nbytes == net.shape.plan_bytes(batch, training=training)


@FEW
@given(SIZES, ACTIVATIONS, LOSSES, DTYPES, st.integers(1, 50), st.booleans())
def test_all_buffers_lie_in_the_plans_block_and_reach_its_end(
    sizes: Any, activation: str, loss: str, dtype: Any, batch: int, training: bool
) -> None:
    plan = network(sizes, activation, loss, dtype).plan(batch, training=training)
    arrays = [array for array in arrays_of(plan) if array.size]
    first = min(array.ctypes.data for array in arrays)
    last = max(array.ctypes.data + array.nbytes for array in arrays)
    assert all(array.dtype == dtype and array.flags.c_contiguous for array in arrays)
    # what layers share is taken whole, although not all of it is of use where nothing is hidden
    shared = (6 + activations[activation].part.n_scratch) * (1 + max(sizes)) * batch
    assert 0 <= plan.nbytes - (last - first) <= shared * np.dtype(dtype).itemsize


@FEW
@given(SIZES, ACTIVATIONS, LOSSES, DTYPES, st.integers(1, 50))
def test_evaluation_gives_the_bits_of_training(
    sizes: Any, activation: str, loss: str, dtype: Any, batch: int
) -> None:
    net = network(sizes, activation, loss, dtype)
    plans = [net.plan(batch, training=training) for training in (True, False)]
    for seed in range(2):
        values = []
        for plan in plans:
            fill(plan, seed)
            values.append(net.evaluate(plan))
        assert values[0] == values[1]
        np.testing.assert_array_equal(plans[0].outputs, plans[1].outputs, strict=True)


@FEW
@given(SIZES, ACTIVATIONS, DTYPES, st.booleans())
def test_the_row_of_ones_survives_many_passes(
    sizes: Any, activation: str, dtype: Any, training: bool
) -> None:
    net = network(sizes, activation, "mse", dtype)
    plan = net.plan(5, training=training)
    for seed in range(4):
        fill(plan, seed)
        if training:
            net.differentiate(plan, plan.full if seed % 2 else plan.lean)
        else:
            net.evaluate(plan)
        for layer, x in enumerate(plan.inputs):
            assert (x[0] == 1.0).all()
            assert x.shape == (1 + sizes[layer], 5)


@FEW
@given(SIZES, ACTIVATIONS, LOSSES)
def test_passes_leave_nothing_behind_for_the_next(sizes: Any, activation: str, loss: str) -> None:
    net = network(sizes, activation, loss, np.float64)
    used, fresh = net.plan(6), net.plan(6)
    for seed in range(3):
        fill(used, seed)
        net.differentiate(used, used.full if seed % 2 else used.lean)
    fill(used, 9)
    value = net.differentiate(used)
    grads = net.grads.copy()
    fill(fresh, 9)
    assert net.differentiate(fresh) == value
    np.testing.assert_array_equal(net.grads, grads)


@FEW
@given(SIZES, ACTIVATIONS, LOSSES)
def test_a_smaller_second_plan_stands_beside_the_first(
    sizes: Any, activation: str, loss: str
) -> None:
    net = network(sizes, activation, loss, np.float64)
    large, small = net.plan(8), net.plan(3)
    fill(large, 0)
    fill(small, 1)
    value = net.differentiate(large)
    grads = net.grads.copy()
    net.differentiate(small)
    assert net.differentiate(large) == value
    np.testing.assert_array_equal(net.grads, grads)


def test_the_gradient_of_a_batch_is_the_mean_of_its_parts() -> None:
    phi, loss = activations.build("tanh"), losses.build("cross_entropy")
    case = drawn(np.random.default_rng(1), phi, loss, (4, 5, 3), 8, Penalties())
    net = network(case.sizes, "tanh", "cross_entropy", np.float64)
    parts = []
    for part in (slice(0, 8), slice(0, 4), slice(4, 8)):
        plan = net.plan(part.stop - part.start)
        plan.inputs[0][1:] = case.x[:, part]
        plan.targets[...] = case.t[:, part]
        net.differentiate(plan)
        parts.append(net.grads.copy())
    np.testing.assert_allclose(parts[0], (parts[1] + parts[2]) / 2, rtol=1e-12, atol=1e-15)


@FEW
@given(SIZES, ACTIVATIONS, DTYPES, st.integers(1, 20))
def test_the_full_tape_shares_nothing_between_layers(
    sizes: Any, activation: str, dtype: Any, batch: int
) -> None:
    plan = network(sizes, activation, "mse", dtype).plan(batch)
    full = [*plan.full.preactivations, *plan.full.slopes, *plan.full.deltas, *plan.activated[:-1]]
    ends = sorted((array.ctypes.data, array.ctypes.data + array.nbytes) for array in full)
    assert all(stop <= start for (_, stop), (start, _) in pairwise(ends))


def test_the_full_tape_holds_what_its_names_say() -> None:
    net = network((3, 4, 5, 2), "tanh", "mse", np.float64)
    plan = net.plan(6)
    fill(plan, 0)
    net.differentiate(plan, plan.full)
    x, zs = plan.inputs[0][1:], []
    for layer in net.layers:
        zs.append(layer.weight[:, 1:] @ x + layer.weight[:, :1])
        x = np.tanh(zs[-1])
    for z, kept in zip(zs, plan.full.preactivations, strict=True):
        np.testing.assert_allclose(kept, z, rtol=1e-13, atol=1e-15)
    for z, slope in zip(zs, plan.full.slopes, strict=False):
        np.testing.assert_allclose(slope, 1 - np.tanh(z) ** 2, rtol=1e-13)
    delta = 2 * (zs[-1] - plan.targets) / plan.targets.size
    for index in reversed(range(3)):
        np.testing.assert_allclose(plan.full.deltas[index], delta, rtol=1e-12, atol=1e-16)
        np.testing.assert_allclose(net.layer_grads[index][:, 0], delta.sum(axis=1), rtol=1e-11)
        if index:
            slope = 1 - np.tanh(zs[index - 1]) ** 2
            delta = net.layers[index].weight[:, 1:].T @ delta * slope


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (1,), (7, 3), (5, 1, 2)])
def test_aligned_arrays_are_zeros_that_start_on_a_cache_line(shape: Any, dtype: Any) -> None:
    for _ in range(5):
        array = aligned(shape, np.dtype(dtype))
        assert (array.shape, array.dtype) == (shape, dtype)
        assert array.ctypes.data % ALIGNMENT == 0
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert not array.any()


def test_stacked_views_evenly_laid_arrays_without_a_copy() -> None:
    block = np.arange(48.0).reshape(4, 3, 4)
    stack = stacked([layer[:, 1:] for layer in block])
    np.testing.assert_array_equal(stack, block[:, :, 1:])
    assert np.shares_memory(stack, block)
    assert not stack.flags.writeable
    np.testing.assert_array_equal(stacked([block[2]]), block[2:3])


def test_stacked_refuses_what_is_not_evenly_laid() -> None:
    block = np.arange(48.0).reshape(4, 3, 4)
    for uneven in ([block[0], block[1], block[3]], [block[0], block[1][:, 1:]]):
        with pytest.raises(ValueError, match="evenly"):
            stacked(uneven)
