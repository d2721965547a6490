"""The table of segments: which parameter tensor lies where in the flat vectors.

Clips and layer-wise optimizers go by it; all others see nothing but flat vectors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from vgrad.nn.arrays import Array


@dataclass(frozen=True)
class Segment:
    """One tensor's place: `part` of the flat vectors, in its `shape`.

    A weight is `(fan_out, 1 + fan_in)` with the bias as its first column; gains, shifts and gates
    are vectors `(n,)`. `is_output` says that it belongs to the network's last layer.
    """

    part: slice
    shape: tuple[int, ...]
    is_output: bool = False

    def view(self, vector: Array, origin: int = 0) -> Array:
        """The tensor in a flat vector that begins with parameter number `origin`."""
        part = slice(self.part.start - origin, self.part.stop - origin)
        return vector[part].reshape(self.shape)


def blocks(
    segments: Sequence[Segment], *vectors: Array
) -> Iterator[tuple[bool, tuple[Array, ...]]]:
    """Whether they are of the output, and views `(k, *shape)` of each vector, for each run of k
    segments of one shape; so that the layers of a deep net are worked on together.

    The segments follow each other without gaps, and the vectors begin where the first does.
    """
    origin = segments[0].part.start
    for (shape, is_output), members in groupby(segments, lambda one: (one.shape, one.is_output)):
        run = list(members)
        part = slice(run[0].part.start - origin, run[-1].part.stop - origin)
        yield is_output, tuple(vector[part].reshape(len(run), *shape) for vector in vectors)
