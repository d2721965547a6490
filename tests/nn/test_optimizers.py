"""Optimizers against torch.optim, stored and live, or against the equations of their paper."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from reference import torch_peer
from reference.cases import RULES, STEPS, Vector, gradient_sequence
from reference.stored import REMEDY, load_traces

from vgrad.nn.optimizers import Optimizer, UpdateRule, optimizers
from vgrad.nn.optimizers.base import CHUNK
from vgrad.nn.segments import Segment

AGREEMENT = 1e-12  # relative to the farthest a parameter gets: thousands of roundings


ELEMENTWISE = [entry.name for entry in optimizers if not entry.part.layerwise]


def built(rule: UpdateRule, params: Vector, parts: Sequence[slice] = ()) -> Optimizer:
    """The rule at work on groups of a flat vector, each one vector to a layer-wise rule."""
    groups = parts or [slice(0, params.size)]
    return Optimizer(rule, params, groups, [Segment(g, (g.stop - g.start,)) for g in groups])


def trace(rule: UpdateRule, start: Vector, grads: Vector) -> Vector:
    """The parameters after each step, `(steps, n)`."""
    params = start.copy()
    optimizer = built(rule, params)
    rows = np.empty_like(grads)
    for row, grad in zip(rows, grads, strict=True):
        optimizer.begin(rule.lr)
        optimizer.update(0, grad)
        row[...] = params
    return rows


def assert_agree(found: Vector, expected: Vector) -> None:
    """Within `AGREEMENT` of the largest value of each parameter."""
    assert np.isfinite(expected).all()
    largest = np.abs(expected).max(axis=0)
    assert (np.abs(found - expected) <= AGREEMENT * largest).all()


def signsgd(rule: Any, theta: Vector, grads: Vector) -> Vector:
    """Bernstein et al. 2018, algorithm 1."""
    rows = []
    for g in grads:
        theta = theta - rule.lr * np.sign(g)
        rows.append(theta)
    return np.array(rows)


def lion(rule: Any, theta: Vector, grads: Vector) -> Vector:
    """Chen et al. 2023, algorithm 2."""
    beta1, beta2 = rule.betas
    rows, m = [], np.zeros_like(theta)
    for g in grads:
        c = beta1 * m + (1 - beta1) * g
        theta = theta - rule.lr * (np.sign(c) + rule.weight_decay * theta)
        m = beta2 * m + (1 - beta2) * g
        rows.append(theta)
    return np.array(rows)


PAPERS: dict[str, tuple[Callable[[Any, Vector, Vector], Vector], list[dict[str, Any]]]] = {
    "signsgd": (signsgd, [{}, {"lr": 0.5}]),
    "lion": (lion, [{}, {"lr": 0.1, "betas": (0.5, 0.7), "weight_decay": 0.3}]),
}
"""Of each optimizer that PyTorch lacks, its equations, and the options to compare with."""

TRACES = list(load_traces())


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_every_optimizer_has_a_reference(name: str) -> None:
    stored = [rule for of, rule, *_ in TRACES if of == name]
    if name in PAPERS:
        assert not stored
        return
    assert name in RULES, f"say in `cases.RULES` with which options {name} is compared"
    assert stored == [optimizers.build(name, options) for options in RULES[name]], REMEDY


@pytest.mark.parametrize("stored", TRACES, ids=lambda stored: str(stored[1]))
def test_twenty_steps_are_those_of_torch_optim(stored: tuple[Any, ...]) -> None:
    _, rule, start, grads, expected = stored
    assert len(grads) == 20
    assert_agree(trace(rule, start, grads), expected)


@pytest.mark.parametrize(("name", "options"), [(n, o) for n in PAPERS for o in PAPERS[n][1]])
def test_steps_are_those_of_the_paper(name: str, options: dict[str, Any]) -> None:
    rule, equations = optimizers.build(name, options), PAPERS[name][0]
    start, grads = gradient_sequence(np.random.default_rng(1))
    assert_agree(trace(rule, start, grads), equations(rule, start, grads))


@pytest.mark.live_torch
@pytest.mark.parametrize(("name", "options"), [(n, o) for n in RULES for o in RULES[n]])
def test_steps_are_those_of_torch_optim_live(name: str, options: dict[str, Any]) -> None:
    rule = optimizers.build(name, options)
    for seed in range(5):
        start, grads = gradient_sequence(np.random.default_rng(seed))
        expected = torch_peer.optimizer_trace(name, rule, start, grads)
        assert_agree(trace(rule, start, grads), expected)


def test_the_gradients_hold_what_optimizers_stumble_over() -> None:
    start, grads = TRACES[0][2:4]
    assert grads.shape[0] == STEPS
    assert ((start == 0.0).any(), (start != 0.0).any()) == (True, True)
    signs = np.sign(grads)
    assert (signs == 0.0).all(axis=0).any()
    assert ((signs == 0.0).any(axis=0) & (signs != 0.0).any(axis=0)).any()
    assert (signs[1:] == -signs[:-1]).all(axis=0)[signs[0] != 0.0].any()
    assert (signs[1:] == signs[:-1]).all(axis=0)[signs[0] != 0.0].any()


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_weight_decay_shrinks_every_parameter_before_the_update(name: str) -> None:
    """θ ← (1 - lr·weight_decay)·θ + Δ, and no Δ depends on θ: all are sums of decayed Δ."""
    start, grads = gradient_sequence(np.random.default_rng(5))
    start += 1.0
    plain = optimizers.build(name, {"weight_decay": 0.0, "lr": 0.01})
    decayed = trace(optimizers.build(name, {"weight_decay": 3.0, "lr": 0.01}), start, grads)
    moves = np.diff(trace(plain, np.zeros_like(start), grads), axis=0, prepend=0.0)
    expected, theta = [], start
    for move in moves:
        theta = 0.97 * theta + move
        expected.append(theta)
    assert_agree(decayed, np.array(expected))
    assert decayed[-1, 0] == pytest.approx(0.97**STEPS, rel=1e-14), "without a gradient too"


def test_weight_decay_follows_the_rate_of_the_step() -> None:
    params = np.ones(3)
    optimizer = built(optimizers.build("sgd", {"lr": 1.0, "weight_decay": 0.5}), params)
    for rate in (1.0, 0.0, 0.2):
        optimizer.begin(rate)
        optimizer.update(0, np.zeros(3))
    np.testing.assert_allclose(params, 0.5 * 1.0 * 0.9, rtol=1e-15)


@pytest.mark.parametrize("name", optimizers.names())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_neither_chunks_nor_groups_change_a_bit(name: str, dtype: Any) -> None:
    rule = optimizers.build(name)
    rng = np.random.default_rng(2)
    n = 2 * CHUNK + 1001
    start = rng.normal(size=n).astype(dtype)
    grads = rng.normal(size=(4, n)).astype(dtype)
    whole, grouped, short = start.copy(), start.copy(), start.copy()
    cuts = [0, 1001, CHUNK + 1000, n]
    parts = [slice(a, b) for a, b in pairwise(cuts)]
    pieces = [slice(a, a + 1001) for a in range(0, n, 1001)]
    one = built(rule, whole)
    three = built(rule, grouped, parts)
    many = [built(rule, short[piece]) for piece in pieces]
    for grad in grads:
        for optimizer in (one, three, *many):
            optimizer.begin(rule.lr)
        one.update(0, grad)
        for index in (2, 0, 1):  # in any order
            three.update(index, grad[parts[index]])
        for optimizer, piece in zip(many, pieces, strict=True):
            optimizer.update(0, grad[piece])
    assert (whole != start).mean() > 0.5  # signs of random gradients may lead back
    np.testing.assert_array_equal(grouped, whole)
    np.testing.assert_array_equal(short, whole)


@pytest.mark.parametrize("name", optimizers.names())
def test_a_step_only_reads_the_gradient(name: str) -> None:
    rule = optimizers.build(name)
    start, grads = gradient_sequence(np.random.default_rng(3))
    grads.setflags(write=False)
    trace(rule, start, grads)  # raises where it writes


@pytest.mark.parametrize("name", optimizers.names())
def test_state_and_load_state_go_on_with_the_same_bits(name: str) -> None:
    rule = optimizers.build(name)
    start, grads = gradient_sequence(np.random.default_rng(4))
    expected = trace(rule, start, grads)
    half = STEPS // 2
    params = expected[half - 1].copy()
    interrupted = built(rule, start.copy())
    for grad in grads[:half]:
        interrupted.begin(rule.lr)
        interrupted.update(0, grad)
    resumed = built(rule, params)
    resumed.load_state({key: array.copy() for key, array in interrupted.state().items()})
    for grad, row in zip(grads[half:], expected[half:], strict=True):
        resumed.begin(rule.lr)
        resumed.update(0, grad)
        np.testing.assert_array_equal(params, row)
    assert int(resumed.state()["t"]) == STEPS


@pytest.mark.parametrize("name", optimizers.names())
def test_the_rate_of_each_step_is_the_one_given(name: str) -> None:
    rule = optimizers.build(name)
    params = np.ones(3)
    optimizer = built(rule, params)
    optimizer.begin(0.0)
    optimizer.update(0, np.array([1.0, -2.0, 3.0]))
    if name == "rprop":  # its rate is only where its own step sizes begin
        np.testing.assert_array_equal(params, 1.0 - rule.lr * np.array([1.0, -1.0, 1.0]))
    else:
        np.testing.assert_array_equal(params, 1.0)


@pytest.mark.parametrize("name", optimizers.names())
def test_every_optimizer_goes_downhill_on_a_quadratic(name: str) -> None:
    """f = ½Σ aθ² with curvatures 1 to 100, from a point where all of them count alike."""
    rule = optimizers.build(name, {"lr": 1.0 if name == "adadelta" else 1e-3})
    curvature = np.array([1.0, 3.0, 10.0, 30.0, 100.0])
    params = 1.0 / np.sqrt(curvature)
    optimizer = built(rule, params)
    heights = [0.5 * float(curvature @ params**2)]
    for _ in range(12):  # before steps that grow can pass the nearest minimum, at 0.1
        optimizer.begin(rule.lr)
        optimizer.update(0, curvature * params)
        heights.append(0.5 * float(curvature @ params**2))
    assert all(after < before for before, after in pairwise(heights))
    assert heights[-1] < 0.99 * heights[0]
