"""Chains of element-wise operations as one pass over memory, where there is a compiler for them.

NumPy goes over memory once for each operation, ten times for a step of Adam; compiled, they are
one pass that takes a third of the time. Nothing is reordered or contracted: the bits are those of
NumPy, and only the time tells which of the two made a run. The one exception says so (`ulps`).

A kernel is a loop over arrays, most often flat vectors of one length, and then numbers. Its
constants are among these, so that they have the arrays' precision.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

Function = TypeVar("Function", bound=Callable[..., None])
Compiled = Callable[..., None]


@dataclass(frozen=True)
class Kernel:
    """A loop over `arrays` arrays, with `scalars` numbers of which the last are `constants`."""

    loop: Callable[..., None]
    arrays: int
    scalars: int = 0
    constants: tuple[float, ...] = ()
    ndim: int = 1
    """Of each array."""
    single: bool = False
    """Whether it is for single precision alone."""
    ulps: float = 0.0
    """By how many units in the last place of the exact result it may be off; 0: its bits are those
    of NumPy."""


Compiler = Callable[[Kernel, np.dtype[Any]], Compiled | None]
"""Makes of a kernel what takes contiguous arrays of this precision, and numbers that are rounded
to it, as in NumPy; None where it cannot."""

_kernels: dict[Callable[..., None], Kernel] = {}


def in_one_pass(kernel: Kernel) -> Callable[[Function], Function]:
    """Say of a function, or a method of a part, that the kernel does the same, to its `ulps`. A
    method that overrides it has no part in that."""

    def note(function: Function) -> Function:
        _kernels[function] = kernel
        return function

    return note


def kernel_of(function: Callable[..., None]) -> Kernel | None:
    """The kernel that does the same as this function; None where there is none."""
    return _kernels.get(function)


def fastest(function: Function, compiler: Compiler | None, dtype: np.dtype[Any]) -> Compiled:
    """The function, or its kernel where that can be compiled, for contiguous arrays."""
    kernel = kernel_of(function)
    made = compiler(kernel, dtype) if compiler is not None and kernel is not None else None
    return made or function


def _sgd(params: Any, grads: Any, keep: float, rate: float) -> None:
    for i in range(params.size):
        params[i] = params[i] * keep - grads[i] * rate


def _adam(
    params: Any,
    grads: Any,
    mean: Any,
    square: Any,
    keep: float,
    beta1: float,
    beta2: float,
    rate: float,
    eps: float,
) -> None:
    for i in range(params.size):
        mean[i] = mean[i] * beta1 + grads[i]
        square[i] = square[i] * beta2 + grads[i] * grads[i]
        params[i] = params[i] * keep - mean[i] / (math.sqrt(square[i]) + eps) * rate


TANH_END, TANH_ONE = np.float32(8.6), np.float32(1.0)
TANH_P = tuple(np.array([0.13406917, 3.52645e-3, 2.112309e-5, 1.4083285e-8], np.float32))
TANH_Q = tuple(np.array([0.4674024, 0.025994089, 3.3363455e-4, 8.071006e-7], np.float32))
"""tanh x = x·(1 + u·P(u))/(1 + u·Q(u)) with u = x², the smallest relative error on |x| ≤ 8.6 among
fractions of these degrees (1.3e-8, below the rounding of the arithmetic); beyond, single precision
has ±1. Odd, and never beyond ±1, but between neighbours not always rising. Constants of the module,
so that they are single and no argument."""


def _tanh(z: Any, out: Any) -> None:
    for i in range(z.size):
        x = -TANH_END if z[i] < -TANH_END else z[i]  # a comparison with nan is false: it stays nan
        x = TANH_END if x > TANH_END else x
        u = x * x
        p = TANH_P[0] + u * (TANH_P[1] + u * (TANH_P[2] + u * TANH_P[3]))
        q = TANH_Q[0] + u * (TANH_Q[1] + u * (TANH_Q[2] + u * TANH_Q[3]))
        y = x * (TANH_ONE + u * p) / (TANH_ONE + u * q)
        y = -TANH_ONE if y < -TANH_ONE else y
        out[i] = TANH_ONE if y > TANH_ONE else y


def _tanh_back(output: Any, grad: Any, target: Any, one: float) -> None:
    for i in range(output.size):
        target[i] = (one - output[i] * output[i]) * grad[i]


def _sigmoid_back(output: Any, grad: Any, target: Any, one: float) -> None:
    for i in range(output.size):
        target[i] = (one - output[i]) * output[i] * grad[i]


def _relu_back(output: Any, grad: Any, target: Any, zero: float, one: float) -> None:
    for i in range(output.size):
        target[i] = (one if output[i] > zero else zero) * grad[i]


def _center(y: Any, row: Any, shifted: Any) -> None:
    outputs, batch = y.shape
    for j in range(batch):
        row[0, j] = y[0, j]
    for i in range(1, outputs):
        for j in range(batch):
            larger = y[i, j] > row[0, j] or y[i, j] != y[i, j]  # nan is larger than all, and stays
            row[0, j] = y[i, j] if larger else row[0, j]
    for i in range(outputs):
        for j in range(batch):
            shifted[i, j] = y[i, j] - row[0, j]


def _softmax_back(grad: Any, t: Any, row: Any, scale: float) -> None:
    outputs, batch = grad.shape
    for j in range(batch):
        row[0, j] = grad[0, j]
    for i in range(1, outputs):
        for j in range(batch):
            row[0, j] += grad[i, j]
    for i in range(outputs):
        for j in range(batch):
            grad[i, j] = (grad[i, j] / row[0, j] - t[i, j]) * scale


SGD = Kernel(_sgd, arrays=2, scalars=2)
ADAM = Kernel(_adam, arrays=4, scalars=5)
TANH = Kernel(_tanh, arrays=2, single=True, ulps=6.0)
"""NumPy's own tanh looks its coefficients up in a table, within 1.4 ulps. Without AVX-512 it takes
six times as long as this one: half the time of the three products of a layer of 64 units."""
TANH_BACK = Kernel(_tanh_back, arrays=3, scalars=1, constants=(1.0,))
SIGMOID_BACK = Kernel(_sigmoid_back, arrays=3, scalars=1, constants=(1.0,))
RELU_BACK = Kernel(_relu_back, arrays=3, scalars=2, constants=(0.0, 1.0))
CENTER = Kernel(_center, arrays=3, ndim=2)
SOFTMAX_BACK = Kernel(_softmax_back, arrays=3, scalars=1, ndim=2)
