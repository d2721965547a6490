"""An activation: is φ′ the derivative of φ, and is all it says of itself true?"""

from collections.abc import Callable, Iterator

import numpy as np

from vgrad.nn.activations import Activation
from vgrad.nn.arrays import Array
from vgrad.plugins.checks.fault import Check, Fault, FaultError, is_number, short, shown
from vgrad.plugins.checks.numeric import REACH, difference, slope_and_allowance

NEAR = np.arange(-512, 513) / 64.0  # where pre-activations are; integers and simple fractions too
FAR = np.array([-100.0, -64.0, -32.0, -16.0, 16.0, 32.0, 64.0, 100.0])  # where overflow shows
ROUNDING = 1e-12  # between two results of one formula, relative: vector code rounds otherwise
JUMP = 1e-2
"""Of the slope within 4·REACH, relative to the largest of 1 and the slope: a kink, not a bend."""
BELOW_MAX = 1e-6  # by which max_slope may miss the largest slope, relative: it is often rounded


def stated(phi: Activation) -> Iterator[Fault]:
    """What it says of itself must be numbers."""
    if not (isinstance(phi.kinks, tuple) and all(map(is_number, phi.kinks))):
        yield Fault(f"kinks is {shown(phi.kinks)}", "a tuple of numbers, as in (0.0,)", "kinks")
    if not (is_number(phi.max_slope) and phi.max_slope > 0.0):
        yield Fault(f"max_slope is {shown(phi.max_slope)}", "a number greater than 0", "max_slope")
    if phi.gain is not None and not (is_number(phi.gain) and phi.gain > 0.0):
        yield Fault(f"gain is {shown(phi.gain)}", "a number greater than 0, or None", "gain")


def value_is_written(phi: Activation) -> Iterator[Fault]:
    """φ(z) goes into `out`, and is a number for every z."""
    z = points(phi)
    yield from _unwritten("forward", lambda z: value(phi, z), z)


def element_by_element(phi: Activation) -> Iterator[Fault]:
    """φ(z) depends on z alone: not on its neighbours, on chance, or on what `out` held."""
    z = points(phi)
    together, apart = value(phi, z), _called(phi, phi.forward, z[::-1, np.newaxis])[::-1, 0]
    allowed = ROUNDING * np.maximum(1.0, np.abs(together))
    differing = ~(np.abs(together - apart) <= allowed) & (together != apart)
    if differing.any():
        at = differing.argmax()
        yield Fault(
            f"forward gives {short(together[at])} at z = {short(z[at])}, and {short(apart[at])} "
            "where z stands in another array",
            "it must work element by element, and leave nothing to chance",
            "forward",
        )


def slope_is_written(phi: Activation) -> Iterator[Fault]:
    """φ′(z) goes into `out`, and is a number for every z."""
    yield from _unwritten("derivative", lambda z: slope(phi, z), points(phi))


def slope_is_the_derivative(phi: Activation) -> Iterator[Fault]:
    """φ′ is what central differences of φ are, wherever φ has no kink."""
    z, kinks = points(phi), np.asarray(phi.kinks, np.float64)
    z = z[(np.abs(z[:, np.newaxis] - kinks) > REACH).all(axis=1)]
    found = slope(phi, z)
    expected, allowed = slope_and_allowance(lambda z: value(phi, z), z)
    wrong = ~(np.abs(found - expected) <= allowed) & np.isfinite(expected) & np.isfinite(allowed)
    low, high = _slopes_beside(phi, z)
    jumps = wrong & (high - low > JUMP * np.maximum(1.0, high)) & (low <= found) & (found <= high)
    if (wrong & ~jumps).any():
        off = np.where(wrong & ~jumps, np.abs(found - expected) / allowed, 0.0)
        at = np.nanargmax(off)
        yield Fault(
            f"derivative gives {short(found[at])} at z = {short(z[at])}",
            f"forward rises there by {short(expected[at])} per unit of z",
            "derivative",
        )
    elif jumps.any():
        at = jumps.argmax()
        yield Fault(
            f"the slope jumps at z = {short(z[at])}, between {short(low[at])} and "
            f"{short(high[at])}",
            f"name it in kinks, as in ({float(z[at])!r},)",
            "kinks",
        )


def slope_at_kinks(phi: Activation) -> Iterator[Fault]:
    """At a kink φ′ is one of the slopes beside it, or between them."""
    kinks = np.asarray(phi.kinks, np.float64)
    if not kinks.size:
        return
    found, (low, high) = slope(phi, kinks), _slopes_beside(phi, kinks)
    slack = JUMP * np.maximum(1.0, np.maximum(np.abs(low), np.abs(high)))
    wrong = ~((low - slack <= found) & (found <= high + slack))
    if wrong.any():
        at = wrong.argmax()
        yield Fault(
            f"derivative gives {short(found[at])} at the kink z = {short(kinks[at])}",
            f"one of the slopes beside it, {short(low[at])} and {short(high[at])}, or between",
            "derivative",
        )


def needs_input_is_honest(phi: Activation) -> Iterator[Fault]:
    """Where `needs_input` is False, φ′ comes from φ(z) alone: the network does not keep z."""
    z = points(phi)
    if phi.needs_input:
        return
    seeing, blind = slope(phi, z), slope(phi, z, seen=np.full_like(z, np.nan))
    if not np.array_equal(seeing, blind):
        yield Fault(
            "derivative reads z, and needs_input is False",
            "set needs_input = True, or compute it from output",
            "derivative",
        )


def max_slope_is_reached_by_none(phi: Activation) -> Iterator[Fault]:
    """No slope where pre-activations are is steeper than `max_slope`."""
    z = np.concatenate([NEAR, *(k + 2.0 * REACH * np.arange(-1, 2) for k in phi.kinks)])
    slopes = np.abs(slope(phi, z))
    at = slopes.argmax()
    if phi.max_slope < slopes[at] * (1.0 - BELOW_MAX):
        yield Fault(
            f"max_slope is {short(phi.max_slope)}, and the slope at z = {short(z[at])} is "
            f"{short(slopes[at])}",
            "it must be the largest |φ′|",
            "max_slope",
        )


CHECKS: tuple[Check, ...] = (
    stated,
    value_is_written,
    element_by_element,
    slope_is_written,
    slope_is_the_derivative,
    slope_at_kinks,
    needs_input_is_honest,
    max_slope_is_reached_by_none,
)


def points(phi: Activation) -> Array:
    """Where it is tried."""
    beside = [kink + REACH * np.array([-2.0, 0.0, 2.0]) for kink in phi.kinks]
    return np.unique(np.concatenate([NEAR, FAR, *beside]))


def value(phi: Activation, z: Array) -> Array:
    """φ(z), for a vector."""
    first: Array = _called(phi, phi.forward, np.stack([z, z]))[0]
    return first


def slope(phi: Activation, z: Array, seen: Array | None = None) -> Array:
    """φ′(z), for a vector; `seen` is handed in as z instead."""
    output = _called(phi, phi.forward, np.stack([z, z]))
    shown = np.stack([z, z] if seen is None else [seen, seen])
    first: Array = _called(phi, phi.derivative, shown, output)[0]
    return first


def _called(phi: Activation, method: Callable[..., object], *arrays: Array) -> Array:
    """What a method makes of arrays that it cannot write, and memory that holds nothing yet.

    Raises:
        FaultError: it returned it instead of writing it into `out`.
    """
    for array in arrays:
        array.flags.writeable = False
    out = np.full_like(arrays[0], np.nan)
    scratch = np.full((phi.n_scratch, *out.shape), np.nan, out.dtype)
    returned = method(*arrays, out=out, scratch=scratch)
    if returned is not None and np.isnan(out).all():
        name = method.__name__
        raise FaultError(Fault(f"{name} returns its result", "it must write it into out", name))
    return out


def _unwritten(name: str, f: Callable[[Array], Array], z: Array) -> Iterator[Fault]:
    for dtype in (np.float64, np.float32):
        missing = np.isnan(f(z.astype(dtype)))
        if missing.any():
            what = "leaves nan in out" if missing.all() else "gives nan"
            at = z[missing][np.abs(z[missing]).argmin()]
            yield Fault(
                f"{name} {what} at z = {short(at)} in {np.dtype(dtype)}",
                "a number for every z; out and scratch hold nothing of use before",
                name,
            )
            return


def _slopes_beside(phi: Activation, z: Array) -> tuple[Array, Array]:
    """The lesser and the greater of the slopes just left and right of z."""
    sides = [difference(lambda z: value(phi, z), z + side) for side in (-2.0 * REACH, 2.0 * REACH)]
    return np.minimum(*sides), np.maximum(*sides)
