"""Kernels do what NumPy's passes do, to the last bit, or to the ulps that they state: compiled, and
as Python reads them."""

from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_training import Overrides, contents, params, tiny, trained

import vgrad.experiment
from vgrad.compiling import compiled
from vgrad.experiment import prepare
from vgrad.nn.activations import activations
from vgrad.nn.activations.saturating import Tanh
from vgrad.nn.kernels import Kernel, kernel_of
from vgrad.nn.losses import CrossEntropy, losses
from vgrad.nn.optimizers import Optimizer, optimizers
from vgrad.nn.optimizers.moments import Adam
from vgrad.records import Record
from vgrad.training import Trainer

RULES = [entry.name for entry in optimizers if kernel_of(entry.part.update)]
ACTIVATIONS = [entry.name for entry in activations if kernel_of(entry.part.derivative)]
FORWARD = [entry.name for entry in activations if kernel_of(entry.part.forward)]
DTYPES = [np.float32, np.float64]
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-30, -1e30, 1e-45]


def machine_code(kernel: Kernel, dtype: Any) -> Callable[..., None]:
    pytest.importorskip("numba", reason="numba is not installed: pip install -e '.[fast]'")
    made = compiled(kernel, np.dtype(dtype))
    assert made is not None
    return made


def interpreted(kernel: Kernel, dtype: Any) -> Callable[..., None]:
    """The loop as Python runs it, the numbers in the arrays' precision."""

    def run(*arguments: Any) -> None:
        arrays, numbers = arguments[: kernel.arrays], arguments[kernel.arrays :]
        kernel.loop(*arrays, *map(np.dtype(dtype).type, numbers))

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


@pytest.mark.parametrize("made", [interpreted, machine_code])
@pytest.mark.parametrize("dtype", DTYPES)
def test_cross_entropy_gives_the_bits_of_its_passes_with_kernels(made: Any, dtype: Any) -> None:
    loss = losses.build("cross_entropy")

    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 1000), st.integers(2, 20), st.sampled_from([1, 2, 7, 20]), st.booleans())
    def check(seed: int, outputs: int, batch: int, special: bool) -> None:
        y = vector(outputs * batch, dtype, seed).reshape(outputs, batch)
        y = y if special else np.clip(np.nan_to_num(y), -30.0, 30.0)
        t = np.eye(outputs, dtype=dtype)[:, np.arange(batch) % outputs].copy()
        values, grads = [], np.zeros((2, outputs, batch), dtype)
        scratch = np.zeros((loss.n_scratch, outputs, batch), dtype)
        with np.errstate(all="ignore"):
            for compiler, grad in zip((None, made), grads, strict=True):
                values.append(loss.bind(y, t, grad=grad, scratch=scratch, compiler=compiler)())
        np.testing.assert_array_equal(*grads, strict=True)
        np.testing.assert_array_equal(*values)

    check()


def everywhere(count: int) -> np.ndarray:
    """Numbers of either sign in single precision: dense where a curve bends, then the special."""
    bent = np.concatenate([np.geomspace(1e-30, 20.0, count), np.linspace(1e-3, 10.0, count)])
    end = np.float32(np.inf), np.float32(3e38), np.nan, 0.0
    positive = np.concatenate([bent, end]).astype(np.float32)
    return np.concatenate([positive, -positive])


@pytest.mark.parametrize(("made", "count"), [(interpreted, 2_000), (machine_code, 1_000_000)])
@pytest.mark.parametrize("name", FORWARD)
def test_a_kernel_of_a_curve_is_exact_to_its_ulps(name: str, made: Any, count: int) -> None:
    phi = activations.build(name)
    kernel = kernel_of(type(phi).forward)
    assert kernel is not None
    z = everywhere(count)
    exact, found = np.empty(z.shape), np.empty_like(z)
    phi.forward(z.astype(np.float64), out=exact, scratch=np.empty((0, *z.shape)))
    made(kernel, np.float32)(z, found)
    nearest = exact.astype(np.float32)
    assert np.array_equal(np.isnan(found), np.isnan(nearest))
    finite = np.isfinite(nearest)
    error = np.abs(found.astype(np.float64) - exact)[finite]
    assert np.all(error <= kernel.ulps * np.spacing(np.abs(nearest[finite])))
    lowest, highest = np.nanmin(nearest), np.nanmax(nearest)  # those of the curve: never beyond
    assert lowest <= np.nanmin(found) <= np.nanmax(found) <= highest


def test_the_kernel_of_tanh_is_odd_and_reaches_one() -> None:
    kernel, z = kernel_of(Tanh.forward), everywhere(100_000)
    assert kernel is not None
    up, down = np.empty_like(z), np.empty_like(z)
    compiled_kernel = machine_code(kernel, np.float32)
    compiled_kernel(z, up)
    compiled_kernel(-z, down)
    np.testing.assert_array_equal(-down, up)
    assert np.all(up[z > 9.011] == 1.0)  # where 1 is the nearest number in single precision


def test_a_kernel_for_single_precision_leaves_double_to_numpy() -> None:
    kernel = kernel_of(Tanh.forward)
    assert kernel is not None
    assert kernel.single
    assert compiled(kernel, np.dtype(np.float64)) is None


def test_a_part_that_overrides_a_method_has_no_kernel() -> None:
    class Mine(Tanh):
        def derivative(self, *given: Any, **named: Any) -> None:
            """Another."""

    class Own(Adam):
        def update(self, *given: Any) -> None:
            """Another."""

    class Halved(CrossEntropy):
        def value_and_grad(self, y: Any, t: Any, *, grad: Any, scratch: Any) -> float:
            return super().value_and_grad(y, t, grad=grad, scratch=scratch) / 2

    y, t = np.array([[1.0], [2.0]]), np.array([[0.0], [1.0]])
    values = [
        loss.bind(y, t, grad=np.empty_like(y), scratch=np.empty((2, 2, 1)), compiler=compiler)()
        for loss, compiler in ((CrossEntropy(), None), (Halved(), None), (Halved(), compiled))
    ]
    assert values == [values[0], values[0] / 2, values[0] / 2]
    assert kernel_of(Tanh.derivative) is not None
    assert kernel_of(Mine.derivative) is None
    assert kernel_of(optimizers["adamw"].part.update) is kernel_of(Adam.update)
    assert kernel_of(Own.update) is None


EXACT = [name for name in ACTIVATIONS if name not in FORWARD]
"""The activations whose kernels give the bits of NumPy in single precision too."""
RUNS: dict[str, Overrides] = {
    **{f"{name} {phi}": {"optimizer": name, "model.activation": phi}
       for name, phi in zip(RULES, cycle(EXACT), strict=False)},
    **{f"{name} {phi}": {"optimizer": name, "model.activation": phi, "dtype": "float64"}
       for name, phi in zip(RULES, cycle(FORWARD), strict=False)},
    "residual": {"model.connectivity": "residual", "model.depth": 5, "optimizer": "adam",
                 "model.activation": "relu"},
    "dense": {"model.connectivity": {"name": "dense", "growth": 3}, "model.depth": 5,
              "model.activation": "relu"},
    "recomputed": {"train.recompute": True, "model.depth": 8, "optimizer": "adamw",
                   "model.activation": "relu"},
    "clipped": {"clip": {"norm": 0.1}, "dtype": "float64"},
}  # fmt: skip


def both_ways(
    overrides: Overrides, monkeypatch: pytest.MonkeyPatch
) -> tuple[tuple[Trainer, list[Record]], tuple[Trainer, list[Record]]]:
    """The run as NumPy alone makes it, and with kernels."""
    pytest.importorskip("numba", reason="numba is not installed: pip install -e '.[fast]'")
    monkeypatch.setattr(vgrad.experiment, "COMPILED_FROM", np.inf)
    alone = trained(overrides)
    monkeypatch.setattr(vgrad.experiment, "COMPILED_FROM", 0.0)
    return alone, trained(overrides)


@pytest.mark.parametrize("name", RUNS)
def test_a_long_run_goes_by_kernels_to_the_same_bits(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one, plain), (other, fast) = both_ways(RUNS[name], monkeypatch)
    assert contents(fast) == contents(plain)
    assert params(other).tobytes() == params(one).tobytes()


@pytest.mark.parametrize("name", FORWARD)
def test_a_long_run_in_single_precision_differs_by_rounding_alone(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides: Overrides = {"model.activation": name, "optimizer": "sgd"}
    (one, _), (other, fast) = both_ways(overrides, monkeypatch)
    assert params(other).tobytes() != params(one).tobytes()  # or no kernel was there
    few = 1e-6  # a dozen steps of some ulps, 6e-8 each, of weights of order one
    np.testing.assert_allclose(params(other), params(one), rtol=0.0, atol=few)
    again = trained(overrides)[1]
    assert contents(again) == contents(fast)


@pytest.mark.parametrize("more", [{"train.steps": 10**7}, {"model.width": 4000}], ids=str)
def test_kernels_are_for_runs_of_many_numbers(more: Overrides) -> None:
    pytest.importorskip("numba", reason="numba is not installed: pip install -e '.[fast]'")
    assert prepare(tiny({"train.steps": 100})).compiler is None
    assert prepare(tiny({"train.steps": 100, **more})).compiler is compiled


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
