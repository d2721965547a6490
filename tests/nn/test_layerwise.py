"""Layer-wise optimizers against the equations of their papers, and at the edges of these."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parameter_tables import FEW, Shapes, Vector, drawn, table, tables, tensors

from vgrad.nn.optimizers import Optimizer, UpdateRule, optimizers

STEPS = 20
AGREEMENT = 1e-12  # relative to the largest of a tensor's parameters
LAYERWISE = [entry.name for entry in optimizers if entry.part.layerwise]
EVERY = pytest.mark.parametrize("name", LAYERWISE)


def lars(rule: Any, w: Vector, grads: list[Vector], *, is_layer: bool) -> Vector:
    """You et al. 2017, algorithm 1, of one tensor; returns it after the last step."""
    v, beta = np.zeros_like(w), rule.weight_decay if is_layer else 0.0
    for g in grads:
        size, slope = np.linalg.norm(w), np.linalg.norm(g)
        ratio = 1.0
        if is_layer and size > 0 and slope > 0:
            ratio = rule.trust_coefficient * size / (slope + beta * size)
        v = rule.momentum * v + rule.lr * ratio * (g + beta * w)
        w = w - v
    return w


def lamb(rule: Any, x: Vector, grads: list[Vector], *, is_layer: bool) -> Vector:
    """You et al. 2020, algorithm 2, of one tensor; returns it after the last step."""
    (beta1, beta2), decay = rule.betas, rule.weight_decay if is_layer else 0.0
    m, v = np.zeros_like(x), np.zeros_like(x)
    for t, g in enumerate(grads, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        r = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + rule.eps)
        u = r + decay * x
        size, step = np.linalg.norm(x), np.linalg.norm(u)
        ratio = size / step if is_layer and size > 0 and step > 0 else 1.0
        x = x - rule.lr * ratio * u
    return x


EQUATIONS: dict[str, Callable[..., Vector]] = {"lars": lars, "lamb": lamb}
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "lars": [{}, {"lr": 0.3, "weight_decay": 0.1, "momentum": 0.5, "trust_coefficient": 0.02}],
    "lamb": [{}, {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-2, "weight_decay": 0.3}],
}
CHOICES = [(name, options) for name, several in OPTIONS.items() for options in several]


def pieces(tensor: Vector) -> list[Vector]:
    """A weight without its bias, and its bias; or a vector."""
    return [tensor[:, 1:], tensor[:, 0]] if tensor.ndim == 2 else [tensor]


def gradients(seed: int, shapes: Shapes) -> Vector:
    """Those of all steps, `(STEPS, n)`; the sizes of tensors differ."""
    rng, (_, first) = np.random.default_rng(seed), drawn(seed, table(shapes))
    return np.abs(first) * rng.normal(size=(STEPS, first.size))


def trained(rule: UpdateRule, start: Vector, grads: Vector, shapes: Shapes, cut: int = 0) -> Vector:
    """The parameters after all steps, updated as two groups where `cut` tensors make the first."""
    params, segments = start.copy(), table(shapes)
    middle = segments[cut].part.start
    parts = [p for p in (slice(0, middle), slice(middle, params.size)) if p.stop > p.start]
    optimizer = Optimizer(rule, params, parts, segments)
    for grad in grads:
        optimizer.begin(rule.lr)
        for index, part in enumerate(parts):
            optimizer.update(index, grad[part])
    return params


def test_every_layer_wise_optimizer_is_compared_with_its_equations() -> None:
    assert set(EQUATIONS) == set(OPTIONS) == set(LAYERWISE)


@pytest.mark.parametrize(("name", "options"), CHOICES)
@settings(max_examples=30)
@given(tables, st.integers(0, 2**32))
def test_twenty_steps_are_those_of_the_paper(
    name: str, options: dict[str, Any], shapes: Shapes, seed: int
) -> None:
    rule, segments = optimizers.build(name, options), table(shapes)
    start, _ = drawn(seed, segments)
    grads = gradients(seed, shapes)
    found = tensors(segments, trained(rule, start, grads, shapes))
    by_tensor = list(zip(*(tensors(segments, grad) for grad in grads), strict=True))
    for w, after, several in zip(tensors(segments, start), found, by_tensor, strict=True):
        columns = zip(pieces(w), pieces(after), *map(pieces, several), strict=True)
        for piece, result, *sequence in columns:
            expected = EQUATIONS[name](rule, piece, sequence, is_layer=piece.ndim == 2)
            scale = max(np.abs(expected).max(), np.abs(piece).max())
            np.testing.assert_allclose(result, expected, rtol=0, atol=AGREEMENT * scale)


@EVERY
@given(st.integers(0, len(FEW) - 1), st.integers(0, 2**32))
def test_groups_change_no_bit(name: str, cut: int, seed: int) -> None:
    rule, (start, _) = optimizers.build(name), drawn(seed, table(FEW))
    grads = gradients(seed, FEW)
    whole = trained(rule, start, grads, FEW)
    np.testing.assert_array_equal(trained(rule, start, grads, FEW, cut), whole)


@EVERY
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_of_zero_and_gradients_of_zero_stay_numbers(name: str, dtype: Any) -> None:
    rule = optimizers.build(name, {"weight_decay": 0.0})
    shapes = [(2, 3), (2, 3)]
    start, grads = np.zeros(12, dtype), np.zeros((STEPS, 12), dtype)
    start[6:], grads[:, :6] = 1.0, 1.0
    after = trained(rule, start, grads, shapes)
    assert (after[:6] < -0.9 * rule.lr).all(), "what begins at zero moves with a ratio of 1"
    np.testing.assert_array_equal(after[6:], 1.0)


@EVERY
def test_biases_and_vectors_move_as_if_there_were_no_layers(name: str) -> None:
    rule = optimizers.build(name, {"weight_decay": 0.5})
    shapes = [(4, 3), (4,)]
    start, grads = np.ones(16), np.random.default_rng(0).normal(size=(STEPS, 16))
    for grad in grads:  # the vector gets the gradient of the bias
        grad[12:] = grad[:12].reshape(4, 3)[:, 0]
    after = trained(rule, start, grads, shapes)
    np.testing.assert_array_equal(after[:12].reshape(4, 3)[:, 0], after[12:])
    twin = {
        "lars": optimizers.build("momentum", {"lr": rule.lr}),
        "lamb": optimizers.build("adam", {"lr": rule.lr, "eps": 1e-6}),
    }[name]
    np.testing.assert_allclose(after[12:], trained(twin, start, grads, shapes)[12:], rtol=1e-12)


SCALES = {"lars": [1e-35, 1e-25, 1e-10, 1e10, 1e17], "lamb": [1e-10, 1e10, 1e17]}
"""LAMB squares entries, as Adam does: in single precision smaller ones are lost."""


@pytest.mark.parametrize(("name", "scale"), [(name, s) for name in SCALES for s in SCALES[name]])
def test_the_size_of_the_gradient_does_not_matter(name: str, scale: float) -> None:
    options = {"lars": {"eps": 1e-45}, "lamb": {"eps": 1e-45, "weight_decay": 0.0}}[name]
    rule, shapes = optimizers.build(name, options), [(4, 1 + 5)]
    start, _ = drawn(1, table(shapes), np.float32)
    start[::6] = 0.0  # biases: they take the gradient as it is
    grads = np.random.default_rng(1).normal(size=(3, 24))
    grads[:, ::6] = 0.0
    expected = trained(rule, start, grads.astype(np.float32), shapes)
    found = trained(rule, start, (scale * grads).astype(np.float32), shapes)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6 * np.abs(start).max())
    assert (np.abs(found - start).reshape(4, 6)[:, 1:] > 0.0).mean() > 0.9


def test_lars_moves_each_layer_by_the_same_share_of_its_norm() -> None:
    rule = optimizers.build("lars", {"lr": 1.0, "momentum": 0.0, "trust_coefficient": 0.01})
    segments = table(FEW)
    start, grad = drawn(7, segments)
    after = tensors(segments, trained(rule, start, grad[np.newaxis], FEW))
    for w, moved in zip(tensors(segments, start), after, strict=True):
        if w.ndim == 2:
            change = np.linalg.norm((moved - w)[:, 1:])
            assert change == pytest.approx(0.01 * np.linalg.norm(w[:, 1:]), rel=1e-10)


@EVERY
def test_tensors_that_do_not_fill_the_groups_are_refused(name: str) -> None:
    rule, params, segments = optimizers.build(name), np.zeros(12), table([(2, 3), (6,)])
    for given_segments in ((), segments[:1]):
        with pytest.raises(ValueError, match="do not fill"):
            Optimizer(rule, params, [slice(0, 12)], given_segments)
    with pytest.raises(ValueError, match="do not fill"):
        Optimizer(rule, params, [slice(0, 5), slice(5, 12)], segments)


def test_lars_without_a_gradient_decays_with_a_ratio_of_1() -> None:
    rule = optimizers.build("lars", {"lr": 0.5, "weight_decay": 0.2, "momentum": 0.0})
    after = trained(rule, np.ones(6), np.zeros((1, 6)), [(2, 3)]).reshape(2, 3)
    np.testing.assert_allclose(after, [[1.0, 0.9, 0.9]] * 2, rtol=1e-15)
