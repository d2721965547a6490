"""Which of many layers or steps a reader is shown."""

from collections.abc import Sequence

import numpy as np

ALL_UP_TO = 40  # rows that a terminal still shows together with their verdict
ENDS = 4  # layers of the head and of the tail, where the gradient's fate is decided
BETWEEN = 11  # evenly spaced layers between head and tail


def select_layers(count: int, *, all_layers: bool = False) -> tuple[int, ...]:
    """The indices of the layers to show, in order: head, tail, and evenly spaced ones between.

    All of `count` where they are few or `all_layers`.
    """
    if all_layers or count <= ALL_UP_TO:
        return tuple(range(count))
    between = np.linspace(ENDS - 1, count - ENDS, BETWEEN + 2).round().astype(int)
    chosen = {*range(ENDS), *between.tolist(), *range(count - ENDS, count)}
    # a note on one layer left out would take the line that the layer itself needs
    chosen |= {i + 1 for i in chosen if i + 2 in chosen}
    return tuple(sorted(chosen))


def evenly(count: int, rows: int) -> tuple[int, ...]:
    """`rows` evenly spaced indices of `count`, the first and the last among them."""
    if count <= rows:
        return tuple(range(count))
    return tuple(np.linspace(0, count - 1, rows).round().astype(int).tolist())


def left_out_before(shown: Sequence[int]) -> list[int]:
    """For each shown index, how many were left out right before it."""
    return [here - before - 1 for before, here in zip((-1, *shown), shown, strict=False)]
