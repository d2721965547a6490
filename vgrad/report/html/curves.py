"""A run's course: loss, accuracy, gradient and rate by step."""

import numpy as np

from vgrad.report.content import Rows, StoredRun, course_of
from vgrad.report.html.plots import (
    Numbers,
    Plot,
    finite,
    linear_axis,
    log_axis,
    positive,
    share_axis,
)
from vgrad.report.html.profiles import line
from vgrad.report.html.theme import DASHES

LOG_FROM = 100.0  # greatest over least loss, from which a linear axis would hide the least


def curves(run: StoredRun) -> list[Plot]:
    """The charts that the run has numbers for."""
    course = course_of(run)
    return [
        plot
        for plot in (_loss(course), _accuracy(course), _gradient(course), _rate(course))
        if plot
    ]


def _loss(course: Rows) -> Plot | None:
    named = _named(course, {"train_loss": "train", "test_loss": "test"})
    if not named:
        return None
    known = np.concatenate([positive(values) for values in named.values()])
    known = known[~np.isnan(known)]
    wide = known.size > 0 and known.max() > LOG_FROM * known.min()
    axis, clean = (log_axis, positive) if wide else (linear_axis, finite)
    lines = {name: clean(values) for name, values in named.items()}
    axes = axis("mean loss, penalties included", list(lines.values()))
    return _plot("loss", "Loss", course, lines, axes)


def _accuracy(course: Rows) -> Plot | None:
    named = _named(course, {"train_accuracy": "train", "test_accuracy": "test"})
    return _plot("accuracy", "Accuracy", course, named, share_axis("accuracy")) if named else None


def _gradient(course: Rows) -> Plot | None:
    titles = {"first_grad_norm": "first layer", "last_grad_norm": "output layer"}
    named = {name: positive(values) for name, values in _named(course, titles).items()}
    axis = log_axis("‖g‖", list(named.values())) if named else {}
    return _plot("gradient", "Gradient at both ends", course, named, axis) if named else None


def _rate(course: Rows) -> Plot | None:
    """Where the schedule changes it."""
    rates = course["lr"][~np.isnan(course["lr"])]
    if not rates.size or rates.min() == rates.max():
        return None
    axis = linear_axis("learning rate", [course["lr"]])
    return _plot("rate", "Learning rate", course, {"rate": course["lr"]}, axis)


def _named(course: Rows, titles: dict[str, str]) -> dict[str, Numbers]:
    """The columns that have any number, by title."""
    return {
        title: course[name] for name, title in titles.items() if not np.isnan(course[name]).all()
    }


def _plot(
    name: str, title: str, course: Rows, lines: dict[str, Numbers], axis: dict[str, object]
) -> Plot:
    data = []
    for (label, values), dash in zip(lines.items(), DASHES, strict=False):
        known = np.isfinite(values)  # the test part is not measured at every logged step
        data.append(line(course["step"][known], values[known], label, dash=dash, width=2))
    ends = "; ".join(f"{label} {_ends(values)}" for label, values in lines.items())
    layout = {"xaxis": {"title": {"text": "step"}}, "yaxis": axis, "hovermode": "x unified"}
    return Plot(f"course-{name}", title, f"{title} by step: {ends}.", data, layout)


def _ends(values: Numbers) -> str:
    known = finite(values)
    known = known[~np.isnan(known)]
    return f"from {known[0]:.3g} to {known[-1]:.3g}" if known.size else "never a number"
