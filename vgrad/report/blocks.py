"""The residual stream, block by block, and what clipping did."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vgrad.report.grid import Column
from vgrad.report.numbers import number, percent
from vgrad.report.selection import select_layers

Rows = NDArray[np.void]

COLUMNS = (
    ("stream\nrms", "stream_rms"),
    ("branch\nrms", "branch_rms"),
    ("branch\n/ stream", "branch_ratio"),
    ("gate", "gate"),
)


def block_columns(blocks: Rows, *, all_layers: bool = False) -> list[Column]:
    """Blocks at the head, the tail and between; the gates where there are any."""
    shown = list(select_layers(blocks.size, all_layers=all_layers))
    columns: list[Column] = [Column("block", blocks["name"][shown].tolist(), justify="left")]
    for title, name in COLUMNS:
        values = blocks[name][shown]
        if not np.isnan(values).all():
            columns.append(Column(title, spelled(values)))
    return columns


def spelled(values: NDArray[np.float64]) -> Sequence[str]:
    """The numbers as the tables have them."""
    return [number(float(value)) for value in values]


def clipping_phrase(clipping: Rows) -> str:
    """What became of the gradient on its way to the optimizer at a step; "" where nothing did."""
    if not clipping.size:
        return ""
    row = clipping[-1]
    norms = f"‖g‖ {number(float(row['norm_before']))} → {number(float(row['norm_after']))}"
    if not (clipping["clipped_fraction"] > 0.0).any():
        return norms
    share = percent(float(row["clipped_fraction"]))
    return f"{norms}; {share} of the updates since the step logged before were clipped"
