"""Densely connected networks: each layer reads all before it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le

from vgrad.errors import Problem, RequestError
from vgrad.nn.graph import Graph, Signal, Store
from vgrad.nn.wiring.base import Builder, Connectivity, Model, check_blocks, connectivities

Kind = Literal["dense", "bottleneck", "transition"]


@connectivities.register("dense", source="Huang et al. 2017")
@dataclass(frozen=True)
class Dense(Connectivity):
    """Each layer adds `growth` units to what all later ones read, after a first of `width`.

    bottleneck: a layer of `bottleneck`·growth units before each (DenseNet-B has 4; 0: none).
    every: layers to a block (by default one block holds all), with a transition between blocks
    to `compression` times as many units (DenseNet-C has 0.5). Bottlenecks and transitions count
    as hidden layers, and the last block takes what is left.
    """

    growth: Annotated[int, Gt(0)] = 12
    bottleneck: Annotated[int, Ge(0)] = 0
    every: Annotated[int, Gt(0)] | None = None
    compression: Annotated[float, Gt(0), Le(1)] = 0.5

    def check(self, widths: tuple[int, ...]) -> None:
        if not widths:
            raise RequestError(
                Problem(
                    "dense layers follow a first one, and there is none", "model.depth", "1 or more"
                )
            )
        if len(set(widths)) > 1:
            raise RequestError(
                Problem(
                    "dense layers add `growth` units each, and only the first has a width",
                    "model.width",
                    "one number",
                )
            )
        if self.every is not None:
            check_blocks(self.every, len(widths))

    def kinds(self, count: int) -> Iterator[Kind]:
        """What each of `count` hidden layers is."""
        in_block = 0
        while count > 0:
            if self.every is not None and in_block == self.every:
                yield "transition"
                in_block = 0
            elif self.bottleneck and count > 1:
                yield "bottleneck"
                yield "dense"
                count, in_block = count - 1, in_block + 1
            else:
                yield "dense"
                in_block += 1
            count -= 1

    def build(self, model: Model) -> Graph:
        builder = Builder(model)
        kinds = list(self.kinds(len(model.widths) - 1))
        block, number, reached = 1, 0, model.widths[0]
        store = self._store(reached, kinds)
        z = builder.linear(builder.input, reached, "stem")
        x = builder.activated(builder.normalized(z), out=Signal(store, 0, reached))
        for place, kind in enumerate(kinds):
            match kind:
                case "transition":
                    rows = max(1, int(self.compression * reached))
                    store = self._store(rows, kinds[place + 1 :])
                    z = builder.linear(x, rows, f"transition{block}")
                    x = builder.activated(builder.normalized(z), out=Signal(store, 0, rows))
                    block, number, reached = block + 1, 0, rows
                case "bottleneck":
                    rows = self.bottleneck * self.growth
                    z = builder.linear(x, rows, f"block{block}.bottleneck{number + 1}")
                    x = builder.activated(builder.normalized(z))
                case "dense":
                    number += 1
                    z = builder.linear(x, self.growth, f"block{block}.linear{number}")
                    out = Signal(store, reached, reached + self.growth)
                    builder.activated(builder.normalized(z), out=out)
                    reached += self.growth
                    x = Signal(store, 0, reached)
        return builder.finished(x)

    def _store(self, rows: int, kinds: list[Kind]) -> Store:
        """Where a block's units come to lie, one layer after the other, for all to read."""
        kinds = kinds[: kinds.index("transition")] if "transition" in kinds else kinds
        return Store(rows + self.growth * kinds.count("dense"), ones=True)
