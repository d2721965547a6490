"""Losses: their values against the formulas of their docstrings, and their limits."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vgrad.nn.losses import Loss, losses

OUTPUTS, BATCH = 4, 6


def value_and_grad(loss: Loss, y: Any, t: Any) -> tuple[float, NDArray[Any]]:
    """The loss and ∂L/∂y; checks that nothing else is written."""
    kept = y.copy(), t.copy()
    grad = np.full_like(y, np.nan)
    scratch = np.full((loss.n_scratch, *y.shape), np.nan, y.dtype)
    value = loss.value_and_grad(y, t, grad=grad, scratch=scratch)
    np.testing.assert_array_equal(y, kept[0])
    np.testing.assert_array_equal(t, kept[1])
    assert type(value) is float
    return value, grad


def example(name: str, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Outputs and fitting targets."""
    rng = np.random.default_rng(seed)
    y = 2.0 * rng.normal(size=(OUTPUTS, BATCH))
    if losses[name].part.needs_classes:
        return y, np.eye(OUTPUTS)[:, rng.integers(0, OUTPUTS, BATCH)]
    return y, rng.normal(size=y.shape)


def huber(e: float, delta: float = 1.0) -> float:
    """Huber 1964."""
    return e * e / 2 if abs(e) < delta else delta * (abs(e) - delta / 2)


def binary(y: float, t: float) -> float:
    """Cox 1958."""
    p = 1 / (1 + math.exp(-y))
    return -t * math.log(p) - (1 - t) * math.log(1 - p)


def elementwise(f: Callable[[float, float], float]) -> Callable[[Any, Any], float]:
    """The mean over examples and outputs."""
    return lambda y, t: sum(map(f, y.ravel().tolist(), t.ravel().tolist())) / y.size


def cross_entropy(y: Any, t: Any) -> float:
    """Bridle 1990, mean over the batch."""
    p = np.exp(y) / np.exp(y).sum(axis=0)
    return float(-np.log(p[t == 1.0]).sum() / y.shape[1])


FORMULAS: dict[str, Callable[[Any, Any], float]] = {
    "mse": elementwise(lambda y, t: (y - t) ** 2),
    "mae": elementwise(lambda y, t: abs(y - t)),
    "huber": elementwise(lambda y, t: huber(y - t)),
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": elementwise(binary),
}


@pytest.mark.parametrize("name", losses.names())
def test_the_value_is_that_of_the_formula(name: str) -> None:
    assert name in FORMULAS, f"write down the formula of {name}"
    for seed in range(5):
        y, t = example(name, seed)
        value, _ = value_and_grad(losses.build(name), y, t)
        assert value == pytest.approx(FORMULAS[name](y, t), rel=1e-13)  # sums of 24 numbers


@pytest.mark.parametrize("delta", [0.1, 1.0, 3.0])
def test_the_value_of_huber_follows_its_delta(delta: float) -> None:
    y, t = example("huber")
    value, _ = value_and_grad(losses.build("huber", {"delta": delta}), y, t)
    formula = elementwise(lambda a, b: huber(a - b, delta))
    assert value == pytest.approx(formula(y, t), rel=1e-13)


@pytest.mark.parametrize("name", losses.names())
def test_the_gradient_is_the_derivative_of_the_value(name: str) -> None:
    loss, h = losses.build(name), 1e-5
    y, t = example(name)
    _, grad = value_and_grad(loss, y, t)
    for place in np.ndindex(y.shape):
        step = np.zeros_like(y)
        step[place] = h
        above, below = value_and_grad(loss, y + step, t)[0], value_and_grad(loss, y - step, t)[0]
        # rounding 1e-16·L/h = 1e-11; truncation h²/6 of a third derivative below 1
        assert (above - below) / (2 * h) == pytest.approx(grad[place], abs=2e-10)


@pytest.mark.parametrize("name", losses.names())
def test_value_and_slope_of_a_batch_are_the_means_of_its_examples(name: str) -> None:
    loss = losses.build(name)
    y, t = example(name)
    value, grad = value_and_grad(loss, y, t)
    singles = [value_and_grad(loss, y[:, i : i + 1], t[:, i : i + 1]) for i in range(BATCH)]
    assert value == pytest.approx(sum(single for single, _ in singles) / BATCH, rel=1e-14)
    columns = np.concatenate([column for _, column in singles], axis=1) / BATCH
    np.testing.assert_allclose(grad, columns, rtol=1e-13)


@pytest.mark.parametrize("name", losses.names())
def test_single_precision_gives_the_loss_to_single_precision(name: str) -> None:
    y, t = (array.astype(np.float32) for array in example(name))
    loss = losses.build(name)
    exact, exact_grad = value_and_grad(loss, y.astype(np.float64), t.astype(np.float64))
    value, grad = value_and_grad(loss, y, t)
    assert grad.dtype == np.float32
    assert value == pytest.approx(exact, rel=1e-6)  # a few roundings of 6e-8
    np.testing.assert_allclose(grad, exact_grad, atol=1e-7)


@settings(max_examples=50)
@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 2**32), st.floats(0.1, 50.0))
def test_gradients_of_cross_entropy_sum_to_nothing_over_the_classes(
    classes: int, batch: int, seed: int, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    y = rng.normal(scale=scale, size=(classes, batch))
    t = np.eye(classes)[:, rng.integers(0, classes, batch)]
    value, grad = value_and_grad(losses.build("cross_entropy"), y, t)
    assert value >= 0.0
    assert np.abs(grad.sum(axis=0)).max() < 1e-15 * classes  # roundings of numbers up to 1
    assert ((grad < 0.0) <= (t == 1.0)).all()


def test_cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes() -> None:
    y, t = np.full((10, 3), 7.0), np.eye(10)[:, [0, 5, 9]]
    value, _ = value_and_grad(losses.build("cross_entropy"), y, t)
    assert value == pytest.approx(math.log(10), rel=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e3, 1e30])
def test_extreme_logits_overflow_in_no_loss_of_classes(dtype: Any, size: float) -> None:
    y = np.array([[size, -size], [-size, size]], dtype)
    for right, t in ((True, np.eye(2, dtype=dtype)), (False, np.eye(2, dtype=dtype)[::-1].copy())):
        value, grad = value_and_grad(losses.build("cross_entropy"), y, t)
        assert value == pytest.approx(0.0 if right else 2 * size)
        np.testing.assert_array_equal(grad, np.zeros((2, 2)) if right else np.sign(y) / 2)
        with np.errstate(over="ignore"):  # exp(-y) of σ, harmless
            value, grad = value_and_grad(losses.build("binary_cross_entropy"), y, t)
        assert value == pytest.approx(0.0 if right else size)
        np.testing.assert_array_equal(grad, np.zeros((2, 2)) if right else np.sign(y) / 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binary_cross_entropy_of_a_confident_network_keeps_its_digits(dtype: Any) -> None:
    logits = np.linspace(5.0, 30.0, 51).astype(dtype)[np.newaxis]
    expected = float(np.mean([math.log1p(math.exp(-y)) for y in logits[0].tolist()]))
    for t, y in ((1.0, logits), (0.0, -logits)):
        value, _ = value_and_grad(losses.build("binary_cross_entropy"), y, np.full_like(y, t))
        assert value == pytest.approx(expected, rel=1e-6 if dtype == np.float32 else 1e-14)


def test_binary_cross_entropy_is_never_negative() -> None:
    y = np.linspace(30.0, 1e6, 1001)[np.newaxis]
    value, _ = value_and_grad(losses.build("binary_cross_entropy"), y, np.ones_like(y))
    assert value >= 0.0


@pytest.mark.parametrize("name", losses.names())
def test_a_loss_of_what_is_not_finite_is_not_finite(name: str) -> None:
    y, t = example(name)
    y[0, 0] = np.nan
    with np.errstate(all="ignore"):
        value, _ = value_and_grad(losses.build(name), y, t)
    assert math.isnan(value)


def test_only_losses_of_classes_tell_two_classes_by_one_output() -> None:
    for entry in losses:
        assert entry.part.needs_classes or not entry.part.one_output_for_two_classes
    assert losses["binary_cross_entropy"].part.one_output_for_two_classes
