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

    Off the main thread Python delivers no signals, and this does nothing.
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
        before = {one: signal.signal(one, self._on_signal) for one in STOPPING}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._stopped:
            return
        if self._holds:
            self._pending = True
            return
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
        if self._pending and not self._holds and not self._stopped:
            self._stopped = True
            raise KeyboardInterrupt
