"""The user's own table: one row per example, one column (or some) to predict, the rest features."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Len

from vgrad.data.base import Array, DataSet, Examples, Reals, Task, check_size, datasets
from vgrad.data.columns import Column, as_number, read_columns
from vgrad.data.files import malformed, quoted
from vgrad.data.targets import TaskChoice, classes, looks_like_classes
from vgrad.errors import Problem, RequestError, nearest

MOST_CATEGORIES = 50  # distinct texts of a feature; with more, it is rather a name than a category
NAMES_SHOWN = 12  # of the columns, in a message
NO_DELIMITERS = '"\r\n'


@datasets.register("csv", source="Shafranovich 2005, RFC 4180")
@dataclass(frozen=True, kw_only=True)
class Csv(DataSet):
    """The user's own table: column `target` is to be predicted, all others are features.

    A file in UTF-8, numbers with a decimal point. A column of text becomes one feature per distinct
    text, 1 where the row has it (`colour=red`). `target` may list several columns of numbers. Text
    in the target makes classes, and so do whole numbers with few distinct values, unless
    `task` says otherwise. Without a `header`, columns are called 1, 2, …
    """

    path_options: ClassVar[tuple[str, ...]] = ("path",)
    path: str
    target: str | int | tuple[str | int, ...]
    header: bool = True
    delimiter: Annotated[str, Len(1, 1)] = ","
    task: TaskChoice = "auto"

    def read(self, rng: np.random.Generator) -> Examples:  # noqa: ARG002 - nothing random
        """The rows in the order of the file."""
        if len(self.delimiter) != 1 or self.delimiter in NO_DELIMITERS:
            raise RequestError(
                Problem(
                    f"{self.delimiter!r} cannot separate cells",
                    key="data.delimiter",
                    allowed="one character, no quote and no line break",
                )
            )
        columns = read_columns(self.path, header=self.header, delimiter=self.delimiter)
        targets = self._targets(columns)
        chosen = {column.name for column in targets}
        rest = [column for column in columns if column.name not in chosen]
        if not rest:
            raise malformed(self.path, "has no column besides the target", key="data.target")
        task = self._task(targets)
        x, feature_names = _features(rest, self.path)
        y, class_names = self._classes(targets[0]) if task == "classification" else _reals(targets)
        return Examples(x, y, task, feature_names, class_names)

    def _targets(self, columns: Sequence[Column]) -> list[Column]:
        """The columns that `target` names."""
        wanted = [self.target] if isinstance(self.target, str | int) else list(self.target)
        names = [str(name) for name in wanted]
        if not names or len(set(names)) < len(names):
            raise malformed(
                self.path,
                f"{names!r} is no choice of columns",
                key="data.target",
                allowed="each target column once",
            )
        by_name = {column.name: column for column in columns}
        for name in names:
            if name not in by_name:
                raise self._unknown(name, tuple(by_name))
        return [by_name[name] for name in names]

    def _unknown(self, name: str, names: tuple[str, ...]) -> RequestError:
        shown = ", ".join(quoted(known) for known in names[:NAMES_SHOWN])
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        hint = ""
        if len(names) == 1:
            hint = f"; it has one column only: is {self.delimiter!r} the right delimiter?"
        elif self.header and all(as_number(known) is not None for known in names):
            hint = "; its first row looks like data: has it no header (header: false)?"
        lowered = {known.lower(): known for known in names}
        return malformed(
            self.path,
            f"there is no column {quoted(name)}{hint}",
            key="data.target",
            allowed=f"one of {shown}{more}",
            suggestion=lowered.get(nearest(name, tuple(lowered)), ""),
        )

    def _task(self, targets: Sequence[Column]) -> Task:
        """What is asked for, or what the target looks like."""
        texts = [column for column in targets if column.is_text]
        if len(targets) > 1 and (texts or self.task == "classification"):
            what = f"column {quoted(texts[0].name)} is text" if texts else "task is classification"
            raise malformed(
                self.path,
                f"several targets, but {what}",
                key="data.target",
                allowed="several columns of numbers, or one of classes",
            )
        if texts and self.task == "regression":
            raise malformed(
                self.path,
                f"column {quoted(texts[0].name)} is text ({quoted(texts[0].texts[0])} …)",
                key="data.task",
                allowed="regression needs numbers; classification or auto takes text",
            )
        if self.task != "auto":
            return self.task
        if texts or (len(targets) == 1 and looks_like_classes(targets[0].values)):
            return "classification"
        return "regression"

    def _classes(self, column: Column) -> tuple[Array, tuple[str, ...]]:
        what = f"column {quoted(column.name)}"
        y, names = classes(column.values, path=self.path, what=what, key="data.target")
        return y, column.texts or names


def _reals(targets: Sequence[Column]) -> tuple[Array, tuple[str, ...]]:
    return np.stack([column.values for column in targets], axis=1), ()


def _features(columns: Sequence[Column], path: str) -> tuple[Reals, tuple[str, ...]]:
    """The features `(n, features)` and their names: numbers as they are, texts one-hot."""
    names: list[str] = []
    for column in columns:
        if len(column.texts) > MOST_CATEGORIES:
            raise malformed(
                path,
                f"column {quoted(column.name)} has {len(column.texts)} different texts",
                allowed=f"at most {MOST_CATEGORIES} in a feature; leave out names and free text",
            )
        names += [f"{column.name}={text}" for text in column.texts] or [column.name]
    n = len(columns[0].values)
    check_size(n, len(names), key="data.path", what=path)
    x = np.zeros((n, len(names)))
    place = 0
    for column in columns:
        if column.is_text:
            x[np.arange(n), place + column.values.astype(np.intp)] = 1
        else:
            x[:, place] = column.values
        place += max(1, len(column.texts))
    return x, tuple(names)
