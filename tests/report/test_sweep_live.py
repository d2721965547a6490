"""A sweep while it goes on, on a terminal and in a pipe."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from vgrad.records import RESULT_COLUMNS
from vgrad.report.live import REDRAW_EVERY
from vgrad.report.portable import Portable
from vgrad.report.sweep_live import (
    CHECKING_FROM,
    LATEST_SHOWN,
    Checking,
    LiveSweep,
    Picture,
    PlainSweep,
    Standing,
    watching,
)
from vgrad.sweep import Metric

KEYS = ("model.depth", "seed")
ACCURACY, LOSS = Metric("test_accuracy", "maximize"), Metric("test_loss", "minimize")


class Clock:
    """A clock that stands until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def row(number: int, **cells: str) -> dict[str, str]:
    """A run that has ended, as its row has it."""
    usual = {
        "run_id": f"{number:04}-depth=5-seed={number}",
        "model.depth": "5",
        "seed": f"{number}",
    }
    empty = dict.fromkeys(RESULT_COLUMNS, "")
    return {**usual, **empty, "status": "finished", "verdict": "healthy", **cells}


def standing(*rows: dict[str, str], metric: Metric = ACCURACY, planned: int = 10) -> Standing:
    found = Standing(planned, metric, 100.0)
    for one in rows:
        found.take(one, new=True)
    return found


def console(width: int = 80, **options: Any) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, width=width, **options), file


def drawn(found: Standing, width: int = 80, now: float = 110.0, **options: Any) -> list[str]:
    """The picture's lines."""
    screen, file = console(width, **options)
    screen.print(Portable(Picture(found, KEYS, now)))
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_the_best_so_far_is_the_highest_or_the_lowest() -> None:
    values = ("0.5", "0.9", "", "nan", "0.7")
    accuracies = standing(*(row(n, test_accuracy=value) for n, value in enumerate(values)))
    assert accuracies.best_phrase(KEYS) == "best test accuracy 90.0%: model.depth=5, seed=1"
    losses = standing(*(row(n, test_loss=value) for n, value in enumerate(values)), metric=LOSS)
    assert losses.best_phrase(KEYS) == "best test loss 0.5000: model.depth=5, seed=0"
    worst = Metric("test_accuracy", "minimize")
    rows = (row(n, test_accuracy=value) for n, value in enumerate(values))
    assert standing(*rows, metric=worst).best_value == 0.5


def test_of_equals_the_first_is_the_best() -> None:
    found = standing(row(1, test_accuracy="0.9"), row(2, test_accuracy="0.9"))
    assert found.best_phrase(KEYS).endswith("seed=1")


@pytest.mark.parametrize("value", ["", "nan"])
def test_without_a_value_nothing_is_best(value: str) -> None:
    assert standing(row(1, test_accuracy=value)).best_phrase(KEYS) == ""


def test_an_infinite_loss_is_a_value_that_anything_finite_beats() -> None:
    found = standing(row(1, test_loss="inf"), row(2, test_loss="3.0"), metric=LOSS)
    assert found.best_value == 3.0


def test_the_time_left_is_that_of_the_pace_so_far() -> None:
    found = standing(row(1), row(2))
    assert found.left(110.0) == 40.0  # 5 s each, 8 to come
    assert found.phrases(110.0) == ("2 of 10 runs", "0 running", "40 s left")


def test_runs_that_had_ended_before_say_nothing_of_the_pace() -> None:
    found = Standing(10, ACCURACY, 100.0)
    for number in range(6):
        found.take(row(number), new=False)
    assert found.phrases(110.0) == ("6 of 10 runs", "0 running")
    found.take(row(6), new=True)
    assert found.left(110.0) == 30.0


def test_failed_runs_and_verdicts_are_counted() -> None:
    failed = row(3, status="failed", verdict="", error="out of memory")
    found = standing(row(1), row(2, verdict="vanishing"), failed, row(4))
    assert "1 failed" in found.phrases(110.0)
    assert found.verdict_phrases() == ("2 healthy", "1 vanishing")


def test_the_picture_shows_how_the_sweep_stands() -> None:
    rows = [row(n, test_accuracy=f"0.{n}") for n in range(1, 4)]
    lines = drawn(standing(*rows, row(4, status="failed", verdict="")))
    text = "\n".join(lines)
    assert "4 of 10 runs · 0 running · 1 failed · 15 s left" in text
    assert "3 healthy" in text
    assert "best test accuracy 30.0%: model.depth=5, seed=3" in text
    assert "0003-depth=5-seed=3" in text
    assert max(map(cell_len, lines)) <= 80


def test_the_picture_keeps_to_the_runs_that_ended_last() -> None:
    lines = drawn(standing(*(row(n) for n in range(1000)), planned=100_000))
    text = "\n".join(lines)
    assert text.count("depth=5-seed") == LATEST_SHOWN
    assert "1,000 of 100,000 runs" in text
    assert len(lines) < 24  # a small terminal's height


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_the_picture_fits_the_terminal_however_long_run_ids_are(width: int) -> None:
    long = row(1, run_id="0001-" + "activation=leaky_relu-" * 3, test_accuracy="0.5")
    long |= {"model.depth": "x" * 300, "verdict": "exploding"}
    lines = drawn(standing(long, row(2, status="failed", verdict="")), width)
    assert max(map(cell_len, lines)) <= width
    assert any(line.lstrip().startswith("0001") for line in lines)
    assert any(line.endswith("50.0%") for line in lines)  # a number is whole, or not there


def test_the_picture_is_plain_where_colours_and_signs_are_not_wanted() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    screen = Console(file=file, width=80, force_terminal=True, no_color=True)
    screen.print(Portable(Picture(standing(row(1, verdict="vanishing")), KEYS, 110.0)))
    file.flush()
    text = file.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]
    assert "1 vanishing" in text
    assert "\x1b[3" not in text  # no colour of the foreground


def test_a_terminal_gets_a_picture_and_a_pipe_gets_lines() -> None:
    spec, checked = SimpleNamespace(keys=KEYS), SimpleNamespace(planned=3, metric=ACCURACY)
    for options, kind in (
        ({"force_terminal": True}, LiveSweep),
        ({"force_terminal": False}, PlainSweep),
    ):
        screen, file = console(**options)
        watcher = watching(screen, "runs")(spec, checked, "2026-made-up")
        assert type(watcher) is kind
        assert "3 runs in runs/2026-made-up\n" in file.getvalue()
        watcher.close()


def test_a_pipe_gets_a_line_for_each_run_that_ends() -> None:
    screen, file = console(20)  # narrower than a line: lines are not broken
    plain = PlainSweep(screen, KEYS, 5, ACCURACY, "runs/x", clock=Clock())
    plain.on_run(row(1), new=False)
    plain.on_wait(2)
    plain.on_run(row(2, test_accuracy="0.974"), new=True)
    plain.on_run(row(3, status="failed", verdict="", error="[bold]no memory[/]"), new=True)
    plain.on_run(row(4, status="diverged", verdict="exploding", test_accuracy="nan"), new=True)
    plain.close()
    assert file.getvalue().splitlines() == [
        "5 runs in runs/x",
        "2/5 0002-depth=5-seed=2: finished, healthy, test accuracy 97.4%",
        "3/5 0003-depth=5-seed=3: failed, [bold]no memory[/]",
        "4/5 0004-depth=5-seed=4: diverged, exploding",
        "1 run had ended before",
        "4 of 5 runs have ended; to go on: vgrad sweep --resume runs/x",
    ]


def test_a_sweep_that_is_complete_needs_no_word_of_how_to_go_on() -> None:
    screen, file = console()
    plain = PlainSweep(screen, KEYS, 1, ACCURACY, "runs/x", clock=Clock())
    plain.on_run(row(1), new=True)
    plain.close()
    assert "resume" not in file.getvalue()


def test_the_picture_is_redrawn_no_sooner_than_the_eye_needs() -> None:
    (screen, file), clock = console(force_terminal=True), Clock()
    live = LiveSweep(screen, KEYS, 1000, ACCURACY, "runs/x", clock=clock)
    for number in range(50):
        live.on_run(row(number), new=True)
    assert file.getvalue().count(" of 1,000 runs") == 1
    clock.now += REDRAW_EVERY
    live.on_wait(2)
    assert file.getvalue().count(" of 1,000 runs") == 2
    assert "2 running" in file.getvalue()
    live.close()


def test_a_failed_run_is_told_at_once_and_stays() -> None:
    screen, file = console(force_terminal=True)
    live = LiveSweep(screen, KEYS, 3, ACCURACY, "runs/x", clock=Clock())
    live.on_run(row(1), new=True)
    live.on_run(row(2, status="failed", verdict="", error="the worker died"), new=True)
    live.close()
    assert "2/3 0002-depth=5-seed=2: failed, the worker died" in file.getvalue()
    assert "1/3" not in file.getvalue()


def test_the_picture_leaves_a_clean_terminal_behind() -> None:
    screen, file = console(force_terminal=True)
    live = LiveSweep(screen, KEYS, 1, ACCURACY, "runs/x", clock=Clock())
    live.on_run(row(1), new=True)
    live.close()
    text = file.getvalue()
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is back
    assert text.rstrip().endswith("\x1b[2K")  # the last line was erased


def test_checks_are_told_of_only_when_they_take_long() -> None:
    (screen, file), clock = console(), Clock()
    checking = Checking(screen, clock)
    for number in range(1, 1000):
        checking(number, 100_000)
    assert file.getvalue() == ""
    clock.now += CHECKING_FROM
    checking(1000, 100_000)
    checking(1001, 100_000)
    assert file.getvalue() == "checked 1,000 of 100,000 runs\n"
