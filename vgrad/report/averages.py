"""Means over the runs that share a setting, and how sure they are."""

import numpy as np
from numpy.typing import NDArray

AVERAGE_DTYPE = np.dtype(
    [(name, np.float64) for name in ("mean", "error")]
    + [(name, np.int64) for name in ("seeds", "runs", "ended")]
)
"""The mean over `runs`, those of the `ended` that have a value, and its standard error over
`seeds`: nan for fewer than two."""


def averages(
    values: NDArray[np.float64],
    groups: NDArray[np.intp],
    count: int,
    seeds: NDArray[np.intp] | None = None,
    *,
    geometric: bool = False,
) -> NDArray[np.void]:
    """An `AVERAGE_DTYPE` row for each of `count` groups; values that are nan are left out.

    With the seed of each run, its runs are averaged first, and the mean is that over seeds: what
    the other settings add to the scatter is not taken for chance. Of a `geometric` mean the error
    is a factor.
    """
    with np.errstate(all="ignore"):
        values = np.log(values) if geometric else values
        known = ~np.isnan(values)
        table = np.zeros(count, AVERAGE_DTYPE)
        table["ended"] = np.bincount(groups, minlength=count)
        values, groups = values[known], groups[known]
        table["runs"] = np.bincount(groups, minlength=count)
        if seeds is None:
            table["mean"] = np.bincount(groups, values, count) / table["runs"]
            table["error"] = np.nan
        else:
            _over_seeds(table, values, groups, seeds[known])
        if geometric:
            table["mean"], table["error"] = np.exp(table["mean"]), np.exp(table["error"])
    return table


def _over_seeds(
    table: NDArray[np.void],
    values: NDArray[np.float64],
    groups: NDArray[np.intp],
    seeds: NDArray[np.intp],
) -> None:
    """Fill in mean, error and the number of seeds; a group's runs of one seed count as one."""
    width = int(seeds.max(initial=0)) + 1
    cells, places, runs = np.unique(
        groups * width + seeds, return_inverse=True, return_counts=True
    )  # only those that there are: of a list of runs, next to none
    means = np.bincount(places, values, cells.size) / runs
    groups = cells // width
    table["seeds"] = number = np.bincount(groups, minlength=table.size)
    table["mean"] = mean = np.bincount(groups, means, table.size) / number
    squares = np.bincount(groups, (means - mean[groups]) ** 2, table.size)
    table["error"] = np.where(number > 1, np.sqrt(squares / (number - 1) / number), np.nan)
