"""An optimizer's rule: does it go down a small valley, and keep all it knows in its slots?"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vgrad.nn.arrays import Array
from vgrad.nn.optimizers import UpdateRule
from vgrad.nn.optimizers.base import Optimizer
from vgrad.nn.segments import Segment
from vgrad.plugins.checks.fault import Check, Fault, short, shown

CURVATURES = np.geomspace(0.1, 1.0, 12)
START = np.linspace(0.5, 2.0, 12) * np.tile([1.0, -1.0], 6)
STEPS = 60
LARGEST_RATE = 0.01  # at which every usual rule goes down here, if slowly
TOGETHER: Sequence[slice] = (slice(0, 12),)
APART: Sequence[slice] = tuple(slice(i, i + 1) for i in range(12))
ROUNDING = 1e-9  # relative: of vector code and scalar code, grown over the steps


def slots_are_named(rule: UpdateRule) -> Iterator[Fault]:
    """`slots` are a tuple of names; a single name without its comma is none."""
    slots = rule.slots
    if not (isinstance(slots, tuple) and all(isinstance(slot, str) for slot in slots)):
        yield Fault(f"slots is {shown(slots)}", 'a tuple of names, as in ("velocity",)', "slots")


def steps_go_down(rule: UpdateRule) -> Iterator[Fault]:
    """½Σaθ² is finite and less after some steps."""
    params, _ = descended(rule, STEPS)
    before, after = valley(START), valley(params)
    steps = f"after {STEPS} steps on ½Σaθ², a from 0.1 to 1, at rate {short(rate(rule))}"
    if not np.isfinite(params).all():
        yield Fault(f"the parameters are not finite {steps}", of="update")
    elif np.array_equal(params, START):
        yield Fault("update changes no parameter", "change params in place", "update")
    elif after >= before:
        yield Fault(
            f"the loss is {short(after)} {steps}, from {short(before)}",
            "an update goes against the gradient",
            "update",
        )


def everything_is_remembered(rule: UpdateRule) -> Iterator[Fault]:
    """A run that goes on from a checkpoint ends where one that was never left does."""
    whole, _ = descended(rule, STEPS)
    half, left = descended(rule, STEPS // 2)
    state = {name: array.copy() for name, array in left.state().items()}
    resumed, _ = descended(rule, STEPS - STEPS // 2, start=half, state=state)
    if not np.array_equal(whole, resumed):
        yield Fault(
            "a run that goes on from a checkpoint ends elsewhere than one that was never left",
            "what is kept between steps must be in slots, or numbers in memory",
            "update",
        )


def element_by_element(rule: UpdateRule) -> Iterator[Fault]:
    """An update does not depend on what else it is made with: a network's parameters come in
    portions."""
    if rule.layerwise:
        return
    together, _ = descended(rule, STEPS)
    apart, _ = descended(rule, STEPS, APART)
    differing = np.abs(together - apart) > ROUNDING * np.maximum(1.0, np.abs(together))
    if differing.any():
        at = differing.argmax()
        yield Fault(
            f"a parameter goes to {short(together[at])} among others, and to {short(apart[at])} "
            "by itself",
            "update must work element by element",
            "update",
        )


CHECKS: tuple[Check, ...] = (
    slots_are_named,
    steps_go_down,
    everything_is_remembered,
    element_by_element,
)


def valley(params: Array) -> float:
    """½Σaθ²."""
    return float(0.5 * np.sum(CURVATURES * params * params))


def rate(rule: UpdateRule) -> float:
    """That the rule is tried at."""
    return min(float(rule.lr), LARGEST_RATE)


def descended(
    rule: UpdateRule,
    steps: int,
    groups: Sequence[slice] = TOGETHER,
    *,
    start: Array = START,
    state: dict[str, NDArray[np.generic]] | None = None,
) -> tuple[Array, Optimizer]:
    """Where the parameters are after some steps, and the optimizer as it is then."""
    params = start.copy()
    segments = [Segment(group, (group.stop - group.start,)) for group in groups]
    optimizer = Optimizer(rule, params, groups, segments)
    if state is not None:
        optimizer.load_state(dict(state))
    for _ in range(steps):
        grads = CURVATURES * params
        grads.flags.writeable = False
        optimizer.begin(rate(rule))
        for index, group in enumerate(groups):
            optimizer.update(index, grads[group])
    return params, optimizer
