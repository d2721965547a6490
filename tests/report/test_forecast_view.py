"""Forecasts as a terminal shows them."""

import io
import math
from dataclasses import replace

import numpy as np
import pytest
from fake_runs import CONFIG, prediction_rows
from rich.console import Console

from vgrad.diagnosis import Verdict
from vgrad.forecast.content import Depths, Forecast
from vgrad.report.forecast import depth_lines, forecast_json, forecast_view

VERDICT = Verdict("vanishing", "It vanishes.", 0.24, -18.0, math.nan, (1, 25))
DEPTHS = Depths(0.26, 1.0, 0.0557, 0.33, 0.35, 0.35, "ordered", 2.08)
FORECAST = Forecast(prediction_rows(30), DEPTHS, VERDICT, "Numbers.", "theory", notes=("A note.",))


def page(forecast: Forecast, width: int = 80, encoding: str = "utf-8", **options: bool) -> str:
    """As an output of this width and encoding gets it."""
    bytes_ = io.BytesIO()
    file = io.TextIOWrapper(bytes_, encoding)
    view = forecast_view(forecast, CONFIG, all_layers=options.get("all_layers", False))
    Console(file=file, width=width).print(view)
    file.flush()
    return bytes_.getvalue().decode(encoding)


def test_everything_is_said() -> None:
    text = page(FORECAST, 120)
    for fragment in ("VANISHING", "It vanishes.", "Numbers.", "A note.", "ordered", "depth 30"):
        assert fragment in text
    row = next(line for line in text.splitlines() if line.startswith("linear3 "))
    assert "↓" in row
    assert "█" in row


def test_an_output_of_ascii_gets_ascii_in_the_same_places() -> None:
    narrow, wide = page(FORECAST, encoding="ascii"), page(FORECAST)
    assert [len(line) for line in narrow.splitlines()] == [len(line) for line in wide.splitlines()]
    assert "?" not in narrow


def test_without_fixed_points_there_is_no_word_of_them() -> None:
    assert "Fixed points" not in page(replace(FORECAST, depths=Depths()))


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0])
def test_numbers_that_are_none_or_too_large_are_shown(value: float) -> None:
    rows = prediction_rows(12)
    for name in ("delta_rms", "delta_low", "q", "chi"):
        rows[name][:3] = value
    assert "linear1 " in page(replace(FORECAST, layers=rows))
    assert forecast_json(replace(FORECAST, layers=rows), CONFIG)


@pytest.mark.parametrize(
    ("depths", "fragments"),
    [
        (DEPTHS, ["nearer in ξ_q = 0.330", "shrinks e-fold in ξ_grad = 0.350", "beyond it"]),
        (replace(DEPTHS, trainable_depth=50.0), ["within it"]),
        (replace(DEPTHS, xi_q=-3.0, xi_grad=-4.0), ["grows e-fold in ξ_q = 3.00", "grows e-fold"]),
        (
            replace(DEPTHS, xi_q=math.inf, xi_c=math.inf, xi_grad=math.inf),
            ["ξ_q infinite", "ξ_c infinite", "kept (ξ_grad infinite)"],
        ),
        (replace(DEPTHS, trainable_depth=math.inf, c_star=math.nan), ["no limit", "each pair"]),
        (
            replace(DEPTHS, xi_q=0.0, xi_c=math.nan, trainable_depth=math.nan),
            ["second layer on", "of a batch", "not known"],
        ),
    ],
)
def test_depth_scales_are_put_in_words(depths: Depths, fragments: list[str]) -> None:
    words = " ".join(line[2] for line in depth_lines(depths, 30))
    assert [fragment for fragment in fragments if fragment not in words] == []


def test_the_layers_of_json_are_all_there() -> None:
    assert forecast_json(FORECAST, CONFIG).count('"delta_rms"') == 31
    assert np.isfinite(FORECAST.layers["delta_rms"]).all()
