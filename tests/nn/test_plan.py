"""Plans: what they hold, and that buffers shared in time never show."""

import tracemalloc
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from drawn_graphs import fill, graph_of, graphs, network_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference.cases import built, drawn

from vgrad.nn.activations import activations
from vgrad.nn.arrays import ALIGNMENT, aligned, stacked
from vgrad.nn.graph import Graph
from vgrad.nn.losses import losses
from vgrad.nn.memory import Layout
from vgrad.nn.penalties import Penalties
from vgrad.nn.plan import Plan

LOSSES = st.sampled_from(losses.names())
DTYPES = st.sampled_from([np.float32, np.float64])
FEW = settings(max_examples=60)


def arrays_of(plan: Plan) -> list[Any]:
    """Every buffer that a plan shows."""
    shown = [*plan.inputs, plan.outputs, plan.targets, plan.loss_scratch]
    for tape in (plan.lean, plan.full):
        slopes = [slope for slope in tape.slopes if slope is not None]
        shown += [*tape.preactivations, *tape.outputs, *slopes, *tape.deltas, tape.grad_outputs]
    return shown


@FEW
@given(graphs(), LOSSES, DTYPES, st.integers(1, 2000), st.booleans())
def test_the_layouts_size_is_what_a_plan_allocates(
    graph: Graph, loss: str, dtype: Any, batch: int, training: bool
) -> None:
    net = network_of(graph, loss, dtype)
    domain = tracemalloc.DomainFilter(inclusive=True, domain=np.lib.tracemalloc_domain)
    tracemalloc.start()
    try:
        plan = net.plan(batch, training=training)
        taken = tracemalloc.take_snapshot().filter_traces([domain]).statistics("filename")
    finally:
        tracemalloc.stop()
    assert sum(one.size for one in taken) - plan.nbytes - ALIGNMENT in range(200)  # a 1.0 and such
    size = Layout(graph, batch, training=training, loss_scratch=net.loss.n_scratch).size
    assert plan.nbytes == size * np.dtype(dtype).itemsize


@FEW
@given(graphs(), LOSSES, DTYPES, st.integers(2, 50), st.booleans())
def test_all_buffers_lie_in_the_plans_block(
    graph: Graph, loss: str, dtype: Any, batch: int, training: bool
) -> None:
    plan = network_of(graph, loss, dtype).plan(batch, training=training)
    arrays = [array for array in arrays_of(plan) if array.size]
    first = min(array.ctypes.data for array in arrays)
    last = max(array.ctypes.data + array.nbytes for array in arrays)
    assert all(array.dtype == dtype and array.flags.c_contiguous for array in arrays)
    assert last - first <= plan.nbytes


@FEW
@given(graphs(), LOSSES, DTYPES, st.integers(2, 50))
def test_evaluation_gives_the_bits_of_training(
    graph: Graph, loss: str, dtype: Any, batch: int
) -> None:
    assume(not list(graph.statistics))  # batch norm evaluates with what it gathered
    net = network_of(graph, loss, dtype)
    plans = [net.plan(batch, training=training) for training in (True, False)]
    for seed in range(2):
        values = []
        for plan in plans:
            fill(plan, seed)
            values.append(net.evaluate(plan))
        assert values[0] == values[1]
        np.testing.assert_array_equal(plans[0].outputs, plans[1].outputs, strict=True)


@FEW
@given(graphs(), DTYPES, st.booleans())
def test_the_row_of_ones_survives_many_passes(graph: Graph, dtype: Any, training: bool) -> None:
    net = network_of(graph, "mse", dtype)
    plan = net.plan(5, training=training)
    for seed in range(4):
        fill(plan, seed)
        if training:
            net.differentiate(plan, plan.full if seed % 2 else plan.lean)
        else:
            net.evaluate(plan)
        for layer, x in zip(graph.layers, plan.inputs, strict=True):
            assert (x[0] == 1.0).all()
            assert x.shape == (layer.weight.shape[1], 5)


@FEW
@given(graphs(), LOSSES)
def test_passes_leave_nothing_behind_for_the_next(graph: Graph, loss: str) -> None:
    net = network_of(graph, loss)
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
@given(graphs(), LOSSES)
def test_a_smaller_second_plan_stands_beside_the_first(graph: Graph, loss: str) -> None:
    net = network_of(graph, loss)
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
    net, _ = built(case)
    parts = []
    for part in (slice(0, 8), slice(0, 4), slice(4, 8)):
        plan = net.plan(part.stop - part.start)
        plan.inputs[0][1:] = case.x[:, part]
        plan.targets[...] = case.t[:, part]
        net.differentiate(plan)
        parts.append(net.grads.copy())
    np.testing.assert_allclose(parts[0], (parts[1] + parts[2]) / 2, rtol=1e-12, atol=1e-15)


@FEW
@given(graphs(), DTYPES, st.integers(2, 20))
def test_the_full_tape_keeps_what_it_shows_to_the_end_of_the_step(
    graph: Graph, dtype: Any, batch: int
) -> None:
    plan = network_of(graph, "mse", dtype).plan(batch)
    tape = plan.full
    shown = [*tape.preactivations, *tape.deltas, *(s for s in tape.slopes if s is not None)]
    hidden = zip(graph.layers, tape.outputs, strict=True)
    shown += [array for layer, array in hidden if layer.activation is not None]
    ends = sorted((array.ctypes.data, array.ctypes.data + array.nbytes) for array in shown)
    assert all(stop <= start for (_, stop), (start, _) in pairwise(ends))


def test_the_full_tape_holds_what_its_names_say() -> None:
    net = network_of(graph_of(("plain", {}), features=3, widths=(4, 5), outputs=2))
    plan = net.plan(6)
    fill(plan, 0)
    net.differentiate(plan, plan.full)
    x, zs = plan.inputs[0][1:], []
    for layer in net.layers:
        zs.append(layer.weight[:, 1:] @ x + layer.weight[:, :1])
        x = np.tanh(zs[-1])
    for z, kept in zip(zs, plan.full.preactivations, strict=True):
        np.testing.assert_allclose(kept, z, rtol=1e-13, atol=1e-15)
    for z, slope in zip(zs[:-1], plan.full.slopes[:-1], strict=True):
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
