"""Ctrl-C between any two lines of a run, sent by tracing it."""

import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from tiny_runs import SHORT, assert_readable, folders, rows

import vgrad
from vgrad.interrupts import STOPPING

WATCHED = ("vgrad/runner.py", "vgrad/interrupts.py", "vgrad/store/", "contextlib.py")
"""Whose lines a signal may fall between; while others run, these are somewhere in between."""
STRIDE = 47  # of all lines, those that are tried by default


class SignalAtLine:
    """Counts the lines that are run, and sends the process a signal before the nth."""

    def __init__(self, nth: int | None = None) -> None:
        self.nth, self.count = nth, 0

    def __enter__(self) -> "SignalAtLine":
        sys.settrace(self._on_call)
        return self

    def __exit__(self, *_error: object) -> None:
        sys.settrace(None)

    def _on_call(self, frame: FrameType, _event: str, _argument: object) -> Any:
        name = frame.f_code.co_filename
        return self._on_line if any(part in name for part in WATCHED) else None

    def _on_line(self, _frame: FrameType, event: str, _argument: object) -> Any:
        if event == "line":
            self.count += 1
            if self.count == self.nth:
                signal.raise_signal(signal.SIGINT)
        return self._on_line


def survives_a_signal(nth: int, runs_dir: Path, whole: vgrad.Run) -> bool:
    """Ctrl-C before the nth line: there is no run, or one that says what became of it and goes on.

    Where training is over, it comes too late and the run finishes. False where the run has fewer
    lines than that.
    """
    handlers = [signal.getsignal(one) for one in STOPPING]
    tracer = SignalAtLine(nth)
    with suppress(KeyboardInterrupt), tracer:
        run = vgrad.run(SHORT, runs_dir=runs_dir, checkpoint_every=1)
        assert run.status == "finished"
    assert [signal.getsignal(one) for one in STOPPING] == handlers
    assert not [one for one in folders(runs_dir) if one.name.startswith(".")]
    for path in folders(runs_dir):
        run = vgrad.open_run(path.name, runs_dir)
        assert_readable(run)
        assert run.status in ("interrupted", "finished")
        if run.status == "interrupted":
            run = vgrad.resume(run.id, runs_dir=runs_dir)
        assert rows(run.path) == rows(whole.path)
    return tracer.count >= nth


@pytest.mark.parametrize(
    "first", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in range(2, STRIDE + 1))]
)
def test_ctrl_c_before_any_line_leaves_no_run_or_one_that_goes_on(
    tmp_path: Path, first: int
) -> None:
    whole = vgrad.run(SHORT, runs_dir=tmp_path / "whole")
    nth = first
    while survives_a_signal(nth, tmp_path / str(nth), whole):
        nth += STRIDE
    assert nth > 20 * STRIDE
