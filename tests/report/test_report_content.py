import math

import numpy as np
import pytest
from fake_runs import FakeRun, fake_run, layer_rows, metric_rows

from vgrad.diagnosis import diagnose, diagnose_run
from vgrad.errors import RequestError
from vgrad.report.content import build_report


def test_at_the_last_step_the_verdict_is_that_of_the_run() -> None:
    run = fake_run(30, (0.24, 0.5, 1.0))
    report = build_report(run)
    assert (report.step, report.last_step) == (20, 20)
    assert report.verdict == diagnose_run(run.layers_at(0), run.layers_at(20))
    assert "At initialization the gradient vanished" in report.verdict.sentence


def test_at_another_step_the_verdict_is_that_of_the_step() -> None:
    run = fake_run(30, (0.24, 0.5, 1.0))
    report = build_report(run, 0)
    assert (report.step, report.last_step) == (0, 20)
    assert report.verdict == diagnose(run.layers_at(0))
    assert set(report.layers["step"]) == {0}


def test_a_diverged_run_has_exploded() -> None:
    assert build_report(fake_run(5, (1.0, 1.0), status="diverged")).verdict.kind == "exploding"


def test_the_course_joins_metrics_and_the_gradient_at_both_ends() -> None:
    run = fake_run(4, (0.5, 1.0, 2.0))
    course = build_report(run).course
    assert course["step"].tolist() == [0, 10, 20]
    assert course["train_loss"].tolist() == run.metrics["train_loss"].tolist()
    layers = run.layers
    assert course["first_grad_norm"].tolist() == layers["grad_norm"][layers["layer"] == 1].tolist()
    assert course["last_grad_norm"].tolist() == layers["grad_norm"][layers["layer"] == 5].tolist()


def test_a_step_whose_layers_were_lost_keeps_its_metrics() -> None:
    layers = np.concatenate([layer_rows(3, step=0), layer_rows(3, step=20)])
    run = FakeRun(metric_rows(np.array([0, 10, 20, 30])), layers)
    report = build_report(run)
    assert report.step == 20
    assert [math.isnan(norm) for norm in report.course["first_grad_norm"]] == [
        False,
        True,
        False,
        True,
    ]


def test_a_net_without_hidden_layers_has_a_report() -> None:
    report = build_report(fake_run(0, (1.0, 1.0)))
    assert report.layers.size == 1
    assert report.course["first_grad_norm"].tolist() == report.course["last_grad_norm"].tolist()


def test_a_run_that_logged_nothing_yet_is_said_to() -> None:
    run = FakeRun(metric_rows(np.array([], np.int64)), layer_rows(3)[:0])
    with pytest.raises(RequestError, match="has logged no step yet"):
        build_report(run)


def test_a_step_that_was_not_logged_is_refused() -> None:
    with pytest.raises(RequestError, match="step 7"):
        build_report(fake_run(3), 7)
