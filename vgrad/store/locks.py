"""Whether the process that writes a run still lives.

The writer holds an advisory lock on the run's `metrics.csv` for as long as it lives, however it
ends. Where the platform has no such locks (Windows), its process number stands in.
"""

import os
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # pragma: no cover - not on this platform
    fcntl = None  # type: ignore[assignment]


def lock(file: IO[bytes]) -> bool:
    """Take the lock, to be held until the file is closed; False where another process has it."""
    if fcntl is None:  # pragma: no cover - not on this platform
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_locked(path: Path, pid: int | None) -> bool:
    """Whether some process holds the lock of the file at `path`."""
    if fcntl is None:  # pragma: no cover - not on this platform
        return _lives(pid)
    try:
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    except OSError:  # no such file, or none that can be locked
        pass
    return False


def _lives(pid: int | None) -> bool:  # pragma: no cover - not on this platform
    try:
        os.kill(pid or 0, 0)
    except (OSError, SystemError):
        return False
    return pid is not None
