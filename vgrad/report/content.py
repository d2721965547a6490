"""What a report says, as plain data: each format only has to spell it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from vgrad.diagnosis import Verdict, diagnose, diagnose_run
from vgrad.errors import Problem, RequestError
from vgrad.records import METRICS_DTYPE, Plugin
from vgrad.report.comparison import Comparison, compared
from vgrad.report.selection import select_layers

Rows = NDArray[np.void]


class StoredRun(Protocol):
    """What a report reads of a run."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def summary(self) -> Mapping[str, Any]: ...
    @property
    def config(self) -> Mapping[str, Any]: ...
    @property
    def plugins(self) -> tuple[Plugin, ...]: ...
    @property
    def metrics(self) -> Rows:
        """A `METRICS_DTYPE` row per logged step."""

    @property
    def layers(self) -> Rows:
        """A `LAYER_DTYPE` row per logged step and layer."""

    @property
    def blocks(self) -> Rows:
        """A `BLOCK_DTYPE` row per logged step and residual block."""

    @property
    def clipping(self) -> Rows:
        """A `CLIPPING_DTYPE` row per logged step, where the gradient is clipped."""

    @property
    def predictions(self) -> Rows:
        """A `PREDICTION_DTYPE` row per layer, where theory has something to say."""

    def layers_at(self, step: int) -> Rows:
        """The `LAYER_DTYPE` rows of one logged step; `RequestError` where it was not logged."""


COURSE_DTYPE = np.dtype(
    [
        ("step", np.int64),
        *(
            (name, np.float64)
            for name in (
                "train_loss",
                "train_accuracy",
                "test_loss",
                "test_accuracy",
                "lr",
                "first_grad_norm",
                "last_grad_norm",
            )
        ),
    ]
)
"""A run's course: of `metrics.csv`, and ‖g‖ of the first and of the output layer."""


@dataclass(frozen=True, eq=False)
class Report:
    """A run, seen at one logged step.

    `layers` are all `LAYER_DTYPE` rows of `step`, `shown` those that a reader is shown, `blocks`
    and `clipping` the `BLOCK_DTYPE` and `CLIPPING_DTYPE` rows of `step`, where there are any,
    `course` a `COURSE_DTYPE` row per logged step, the last of them the run's result, and
    `comparison` theory beside measurement at initialization, where there are both.
    """

    id: str
    name: str
    status: str
    error: str
    config: Mapping[str, Any]
    plugins: tuple[Plugin, ...]
    step: int
    last_step: int
    verdict: Verdict
    layers: Rows
    shown: tuple[int, ...]
    blocks: Rows
    clipping: Rows
    course: Rows
    comparison: Comparison | None


def build_report(
    run: StoredRun, step: int | Literal["last"] = "last", *, all_layers: bool = False
) -> Report:
    """The report on `run` at `step`. At the last step its verdict is that of the whole run.

    Raises:
        RequestError: nothing was logged yet, or not at this step.
    """
    steps = sorted(set(run.layers["step"].tolist()))
    if not steps:
        raise RequestError(Problem(f"run {run.id} has logged no step yet", key="step"))
    at = steps[-1] if step == "last" else step
    layers = run.layers_at(at)
    if at == steps[-1]:
        diverged = run.status == "diverged"
        verdict = diagnose_run(run.layers_at(steps[0]), layers, diverged=diverged)
    else:
        verdict = diagnose(layers)
    return Report(
        id=run.id,
        name=run.name,
        status=run.status,
        error=str(run.summary.get("error") or ""),
        config=run.config,
        plugins=run.plugins,
        step=at,
        last_step=steps[-1],
        verdict=verdict,
        layers=layers,
        shown=select_layers(layers.size, all_layers=all_layers),
        blocks=run.blocks[run.blocks["step"] == at],
        clipping=run.clipping[run.clipping["step"] == at],
        course=course_of(run),
        comparison=compared(run.predictions, run.layers),
    )


def course_of(run: StoredRun) -> Rows:
    """Metrics and the gradient at both ends, by step; nan where a step lacks its layers."""
    metrics, layers = run.metrics, run.layers
    course = np.empty(metrics.size, COURSE_DTYPE)
    recorded = METRICS_DTYPE.names or ()
    for name in COURSE_DTYPE.names or ():
        course[name] = metrics[name] if name in recorded else np.nan
    new_step = np.flatnonzero(np.diff(layers["step"])) + 1  # rows come step by step
    firsts, lasts = np.append(0, new_step), np.append(new_step, layers.size) - 1
    _, at, those = np.intersect1d(metrics["step"], layers["step"][firsts], return_indices=True)
    course["first_grad_norm"][at] = layers["grad_norm"][firsts[those]]
    course["last_grad_norm"][at] = layers["grad_norm"][lasts[those]]
    return course
