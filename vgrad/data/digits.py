"""The handwritten digits that come with vgrad, so that an experiment needs no download."""

from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from vgrad.data.base import DataSet, Examples, datasets

MOST_INK = 16  # pixels in the 4×4 block that one of the 8×8 numbers counts


@datasets.register(
    "digits",
    source="Alpaydin & Kaynak 1998, UCI Machine Learning Repository, doi:10.24432/C50P49",
)
@dataclass(frozen=True, kw_only=True)
class Digits(DataSet):
    """1,797 real handwritten digits of 8×8 pixels in 10 classes, shipped with vgrad.

    Pixels are scaled from 0..16 to 0..1. Source, licence and making: `digits.LICENSE.md`.
    """

    def read(self, rng: np.random.Generator) -> Examples:  # noqa: ARG002 - nothing random
        """The digits in the order of their source."""
        with files("vgrad.data").joinpath("digits.npz").open("rb") as file, np.load(file) as arrays:
            pixels, labels = arrays["pixels"], arrays["labels"]
        n, rows, columns = pixels.shape
        return Examples(
            x=pixels.reshape(n, -1).astype(np.float32) / MOST_INK,
            y=labels.astype(np.int64),
            task="classification",
            feature_names=pixel_names(rows, columns),
            class_names=tuple(str(digit) for digit in range(10)),
        )


def pixel_names(rows: int, columns: int) -> tuple[str, ...]:
    """Names for the pixels of an image, row by row: `r0c0`, `r0c1`, …"""
    return tuple(f"r{row}c{column}" for row in range(rows) for column in range(columns))
