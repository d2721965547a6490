"""Clips against their equations and PyTorch's functions; what they leave alone; extremes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parameter_tables import FEW, Vector, drawn, table, tables, tensors
from reference import torch_peer

from vgrad.nn.clipping import Clip, clips
from vgrad.nn.segments import Segment

AGREEMENT = 1e-12
EVERY = pytest.mark.parametrize("name", clips.names())
PRECISIONS = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def clipped(clip: Clip, params: Vector, grads: Vector, segments: Sequence[Segment]) -> Vector:
    """The gradient after clipping a copy."""
    result = grads.copy()
    clip.bind(params, result, segments)()
    return result


def none(clip: Any, params: Sequence[Vector], grads: Sequence[Vector]) -> list[Vector]:
    """Nothing happens."""
    return list(grads)


def norm(clip: Any, params: Sequence[Vector], grads: Sequence[Vector]) -> list[Vector]:
    """torch.nn.utils.clip_grad_norm_: Pascanu et al. 2013, algorithm 1."""
    size = np.sqrt(sum((g**2).sum() for g in grads))
    return [g * min(1.0, clip.max_norm / (size + 1e-6)) for g in grads]


def value(clip: Any, params: Sequence[Vector], grads: Sequence[Vector]) -> list[Vector]:
    """torch.nn.utils.clip_grad_value_."""
    return [np.minimum(np.maximum(g, -clip.clip_value), clip.clip_value) for g in grads]


def layer(clip: Any, params: Sequence[Vector], grads: Sequence[Vector]) -> list[Vector]:
    """The same, tensor by tensor."""
    return [norm(clip, [w], [g])[0] for w, g in zip(params, grads, strict=True)]


def agc(clip: Any, params: Sequence[Vector], grads: Sequence[Vector]) -> list[Vector]:
    """Brock et al. 2021, equation 3, unit by unit."""

    def unit(w: Vector, g: Vector) -> Vector:
        limit = clip.clipping * max(np.linalg.norm(w), clip.eps)
        return g * limit / np.linalg.norm(g) if np.linalg.norm(g) > limit else g

    results = []
    for number, (w, g) in enumerate(zip(params, grads, strict=True), 1):
        if number == len(params) and clip.exclude_output:
            results.append(g)
        elif g.ndim == 1:
            results.append(unit(w, g))
        else:
            rows = [unit(a, b) for a, b in zip(w[:, 1:], g[:, 1:], strict=True)]
            results.append(np.column_stack([unit(w[:, 0], g[:, 0]), np.array(rows)]))
    return results


EQUATIONS: dict[str, Callable[[Any, Sequence[Vector], Sequence[Vector]], list[Vector]]] = {
    "none": none,
    "norm": norm,
    "value": value,
    "layer": layer,
    "agc": agc,
}
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "none": [{}],
    "norm": [{}, {"max_norm": 1e-3}, {"max_norm": 30.0}],
    "value": [{}, {"clip_value": 1e-2}, {"clip_value": 3.0}],
    "layer": [{}, {"max_norm": 1e-3}, {"max_norm": 30.0}],
    "agc": [{}, {"clipping": 0.3, "eps": 0.1}, {"exclude_output": False, "clipping": 1.0}],
}
CHOICES = [(name, options) for name, several in OPTIONS.items() for options in several]


def test_every_clip_is_compared_with_its_equation() -> None:
    assert set(EQUATIONS) == set(OPTIONS) == set(clips.names())


@pytest.mark.parametrize(("name", "options"), CHOICES)
@settings(max_examples=40)
@given(tables, st.integers(0, 2**32))
def test_the_clipped_gradient_is_that_of_the_equation(
    name: str, options: dict[str, Any], shapes: Any, seed: int
) -> None:
    clip, segments = clips.build(name, options), table(shapes)
    params, grads = drawn(seed, segments)
    parts = tensors(segments, params), tensors(segments, grads)
    found = clipped(clip, params, grads, segments)
    for one, expected in zip(tensors(segments, found), EQUATIONS[name](clip, *parts), strict=True):
        np.testing.assert_allclose(one, expected, rtol=AGREEMENT)


@pytest.mark.live_torch
@pytest.mark.parametrize(("name", "options"), [c for c in CHOICES if c[0] in ("norm", "value")])
def test_the_clipped_gradient_is_that_of_torch_live(name: str, options: dict[str, Any]) -> None:
    clip, segments = clips.build(name, options), table(FEW)
    for seed in range(20):
        params, grads = drawn(seed, segments)
        expected = torch_peer.clipped_gradients(name, clip, tensors(segments, grads))
        found = tensors(segments, clipped(clip, params, grads, segments))
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=AGREEMENT)


@EVERY
@PRECISIONS
@given(tables, st.integers(0, 2**32), st.floats(-3, 3))
def test_it_says_whether_it_changed_the_gradient(
    name: str, dtype: Any, shapes: Any, seed: int, exponent: float
) -> None:
    clip, segments = clips.build(name), table(shapes)
    params, grads = drawn(seed, segments, dtype)
    grads *= 10.0**exponent
    kept, before = grads.copy(), params.copy()
    clipper = clip.bind(params, grads, segments)
    assert clipper() == (grads != kept).any()
    np.testing.assert_array_equal(params, before)


@pytest.mark.parametrize("name", [e.name for e in clips if not e.part.needs_all])
@PRECISIONS
def test_groups_one_by_one_are_clipped_as_all_at_once(name: str, dtype: Any) -> None:
    clip, segments = clips.build(name), table(FEW)
    params, grads = drawn(3, segments, dtype)
    whole = clipped(clip, params, grads, segments)
    cuts = [(4, 6), (0, 2), (2, 4)]
    for first, last in cuts:
        group = segments[first:last]
        part = slice(group[0].part.start, group[-1].part.stop)
        piece = grads[part].copy()
        clip.bind(params[part], piece, group)()
        np.testing.assert_array_equal(piece, whole[part])


@EVERY
@PRECISIONS
def test_a_clipper_sees_the_numbers_of_the_moment(name: str, dtype: Any) -> None:
    clip, segments = clips.build(name), table(FEW)
    params, grads = drawn(0, segments, dtype)
    clipper = clip.bind(params, grads, segments)
    for seed in range(1, 4):
        later, gradient = drawn(seed, segments, dtype)
        params[...], grads[...] = later, gradient
        clipper()
        np.testing.assert_array_equal(grads, clipped(clip, later, gradient, segments))


LARGE = {np.float32: [1e15, 1e19, 1e30, 3e37], np.float64: [1e15, 1e155, 1e300, 1e307]}


@pytest.mark.parametrize("name", ["norm", "layer", "agc"])
@pytest.mark.parametrize(
    ("dtype", "scale"), [(d, s) for d, several in LARGE.items() for s in several]
)
def test_norms_that_overflow_are_clipped_all_the_same(name: str, dtype: Any, scale: float) -> None:
    clip, segments = clips.build(name), table(FEW)
    params, _ = drawn(5, segments, dtype)
    grads = np.random.default_rng(5).normal(size=params.size).astype(dtype)
    expected = clipped(clip, params, 1e6 * grads, segments)  # far beyond every limit already
    huge = (scale * grads.astype(np.float64)).astype(dtype)
    last = segments[-1].part if name == "agc" else slice(0, 0)
    found = clipped(clip, params, huge, segments)
    found[last] = expected[last] = 0.0
    assert (found != 0.0).sum() >= 0.8 * found.size
    np.testing.assert_allclose(found, expected, rtol=1e-4 if dtype == np.float32 else 1e-9)


@pytest.mark.parametrize("limit", [1e-25, 1e-35])
def test_limits_hold_whose_squares_vanish(limit: float) -> None:
    clip, segments = clips.build("agc", {"clipping": 1.0, "eps": limit}), table([(2, 3), (2, 3)])
    params, grads = np.zeros((2, 12), np.float32)
    grads[:3], grads[3:] = 10.0 * limit, 0.1 * limit
    found = clipped(clip, params, grads, segments)
    np.testing.assert_allclose(found[1:3], limit / np.sqrt(2.0), rtol=1e-5)
    np.testing.assert_array_equal(found[4:], grads[4:])


@EVERY
@PRECISIONS
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_stays_as_it_is(name: str, dtype: Any, bad: float) -> None:
    clip, segments = clips.build(name), table(FEW)
    params, grads = drawn(6, segments, dtype)
    grads *= 1e3
    grads[segments[1].part.start + 5] = bad  # an entry of the second row, no bias
    found = clipped(clip, params, grads, segments)
    own = {
        "layer": segments[1].part,
        "agc": slice(segments[1].part.start + 5, segments[1].part.start + 8),
    }.get(name, slice(0, grads.size))
    np.testing.assert_array_equal(found[own], grads[own])
    rest = np.ones(grads.size, np.bool_)
    rest[own] = False
    kept = grads.copy()
    kept[own] = 0.0
    if rest.any():
        np.testing.assert_array_equal(found[rest], clipped(clip, params, kept, segments)[rest])
        assert (found[rest] != grads[rest]).any()


@PRECISIONS
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_units_whose_weights_are_not_finite_keep_their_gradient(dtype: Any, bad: float) -> None:
    segments = table([(3, 3), (2, 2)])
    params, grads = np.ones((2, 13), dtype)
    params[4] = bad
    found = clipped(clips.build("agc"), params, grads, segments)
    np.testing.assert_array_equal(tensors(segments, found)[0][1, 1:], 1.0)
    assert (tensors(segments, found)[0][[0, 2], 1:] < 0.02).all()


@EVERY
@PRECISIONS
def test_a_gradient_of_zeros_stays_zero(name: str, dtype: Any) -> None:
    segments = table(FEW)
    params, grads = np.zeros((2, segments[-1].part.stop), dtype)
    assert not clips.build(name).bind(params, grads, segments)()
    np.testing.assert_array_equal(grads, 0.0)


def test_agc_lets_weights_of_zero_move() -> None:
    segments = table([(3, 4), (3,), (2, 2)])
    params, grads = np.zeros(19), np.ones(19)
    clip = clips.build("agc", {"clipping": 0.1, "eps": 0.01})
    weight, gate, output = tensors(segments, clipped(clip, params, grads, segments))
    np.testing.assert_allclose(np.linalg.norm(weight[:, 1:], axis=1), 1e-3, rtol=AGREEMENT)
    np.testing.assert_allclose(np.linalg.norm(weight[:, 0]), 1e-3, rtol=AGREEMENT)
    np.testing.assert_allclose(np.linalg.norm(gate), 1e-3, rtol=AGREEMENT)
    np.testing.assert_array_equal(output, 1.0)
