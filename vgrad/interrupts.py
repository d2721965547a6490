"""Ctrl-C and friends: one interrupt at a time, and none in the middle of a write."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


class Interrupts:
    """While active, the first signal to stop raises KeyboardInterrupt, but not while `held`;
    signals after the first do nothing, so that what the first one began can end in order.

    A signal that the process was told to ignore (by `nohup`, or a shell that put it into the
    background) stays ignored. Off the main thread Python delivers no signals, and this does
    nothing.
    """

    def __init__(self) -> None:
        self._pending = False
        self._stopped = False
        self._holds = 0

    @contextmanager
    def active(self) -> Iterator[None]:
        """Take over the signals, and give them back at the end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handlers = {one: signal.getsignal(one) for one in STOPPING}
        taken = {one: was for one, was in handlers.items() if was not in (signal.SIG_IGN, None)}
        with self.held():  # a signal between two of these lines waits for the end
            try:
                for one in taken:
                    signal.signal(one, self._on_signal)
                with self.released():
                    yield
            finally:
                for one in reversed(taken):  # Ctrl-C last: Python's own handler raises at once
                    signal.signal(one, taken[one])

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._pending = True
        self._stop()

    def _stop(self) -> None:
        if self._pending and not self._holds and not self._stopped:
            self._stopped = True
            raise KeyboardInterrupt

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within it no signal interrupts; one that came does so at the end."""
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
        self._stop()

    def forget(self) -> None:
        """Drop what came while held: there is nothing left to interrupt."""
        self._pending = False

    @contextmanager
    def released(self) -> Iterator[None]:
        """Within it signals interrupt, though it stands within a `held`."""
        holds, self._holds = self._holds, 0
        try:
            self._stop()
            yield
        finally:
            self._holds = holds
