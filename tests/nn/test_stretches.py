"""Signals computed twice instead of kept: less memory, and not a bit's difference."""

from typing import Any

import numpy as np
import pytest
from drawn_graphs import NORMS, WIRINGS, fill, graph_of, graphs, network_of
from hypothesis import given, settings
from hypothesis import strategies as st

from vgrad.nn.graph import Graph
from vgrad.nn.memory import Layout
from vgrad.nn.network import Group, Network
from vgrad.nn.plan import Plan
from vgrad.nn.stretches import stretches

PLAIN = ("plain", {})


def seen_of(network: Network, plan: Plan) -> dict[str, list[np.ndarray]]:
    """What a watched step shows of each layer and block, copied as soon as it may be seen."""
    tape, layout = plan.full, plan.layout
    layers = network.graph.layers
    shown: dict[str, list[np.ndarray]] = {"z": [], "h": [], "slope": [], "delta": []}
    order: list[int] = []

    def look(index: int) -> None:
        for layer in reversed(layout.layers_in[index]):
            order.append(layer)
            for name, arrays in (
                ("z", tape.preactivations),
                ("h", tape.outputs),
                ("slope", tape.slopes),
                ("delta", tape.deltas),
            ):
                array = arrays[layer]
                shown[name].append(np.empty(0) if array is None else array.copy())

    network.differentiate(plan, plan.full, look=look)
    assert order == list(reversed(range(len(layers))))
    return shown


def gradient_by_group(network: Network, plan: Plan) -> np.ndarray:
    """The flat gradient as `update` is handed it; spoils each group's parameters once it is."""
    whole, before = np.full_like(network.params, np.nan), network.params.copy()

    def update(group: Group, grads: Any) -> None:
        whole[group.part] = grads
        network.params[group.part] = np.nan

    network.differentiate(plan, plan.lean, update)
    network.params[...] = before
    return whole


def assert_same_steps(graph: Graph, dtype: Any, batch: int = 5) -> None:
    """Several steps of either kind, with the running statistics and the noise that they leave."""
    network, twice = (network_of(graph, dtype=dtype) for _ in range(2))
    plan, lean = network.plan(batch), twice.plan(batch, recompute=True)
    assert len(plan.layout.stretches) == 1
    for seed in range(3):
        fill(plan, seed)
        fill(lean, seed)
        expected, found = seen_of(network, plan), seen_of(twice, lean)
        np.testing.assert_array_equal(twice.grads, network.grads, strict=True)
        np.testing.assert_array_equal(lean.outputs, plan.outputs, strict=True)
        for name, arrays in expected.items():
            for one, other in zip(arrays, found[name], strict=True):
                np.testing.assert_array_equal(other, one, strict=True)
        grads = [gradient_by_group(network, plan), gradient_by_group(twice, lean)]
        np.testing.assert_array_equal(*grads, strict=True)
        for one, buffers in ((network, plan), (twice, lean)):
            one.commit(buffers.lean)
        states = [one.state() for one in (network, twice)]
        for key, value in states[0].items():
            np.testing.assert_array_equal(states[1][key], value, strict=True)


@settings(max_examples=150, deadline=None)
@given(graphs(dropout=0.2), st.sampled_from([np.float32, np.float64]))
def test_any_network_gives_the_same_bits(graph: Graph, dtype: Any) -> None:
    assert_same_steps(graph, dtype)


@pytest.mark.parametrize("wiring", WIRINGS, ids=str)
@pytest.mark.parametrize("norm", NORMS[:4], ids=str)
def test_each_wiring_is_cut_and_gives_the_same_bits(wiring: Any, norm: Any) -> None:
    graph = graph_of(wiring, norm, widths=(6,) * 12, dropout=0.1)
    assert len(stretches(graph)) > 2
    assert_same_steps(graph, np.float32)


def test_cuts_within_groups_of_layers_and_groups_within_stretches_change_no_bit() -> None:
    for width, depth in ((64, 40), (300, 9)):
        graph = graph_of(PLAIN, features=64, widths=(width,) * depth)
        assert len(network_of(graph, dtype=np.float32).groups) > 2
        assert_same_steps(graph, np.float32, batch=32)


def size(depth: int, *, recompute: bool, wiring: Any = PLAIN) -> int:
    """Elements of the buffers for a net of so many layers."""
    graph = graph_of(wiring, widths=(8,) * depth)
    parts = stretches(graph) if recompute else ()
    return Layout(graph, 16, training=True, loss_scratch=1, stretches=parts).size


@pytest.mark.parametrize("wiring", [PLAIN, ("residual", {"order": "pre"})], ids=str)
def test_memory_grows_with_the_root_of_depth(wiring: Any) -> None:
    kept, once = (size(1600, recompute=recompute, wiring=wiring) for recompute in (False, True))
    assert kept > 12 * once
    for depth in (100, 400, 1600):
        four = size(4 * depth, recompute=True, wiring=wiring)
        assert four < 2.2 * size(depth, recompute=True, wiring=wiring)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_stretches_follow_one_another_and_cut_no_layer(graph: Graph) -> None:
    parts = stretches(graph)
    assert [place for part in parts for place in part] == list(range(len(graph.operations)))
    assert all(parts)
    written = {operation.out: place for place, operation in enumerate(graph.operations)}
    for layer in graph.layers:
        ends = written[layer.preactivation], written[layer.output]
        assert sum(ends[0] in part and ends[1] in part for part in parts) == 1
