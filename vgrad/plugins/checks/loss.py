"""A loss: is its gradient that of its value, and its value a mean?"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from vgrad.nn.arrays import Array
from vgrad.nn.losses import Loss
from vgrad.plugins.checks.fault import Check, Fault, is_number, short, shown
from vgrad.plugins.checks.numeric import TOLERANCE, slope_and_allowance

OUTPUTS, BATCH = 3, 4
METHOD = "value_and_grad"


def value_and_gradient_are_numbers(loss: Loss) -> Iterator[Fault]:
    """The value is returned, the gradient written."""
    for y, t in examples(loss):
        value, grad = evaluated(loss, y, t)
        if not is_number(value):
            yield Fault(f"{METHOD} returns {shown(value)}", "the mean loss, a number", METHOD)
        elif not np.isfinite(grad).all():
            yield Fault(f"{METHOD} leaves {grad[~np.isfinite(grad)][0]} in grad", of=METHOD)
        else:
            continue
        return


def gradient_is_the_derivative(loss: Loss) -> Iterator[Fault]:
    """∂L/∂y is what central differences of the value are."""
    for y, t in examples(loss):
        _, grad = evaluated(loss, y, t)
        for place in np.ndindex(y.shape):
            at = y[place].reshape(1)
            slope, allowed = slope_and_allowance(partial(values_along, loss, y, t, place), at)
            if not abs(grad[place] - slope[0]) <= allowed[0]:
                yield Fault(
                    f"{METHOD} writes {short(grad[place])} into grad where y = "
                    f"{short(y[place])} and t = {short(t[place])}",
                    f"the value rises there by {short(slope[0])} per unit of y",
                    METHOD,
                )
                return


def value_is_a_mean(loss: Loss) -> Iterator[Fault]:
    """A batch twice over has the loss of the batch."""
    for y, t in examples(loss):
        once, _ = evaluated(loss, y, t)
        twice, _ = evaluated(loss, np.hstack([y, y]), np.hstack([t, t]))
        if abs(twice - once) > TOLERANCE * max(1.0, abs(once)):
            yield Fault(
                f"{METHOD} returns {short(once)} for a batch, and {short(twice)} for the same "
                "twice over",
                "it is a mean over the batch",
                METHOD,
            )
            return


CHECKS: tuple[Check, ...] = (
    value_and_gradient_are_numbers,
    gradient_is_the_derivative,
    value_is_a_mean,
)


def examples(loss: Loss) -> Iterator[tuple[Array, Array]]:
    """Outputs and targets of the kinds that it takes, `(outputs, batch)` each."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=(OUTPUTS, BATCH))
    yield y, np.eye(OUTPUTS)[:, rng.integers(OUTPUTS, size=BATCH)]
    if loss.one_output_for_two_classes:
        yield y[:1], np.array([[0.0, 1.0, 1.0, 0.0]])
    if not loss.needs_classes:
        yield y, rng.uniform(0.1, 2.0, size=y.shape)


def values_along(loss: Loss, y: Array, t: Array, place: tuple[int, ...], entries: Array) -> Array:
    """The value with each of `entries` in this place of y."""
    values = []
    for entry in entries:
        moved = y.copy()
        moved[place] = entry
        values.append(evaluated(loss, moved, t)[0])
    return np.array(values)


def evaluated(loss: Loss, y: Array, t: Array) -> tuple[float, Array]:
    """The value and the gradient, from arrays that cannot be written."""
    y, t, grad = y.copy(), t.copy(), np.full_like(y, np.nan)
    y.flags.writeable = t.flags.writeable = False
    scratch = np.full((loss.n_scratch, *y.shape), np.nan)
    return loss.value_and_grad(y, t, grad=grad, scratch=scratch), grad
