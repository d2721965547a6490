"""Residual networks: each block adds to what it was given."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt

from vgrad.errors import Problem, RequestError
from vgrad.nn.graph import Graph, Param, Signal
from vgrad.nn.operations.combine import Add
from vgrad.nn.wiring.base import Builder, Connectivity, Model, check_blocks, connectivities

Order = Literal["post", "pre", "inside"]


@connectivities.register("residual", source="He et al. 2015, 2016; Yang & Schoenholz 2017")
@dataclass(frozen=True)
class Residual(Connectivity):
    """Blocks of `every` layers with a skip: x + scale·F(x), after a first layer without one.

    order: `post`: φ(x + F(x)), F ends in a weight layer (He et al. 2015); `pre`: x + F(φ(x)),
    and φ once more at the end (He et al. 2016); `inside`: x + V·φ(W·x), or x + φ(W·x) where
    `every` is 1 (Yang & Schoenholz 2017). scale: a number, `1/sqrt(depth)` (hidden layers) or
    `1/sqrt(blocks)`. gate: the first value of a learnable factor of each branch; 0 is ReZero and
    SkipInit. zero_last: the last layer of each branch begins at 0. Where widths differ the skip
    is a weight layer (`projection`), or refused. The last block takes the layers that are left.
    """

    every: Annotated[int, Gt(0)] = 2
    order: Order = "post"
    scale: Annotated[float, Gt(0)] | Literal["1/sqrt(depth)", "1/sqrt(blocks)"] = 1.0
    gate: Annotated[float, Ge(0)] | None = None
    zero_last: bool = False
    projection: bool = True

    def blocks(self, widths: Sequence[int]) -> Iterator[Sequence[int]]:
        """The widths of the hidden layers after the first, block by block."""
        for start in range(1, len(widths), self.every):
            yield widths[start : start + self.every]

    def check(self, widths: tuple[int, ...]) -> None:
        check_blocks(self.every, len(widths))
        width = widths[0]
        for number, block in enumerate(self.blocks(widths), 1):
            if block[-1] != width and not self.projection:
                raise RequestError(
                    Problem(
                        f"block {number} takes {width} units to {block[-1]}, and its skip may not "
                        "project",
                        "model.connectivity.projection",
                        "true, or equal widths",
                    )
                )
            width = block[-1]

    def branch_scale(self, widths: Sequence[int]) -> float:
        """`scale` as a number."""
        match self.scale:
            case "1/sqrt(depth)":
                return 1.0 / math.sqrt(len(widths))
            case "1/sqrt(blocks)":
                return 1.0 / math.sqrt(len(list(self.blocks(widths))))
            case number:
                return number

    def build(self, model: Model) -> Graph:
        builder = Builder(model)
        z = builder.linear(builder.input, model.widths[0], "stem", ones=self.order == "inside")
        stream = builder.activated(builder.normalized(z)) if self.order == "post" else z
        scale = self.branch_scale(model.widths)
        for number, widths in enumerate(self.blocks(model.widths), 1):
            stream = self._block(builder, f"block{number}", stream, widths, scale)
        if self.order == "pre":
            stream = builder.activated(builder.normalized(stream))
        return builder.finished(stream)

    def _block(
        self, builder: Builder, name: str, stream: Signal, widths: Sequence[int], scale: float
    ) -> Signal:
        first, width = builder.n_layers, widths[-1]
        x = stream
        if self.order == "pre":
            x = builder.activated(builder.normalized(stream))
        skip = stream
        if width != stream.rows:
            skip = builder.linear(x, width, f"{name}.projection", normed=False)
        for number, rows in enumerate(widths, 1):
            z = builder.linear(x, rows, f"{name}.linear{number}", zero=self._zeroed(number, widths))
            if number < len(widths):
                x = builder.activated(builder.normalized(z))
        if self.order == "post":
            z = builder.normalized(z)
        elif self.order == "inside" and len(widths) == 1:
            z = builder.activated(builder.normalized(z), out=Signal.of(width))
        gate = None if self.gate is None else Param((1, 1), self.gate)
        out = Signal.of(width, ones=self.order == "inside")
        end = Add(skip, z, out, scale=scale, gate=gate, pass_on=not builder.observed(skip))
        builder.append(end)
        builder.block(name, first, end, projected=skip is not stream)
        return builder.activated(out) if self.order == "post" else out

    def _zeroed(self, number: int, widths: Sequence[int]) -> bool:
        return self.zero_last and number == len(widths)
