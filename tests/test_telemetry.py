"""Every fast statistic against a naive twin in double precision, and the definitions themselves."""

import tracemalloc
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vgrad.records import LAYER_DTYPE, STATISTICS
from vgrad.telemetry import SATURATED_BELOW, LayerStack, Telemetry, norm

PRECISION = {np.dtype(np.float32): 2e-5, np.dtype(np.float64): 1e-12}
"""Relative. Sums of a few thousand numbers, rounded at each addition; a spread that is the
difference of mean square and squared mean loses a digit more."""


def twin(stack: LayerStack, layer: int) -> dict[str, float]:
    """The statistics as `STATISTICS` defines them, one layer at a time, in double precision."""
    shown = (stack.gradient, stack.delta, stack.weight, stack.preactivation, stack.output)
    g, delta, w, z, h = (array[layer].astype(np.float64) for array in shown)
    update: Any = np.nan
    if stack.previous_weight is not None:
        change = np.linalg.norm(w - stack.previous_weight[layer].astype(np.float64))
        with np.errstate(divide="ignore"):
            update = change / np.linalg.norm(w) if change else 0.0
    saturated = dead = 0.0
    if stack.slope is not None:
        slope = stack.slope[layer].astype(np.float64)
        saturated = np.mean(np.abs(slope) < SATURATED_BELOW * stack.max_slope)
        dead = np.mean([(unit == 0.0).all() for unit in slope])
    return {
        "grad_norm": np.sqrt((g**2).sum()),
        "grad_rms": np.sqrt((g**2).mean()),
        "grad_mean": g.mean(),
        "grad_std": g.std(),
        "grad_max_abs": np.abs(g).max(),
        "grad_zero_fraction": np.mean(g == 0.0),
        "delta_rms": np.sqrt(((delta * delta.shape[1]) ** 2).mean()),
        "weight_norm": np.sqrt((w**2).sum()),
        "update_ratio": update,
        "preact_mean": z.mean(),
        "preact_std": z.std(),
        "act_mean": h.mean(),
        "act_std": h.std(),
        "saturated_fraction": saturated,
        "dead_fraction": dead,
    }


def measured(stacks: Sequence[LayerStack], step: int = 7) -> NDArray[np.void]:
    """What telemetry says; it must be silent whatever the numbers."""
    largest = max(stack.largest for stack in stacks)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Telemetry(largest, stacks[0].weight.dtype).measure(step, stacks)


@st.composite
def arrays(draw: st.DrawFn, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    """Numbers of any size, with any mean, with some zeros."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    scale = 10.0 ** draw(st.integers(-40, 30))
    ratio = draw(st.sampled_from([0.0, 0.0, 1.0, -30.0, 1e3]))  # of the mean to the spread
    values = scale * (rng.normal(size=shape) + ratio)
    values *= rng.random(shape) >= draw(st.sampled_from([0.0, 0.0, 0.3, 1.0]))
    return values.astype(dtype)


@st.composite
def layer_stacks(draw: st.DrawFn, *, most: int = 4) -> LayerStack:
    """A stack of any shape; weights come as views without their bias column."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    k, rows, columns, batch = (draw(st.integers(1, high)) for high in (most, 8, 8, 20))
    wide = arrays((k, rows, 1 + columns), dtype)
    weight, gradient, previous = (draw(wide)[:, :, 1:] for _ in range(3))
    delta, z, h = (draw(arrays((k, rows, batch), dtype)) for _ in range(3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    slope = rng.choice(np.array([0.0, 0.03, 0.06, -0.01, 1.0], dtype), (k, rows, batch))
    slope[rng.random((k, rows)) < 0.3] = 0.0
    return LayerStack(
        names=tuple(f"linear{n}" for n in range(1, k + 1)),
        weight=weight,
        gradient=gradient,
        previous_weight=draw(st.sampled_from([previous, None])),
        delta=delta,
        preactivation=z,
        output=h,
        slope=draw(st.sampled_from([slope, None])),
        max_slope=draw(st.sampled_from([1.0, 0.25, 1.7])),
    )


def spread_noise(stack: LayerStack, statistic: str, layer: int) -> float:
    """How far the rounding of the numbers themselves moves their mean: a part of their size."""
    sources = {"grad": stack.gradient, "preact": stack.preactivation, "act": stack.output}
    family, _, kind = statistic.rpartition("_")
    if kind != "mean":
        return 0.0
    values = sources[family][layer].astype(np.float64)
    return PRECISION[stack.weight.dtype] * float(np.sqrt(np.mean(values**2)))


@settings(max_examples=150)
@given(layer_stacks())
def test_every_statistic_is_that_of_its_naive_twin(stack: LayerStack) -> None:
    rows = measured([stack])
    for layer, row in enumerate(rows):
        for name, expected in twin(stack, layer).items():
            precision, noise = PRECISION[stack.weight.dtype], spread_noise(stack, name, layer)
            assert row[name] == pytest.approx(expected, rel=precision, abs=noise, nan_ok=True), name


ARRAYS = ("weight", "gradient", "previous_weight", "delta", "preactivation", "output", "slope")


def stack_of_all(values: NDArray[Any], **others: Any) -> LayerStack:
    """Layers of which all that is measured is a matrix of `values`, but for `others`."""
    every: dict[str, Any] = {"max_slope": 1.0, **dict.fromkeys(ARRAYS, values), **others}
    return LayerStack(names=tuple(f"linear{n}" for n in range(1, len(values) + 1)), **every)


def stack_of(values: NDArray[Any], **others: Any) -> LayerStack:
    """One such layer."""
    return stack_of_all(values[np.newaxis], **others)


@pytest.mark.parametrize("ratio", [1e-2, 1e-4, 1e-5, 1e-6])
@pytest.mark.parametrize("size", [300, 512 * 512])
def test_a_spread_far_below_the_mean_is_not_lost(size: int, ratio: float) -> None:
    rng = np.random.default_rng(0)
    values = (3.7 * (1.0 + ratio * rng.normal(size=(size // 30, 30)))).astype(np.float32)
    (row,) = measured([stack_of(values)])
    exact = values.astype(np.float64)
    for family in ("grad", "preact", "act"):
        assert row[f"{family}_std"] == pytest.approx(exact.std(), rel=1e-4)
        assert row[f"{family}_mean"] == pytest.approx(exact.mean(), rel=1e-6)


@pytest.mark.parametrize("value", [0.1, 0.7, 3e-9, 1e20])
def test_equal_numbers_have_no_spread(value: float) -> None:
    (row,) = measured([stack_of(np.full((400, 300), value, np.float32))])
    for family in ("grad", "preact", "act"):
        assert row[f"{family}_std"] <= 1e-7 * value  # the rounding of the mean itself


@pytest.mark.parametrize("scale", [1e-44, 1e-40, 1e-30, 1e-18, 1e18, 1e30, 1e36])
def test_nothing_under_or_overflows_between_the_limits_of_single_precision(scale: float) -> None:
    rng = np.random.default_rng(1)
    values = (scale * (2.0 + rng.normal(size=(40, 50)))).astype(np.float32)
    (row,) = measured([stack_of(values)])
    for name, expected in twin(stack_of(values), 0).items():
        assert row[name] == pytest.approx(expected, rel=1e-5), name
    exact = float(np.linalg.norm(values.astype(np.float64)))
    assert norm(values.ravel()) == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 1e160, 1e300])
def test_squares_under_or_overflow_in_double_precision_neither(scale: float) -> None:
    values = np.random.default_rng(2).normal(size=(40, 50))
    (row,) = measured([stack_of(scale * values)])
    (expected,) = measured([stack_of(values)])
    for name in ("grad_norm", "grad_rms", "grad_std", "delta_rms", "weight_norm", "act_std"):
        assert row[name] / scale == pytest.approx(expected[name], rel=1e-12), name
    assert norm(scale * values.ravel()) / scale == pytest.approx(norm(values.ravel()), rel=1e-12)


@settings(max_examples=60)
@given(st.data())
def test_a_stack_of_layers_is_its_layers(data: st.DataObject) -> None:
    whole = data.draw(layer_stacks())

    def single(layer: int) -> LayerStack:
        held = ((name, getattr(whole, name)) for name in ARRAYS)
        cut: dict[str, Any] = {k: v[layer : layer + 1] for k, v in held if v is not None}
        return replace(whole, names=whole.names[layer : layer + 1], **cut)

    together = measured([whole])
    apart = measured([single(layer) for layer in range(len(whole.names))])
    precision = PRECISION[whole.weight.dtype]
    for name in ("step", "layer", "name"):
        np.testing.assert_array_equal(together[name], apart[name])
    for name in STATISTICS:
        for layer, (a, b) in enumerate(zip(together[name], apart[name], strict=True)):
            # a stack takes the second pass for its spread where any of its layers asks for it
            noise = spread_noise(whole, name, layer)
            assert a == pytest.approx(b, rel=precision, abs=noise, nan_ok=True), name


def test_rows_are_numbered_and_named_through_all_stacks() -> None:
    values = np.ones((2, 3), np.float32)
    first = stack_of(values, slope=None)
    second = replace(stack_of(np.ones((4, 3), np.float32)), names=("output",))
    rows = measured([first, second], step=40)
    assert rows.dtype == LAYER_DTYPE
    assert rows["step"].tolist() == [40, 40]
    assert rows["layer"].tolist() == [1, 2]
    assert rows["name"].tolist() == ["linear1", "output"]


def test_the_largest_gradient_is_of_either_sign() -> None:
    gradient = np.array([[[1.0, -5.0, 2.0]]], np.float32)
    (row,) = measured([stack_of(np.ones((1, 3), np.float32), gradient=gradient)])
    assert row["grad_max_abs"] == 5.0


@pytest.mark.parametrize("batch", [1, 2, 64])
def test_the_signal_does_not_depend_on_the_size_of_the_batch(batch: int) -> None:
    of_one_example = np.array([[1e-3], [-2e-3], [5e-3]])
    delta = np.repeat(of_one_example, batch, axis=1)[np.newaxis] / batch  # of the mean loss
    (row,) = measured([stack_of(np.ones((3, batch)), delta=delta)])
    assert row["delta_rms"] == pytest.approx(np.sqrt(1e-5), rel=1e-14)


def test_the_update_ratio_is_of_the_weights_after_the_update() -> None:
    weight, previous = np.array([[[3.0, 4.0]]]), np.array([[[3.0, 3.0]]])
    (row,) = measured([stack_of(np.ones((1, 2)), weight=weight, previous_weight=previous)])
    assert row["update_ratio"] == pytest.approx(1.0 / 5.0)


def test_weights_that_did_not_move_have_no_update_even_where_they_are_0() -> None:
    for value in (0.0, 2.0):
        (row,) = measured([stack_of(np.full((2, 2), value))])
        assert row["update_ratio"] == 0.0


def test_an_update_that_ended_at_0_is_infinite() -> None:
    (row,) = measured([stack_of(np.zeros((2, 2)), previous_weight=np.ones((1, 2, 2)))])
    assert row["update_ratio"] == np.inf


def test_there_is_no_update_before_the_first() -> None:
    (row,) = measured([stack_of(np.ones((2, 2)), previous_weight=None)])
    assert np.isnan(row["update_ratio"])


def test_dead_is_a_unit_and_saturated_an_entry() -> None:
    slope = np.array(
        [
            [0.0, 0.0, 0.0, 0.0],  # dead, and saturated all four times
            [0.0, 0.0, 0.0, 0.5],  # alive on one example
            [-0.02, 0.02, 0.06, -0.06],  # saturated is about size, not about sign
            [1e-30, 1e-30, 1e-30, 1e-30],  # saturated, and yet not dead
        ],
        np.float32,
    )
    (row,) = measured([stack_of(slope)])
    assert row["dead_fraction"] == 0.25
    assert row["saturated_fraction"] == (4 + 3 + 2 + 4) / 16


def test_saturated_is_measured_against_the_largest_slope_there_can_be() -> None:
    slope = np.array([[0.04, 0.06, 0.12]])
    for max_slope, expected in ((0.25, 0.0), (1.0, 1 / 3), (2.0, 2 / 3), (4.0, 1.0)):
        (row,) = measured([stack_of(slope, max_slope=max_slope)])
        assert row["saturated_fraction"] == pytest.approx(expected)


def test_a_linear_layer_neither_saturates_nor_dies() -> None:
    (row,) = measured([stack_of(np.zeros((2, 3)), slope=None)])
    assert (row["saturated_fraction"], row["dead_fraction"]) == (0.0, 0.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_not_finite_shows_in_its_own_layer_only(bad: float, dtype: Any) -> None:
    rng = np.random.default_rng(2)
    healthy = rng.normal(size=(3, 5, 6)).astype(dtype)
    broken = healthy.copy()
    broken[1, 2, 3] = bad
    rows = measured([stack_of_all(broken, previous_weight=healthy)])
    expected = measured([stack_of_all(healthy)])
    for name in ("grad_norm", "grad_rms", "grad_max_abs", "weight_norm", "delta_rms", "act_std"):
        assert np.isfinite(rows[name]).tolist() == [True, False, True], name
        np.testing.assert_allclose(rows[name][[0, 2]], expected[name][[0, 2]], rtol=1e-6)
    assert not np.isfinite(rows["preact_mean"][1])
    assert (rows["dead_fraction"] == 0.0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_arrays_shown_are_only_read(dtype: Any) -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(1, 4, 5)).astype(dtype)
    values.setflags(write=False)
    stack = stack_of_all(values)
    np.testing.assert_array_equal(measured([stack]), measured([stack]))


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-45, 1e38, np.inf, np.nan])
def test_the_norm_of_a_vector_is_silent_and_right(value: float) -> None:
    vector = np.full(100, value, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = norm(vector)
    assert found == pytest.approx(10.0 * abs(float(vector[0])), rel=1e-6, nan_ok=True)


def test_measuring_allocates_nothing_of_a_layers_size() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(size=(10, 200, 200)).astype(np.float32)
    stack = stack_of_all(values, previous_weight=0.9 * values)
    telemetry = Telemetry(stack.largest, values.dtype)
    telemetry.measure(0, [stack])
    tracemalloc.start()
    try:
        telemetry.measure(1, [stack])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < values[0].nbytes  # of the ten layers; the rows and buffers of conversion are less
