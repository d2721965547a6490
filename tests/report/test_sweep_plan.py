"""A sweep before it starts, as it is shown."""

import io
import json
import math
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from vgrad.report.sweep_plan import SHOWN, plan_json, plan_page
from vgrad.sweep.outlook import Outlook
from vgrad.sweep.trials import Trial

MEBIBYTE = 2**20


def plan(runs: int = 6, **options: Any) -> Outlook:
    changes = ({"model.depth": n, "optimizer.lr": 10.0**-n} for n in range(1, runs + 1))
    trials = tuple(Trial(n, f"{n:04}", one) for n, one in enumerate(changes, 1))
    given = {
        "keys": ("model.depth", "optimizer.lr"),
        "method": "grid",
        "planned": runs,
        "trials": trials,
        "workers": 2,
        "nbytes": 300 * MEBIBYTE,
        "seconds": 90.0,
        "metric": "test_accuracy",
    }
    return Outlook(**{**given, **options})


def page(shown: Outlook, width: int = 80) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width).print(plan_page(shown))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_a_plan_shows_its_runs_and_what_they_take() -> None:
    text = "\n".join(page(plan()))
    assert "6 runs (grid) · 2 workers · up to 300 MiB at once" in text
    assert "about 1:30" in text
    assert "ranked by test_accuracy" in text
    for cell in ("depth", "lr", "0.001", "1e-06"):
        assert cell in text


def test_of_many_runs_some_are_shown_evenly() -> None:
    lines = page(plan(1000))
    numbers = [
        int(line.split()[0]) for line in lines if line.split()[:1] and line.split()[0].isdigit()
    ]
    shown = [number for number in numbers if number <= 1000][:SHOWN]
    assert (len(shown), shown[0], shown[-1]) == (SHOWN, 1, 1000)
    assert shown == sorted(shown)
    assert "and 980 runs between them" in "\n".join(lines)


@pytest.mark.parametrize("runs", [1, SHOWN])
def test_where_all_runs_are_shown_nothing_is_said_to_be_left_out(runs: int) -> None:
    assert "between them" not in "\n".join(page(plan(runs)))


def test_one_run_by_one_worker_is_spelt_so() -> None:
    text = "\n".join(page(plan(1, workers=1)))
    assert "1 run (grid) · 1 worker · " in text


def test_runs_that_are_chosen_by_results_are_not_shown() -> None:
    text = "\n".join(page(plan(method="bayes", trials=(), planned=50)))
    assert "runs chosen one by one, over model.depth, optimizer.lr" in text
    assert "50 runs (bayes)" in text


def test_a_time_that_cannot_be_known_is_not_made_up() -> None:
    text = "\n".join(page(plan(seconds=math.nan)))
    assert "about" not in text
    assert json.loads(plan_json(plan(seconds=math.nan)))["seconds"] is None


@pytest.mark.parametrize("width", [30, 80])
def test_a_plan_fits_the_terminal(width: int) -> None:
    keys = tuple(f"section.key_{n}" for n in range(4))
    values = {key: {"name": "leaky_relu", "negative_slope": 0.2} for key in keys}
    trials = (Trial(1, "0001", values), Trial(2, "0002", {keys[0]: None}))
    lines = page(plan(keys=keys, trials=trials, planned=2), width)
    assert max(map(cell_len, lines)) <= width


def test_a_value_is_shown_as_a_config_has_it() -> None:
    values = [True, None, [64, 32], {"name": "sgd", "lr": 0.1}, "[bold]"]
    trials = tuple(Trial(n, f"{n:04}", {"k": value}) for n, value in enumerate(values, 1))
    text = "\n".join(page(plan(keys=("k",), trials=trials, planned=5)))
    for cell in ("true", "null", "[64, 32]", "{name: sgd, lr: 0…", "[bold]"):
        assert cell in text


def test_a_plan_as_json_has_every_run() -> None:
    document = json.loads(plan_json(plan(50)))
    assert document["planned"] == 50
    assert (document["workers"], document["bytes"]) == (2, 300 * MEBIBYTE)
    assert (document["seconds"], document["metric"]) == (90.0, "test_accuracy")
    assert document["keys"] == ["model.depth", "optimizer.lr"]
    assert document["runs"][1] == {"run_id": "0002", "model.depth": 2, "optimizer.lr": 0.01}
    assert len(document["runs"]) == 50
