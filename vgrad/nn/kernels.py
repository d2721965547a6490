"""Chains of element-wise operations as one pass over memory, where there is a compiler for them.

NumPy goes over memory once for each operation, ten times for a step of Adam; compiled, they are
one pass that takes a third of the time. Nothing is reordered or contracted: the bits are those of
NumPy, and only the time tells which of the two made a run.

A kernel is a loop over flat vectors of one length, and then numbers. Its constants are among these,
so that they have the vectors' precision.
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
    """A loop over `vectors` vectors, with `scalars` numbers of which the last are `constants`."""

    loop: Callable[..., None]
    vectors: int
    scalars: int
    constants: tuple[float, ...] = ()


Compiler = Callable[[Kernel, np.dtype[Any]], Compiled | None]
"""Makes of a kernel what takes contiguous vectors of this precision, and numbers that are rounded
to it, as in NumPy; None where it cannot."""

_kernels: dict[Callable[..., None], Kernel] = {}


def in_one_pass(kernel: Kernel) -> Callable[[Function], Function]:
    """Say of a function, or a method of a part, that the kernel does the same, to the last bit. A
    method that overrides it has no part in that."""

    def note(function: Function) -> Function:
        _kernels[function] = kernel
        return function

    return note


def kernel_of(function: Callable[..., None]) -> Kernel | None:
    """The kernel that does the same as this function; None where there is none."""
    return _kernels.get(function)


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


def _tanh_back(output: Any, grad: Any, target: Any, one: float) -> None:
    for i in range(output.size):
        target[i] = (one - output[i] * output[i]) * grad[i]


def _sigmoid_back(output: Any, grad: Any, target: Any, one: float) -> None:
    for i in range(output.size):
        target[i] = (one - output[i]) * output[i] * grad[i]


def _relu_back(output: Any, grad: Any, target: Any, zero: float, one: float) -> None:
    for i in range(output.size):
        target[i] = (one if output[i] > zero else zero) * grad[i]


SGD = Kernel(_sgd, vectors=2, scalars=2)
ADAM = Kernel(_adam, vectors=4, scalars=5)
TANH_BACK = Kernel(_tanh_back, vectors=3, scalars=1, constants=(1.0,))
SIGMOID_BACK = Kernel(_sigmoid_back, vectors=3, scalars=1, constants=(1.0,))
RELU_BACK = Kernel(_relu_back, vectors=3, scalars=2, constants=(0.0, 1.0))
