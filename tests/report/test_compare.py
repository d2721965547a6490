"""Runs side by side."""

import io
import json
import math
from typing import Any

import numpy as np
import pytest
from fake_runs import CONFIG, FakeRun, fake_run, layer_rows, metric_rows
from rich.cells import cell_len
from rich.console import Console

from vgrad.errors import RequestError
from vgrad.records import LAYER_DTYPE, METRICS_DTYPE, STATISTICS
from vgrad.report.compare import POINTS, compare
from vgrad.report.compare_tables import comparison_json, comparison_view

SUMMARY = {
    "verdict": "vanishing",
    "steps": 20,
    "final": {"test_accuracy": 0.25, "test_loss": 2.0, "train_loss": "inf"},
    "gradient_ratio": 1e-9,
    "seconds": 1.5,
}


def other_run(depth: int = 30, **options: Any) -> FakeRun:
    """A run that differs from an ordinary one in its config and did better."""
    model = CONFIG["model"] | {"depth": depth, "activation": {"name": "prelu", "slope": 0.1}}
    better = SUMMARY | {"verdict": "healthy", "final": {"test_accuracy": 0.75, "test_loss": 1.0}}
    given: dict[str, Any] = {"id": "b", "summary": better, "config": CONFIG | {"model": model}}
    return fake_run(depth, (0.9, 0.95, 1.0), **given | options)


def one_run(**options: Any) -> FakeRun:
    return fake_run(30, (0.24, 0.3, 0.5), id="a", summary=SUMMARY, **options)


def shown(runs: list[FakeRun], width: int = 80, encoding: str = "utf-8", **options: Any) -> str:
    console = Console(file=io.TextIOWrapper(io.BytesIO(), encoding=encoding), width=width)
    with console.capture() as capture:
        console.print(comparison_view(compare(runs, **options)))
    return capture.get()


def test_of_the_configs_only_what_differs_is_shown() -> None:
    found = compare([one_run(), other_run(), one_run(config=CONFIG | {"name": "other"})])
    assert found.config == {
        "model.activation": ("sigmoid", "prelu", "sigmoid"),
        "model.activation.slope": (None, 0.1, None),
    }
    assert "The configs are the same." in shown([one_run(), one_run()])


def test_results_stand_side_by_side() -> None:
    found = compare([one_run(), other_run()])
    assert found.texts == {"status": ("finished",) * 2, "verdict": ("vanishing", "healthy")}
    assert found.numbers["test_accuracy"] == (0.25, 0.75)
    assert found.numbers["gradient_ratio"] == (1e-9, 1e-9)
    assert found.numbers["train_loss"][0] == math.inf
    assert math.isnan(found.numbers["train_loss"][1])


def test_networks_of_one_depth_are_aligned_layer_by_layer() -> None:
    runs = [one_run(), other_run()]
    found = compare(runs, "delta_rms")
    assert found.aligned_by == "layer"
    assert found.first.steps == (0, 0)
    assert found.last.steps == (20, 20)
    assert found.first.labels[:2] == ("linear1", "linear2")
    for column, run in enumerate(runs):
        for gradients, step in ((found.first, 0), (found.last, 20)):
            expected = run.layers_at(step)["delta_rms"]
            np.testing.assert_array_equal(gradients.values[:, column], expected)


def test_networks_of_different_depths_are_aligned_by_relative_depth() -> None:
    runs = [one_run(), other_run(5), other_run(1000)]
    found = compare(runs)
    assert found.aligned_by == "relative depth"
    assert len(found.last.labels) == POINTS
    assert (found.last.labels[0], found.last.labels[-1]) == ("0%", "100%")
    for column, run in enumerate(runs):
        norms = run.layers_at(20)["grad_norm"]
        assert found.last.values[0, column] == norms[0]
        assert found.last.values[-1, column] == norms[-1]
    assert found.last.values[5, 0] == runs[0].layers_at(20)["grad_norm"][15]
    assert "The networks differ in depth" in shown(runs, 140)


def nothing_logged() -> FakeRun:
    empty = FakeRun(np.empty(0, METRICS_DTYPE), np.empty(0, LAYER_DTYPE), status="failed", id="c")
    return empty


def test_a_run_that_logged_nothing_has_blanks() -> None:
    found = compare([one_run(), nothing_logged()])
    assert found.last.steps == (20, None)
    assert np.isnan(found.last.values[:, 1]).all()
    assert "failed" in shown([one_run(), nothing_logged()])
    assert "failed" in shown([nothing_logged(), nothing_logged()])


def test_runs_of_different_lengths_say_at_which_steps_they_are_compared() -> None:
    page = shown([one_run(), FakeRun(metric_rows(np.array([0])), layer_rows(30))])
    assert "at the first logged step (step 0)" in page
    assert "at the last logged step (A 20, B 0)" in page


@pytest.mark.parametrize("count", [2, 3, 9, 26])
@pytest.mark.parametrize("width", [40, 80, 140])
def test_no_line_is_wider_than_the_terminal(count: int, width: int) -> None:
    page = shown([one_run(), *[other_run()] * (count - 1)], width)
    assert max(map(cell_len, page.splitlines())) <= width
    titles = [line.split() for line in page.splitlines() if line.strip().startswith(("A", "Z"))]
    assert titles


def test_runs_that_do_not_fit_side_by_side_are_shown_below() -> None:
    page = shown([one_run(), *[other_run()] * 11])
    tables = page[page.index("What the runs came to") :].split("What the runs came to")[-1]
    for letter in "ABCDEFGHIJKL":
        assert f" {letter} " in f"{tables} ".replace("\n", " ")


@pytest.mark.parametrize("statistic", STATISTICS)
def test_the_page_can_be_shown_in_ascii(statistic: str) -> None:
    page = shown([one_run(), other_run(5)], encoding="ascii", statistic=statistic)
    assert page.isascii()
    assert "?" not in page


def test_json_holds_the_whole_comparison() -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    text = comparison_json(compare([one_run(), other_run(), nothing_logged()]))
    document = json.loads(text, parse_constant=refuse)
    assert document["runs"] == {"A": "a", "B": "b", "C": "c"}
    assert document["config"]["model.activation"] == ["sigmoid", "prelu", "sigmoid"]
    assert document["results"]["train_loss"] == ["inf", None, None]
    assert len(document["last"]["values"]) == len(document["last"]["labels"]) == 31
    assert document["last"]["values"][0][2] is None


@pytest.mark.parametrize("count", [0, 1, 27])
def test_too_few_or_too_many_runs_are_refused(count: int) -> None:
    with pytest.raises(RequestError, match="from 2 to 26"):
        compare([one_run()] * count)


def test_an_unknown_statistic_is_refused_with_the_nearest() -> None:
    with pytest.raises(RequestError, match=r"did you mean grad_norm\?"):
        compare([one_run(), one_run()], "grad_nrm")
