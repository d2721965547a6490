"""What a column of targets asks for: classes to tell apart, or numbers to predict."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vgrad.data.files import malformed

TaskChoice = Literal["auto", "classification", "regression"]

MOST_CLASSES = 1000  # ImageNet's; beyond it a column is rather a number or a name
FEW_VALUES = 20  # whole numbers with no more distinct values than this are taken for classes


def looks_like_classes(numbers: NDArray[np.float64]) -> bool:
    """Whether these are few, repeated whole numbers.

    Few: at most `FEW_VALUES` distinct ones. Repeated: twice or more on average, so that a short
    table of whole-numbered measurements is not taken for one class per row.
    """
    distinct = np.unique(numbers)
    few = len(distinct) <= min(FEW_VALUES, len(numbers) // 2)
    return few and bool((distinct == np.floor(distinct)).all())


def classes(
    values: NDArray[Any], *, path: str, what: str, key: str
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Each value's index among the sorted distinct ones `(n,)`, and these as names.

    Raises:
        RequestError: `what` (a column, an array) of `path` has one class only, or too many.
    """
    distinct, indices = np.unique(values, return_inverse=True)
    if len(distinct) < 2:
        raise malformed(
            path,
            f"{what} is the same in every row; there is nothing to tell apart",
            key=key,
            allowed="two classes or more",
        )
    if len(distinct) > MOST_CLASSES:
        raise malformed(
            path,
            f"{what} has {len(distinct):,} distinct values, too many for classes",
            key=key,
            allowed=f"at most {MOST_CLASSES:,} classes, or numbers and task: regression",
        )
    return indices.reshape(-1).astype(np.int64), tuple(_name(value) for value in distinct.tolist())


def _name(value: object) -> str:
    """1.0 is the class 1."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
