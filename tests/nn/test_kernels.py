"""Kernels do what the passes of NumPy do, to the last bit: compiled, and as Python reads them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_training import Overrides, contents, params, trained

import vgrad.experiment
from vgrad.compiling import compiled
from vgrad.nn.activations import activations
from vgrad.nn.activations.saturating import Tanh
from vgrad.nn.kernels import Kernel, kernel_of
from vgrad.nn.optimizers import Optimizer, optimizers
from vgrad.nn.optimizers.moments import Adam

RULES = [entry.name for entry in optimizers if kernel_of(entry.part.update)]
ACTIVATIONS = [entry.name for entry in activations if kernel_of(entry.part.derivative)]
DTYPES = [np.float32, np.float64]
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-30, -1e30, 1e-45]


def machine_code(kernel: Kernel, dtype: Any) -> Callable[..., None]:
    pytest.importorskip("numba", reason="numba is not installed: pip install -e '.[fast]'")
    made = compiled(kernel, np.dtype(dtype))
    assert made is not None
    return made


def interpreted(kernel: Kernel, dtype: Any) -> Callable[..., None]:
    """The loop as Python runs it, the numbers in the vectors' precision."""

    def run(*arguments: Any) -> None:
        vectors, numbers = arguments[: kernel.vectors], arguments[kernel.vectors :]
        kernel.loop(*vectors, *map(np.dtype(dtype).type, numbers))

    return run


def vector(size: int, dtype: Any, seed: int) -> np.ndarray:
    """Numbers of many sizes, and those that are like no other."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=size) * 10.0 ** rng.integers(-6, 6, size)
    values[rng.random(size) < 0.1] = rng.choice(SPECIAL)
    with np.errstate(all="ignore"):
        return values.astype(dtype)


def assert_same_update(name: str, dtype: Any, made: Any, seed: int, size: int) -> None:
    rule = optimizers.build(name, {"weight_decay": 0.02 * (seed % 2)})
    kernel = kernel_of(type(rule).update)
    assert kernel is not None
    start = vector(size, dtype, seed)
    one, other = start.copy(), start.copy()
    numpy = Optimizer(rule, one, [slice(0, size)])
    slots = [np.zeros_like(start) for _ in rule.slots]
    memory: dict[str, float] = {}
    run = made(kernel, dtype)
    with np.errstate(all="ignore"):
        for t in (1, 2, 3):
            grads = vector(size, dtype, seed + t)
            numpy.begin(0.1)
            numpy.update(0, grads)
            run(other, grads, *slots, rule.keep(0.1), *rule.coefficients(t, 0.1, memory))
    np.testing.assert_array_equal(other, one, strict=True)
    for slot, expected in zip(slots, numpy.slots.values(), strict=True):
        np.testing.assert_array_equal(slot, expected, strict=True)


def assert_same_product(name: str, dtype: Any, made: Any, seed: int, size: int) -> None:
    phi = activations.build(name)
    kernel = kernel_of(type(phi).derivative)
    assert kernel is not None
    output, grad = vector(size, dtype, seed), vector(size, dtype, seed + 1)
    expected, found = np.empty_like(output), np.empty_like(output)
    with np.errstate(all="ignore"):
        phi.derivative(output, output, out=expected, scratch=np.empty((0, size), dtype))
        expected *= grad
        made(kernel, dtype)(output, grad, found, *kernel.constants)
    np.testing.assert_array_equal(found, expected, strict=True)


@pytest.mark.parametrize("made", [interpreted, machine_code])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", RULES)
def test_a_kernel_of_an_optimizer_gives_the_bits_of_its_passes(
    name: str, dtype: Any, made: Any
) -> None:
    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 1000), st.integers(1, 70))
    def check(seed: int, size: int) -> None:
        assert_same_update(name, dtype, made, seed, size)

    check()


@pytest.mark.parametrize("made", [interpreted, machine_code])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_kernel_of_an_activation_gives_the_bits_of_its_passes(
    name: str, dtype: Any, made: Any
) -> None:
    @settings(max_examples=25, deadline=None)
    @given(st.integers(0, 1000), st.integers(1, 70))
    def check(seed: int, size: int) -> None:
        assert_same_product(name, dtype, made, seed, size)

    check()


def test_a_part_that_overrides_a_method_has_no_kernel() -> None:
    class Mine(Tanh):
        def derivative(self, *given: Any, **named: Any) -> None:
            """Another."""

    class Own(Adam):
        def update(self, *given: Any) -> None:
            """Another."""

    assert kernel_of(Tanh.derivative) is not None
    assert kernel_of(Mine.derivative) is None
    assert kernel_of(optimizers["adamw"].part.update) is kernel_of(Adam.update)
    assert kernel_of(Own.update) is None


RUNS: dict[str, Overrides] = {
    **{f"{name} {phi}": {"optimizer": name, "model.activation": phi}
       for name, phi in zip(RULES, [*ACTIVATIONS, *ACTIVATIONS], strict=False)},
    "residual": {"model.connectivity": "residual", "model.depth": 5, "optimizer": "adam"},
    "dense": {"model.connectivity": {"name": "dense", "growth": 3}, "model.depth": 5},
    "recomputed": {"train.recompute": True, "model.depth": 8, "optimizer": "adamw"},
    "clipped": {"clip": {"norm": 0.1}, "dtype": "float64"},
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_a_long_run_goes_by_kernels_to_the_same_bits(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba", reason="numba is not installed: pip install -e '.[fast]'")
    monkeypatch.setattr(vgrad.experiment, "COMPILED_FROM", np.inf)
    one, plain = trained(RUNS[name])
    monkeypatch.setattr(vgrad.experiment, "COMPILED_FROM", 0.0)
    other, fast = trained(RUNS[name])
    assert contents(fast) == contents(plain)
    assert params(other).tobytes() == params(one).tobytes()


def test_a_run_without_numba_is_made_by_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    expected, _ = trained({"optimizer": "adam"})
    monkeypatch.setattr(vgrad.experiment, "COMPILED_FROM", 0.0)
    monkeypatch.setitem(__import__("sys").modules, "numba", None)  # importing it fails
    compiled.cache_clear()
    try:
        alone, _ = trained({"optimizer": "adam"})
    finally:
        compiled.cache_clear()
    assert params(alone).tobytes() == params(expected).tobytes()
