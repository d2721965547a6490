"""A run while it goes on: a picture that moves on a terminal, a line now and then in a pipe."""

import time
from collections.abc import Callable
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text

from vgrad.records import Record
from vgrad.report.bars import LogScale
from vgrad.report.frame import Frame, Pace, metric_phrases
from vgrad.report.layers import layer_label
from vgrad.report.numbers import number
from vgrad.report.portable import Portable

Clock = Callable[[], float]

REDRAW_EVERY = 0.1  # seconds: smooth to the eye, at 1 ms a drawing it costs the run 1 %
LINE_EVERY = 10.0  # seconds, into a pipe …
LINE_EVERY_SHARE = 0.1  # … or this share of the steps,
LINE_AT_MOST_EVERY = 2.0  # but no sooner than this


class Progress(Protocol):
    """Someone who watches a run."""

    def on_step(self, step: int) -> None:
        """This many updates are made. Cheap enough to be called at every one."""

    def on_record(self, record: Record) -> None:
        """A step was logged."""

    def close(self) -> None:
        """The run is over, or broken off. Must be called, and may be more than once."""


def watch(console: Console, total: int, *, start: int = 0) -> Progress:
    """The watcher that suits `console`, of a run from step `start` to step `total`."""
    moving = console.is_terminal and not console.is_dumb_terminal
    watcher = LiveView if moving else PlainProgress
    return watcher(console, total, start=start)


class LiveView:
    """Progress, metrics, and the gradient by layer as bars that move; gone when it closes."""

    def __init__(
        self, console: Console, total: int, *, start: int = 0, clock: Clock = time.monotonic
    ) -> None:
        self._console, self._clock = console, clock
        self._total, self._start, self._step = total, start, start
        self._record: Record | None = None
        self._scale = LogScale.spanning(())
        self._began = clock()
        self._due = self._began
        self._live = Live(
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,  # whatever is printed there meanwhile may go into a pipe
        )

    def on_step(self, step: int) -> None:
        self._step = step
        now = self._clock()
        if now >= self._due:
            self._draw(now)

    def on_record(self, record: Record) -> None:
        self._record = record
        self.on_step(record.metrics.step)

    def close(self) -> None:
        self._live.stop()

    def _draw(self, now: float) -> None:
        pace = Pace(self._step, self._total, self._start, now - self._began)
        if self._record:
            self._scale = self._scale.stretched(self._record.layers["grad_norm"].tolist())
        self._live.start()
        self._live.update(Portable(Frame(pace, self._record, self._scale)), refresh=True)
        self._due = self._clock() + REDRAW_EVERY


class PlainProgress:
    """A line now and then: at a tenth of the steps, or when nothing was heard for long."""

    def __init__(
        self, console: Console, total: int, *, start: int = 0, clock: Clock = time.monotonic
    ) -> None:
        self._console, self._clock = console, clock
        self._total, self._start, self._step = total, start, start
        self._record: Record | None = None
        self._began = self._last = clock()
        self._next_share = start + LINE_EVERY_SHARE * total

    def on_step(self, step: int) -> None:
        self._step = step
        silent = self._clock() - self._last
        if silent < LINE_AT_MOST_EVERY:
            return
        if step >= self._next_share or silent >= LINE_EVERY:
            self._print()

    def on_record(self, record: Record) -> None:
        self._record = record
        self.on_step(record.metrics.step)

    def close(self) -> None:
        """Nothing is left to say."""

    def _print(self) -> None:
        self._last = self._clock()
        self._next_share = self._step + LINE_EVERY_SHARE * self._total
        phrases = Pace(self._step, self._total, self._start, self._last - self._began).phrases
        if self._record:
            phrases += metric_phrases(self._record.metrics)
            ends = [self._record.layers[i] for i in (0, -1)]
            norms = [f"{number(row['grad_norm'])} at {layer_label(row)}" for row in ends]
            phrases += (f"gradient {' and '.join(norms)}",)
        self._console.print(Portable(Text(", ".join(phrases))), soft_wrap=True)
