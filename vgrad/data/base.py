"""Data sets: what one offers (`DataSet.read` → `Examples`) and what training gets (`Dataset`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Lt
from numpy.typing import NDArray

from vgrad.errors import Problem, RequestError
from vgrad.registry import Registry

Task = Literal["classification", "regression"]
Array = NDArray[Any]
Reals = NDArray[np.floating[Any]]

LARGEST_VALUES = 2**30  # in one array: 4 GiB in float32, 23 times MNIST; beyond it, a mistake

datasets: Registry["DataSet"] = Registry("data set")


@dataclass(frozen=True, eq=False)
class Examples:
    """A data set as read, in the order of its source.

    `x` is `(n, features)` of any real dtype. `y` is `(n,)` int64, an index into `class_names`,
    for classification, and `(n, targets)` float64 for regression, which has no class names.
    `test` is the test part where the source comes with one.
    """

    x: Array
    y: Array
    task: Task
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...] = ()
    test: "Examples | None" = None

    @classmethod
    def of_parts(
        cls,
        x_parts: Sequence[Array],
        y: Array,
        task: Task,
        feature_names: tuple[str, ...],
        class_names: tuple[str, ...] = (),
    ) -> "Examples":
        """The first of `x_parts` for training, the second, if any, for testing; y runs on."""
        n = len(x_parts[0])
        test = None
        if len(x_parts) > 1:
            test = cls(x_parts[1], y[n:], task, feature_names, class_names)
        return cls(x_parts[0], y[:n], task, feature_names, class_names, test)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Arrays to train on and to test with, of one dtype; the training part in random order.

    `x_train` is `(n, features)`; `y_train` is `(n,)` int64 class indices or `(n, targets)` reals.
    The test part has the same form, and no rows where there is none.
    """

    x_train: Reals
    y_train: Array
    x_test: Reals
    y_test: Array
    task: Task
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]

    @property
    def n_features(self) -> int:
        """Numbers per example."""
        return int(self.x_train.shape[1])

    @property
    def n_classes(self) -> int:
        """Classes to tell apart; 0 for regression."""
        return len(self.class_names)

    @property
    def n_targets(self) -> int:
        """Numbers to predict per example; 0 for classification."""
        return int(self.y_train.shape[1]) if self.task == "regression" else 0


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """The contract of the family, and the options that all its members share."""

    path_options: ClassVar[tuple[str, ...]] = ()
    """Options that are paths; in a config they are relative to the config's own folder."""

    test_fraction: Annotated[float, Ge(0), Lt(1)] = 0.2
    """Share of the examples held back for testing; unused where the source has a test part."""
    standardize: bool = True
    """Whether features get mean 0 and standard deviation 1 on the training part."""

    def read(self, rng: np.random.Generator) -> Examples:
        """The examples, drawn with `rng` where they are random.

        Raises:
            RequestError: the source is missing or malformed, or the options do not fit together.
        """
        raise NotImplementedError


def check_size(rows: int, columns: int, *, key: str, what: str) -> None:
    """Refuse an array that no one means to make, before it is allocated.

    Raises:
        RequestError: `rows`·`columns` is above `LARGEST_VALUES`.
    """
    if rows * columns > LARGEST_VALUES:
        raise RequestError(
            Problem(
                f"{what}: {rows:,} × {columns:,} values are too many",
                key=key,
                allowed=f"at most {LARGEST_VALUES:,} values",
            )
        )
