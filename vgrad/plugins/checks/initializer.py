"""An initializer: does it write every weight, finite, and from its generator alone?"""

import math
from collections.abc import Iterator

import numpy as np

from vgrad.errors import RequestError
from vgrad.nn.activations import activations
from vgrad.nn.arrays import Array
from vgrad.nn.initializers import Initializer
from vgrad.plugins.checks.fault import Check, Fault, is_number, short, shown

SHAPES = ((6, 6), (8, 5), (5, 8), (1, 4))  # (fan_out, fan_in)
BIASES = (6, 1)
LARGE = (80, 50)  # enough weights to tell their variance
SIGMAS = 6.0  # standard errors of a mean square that are taken for chance
OFF = 0.01  # by which a stated variance may be off besides, relative: it may be an approximation
BATCH = 7


def weights_are_written(initializer: Initializer) -> Iterator[Fault]:
    """Every weight, finite, for every shape that it serves; it serves one at least."""
    refusals = []
    for shape in (*SHAPES, *([BIASES] if initializer.for_biases else [])):
        try:
            weight = filled(initializer, shape)
        except RequestError as error:  # not every initializer serves every shape
            refusals.append(str(error))
            continue
        if not np.isfinite(weight).all():
            found = "nan" if np.isnan(weight).any() else "inf"
            yield Fault(
                f"fill leaves {found} in a weight of shape {shape}", "write every entry", "fill"
            )
            return
    if len(refusals) >= len(SHAPES):
        yield Fault(f"fill refuses every layer: {refusals[0]}", of="fill")


def generator_is_the_only_chance(initializer: Initializer) -> Iterator[Fault]:
    """The same generator gives the same weights, to the bit."""
    for shape in SHAPES:
        try:
            first, again = filled(initializer, shape), filled(initializer, shape)
        except RequestError:
            continue
        if not np.array_equal(first, again):
            yield Fault(
                "fill writes other weights from the same generator", "draw from rng only", "fill"
            )
            return


def variance_is_that_of_the_weights(initializer: Initializer) -> Iterator[Fault]:
    """Where it states E[w²], which predictions start from, that is what it writes."""
    fan_out, fan_in = LARGE
    try:
        stated = initializer.variance(fan_in, fan_out, activations.build("tanh"))
        squares = filled(initializer, LARGE) ** 2
    except RequestError:
        return
    if stated is None:
        return
    chance = SIGMAS * squares.std() / math.sqrt(squares.size)
    if not (is_number(stated) and stated >= 0.0):
        yield Fault(f"variance gives {shown(stated)}", "a number, or None", "variance")
    elif abs(squares.mean() - stated) > chance + OFF * stated:
        yield Fault(
            f"variance gives {short(stated)} for a weight of shape {LARGE}, and fill writes "
            f"weights of mean square {short(squares.mean())}",
            "the mean of w², or None",
            "variance",
        )


def correction_is_a_number(initializer: Initializer) -> Iterator[Fault]:
    """A data-driven one says by what to multiply, or None."""
    for _ in range(min(1, initializer.max_corrections)):
        z = np.random.default_rng(1).normal(size=(SHAPES[0][0], BATCH))
        z.flags.writeable = False
        factor = initializer.correction(z)
        if factor is not None and not is_number(factor):
            yield Fault(
                f"correction gives {shown(factor)}", "a finite number, or None", "correction"
            )


CHECKS: tuple[Check, ...] = (
    weights_are_written,
    generator_is_the_only_chance,
    variance_is_that_of_the_weights,
    correction_is_a_number,
)


def filled(initializer: Initializer, shape: tuple[int, int]) -> Array:
    """Weights in double precision, written as a network has them written: beside the bias."""
    block = np.full((shape[0], 1 + shape[1]), np.nan)
    rng = np.random.default_rng(0)
    initializer.fill(block[:, 1:], activation=activations.build("tanh"), rng=rng)
    return block[:, 1:]
