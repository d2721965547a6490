"""Tables of parameter tensors, as networks have them, for clips and layer-wise optimizers."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from vgrad.nn.segments import Segment

Vector = NDArray[np.floating[Any]]
Shapes = Sequence[tuple[int, ...]]

FEW: Shapes = ((3, 5), (3, 4), (3, 4), (3,), (1,), (2, 4))
"""Weights of one shape and of others, gains, a gate, and the output layer's weight."""

weights = st.tuples(st.integers(1, 5), st.integers(2, 6))
vectors = st.tuples(st.integers(1, 6))
tables: st.SearchStrategy[Shapes] = st.lists(
    st.tuples(weights | vectors, st.integers(1, 3)), min_size=1, max_size=5
).map(lambda runs: [shape for shape, times in runs for _ in range(times)])
"""Shapes of which some stand next to their like."""


def table(shapes: Shapes, start: int = 0) -> list[Segment]:
    """Segments of these shapes one after the other, the last of them of the output."""
    segments = []
    for number, shape in enumerate(shapes, 1):
        part = slice(start, start + prod(shape))
        segments.append(Segment(part, shape, is_output=number == len(shapes)))
        start = part.stop
    return segments


def tensors(segments: Sequence[Segment], vector: Vector) -> list[Vector]:
    """Views of the flat vector, one for each segment."""
    return [vector[one.part].reshape(one.shape) for one in segments]


def drawn(seed: int, segments: Sequence[Segment], dtype: Any = np.float64) -> tuple[Vector, Vector]:
    """Flat parameters and gradients, of sizes that differ a lot from tensor to tensor."""
    rng = np.random.default_rng(seed)
    params, grads = rng.normal(size=(2, segments[-1].part.stop))
    for one in segments:
        params[one.part] *= 10.0 ** rng.uniform(-5, 1)
        grads[one.part] *= 10.0 ** rng.uniform(-6, 3)
    return params.astype(dtype), grads.astype(dtype)
