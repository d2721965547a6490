import io
import math

import numpy as np
import pytest
from fake_runs import layer_rows
from rich.cells import cell_len
from rich.console import Console

from vgrad.records import Metrics, Record
from vgrad.report.bars import LogScale
from vgrad.report.frame import MOST_BARS, Frame, Pace, pooled
from vgrad.report.live import (
    LINE_AT_MOST_EVERY,
    LINE_EVERY,
    REDRAW_EVERY,
    LiveView,
    PlainProgress,
    watch,
)
from vgrad.report.portable import Portable


def record(step: int, depth: int = 30, test_loss: float = math.nan) -> Record:
    metrics = Metrics(step, 0.5, 2.302, 0.114, test_loss, math.nan, 0.1, 1.0, 3.0, 0.5)
    return Record(metrics, layer_rows(depth, 0.5, step))


class Clock:
    """A clock that stands until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def terminal(height: int = 40, width: int = 80) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, width=width, height=height, force_terminal=True), file


def drawings(file: io.StringIO) -> int:
    return file.getvalue().count(" steps/s") + file.getvalue().count("step 0 of")


def test_the_picture_is_redrawn_no_sooner_than_the_eye_needs() -> None:
    (console, file), clock = terminal(), Clock()
    view = LiveView(console, 500, clock=clock)
    view.on_record(record(0))
    assert drawings(file) == 1
    for step in range(1, 100):
        view.on_step(step)
    assert drawings(file) == 1
    clock.now += REDRAW_EVERY
    view.on_step(100)
    assert drawings(file) == 2
    view.close()
    view.close()


def test_the_picture_leaves_a_clean_terminal_behind() -> None:
    console, file = terminal()
    view = LiveView(console, 500, clock=Clock())
    view.on_record(record(0))
    view.close()
    text = file.getvalue()
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is back
    assert text.rstrip().endswith("\x1b[2K")  # the last line was erased


def test_the_picture_leaves_standard_output_alone(capsys: pytest.CaptureFixture[str]) -> None:
    console, file = terminal()
    view = LiveView(console, 500, clock=Clock())
    view.on_record(record(0))
    print("result")
    view.close()
    assert capsys.readouterr().out == "result\n"
    assert "result" not in file.getvalue()


def test_a_view_that_never_drew_leaves_no_trace() -> None:
    console, file = terminal()
    LiveView(console, 500, clock=Clock()).close()
    assert file.getvalue() == ""


@pytest.mark.parametrize("depth", [0, 1, 2, 50, 1000])
@pytest.mark.parametrize("height", [8, 24, 50])
def test_the_picture_fits_the_terminal_at_any_depth(depth: int, height: int) -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, height=height)
    one = record(120, depth, test_loss=2.31)
    scale = LogScale.spanning(one.layers["grad_norm"].tolist())
    console.print(Portable(Frame(Pace(120, 500, 0, 0.4), one, scale)))
    lines = file.getvalue().splitlines()
    assert len(lines) < height
    assert len(lines) <= 20
    assert max(map(cell_len, lines)) <= 80
    assert "step 120 of 500 · 300 steps/s · 1.3 s left" in lines[1]
    assert "train loss 2.302 · train accuracy 11.4% · test loss 2.310" in lines[2]


def test_pools_hold_each_layer_once_and_the_output_alone() -> None:
    layers = layer_rows(1000, 0.99)
    pools = pooled(layers, MOST_BARS)
    assert len(pools) == MOST_BARS
    assert pools[0].label == "linear1 – 72"
    assert pools[-1].label == "1001 output"
    assert pools[-1].grad_norm == pytest.approx(layers["grad_norm"][-1], rel=1e-12)
    first = math.exp(np.log(layers["grad_norm"][:72]).mean())
    assert pools[0].grad_norm == pytest.approx(first, rel=1e-12)
    assert [pool.state for pool in pools][:1] == ["vanished"]


def test_a_pool_is_as_sick_as_its_worst_layer() -> None:
    layers = layer_rows(100, 1.0)
    layers["grad_norm"][50] = math.nan
    layers["grad_norm"][:4] = 0.0
    pools = pooled(layers, 11)
    assert math.isnan(pools[5].grad_norm)
    assert pools[5].state == "non-finite"
    assert pools[0].grad_norm > 0.0  # the mean of those that have any
    layers["grad_norm"][:10] = 0.0
    assert pooled(layers, 11)[0].grad_norm == 0.0


def piped() -> tuple[PlainProgress, io.StringIO, Clock]:
    file, clock = io.StringIO(), Clock()
    return PlainProgress(Console(file=file, width=40), 1000, clock=clock), file, clock


def test_a_pipe_gets_a_line_at_each_tenth_of_the_steps() -> None:
    progress, file, clock = piped()
    for step in range(0, 1001, 10):
        clock.now += LINE_AT_MOST_EVERY / 10
        progress.on_record(record(step))
    progress.close()
    lines = file.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("step 100 of 1,000, ")
    assert "train loss 2.302" in lines[0]
    assert "gradient 7.6e-10 at linear1 and 1.93 at 31 output" in lines[0]
    assert "\x1b" not in file.getvalue()


def test_a_pipe_hears_nothing_of_a_quick_run() -> None:
    progress, file, _ = piped()
    for step in range(1001):
        progress.on_step(step)
    progress.close()
    assert file.getvalue() == ""


def test_a_pipe_hears_of_a_slow_run_even_between_tenths() -> None:
    progress, file, clock = piped()
    clock.now += LINE_EVERY
    progress.on_step(4)
    assert file.getvalue() == "step 4 of 1,000, 0.400 steps/s, 41:30 left\n"


def test_the_watcher_suits_the_console() -> None:
    console, _ = terminal()
    assert isinstance(watch(console, 10), LiveView)
    assert isinstance(watch(Console(file=io.StringIO()), 10), PlainProgress)


def test_a_resumed_run_is_as_fast_as_its_own_steps() -> None:
    assert Pace(step=600, total=1000, start=500, seconds=10.0).phrases == (
        "step 600 of 1,000",
        "10.0 steps/s",
        "40 s left",
    )
    assert Pace(step=500, total=1000, start=500, seconds=0.0).phrases == ("step 500 of 1,000",)
