"""The run's course: loss and gradient by step."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vgrad.report.bars import sparkline
from vgrad.report.content import Report
from vgrad.report.grid import Column
from vgrad.report.numbers import accuracy, loss, number
from vgrad.report.selection import evenly

STEPS = 12  # that a reader is shown: as many as a glance takes in


@dataclass(frozen=True)
class Shown:
    """How a column of `COURSE_DTYPE` is shown; `log` is how its trend is drawn."""

    name: str
    title: str
    rank: int
    spell: Callable[[float], str] = number
    log: bool = False


COLUMNS = (
    Shown("train_loss", "train\nloss", 1, loss),
    Shown("train_accuracy", "train\naccuracy", 5, accuracy),
    Shown("test_loss", "test\nloss", 4, loss),
    Shown("test_accuracy", "test\naccuracy", 2, accuracy),
    Shown("lr", "learning\nrate", 6, log=True),
    Shown("first_grad_norm", "grad norm\n{first}", 3, log=True),
    Shown("last_grad_norm", "grad norm\n{last}", 3, log=True),
)


def course_columns(report: Report) -> list[Column]:
    """A dozen evenly spaced logged steps and, below them, each column's trend over all steps."""
    course = report.course
    shown = list(evenly(course.size, STEPS))
    ends = {"first": report.layers["name"][0], "last": report.layers["name"][-1]}
    styles = ["bold" if step == report.step else "" for step in course["step"][shown]] + ["dim"]
    steps = [str(step) for step in course["step"][shown]]
    columns = [Column("step", [*steps, "trend"], styles)]
    for one in COLUMNS:
        values = course[one.name]
        if np.isnan(values).all():
            continue  # does not apply: no accuracy in regression, no test part
        title = one.title.format(**ends)
        cells = [one.spell(float(value)) for value in values[shown]]
        width = max(map(len, (*title.split("\n"), *cells)))
        known = values[~np.isnan(values)]  # the test part is not evaluated at every step
        trend = sparkline(known[list(evenly(known.size, width))].tolist(), log=one.log)
        columns.append(Column(title, [*cells, trend], styles, rank=one.rank))
    return columns
