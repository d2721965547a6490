"""The page of a run, in a browser."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fake_runs import FakeRun, fake_run, prediction_rows

import vgrad
from vgrad.report.html import run_page

if TYPE_CHECKING:
    from conftest import Desk

PROFILES = ("grad-norm", "delta-rms", "act-std", "saturated-fraction", "dead-fraction")
EMPTY = FakeRun(fake_run(3).metrics[:0], fake_run(3).layers[:0], status="running")


@pytest.fixture(scope="module")
def page_of_run(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a real run, with histograms."""
    config = {
        "model": {"depth": 8, "width": 12},
        "train": {"steps": 30},
        "log": {"every": 5, "histograms": True},
    }
    return run_page(vgrad.run(config, runs_dir=tmp_path_factory.mktemp("runs")))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1600])
def test_every_chart_is_drawn_at_any_width_light_and_dark(
    page_of_run: str, desk: "Desk", width: int, scheme: str
) -> None:
    opened = desk.open(page_of_run, "run", width, scheme)
    drawn = opened.drawn()
    assert {"heat-map", "course-loss", "histogram-gradient"} <= drawn.keys()
    assert all(drawn.values()), drawn
    dark = opened.value("getComputedStyle(document.body).backgroundColor") == "rgb(13, 17, 23)"
    assert dark == (scheme == "dark")
    opened.check()


def test_the_slider_moves_every_profile_by_the_keyboard(page_of_run: str, desk: "Desk") -> None:
    opened = desk.open(page_of_run, "slider")
    page = opened.page

    def first_point(name: str) -> float:
        value: float = opened.value(f"document.querySelector('#{name} .canvas').data[0].y[0]")
        return value

    names = ("by-layer-grad-norm", "by-layer-update-ratio", "histogram-activation")
    before = {name: first_point(name) for name in names}
    page.focus("#step")
    assert page.inner_text("#step-shown") == "30"
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#step-shown") == "25"
    assert opened.value("document.getElementById('step').ariaValueText") == "step 25"
    assert all(first_point(name) != before[name] for name in names)
    page.keyboard.press("Home")
    assert page.inner_text("#step-shown") == "0"
    shown = opened.value("[...document.querySelector('#by-layer-grad-norm .canvas').data[0].y]")
    start = opened.value(
        "[...document.querySelector('#by-layer-grad-norm .canvas')._fullData[1].y]"
    )
    np.testing.assert_allclose(shown, start, rtol=1e-6)  # one in single, one in double precision
    opened.check()


def broken() -> FakeRun:
    """Its gradient overflows, then is nothing at all."""
    run = fake_run(5, (2.0, 1e4, 1e5), status="diverged")
    late = run.layers["step"] >= 20
    for name in ("grad_norm", "delta_rms", "act_std", "update_ratio"):
        run.layers[name][late] = np.nan
    run.layers["grad_norm"][(run.layers["step"] == 10) & (run.layers["layer"] < 3)] = np.inf
    run.metrics["train_loss"][1:] = [1e30, np.inf]
    return run


def zero() -> FakeRun:
    run = fake_run(4)
    for name in ("grad_norm", "delta_rms", "grad_rms"):
        run.layers[name] = 0.0
    return run


ODD = {
    "with numbers that are none": broken(),
    "without any gradient": zero(),
    "of one layer": fake_run(0),
    "of one hidden layer": fake_run(1, predictions=prediction_rows(1)),
    "of one logged step": fake_run(6, (0.3,), predictions=prediction_rows(6, 0.3)),
    "still running": fake_run(6, (0.3, 0.4), status="running"),
    "that logged nothing": EMPTY,
    "of a thousand layers": fake_run(1000, (0.99,) * 3),
}


@pytest.mark.parametrize("run", ODD.values(), ids=ODD.keys())
def test_the_page_of_a_run_is_right(run: FakeRun, desk: "Desk") -> None:
    opened = desk.open(run_page(run), "odd")
    assert opened.page.title().endswith("vgrad run")
    assert run.status in opened.page.inner_text("header")
    logged = run.layers.size > 0
    assert opened.page.locator("figure.plot").count() == (10 if logged else 0)
    if logged and np.isfinite(run.layers["grad_norm"]).any() and run.layers["grad_norm"].any():
        assert opened.drawn()["heat-map"]
    opened.check()


def test_theory_stands_beside_the_first_step(desk: "Desk") -> None:
    opened = desk.open(run_page(fake_run(10, predictions=prediction_rows(10))), "theory")
    names = opened.value(
        "document.querySelector('#by-layer-delta-rms .canvas').data.map(t => t.name)"
    )
    assert {"theory, step 0", "90 % of seeds"} <= set(names)
    assert opened.page.locator("#heat-map .hm image").count() == 2
    opened.check()


def test_what_a_user_wrote_is_shown_and_never_markup(desk: "Desk") -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&amp;"
    run = fake_run(3, name=evil, status="failed", summary={"error": evil})
    run.config = run.config | {"name": evil, "data": {"name": evil}}
    run.layers["name"] = "<b>x</b>"
    opened = desk.open(run_page(run), "evil")
    assert opened.page.inner_text("h1") == evil
    assert evil in opened.page.inner_text(".error")
    assert opened.page.locator("img").count() == 0
    assert opened.page.locator("td b, text b").count() == 0
    opened.check()


def test_a_page_is_the_same_each_time(tmp_path: Path) -> None:
    run = fake_run(4)
    assert run_page(run) == run_page(run)
