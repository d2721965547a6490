"""Theory beside measurement in a run's report."""

import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from fake_runs import FakeRun, fake_run, prediction_rows
from rich.console import Console

from vgrad.records import PREDICTION_DTYPE
from vgrad.report.comparison import compared, slope
from vgrad.report.formats import render_report

TITLE = "At initialization, predicted against measured"


def told(run: FakeRun, **options: object) -> str:
    """The report as a pipe gets it."""
    return render_report(run, Console(file=io.StringIO(), width=80), **options)  # type: ignore[arg-type]


def both(depth: int = 30, predicted: float = 0.25) -> FakeRun:
    """A run of which there is a prediction, in which δ changes by 0.24 per layer."""
    return replace(fake_run(depth), predictions=prediction_rows(depth, predicted))


def test_slopes_and_first_layers_stand_side_by_side() -> None:
    comparison = compared(both().predictions, both().layers)
    assert comparison is not None
    assert comparison.slopes == pytest.approx((2 * math.log(0.25), 2 * math.log(0.24)))
    assert comparison.measured[0] == pytest.approx(0.24**29)
    assert comparison.names[0] == "linear1"
    text = told(both())
    assert TITLE in text
    predicted = next(line for line in text.splitlines() if line.startswith("predicted"))
    measured = next(line for line in text.splitlines() if line.startswith("measured"))
    assert "-2.77" in predicted
    assert "-2.85" in measured


def test_what_left_the_interval_is_counted_and_marked() -> None:
    comparison = compared(both().predictions, both().layers)
    assert comparison is not None
    # 0.96 per layer leaves ±25 % behind in the seventh layer from the last
    assert comparison.within == pytest.approx(5 / 29)
    first = told(both(), step=0)
    assert "17% within" in first
    table = first.split(TITLE)[1]
    assert next(line for line in table.splitlines() if line.startswith("linear1 ")).count("←") == 1
    assert "←" not in next(line for line in table.splitlines() if line.startswith("linear29 "))


def test_layer_by_layer_only_at_the_first_step() -> None:
    assert "linear7 " in told(both(), step=0).split(TITLE)[1]
    assert "linear7 " not in told(both()).split(TITLE)[1]


@pytest.mark.parametrize(
    "run",
    [
        fake_run(5),
        both(1),
        both(0),
        replace(both(5), predictions=prediction_rows(4)),
        replace(both(5), layers=fake_run(5).layers[6:]),  # step 0 was not logged
    ],
    ids=["no prediction", "one layer", "none", "of another net", "no first step"],
)
def test_where_one_is_missing_there_is_no_such_section(run: FakeRun) -> None:
    assert TITLE not in told(run)
    assert TITLE not in told(run, format="markdown")
    assert json.loads(told(run, format="json"))["comparison"] is None


def test_a_gradient_that_is_0_is_not_compared() -> None:
    run = both(5)
    run.layers["delta_rms"] = 0.0
    assert TITLE not in told(run)


def test_intervals_that_are_unknown_are_left_open() -> None:
    run = both(6)
    run.predictions["delta_low"] = run.predictions["delta_high"] = math.nan
    assert "—" in told(run).split(TITLE)[1]
    assert "within" not in told(run).split(TITLE)[1]


def test_other_formats_have_it_too() -> None:
    assert f"### {TITLE}" in told(both(), format="markdown")
    document = json.loads(told(both(), format="json"))["comparison"]
    assert document["predicted_slope"] == pytest.approx(2 * math.log(0.25))
    assert len(document["delta_rms"]) == 30
    assert set(document["delta_rms"][0]) == {"name", "predicted", "low", "high", "measured"}


def test_a_slope_needs_two_layers() -> None:
    assert math.isnan(slope(np.array([1.0])))
    assert slope(np.array([0.25, math.nan, 1.0])) == pytest.approx(math.log(0.25))
    assert prediction_rows(3).dtype == PREDICTION_DTYPE
