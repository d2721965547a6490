"""The engine's gradients against PyTorch's, stored and live, and against finite differences."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reference import torch_peer
from reference.cases import (
    OPTIONS,
    Case,
    Vector,
    built,
    drawn,
    every_pair,
    mlp,
    name_of,
    parameter_count,
    part,
    value_and_gradients,
)
from reference.stored import REMEDY, load_gradients

from vgrad.nn.activations import activations
from vgrad.nn.arrays import Array
from vgrad.nn.losses import losses
from vgrad.nn.network import GROUP, Group, Network
from vgrad.nn.penalties import Penalties
from vgrad.nn.plan import Plan, Tape

AGREEMENT = 1e-10
"""Relative, layer by layer. Rounding leaves about 1e-15 per layer; saturated units, whose φ′ is a
difference of nearly equal numbers, cost up to four digits more."""
STORED: dict[tuple[str, str], list[tuple[Case, float, list[Vector]]]] = {}
for stored in load_gradients():
    pair = name_of(stored[0].activation, activations), name_of(stored[0].loss, losses)
    STORED.setdefault(pair, []).append(stored)


def assert_agree(found: list[Any], expected: list[Any], tolerance: float = AGREEMENT) -> None:
    """‖g - g′‖ ≤ tolerance·‖g′‖ for each layer."""
    for layer, (g, reference) in enumerate(zip(found, expected, strict=True)):
        error, size = np.linalg.norm(g - reference), np.linalg.norm(reference)
        assert error <= tolerance * size, f"layer {layer}: off by {error:.2e} of {size:.2e}"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any network of up to seven layers."""
    with_options = draw(st.booleans())
    activation, loss = draw(st.sampled_from(sorted(every_pair())))
    return drawn(
        np.random.default_rng(draw(st.integers(0, 2**32))),
        part(activations, activation, with_options=with_options),
        part(losses, loss, with_options=with_options),
        sizes=tuple(draw(st.lists(st.integers(1, 9), min_size=2, max_size=8))),
        batch=draw(st.integers(1, 7)),
        penalties=Penalties(*(draw(st.sampled_from([0.0, 0.01, 0.5])) for _ in range(2))),
    )


@pytest.mark.parametrize(("activation", "loss"), sorted(every_pair()))
def test_gradient_of_every_activation_and_loss_is_that_of_pytorch(
    activation: str, loss: str
) -> None:
    assert (activation, loss) in STORED, f"no reference for {activation} with {loss}: {REMEDY}"
    for case, expected_value, expected in STORED[activation, loss]:
        value, found = value_and_gradients(case)
        assert value == pytest.approx(expected_value, rel=1e-13, abs=1e-15)  # a few roundings
        assert_agree(found, expected)


def test_the_stored_references_cover_depths_options_and_penalties() -> None:
    stored = [case for results in STORED.values() for case, _, _ in results]
    assert {len(case.sizes) for case in stored} == {3, 4, 5, 6}
    assert {bool(case.penalties) for case in stored} == {True, False}
    with_options = {case.activation for case in stored} | {case.loss for case in stored}
    for name, options in OPTIONS.items():
        registry = activations if name in activations else losses
        assert {registry.build(name), registry.build(name, options)} <= with_options


@pytest.mark.live_torch
@settings(max_examples=150)
@given(cases())
def test_gradient_of_any_network_is_that_of_pytorch(case: Case) -> None:
    expected_value, expected = torch_peer.value_and_gradients(case)
    value, found = value_and_gradients(case)
    assert value == pytest.approx(expected_value, rel=1e-12, abs=1e-14)
    assert_agree(found, expected)


H = 2e-4
"""The difference quotient below is of fourth order: it errs by about h⁴/30 of the fifth derivative
along a unit direction, and by ε/h ≈ 1e-12 of the loss for rounding."""


def sides(case: Case) -> Vector:
    """On which side of every bend the case stands: of φ, of the loss and of |W|."""
    network, plan = built(case)
    network.evaluate(plan, plan.full)
    bends = {0.0, *case.activation.kinks}  # φ″ of CELU and softsign jumps at 0
    hidden = [z - bend for z in plan.full.preactivations[:-1] for bend in bends]
    error = plan.outputs - plan.targets
    delta = getattr(case.loss, "delta", 0.0)
    distances = [*hidden, error - delta, error + delta, case.params]
    signs: Vector = np.sign(np.concatenate([array.ravel() for array in distances]))
    return signs


@settings(max_examples=150)
@given(cases(), st.integers(0, 2**32))
def test_gradient_of_any_network_is_that_of_finite_differences(case: Case, seed: int) -> None:
    value, found = value_and_gradients(case)
    gradient = np.concatenate([layer.ravel() for layer in found])
    direction = np.random.default_rng(seed).normal(size=gradient.size)
    direction /= np.linalg.norm(direction)
    path = [case.moved(k * H * direction) for k in (-2, -1, 1, 2)]
    here = sides(case)
    assume(all(np.array_equal(sides(point), here) for point in path))
    f = [value_and_gradients(point)[0] for point in path]
    quotient = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * H)
    assert abs(quotient - gradient @ direction) <= 1e-8 * np.linalg.norm(gradient) + 1e-11 * value


def gradients_by_group(network: Network, plan: Plan, tape: Tape) -> Array:
    """The flat gradient as `update` is handed it; spoils each group's weights once handed over."""
    whole = np.full_like(network.params, np.nan)
    before = network.params.copy()

    def update(group: Group, grads: Any) -> None:
        whole[group.part] = grads
        network.params[group.part] = np.nan  # what comes after must not read them

    network.differentiate(plan, tape, update)
    network.params[...] = before
    return whole


def assert_all_paths_agree(case: Case, dtype: Any) -> None:
    """Flat and group by group, on the lean and on the full tape: the same bits."""
    network, plan = built(case, dtype)
    network.differentiate(plan, plan.full)
    expected = network.grads.copy()
    assert np.isfinite(expected).all()
    network.grads.fill(np.nan)
    network.differentiate(plan, plan.lean)
    np.testing.assert_array_equal(network.grads, expected, strict=True)
    for tape in (plan.lean, plan.full):
        network.grads.fill(np.nan)
        found = gradients_by_group(network, plan, tape)
        np.testing.assert_array_equal(found, expected, strict=True)
        assert np.isnan(network.grads).all(), "the flat gradient is not written besides"


@settings(max_examples=60)
@given(cases(), st.sampled_from([np.float32, np.float64]))
def test_both_gradient_paths_and_both_tapes_give_the_same_bits(case: Case, dtype: Any) -> None:
    assert_all_paths_agree(case, dtype)


LARGE = (64, 190, 180, 200, 170, 210, 190, 150, 3)  # several layers to a group, several groups


@pytest.mark.parametrize("activation", activations.names())
def test_a_network_of_many_groups_gives_the_same_bits_on_every_path(activation: str) -> None:
    rng = np.random.default_rng(5)
    phi, loss = activations.build(activation), losses.build("cross_entropy")
    case = drawn(rng, phi, loss, LARGE, batch=33, penalties=Penalties())
    network, _ = built(case)
    assert len(network.groups) > 2
    assert parameter_count(LARGE) > 2 * GROUP
    assert_all_paths_agree(case, np.float32)


@pytest.mark.parametrize("sizes", [(1, 1), LARGE, (200, 200, 200, 200), (2, 40000, 2)])
def test_groups_follow_one_another_and_leave_nothing_out(sizes: tuple[int, ...]) -> None:
    network = mlp(sizes, activations.build("tanh"), losses.build("mse"), np.float32)
    ends = [0, *(group.part.stop for group in network.groups)]
    assert [group.part for group in network.groups] == [slice(*ab) for ab in pairwise(ends)]
    assert ends[-1] == network.params.size == parameter_count(sizes)
    assert [i for group in network.groups for i in group.layers] == list(range(len(sizes) - 1))
    assert [group.index for group in network.groups] == list(range(len(network.groups)))
    assert all(group.size >= GROUP for group in network.groups[:-1])


@settings(max_examples=60)
@given(cases())
def test_single_precision_agrees_with_double_to_its_own_precision(case: Case) -> None:
    assume(np.array_equal(sides(case), sides(case.moved(1e-5 * np.sign(case.params)))))
    network, plan = built(case)
    network.differentiate(plan, plan.full)
    terms = [np.abs(d) @ np.abs(x.T) for d, x in zip(plan.full.deltas, plan.inputs, strict=True)]
    _, expected = value_and_gradients(case)
    _, found = value_and_gradients(case, np.float32)
    largest = max(np.linalg.norm(array) for array in (*terms, *expected))
    for g, reference in zip(found, expected, strict=True):
        # 6e-8 for each of a few dozen operations, relative to the terms, which may cancel
        assert np.linalg.norm(g - reference) <= 1e-5 * largest
