"""Every wiring with every norm: gradients against PyTorch, stored and live, and finite differences;
and that looking never changes a thing."""

from typing import Any

import numpy as np
import pytest
from drawn_graphs import NORMS, WIRINGS, fill, graph_of, graphs, network_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference import torch_wiring
from reference.cases import Vector
from reference.stored import REMEDY, load
from reference.torch_peer import activation_table
from reference.wired import Wired, every_wired, our_results, sketches

from vgrad.errors import RequestError
from vgrad.nn.activations import activations
from vgrad.nn.graph import Graph
from vgrad.nn.initializers import initializers
from vgrad.nn.initializers.fixed import Zeros
from vgrad.nn.network import Group, Network
from vgrad.nn.norms import norms
from vgrad.nn.operations.drop import Dropout
from vgrad.nn.plan import Plan
from vgrad.nn.wiring import connectivities

AGREEMENT = 1e-10
"""Relative. Rounding leaves about 1e-14; normalizing what hardly varies costs a few digits."""
CASES = list(every_wired())


def stored_results() -> tuple[list[Any], Vector, list[Vector]]:
    index, arrays = load("wirings")
    counts = [len(list(case.graph.params)) for case in CASES]
    return index, arrays["values"], np.split(arrays["sketches"], np.cumsum(counts)[:-1])


def test_the_stored_references_are_those_of_every_wiring_and_norm() -> None:
    index, _, _ = stored_results()
    expected = [[list(case.wiring), list(case.norm), case.activation] for case in CASES]
    assert index == expected, f"the stored references are out of date: {REMEDY}"
    assert {name for name, _ in WIRINGS} == set(connectivities.names())
    assert {name for name, _ in NORMS} == set(norms.names())


@pytest.mark.parametrize("number", range(len(CASES)))
def test_loss_and_gradient_of_every_wiring_and_norm_are_those_of_pytorch(number: int) -> None:
    _, values, references = stored_results()
    case = CASES[number]
    value, gradient, evaluated = our_results(case)
    assert [value, evaluated] == pytest.approx(values[number], rel=1e-11)
    found = sketches(gradient, [param.size for _, param in case.graph.params])
    sizes = np.maximum(references[number][:, :1], 1e-3 * np.linalg.norm(references[number][:, 0]))
    # a sketch of a tensor's gradient is at most √units times its norm
    assert (np.abs(found - references[number]) <= 10 * AGREEMENT * sizes).all()


@st.composite
def wired(draw: st.DrawFn) -> Wired:
    """Any wiring, norm, activation and sizes."""
    name, options = wiring = draw(st.sampled_from(WIRINGS))
    width = draw(st.integers(2, 6))
    depth = draw(st.integers(1 + (options.get("every") or 2), 8))
    widths = (width,) * depth
    if name != "dense" and draw(st.booleans()):
        widths = tuple(draw(st.lists(st.integers(2, 6), min_size=depth, max_size=depth)))
    return Wired(
        wiring,
        draw(st.sampled_from(NORMS)),
        draw(st.sampled_from(activations.names())),
        features=draw(st.integers(2, 5)),
        widths=widths,
        outputs=draw(st.integers(1, 3)),
        batch=draw(st.integers(3, 7)),
    )


@pytest.mark.live_torch
@settings(max_examples=200)
@given(wired())
def test_loss_and_gradient_of_any_network_are_those_of_pytorch(case: Wired) -> None:
    assert case.activation in activation_table()
    value, gradient, evaluated = our_results(case)
    assume(np.isfinite(gradient).all() and np.abs(gradient).max() < 1e6)
    expected_value, expected, expected_evaluated = torch_wiring.results(case, gradient.size)
    error, size = np.linalg.norm(gradient - expected), np.linalg.norm(expected)
    assert value == pytest.approx(expected_value, rel=1e-11)
    assert evaluated == pytest.approx(expected_evaluated, rel=1e-9)
    assert error <= AGREEMENT * size


def replayed(network: Network, plan: Plan, *, watched: bool = False) -> float:
    """The loss with the same noise each time."""
    network.rng.bit_generator.state = np.random.default_rng(7).bit_generator.state
    return network.evaluate(plan, plan.full if watched else plan.lean)


H = 1e-4


@settings(max_examples=150)
@given(graphs(dropout=0.3), st.integers(0, 2**32))
def test_the_gradient_is_that_of_finite_differences_dropout_included(
    graph: Graph, seed: int
) -> None:
    assume(not graph.activation.kinks)
    network = network_of(graph)
    plan = network.plan(6)
    fill(plan, seed % 100)
    direction = np.random.default_rng(seed).normal(size=network.params.size)
    direction /= np.linalg.norm(direction)
    replayed(network, plan)
    network.backward(plan, plan.lean)
    gradient, start = network.grads.copy(), network.params.copy()

    def loss(distance: float) -> float:
        network.params[...] = start + distance * direction
        return replayed(network, plan)

    quotients = [
        (loss(-2 * h) - 8 * loss(-h) + 8 * loss(h) - loss(2 * h)) / (12 * h) for h in (H, H / 2)
    ]
    size = np.linalg.norm(gradient)
    # where a norm divides by nearly nothing, the loss bends within h, and no quotient is right
    assume(abs(quotients[0] - quotients[1]) <= 1e-7 * size)
    assert abs(quotients[1] - gradient @ direction) <= 1e-6 * size + 1e-9 * loss(0.0)


def gradients_by_group(network: Network, plan: Plan, *, watched: bool) -> Vector:
    """The flat gradient as `update` is handed it; spoils each group's parameters once it is."""
    whole, before = np.full_like(network.params, np.nan), network.params.copy()

    def update(group: Group, grads: Any) -> None:
        whole[group.part] = grads
        network.params[group.part] = np.nan  # what comes after must not read them

    replayed(network, plan, watched=watched)
    network.backward(plan, plan.full if watched else plan.lean, update)
    network.params[...] = before
    return whole


@settings(max_examples=100)
@given(graphs(dropout=0.2), st.sampled_from([np.float32, np.float64]))
def test_both_tapes_and_both_ways_of_updating_give_the_same_bits(graph: Graph, dtype: Any) -> None:
    network = network_of(graph, dtype=dtype)
    plan = network.plan(5)
    fill(plan, 1)
    replayed(network, plan, watched=True)
    network.backward(plan, plan.full)
    expected = network.grads.copy()
    network.grads.fill(np.nan)
    replayed(network, plan)
    network.backward(plan, plan.lean)
    np.testing.assert_array_equal(network.grads, expected, strict=True)
    for watched in (False, True):
        found = gradients_by_group(network, plan, watched=watched)
        np.testing.assert_array_equal(found, expected, strict=True)


@settings(max_examples=60)
@given(graphs(dropout=0.2))
def test_evaluation_never_changes_a_training_state(graph: Graph) -> None:
    network = network_of(graph)
    training, evaluation = network.plan(5), network.plan(4, training=False)
    fill(training, 0)
    fill(evaluation, 1)
    network.differentiate(training)
    network.commit(training.lean)
    before = {name: np.copy(values) for name, values in network.state().items()}
    values = [network.evaluate(evaluation) for _ in range(3)]
    assert values[0] == values[1] == values[2]
    after = network.state()
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_running_statistics_change_by_a_commit_alone() -> None:
    network = network_of(graph_of(("plain", {}), ("batch", {"momentum": 0.25})))
    plan = network.plan(6)
    fill(plan, 0)
    before = {name: np.copy(values) for name, values in network.state().items()}
    network.differentiate(plan)
    assert all(np.array_equal(before[k], v) for k, v in network.state().items())
    network.commit(plan.lean)
    z = network.layers[0].weight @ plan.inputs[0]
    np.testing.assert_allclose(network.state()["0"][:, 0], 0.25 * z.mean(axis=1), rtol=1e-12)
    unbiased = 0.75 + 0.25 * z.var(axis=1, ddof=1)
    np.testing.assert_allclose(network.state()["1"][:, 0], unbiased, rtol=1e-12)


# --- dropout --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("activation", ["tanh", "selu"])
def test_dropout_keeps_the_mean_and_for_selu_the_variance(activation: str, rate: float) -> None:
    graph = graph_of(
        ("plain", {}), activation=activation, features=400, widths=(400,), dropout=rate
    )
    (operation,) = [one for one in graph.operations if isinstance(one, Dropout)]
    network = network_of(graph)
    network.layers[0].weight[...] /= 1.0 if activation == "tanh" else network.layers[0].weight.std()
    network.layers[0].weight[...] /= 1.0 if activation == "tanh" else 20.0
    plan = network.plan(500)
    fill(plan, 0)
    network.evaluate(plan)
    h, kept = plan.lean.value(operation.sources[0]), plan.lean.value(operation.out)
    n = h.size
    if activation == "tanh":
        dropped = (kept == 0.0) & (h != 0.0)
        np.testing.assert_allclose(kept[~dropped], h[~dropped] / (1 - rate), rtol=1e-12)
    else:
        dropped = kept == kept.min()
        assert kept.var() == pytest.approx(h.var(), rel=0.05)  # h is only nearly of variance 1
    assert dropped.mean() == pytest.approx(rate, abs=5 * np.sqrt(rate * (1 - rate) / n))
    assert kept.mean() == pytest.approx(h.mean(), abs=5 * kept.std() / np.sqrt(n) + 0.02)


# --- nonsense -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wiring", "widths", "key"),
    [
        (("residual", {"every": 5}), (4,) * 5, "model.connectivity.every"),
        (("residual", {}), (), "model.connectivity.every"),
        (("residual", {"projection": False}), (4, 4, 5), "model.connectivity.projection"),
        (("dense", {}), (4, 5), "model.width"),
        (("dense", {"every": 4}), (4,) * 4, "model.connectivity.every"),
        (("dense", {}), (), "model.depth"),
    ],
)
def test_what_cannot_be_wired_is_refused(
    wiring: tuple[str, dict[str, Any]], widths: tuple[int, ...], key: str
) -> None:
    with pytest.raises(RequestError) as caught:
        connectivities.build(*wiring).check(widths)
    (problem,) = caught.value.problems
    assert problem.key == key
    assert problem.allowed


@pytest.mark.parametrize("name", ["residual", "dense"])
@pytest.mark.parametrize("every", [1, 2, 6])
def test_the_depth_that_a_refusal_asks_for_is_enough(name: str, every: int) -> None:
    wiring = connectivities.build(name, {"every": every})
    with pytest.raises(RequestError) as caught:
        wiring.check((4,))
    (problem,) = caught.value.problems
    assert problem.allowed == f"a depth of {every + 1} or more"
    wiring.check((4,) * (every + 1))


# --- initializers that need the wiring ------------------------------------------------------------


def begun(init: str, wiring: tuple[str, dict[str, Any]], widths: tuple[int, ...]) -> Network:
    """A network as that initializer leaves it."""
    graph = graph_of(wiring, activation="relu", features=64, widths=widths, outputs=10)
    network = network_of(graph)
    network.initialize(initializers.build(init), Zeros(), np.random.default_rng(0))
    return network


@pytest.mark.parametrize("every", [2, 3, 4])
def test_fixup_scales_the_branches_and_ends_them_in_zeros(every: int) -> None:
    width, blocks = 200, 5
    wiring = ("residual", {"every": every})
    network = begun("fixup", wiring, (width,) * (1 + every * blocks))
    he = 2.0 / width
    expected = he * blocks ** (-2.0 / (2 * every - 2))
    for layer in network.layers[1:-1]:
        variance = layer.weight[:, 1:].var()
        if layer.name.endswith(f"linear{every}"):
            assert variance == 0.0
        else:  # of 40,000 weights, known to √(2/40,000) = 0.7 %
            assert variance == pytest.approx(expected, rel=0.04)
    assert network.layers[0].weight[:, 1:].var() == pytest.approx(2.0 / 64, rel=0.06)


def test_fixup_leaves_the_projection_of_a_skip_as_it_is() -> None:
    network = begun("fixup", ("residual", {}), (50, 50, 80))
    by_name = {layer.name: layer.weight[:, 1:] for layer in network.layers}
    assert by_name["block1.projection"].var() == pytest.approx(2.0 / 50, rel=0.1)
    assert not by_name["block1.linear2"].any()


def test_rezero_shuts_every_branch() -> None:
    network = begun("rezero", ("residual", {"gate": 0.7, "order": "inside"}), (20,) * 9)
    plan = network.plan(6)
    fill(plan, 0)
    network.evaluate(plan)
    stem = network.layers[0].weight @ plan.inputs[0]
    last = network.layers[-1].weight
    np.testing.assert_allclose(plan.outputs, last[:, 1:] @ stem + last[:, :1], rtol=1e-12)


@pytest.mark.parametrize(
    ("init", "wiring"),
    [("fixup", ("plain", {})), ("rezero", ("plain", {})), ("rezero", ("residual", {}))],
)
def test_what_needs_blocks_or_gates_is_refused_without(
    init: str, wiring: tuple[str, dict[str, Any]]
) -> None:
    with pytest.raises(RequestError) as caught:
        begun(init, wiring, (5,) * 5)
    (problem,) = caught.value.problems
    assert problem.key == "model.init"


def test_zero_last_begins_each_branch_as_the_identity() -> None:
    network = begun("he_normal", ("residual", {"zero_last": True}), (8,) * 5)
    names = [layer.name for layer in network.layers if not layer.weight[:, 1:].any()]
    assert names == ["block1.linear2", "block2.linear2"]


def test_highway_gates_begin_at_their_bias() -> None:
    network = begun("he_normal", ("highway", {"gate_bias": -3.0}), (8,) * 3)
    gates = [layer.weight[:, 0] for layer in network.layers if layer.name.endswith(".gate")]
    assert len(gates) == 2
    assert all((gate == -3.0).all() for gate in gates)
