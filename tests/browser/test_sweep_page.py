"""The page of a sweep, and of several runs, in a browser."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fake_runs import fake_run
from fake_sweeps import phase_sweep
from stored_sweeps import result, stored_sweep

from vgrad.report.html import comparison_page, sweep_page
from vgrad.store import Sweep

if TYPE_CHECKING:
    from conftest import Desk


@pytest.fixture
def page_of_sweep(tmp_path: Path) -> str:
    return sweep_page(phase_sweep(tmp_path / "runs"))


def first_cells(page: Any, column: int) -> list[str]:
    cells: list[str] = page.locator(f"#ranked tbody tr td:nth-child({column})").all_inner_texts()
    return cells


def comes_to_show(page: Any, column: int, right: Callable[[list[str]], bool]) -> bool:
    """Whether the cells of a column come to be right: the table changes a moment after it was
    asked to."""
    for _ in range(100):
        if right(first_cells(page, column)):
            return True
        page.wait_for_timeout(100)
    return False


def ascending(cells: list[str]) -> bool:
    numbers = [int(text) for text in cells]
    return numbers == sorted(numbers)


@pytest.mark.parametrize("width", [375, 1600])
def test_every_chart_of_a_sweep_is_drawn(page_of_sweep: str, desk: "Desk", width: int) -> None:
    opened = desk.open(page_of_sweep, "sweep", width, "dark")
    drawn = opened.drawn()
    assert {"matrix", "parallel", "by-model-depth"} <= drawn.keys()
    assert all(drawn.values()), drawn
    opened.check()


def test_the_table_sorts_by_the_keyboard_and_filters(page_of_sweep: str, desk: "Desk") -> None:
    opened = desk.open(page_of_sweep, "table")
    page = opened.page
    assert page.locator("#ranked tbody tr").count() == 25
    depths = [int(text) for text in first_cells(page, 3)]
    assert depths != sorted(depths, reverse=True)
    header = page.locator(".dt-scroll-headInner th", has_text="depth").first
    header.locator(".dt-column-order, [role=button]").first.focus()
    page.keyboard.press("Enter")
    assert comes_to_show(page, 3, ascending)
    page.keyboard.press("Enter")
    assert comes_to_show(page, 3, lambda cells: ascending(cells[::-1]) and cells[0] == "100")
    page.fill("input[type=search]", "exploding")
    assert comes_to_show(page, 7, lambda cells: set(cells) == {"exploding"})
    opened.check()


def test_the_matrix_follows_the_choice_of_keys_and_metric(page_of_sweep: str, desk: "Desk") -> None:
    opened = desk.open(page_of_sweep, "matrix")
    page = opened.page
    heading = page.locator("#matrix-heading")
    assert heading.inner_text() == "test accuracy by model.depth and model.init.std"
    cells = opened.value("document.querySelector('#matrix .canvas').data[0].z")
    page.select_option("#matrix-metric", "gradient_ratio")
    page.select_option("#matrix-rows", "model.init.std")  # and columns get what rows had
    assert heading.inner_text() == "gradient ratio by model.init.std and model.depth"
    turned = opened.value("document.querySelector('#matrix .canvas').data[0].z")
    assert (len(turned), len(turned[0])) == (len(cells[0]), len(cells))
    assert turned[0][0] == pytest.approx(-3.01, abs=0.01)  # log₁₀ of 0.5^(2·5)
    opened.check()


def test_a_point_leads_to_its_run(page_of_sweep: str, desk: "Desk") -> None:
    opened = desk.open(page_of_sweep, "point")
    page = opened.page
    run_id = opened.value("document.querySelector('#parallel .canvas').data[0].customdata[0]")
    assert not page.locator("#run").is_visible()
    page.locator("#parallel").scroll_into_view_if_needed()
    point = page.locator("#parallel .scatterlayer .points path").first.bounding_box()
    middle = point["x"] + point["width"] / 2, point["y"] + point["height"] / 2
    page.mouse.move(*middle)
    page.wait_for_selector("#parallel .hovertext")
    page.mouse.click(*middle)
    page.wait_for_selector("#run:not([hidden])")
    assert page.inner_text("#run-title") == run_id
    assert f"/{run_id}'" in page.inner_text("#run-command")
    page.locator("#ranked tbody a").nth(1).click()
    page.locator("#run-title", has_not_text=run_id).wait_for()
    opened.check()


def test_a_sweep_of_which_no_run_has_ended_has_a_page(tmp_path: Path, desk: "Desk") -> None:
    sweep = Sweep(stored_sweep(tmp_path / "runs", keys={"seed": [0, 1]}, rows=()))
    opened = desk.open(sweep_page(sweep), "none")
    assert "No run has ended yet" in opened.page.inner_text("main")
    opened.check()


def test_ten_thousand_rows_are_all_there_and_sort(tmp_path: Path, desk: "Desk") -> None:
    keys = {"optimizer.lr": [float(n) for n in range(1, 10_001)]}
    rows = [
        result(
            f"{n:05}-lr={n}", {"optimizer.lr": float(n)}, test_accuracy=(n * 7919 % 10_007) / 1e4
        )
        for n in range(1, 10_001)
    ]
    sweep = Sweep(stored_sweep(tmp_path / "runs", keys=keys, rows=rows))
    opened = desk.open(sweep_page(sweep), "many")
    page = opened.page
    assert "10,000 runs" in page.inner_text(".dt-info")
    header = page.locator(".dt-scroll-headInner th", has_text="lr").first
    header.locator(".dt-column-order, [role=button]").first.focus()
    page.keyboard.press("Enter")
    assert comes_to_show(page, 3, lambda cells: cells[:3] == ["1", "2", "3"])
    opened.check()


def test_a_comparison_has_a_curve_for_each_run(desk: "Desk") -> None:
    runs = [fake_run(5, id="a"), fake_run(9, (0.9,) * 20, id="b", name="<i>b</i>")]
    opened = desk.open(comparison_page(runs), "comparison", 1600)
    drawn = opened.drawn()
    assert {"layers-first", "layers-last", "course-train_loss"} <= drawn.keys()
    assert all(drawn.values()), drawn
    counts = opened.value(
        "[...document.querySelectorAll('.canvas')].map((canvas) => canvas.data.length)"
    )
    assert set(counts) == {2}
    assert "<i>b</i>" in opened.page.inner_text("h1")
    opened.check()
