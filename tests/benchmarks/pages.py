"""How large pages are and how soon they answer, in Debian's Chromium (with the `browser` extra)."""

import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tests.report.fake_runs import fake_run
from tests.stored_sweeps import result, stored_sweep
from vgrad.records import STATISTICS
from vgrad.report.html import run_page, sweep_page
from vgrad.store import Sweep

DEPTH, STEPS, ROWS, ROUNDS = 1000, 500, 10_000, 5
MOVE = """(at) => { const slider = document.querySelector("input[type=range]");
    slider.value = at; slider.dispatchEvent(new Event("input")); }"""


def pages() -> Iterator[str]:
    """The page of a large run and the table of a large sweep in a browser."""
    if shutil.which("chromium") is None:
        yield "left out: Chromium is not installed"
        return
    with tempfile.TemporaryDirectory() as name, _browser() as browser:
        folder = Path(name)
        path = folder / "run.html"
        path.write_text(run_page(_large_run()), encoding="utf-8")
        drawn, moved = zip(*(_open_run(browser, path) for _ in range(ROUNDS)), strict=True)
        yield (
            f"{DEPTH:,} layers × {STEPS} logged steps: {path.stat().st_size / 1e6:.1f} MB, drawn "
            f"in {statistics.median(drawn):.2f} s, slider moved in {statistics.median(moved):.2f} s"
        )
        path = folder / "sweep.html"
        path.write_text(sweep_page(_large_sweep(folder)), encoding="utf-8")
        sorting = [_sort(browser, path) for _ in range(ROUNDS)]
        yield f"{ROWS:,} rows of a sweep sort in {statistics.median(sorting):.2f} s"


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu"]
        yield playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)


def _large_run() -> Any:
    """With numbers in which nothing repeats."""
    run = fake_run(DEPTH, (0.99,) * STEPS)
    rng = np.random.default_rng(0)
    for name in STATISTICS:
        run.layers[name] *= rng.lognormal(size=run.layers.size)
    return run


def _large_sweep(folder: Path) -> Sweep:
    keys = {"optimizer.lr": [float(n) for n in range(1, ROWS + 1)]}
    rows = [
        result(f"{n:05}-lr={n}", {"optimizer.lr": float(n)}, test_accuracy=n * 7919 % 10_007 / 1e4)
        for n in range(1, ROWS + 1)
    ]
    return Sweep(stored_sweep(folder / "runs", keys=keys, rows=rows))


def _open_run(browser: Any, path: Path) -> tuple[float, float]:
    """Seconds until all is drawn, and until the charts have followed the slider."""
    page = browser.new_page()
    begun = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn]", state="attached")
    _frame(page)
    drawn = time.perf_counter()
    page.evaluate(MOVE, STEPS // 2)
    _frame(page)
    moved = time.perf_counter()
    page.close()
    return drawn - begun, moved - drawn


def _sort(browser: Any, path: Path) -> float:
    """Seconds from the click on a header to the first row's being another."""
    page = browser.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn]", state="attached")
    header = page.locator(".dt-scroll-headInner th", has_text="lr").first
    cell = "#ranked tbody tr:first-child td:nth-child(3)"
    assert page.inner_text(cell) != "1"
    begun = time.perf_counter()
    header.click()
    page.locator(cell, has_text=re.compile("^1$")).wait_for()
    took = time.perf_counter() - begun
    page.close()
    return took


def _frame(page: Any) -> None:
    """Wait until what was asked for is on the screen."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
