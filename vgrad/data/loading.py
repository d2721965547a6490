"""From a data set's examples to arrays ready for training: split, standardize, cast."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike, NDArray

from vgrad.data.base import Array, DataSet, Dataset, Examples, Reals
from vgrad.errors import Problem, RequestError

Rows = NDArray[np.intp]

BLOCK_VALUES = 2**16  # values handled at once: as float64 they fit the L2 cache (512 KiB)


def load(part: DataSet, rng: np.random.Generator, dtype: DTypeLike = np.float32) -> Dataset:
    """Read, split, standardize and cast a data set.

    The test part is the source's own, or `part.test_fraction` of the examples drawn by `split`,
    stratified by class. The training part comes in random order. Features are standardized with
    the mean and standard deviation of the training part alone; a feature that is constant there
    is 0 in both parts. Regression targets are left as they are.

    Raises:
        RequestError: the source is missing or malformed, does not fit into memory, or holds
            numbers beyond the dtype.
    """
    try:
        return _load(part, rng, dtype)
    except MemoryError:
        raise RequestError(Problem("the examples do not fit into memory", key="data")) from None


def _load(part: DataSet, rng: np.random.Generator, dtype: DTypeLike) -> Dataset:
    examples = part.read(rng)
    train, test = split(examples, part.test_fraction, rng)
    held_out = examples
    if examples.test is not None:
        held_out, test = examples.test, np.arange(len(examples.test.x))
    mean, scale = _moments(examples.x, train) if part.standardize else _as_it_is(examples.x)
    return Dataset(
        x_train=_scaled(examples, train, mean, scale, dtype),
        y_train=_targets(examples, train, dtype),
        x_test=_scaled(held_out, test, mean, scale, dtype),
        y_test=_targets(held_out, test, dtype),
        task=examples.task,
        feature_names=examples.feature_names,
        class_names=examples.class_names,
    )


def split(examples: Examples, test_fraction: float, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Rows of the training and of the test part, each in random order.

    round(test_fraction·n) rows go to the test part, from each class in proportion to its size (a
    class of k rows gives test_fraction·k, rounded), but every class keeps at least one row for
    training. Regression is one class. Where the examples bring their own test part, all rows are
    for training.
    """
    n = len(examples.x)
    order = rng.permutation(n)
    if examples.test is not None or test_fraction == 0:
        return order, order[:0]
    strata = examples.y if examples.task == "classification" else np.zeros(n, np.int64)
    sizes = np.bincount(strata)
    by_stratum = order[np.argsort(strata[order], kind="stable")]
    rank = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)  # 0 … k-1 in each class
    turn = (rank + 0.5) / sizes[strata[by_stratum]]  # the j-th of k comes at the fraction (j+½)/k
    turn[rank == sizes[strata[by_stratum]] - 1] = np.inf  # the last of a class stays
    n_test = min(round(test_fraction * n), n - np.count_nonzero(sizes))
    tested = np.zeros(n, np.bool_)
    tested[by_stratum[np.argsort(turn, kind="stable")[:n_test]]] = True
    return order[~tested[order]], order[tested[order]]


def _blocks(n: int, features: int) -> Iterator[slice]:
    step = max(1, BLOCK_VALUES // features)
    return (slice(start, start + step) for start in range(0, n, step))


def _moments(x: Array, rows: Rows) -> tuple[Reals, Reals]:
    """Mean and standard deviation of each column over `rows`, in float64, two passes.

    A constant column has its value for a mean, exactly, and an infinite deviation, so that what
    is divided by it becomes 0.
    """
    n, features = len(rows), x.shape[1]
    low, high = np.full(features, np.inf), np.full(features, -np.inf)
    total, squares = np.zeros(features), np.zeros(features)
    with np.errstate(over="ignore", invalid="ignore"):  # `_scaled` reports what overflowed
        for block in _blocks(n, features):
            values = x[rows[block]].astype(np.float64)
            np.minimum(low, values.min(axis=0), out=low)
            np.maximum(high, values.max(axis=0), out=high)
            total += values.sum(axis=0)
        constant = low == high
        mean = np.where(constant, low, total / n)
        span = np.where(constant, 1, high - low)  # deviations in its unit have harmless squares
        for block in _blocks(n, features):
            deviation = (x[rows[block]] - mean) / span
            squares += np.einsum("ij,ij->j", deviation, deviation)
        std = span * np.sqrt(squares / n)
    return mean, np.where(constant, np.inf, std)


def _as_it_is(x: Array) -> tuple[Reals, Reals]:
    """The mean and scale that change nothing."""
    return np.zeros(x.shape[1]), np.ones(x.shape[1])


def _scaled(examples: Examples, rows: Rows, mean: Reals, scale: Reals, dtype: DTypeLike) -> Reals:
    """(x - mean)/scale of these rows, `(len(rows), features)`."""
    x = examples.x
    out: Reals = np.empty((len(rows), x.shape[1]), dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        for block in _blocks(*out.shape):
            out[block] = (x[rows[block]] - mean) / scale
            if not np.isfinite(out[block]).all():
                column = int(np.argmin(np.isfinite(out[block]).all(axis=0)))
                raise _beyond(f"feature {examples.feature_names[column]!r}", dtype)
    return out


def _targets(examples: Examples, rows: Rows, dtype: DTypeLike) -> Array:
    if examples.task == "classification":
        return examples.y[rows]
    with np.errstate(over="ignore"):
        y: Reals = examples.y[rows].astype(dtype)
    if not np.isfinite(y).all():
        raise _beyond("the target", dtype)
    return y


def _beyond(what: str, dtype: DTypeLike) -> RequestError:
    kind = np.dtype(dtype)
    return RequestError(
        Problem(
            f"{what} holds numbers too large for {kind.name}",
            key="data",
            allowed=f"values well below {np.finfo(kind).max:.0e}; rescale them in the source",
        )
    )
