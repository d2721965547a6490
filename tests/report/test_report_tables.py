"""The report as a terminal shows it, at every width and on every kind of output."""

import io
import math
from typing import Any

import numpy as np
import pytest
from fake_runs import FakeRun, fake_run, layer_rows, metric_rows
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from rich.cells import cell_len
from rich.console import Console

from vgrad.records import STATISTICS
from vgrad.report.content import StoredRun, build_report
from vgrad.report.formats import render_report
from vgrad.report.tables import report_view

WIDTHS = (40, 80, 110, 120)


def shown(run: StoredRun, width: int = 80, **options: Any) -> str:
    """The report as a pipe gets it."""
    return render_report(run, Console(file=io.StringIO(), width=width), **options)


def row(text: str, label: str) -> list[str]:
    """The cells of the first line that begins so."""
    line = next(line for line in text.splitlines() if line.startswith(label))
    return line.split()


def broken_run() -> FakeRun:
    layers = layer_rows(6, 3.0, step=10)
    layers["grad_norm"][:2] = math.nan
    layers["grad_norm"][2] = math.inf
    layers["delta_rms"][:2] = math.nan
    return FakeRun(
        metric_rows(np.array([10]), train_loss=math.nan, test_loss=math.inf),
        layers,
        status="diverged",
        summary={"error": "step 10: the gradient of linear3 is no longer finite"},
    )


@pytest.mark.parametrize("width", [20, *WIDTHS])
@pytest.mark.parametrize(
    "run",
    [
        fake_run(30),
        fake_run(1000, (0.9, 0.99)),
        fake_run(1, (0.24,)),
        fake_run(0, (1.0,)),
        fake_run(20, (5.0, 5.0)),
        broken_run(),
    ],
    ids=["thirty", "thousand", "one", "none", "exploding", "broken"],
)
def test_no_line_is_wider_than_the_terminal(run: FakeRun, width: int) -> None:
    assert max(map(cell_len, shown(run, width).splitlines())) <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_a_number_is_never_cut(width: int) -> None:
    text = shown(fake_run(30), width)
    norm = row(text, "linear1 ")[2]
    assert norm == "4.3e-19"
    assert "…" not in text


def test_a_wide_terminal_shows_every_statistic() -> None:
    heads = shown(fake_run(5), 120).splitlines()
    columns = next(line for line in heads if line.startswith("layer"))
    assert columns.split()[0] == "layer"
    for title in ("norm", "rms", "to last", "mean", "std", "sat.", "dead", "ratio"):
        assert title in columns
    narrow = next(line for line in shown(fake_run(5), 80).splitlines() if line.startswith("layer"))
    for title in ("norm", "to last", "std", "sat.", "dead", "ratio"):
        assert title in narrow


def test_a_layer_has_its_number_where_its_name_does_not_hold_it() -> None:
    run = fake_run(3, (1.0,))
    run.layers["name"] = "linear1", "block10", "head", "output3b4"
    text = shown(run)
    for label in ("linear1 ", "2 block10 ", "3 head ", "output3b4 "):
        assert row(text, label)


def test_the_bars_are_as_long_as_the_decades_say() -> None:
    text = shown(fake_run(30, (0.1,)), 80)
    assert "grad norm, log scale" in text
    lengths = [
        sum(line.count(block) for block in "█▉▊▋▌▍▎▏")
        for line in text.splitlines()
        if line.startswith(("linear", "31 output"))
    ]
    assert lengths[:30] == sorted(lengths[:30])
    assert lengths[29] > 5 * lengths[1]


def test_the_verdict_stands_above_the_table_in_words() -> None:
    text = shown(fake_run(30))
    assert "VANISHING  The gradient vanishes: from layer 30 back to layer 1" in text
    assert text.index("VANISHING") < text.index("linear1 ")


def test_vanished_and_exploding_layers_are_marked_for_those_who_see_no_colour() -> None:
    assert row(shown(fake_run(30)), "linear1 ")[1] == "↓"
    assert row(shown(fake_run(30)), "linear30 ")[1] != "↓"
    assert row(shown(fake_run(20, (3.0,))), "linear1 ")[1] == "↑"


def test_numbers_that_are_not_finite_are_shown_plainly() -> None:
    text = shown(broken_run())
    assert row(text, "linear1 ")[1:3] == ["!", "nan"]
    assert row(text, "linear3 ")[1:3] == ["!", "inf"]
    assert "not finite from layer 3 back" in text
    assert "step 10: the gradient of linear3 is no longer finite" in text


def test_a_statistic_that_does_not_apply_is_a_dash() -> None:
    assert row(shown(fake_run(3, (0.5,)), step=0), "linear1 ")[-1] == "—"


def test_a_thousand_layers_are_shown_by_some_and_all_on_request() -> None:
    run = fake_run(1000, (0.99,))
    some, all_of_them = shown(run), shown(run, all_layers=True)
    assert "⋮ 82 layers" in some
    assert len(some.splitlines()) < 80
    assert "⋮" not in all_of_them
    assert sum(line.startswith("linear") for line in all_of_them.splitlines()) == 1000


def test_the_course_shows_a_dozen_steps_and_their_trend() -> None:
    text = shown(fake_run(5))
    course = text[text.index("Course of the run") :].splitlines()
    steps = [line.split()[0] for line in course if line.strip()[:1].isdigit()]
    assert steps[0] == "0"
    assert steps[-1] == "500"
    assert len(steps) == 12
    assert course[-1].startswith("trend  █▁▁▁▁")


def test_metrics_that_do_not_apply_have_no_column() -> None:
    run = fake_run(3)
    run.metrics["train_accuracy"] = run.metrics["test_accuracy"] = math.nan
    assert "accuracy" not in shown(run, 120)


def test_the_result_is_the_last_that_is_known_with_its_step() -> None:
    run = fake_run(3)
    run.metrics["test_accuracy"][-3:] = math.nan  # not evaluated at every step
    run.metrics["test_accuracy"][-4] = 0.875
    text = shown(run, 120)
    assert "test accuracy 87.5% (step 470)" in text
    assert "test loss 2.303 ·" in text


def test_a_pipe_gets_no_escape_codes() -> None:
    assert "\x1b" not in shown(fake_run(30))


def test_colours_come_on_a_terminal_and_go_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    def styled() -> str:
        console = Console(
            file=io.StringIO(), width=80, force_terminal=True, color_system="standard"
        )
        return render_report(fake_run(30), console)

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[31m" in styled()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[31m" not in styled()


def test_an_output_without_unicode_gets_the_same_page_in_ascii() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    ascii_page = render_report(fake_run(30), Console(file=file, width=80))
    assert ascii_page.isascii()
    assert row(ascii_page, "linear30 ")[3].strip("#") == ""
    assert row(ascii_page, "linear1 ")[1] == "v"
    unicode_page = shown(fake_run(30))
    assert list(map(len, ascii_page.splitlines())) == list(map(cell_len, unicode_page.splitlines()))


anything = st.floats() | st.sampled_from([0.0, 1e-320, -1e300])


@given(st.data(), st.integers(0, 4), st.sampled_from(WIDTHS))
def test_no_numbers_whatever_break_the_page(data: st.DataObject, depth: int, width: int) -> None:
    layers = layer_rows(depth)
    for name in STATISTICS:
        layers[name] = data.draw(arrays.arrays(np.float64, depth + 1, elements=anything))
    metrics = metric_rows(np.array([0]), train_loss=data.draw(anything), lr=data.draw(anything))
    text = shown(FakeRun(metrics, layers), width)
    assert max(map(cell_len, text.splitlines())) <= width


def test_the_view_itself_is_printed_by_any_console() -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(report_view(build_report(fake_run(3))))
    assert "linear1" in console.file.getvalue()  # type: ignore[attr-defined]
