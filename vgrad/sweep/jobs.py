"""One run of a sweep, wherever it is carried out: `execute(job) -> outcome`, both plain data."""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from vgrad.config import load_config
from vgrad.errors import RequestError, RunError
from vgrad.plugins import load_plugins
from vgrad.records import Record
from vgrad.runner import run_in_memory
from vgrad.store import layout


@dataclass(frozen=True)
class PluginFile:
    """A plugin as it goes to a worker, which may not see the folder that it is in."""

    path: str
    content: bytes

    @classmethod
    def read(cls, path: str | Path) -> "PluginFile":
        """The file at `path`, which was loaded already."""
        return cls(str(path), Path(path).read_bytes())

    def load(self) -> None:
        """Enter its parts into their families, from its own path or else from a copy."""
        path = Path(self.path)
        try:
            same = path.read_bytes() == self.content
        except OSError:
            same = False
        if not same:
            digest = sha256(self.content).hexdigest()
            path = Path(tempfile.gettempdir()) / f"vgrad-plugin-{digest}" / path.name
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.write_bytes(self.content)
        load_plugins(path)


@dataclass(frozen=True)
class Job:
    """A run to be made: its whole config in plain data, and `timeout` seconds to make it in."""

    run_id: str
    config: Mapping[str, object]
    plugins: tuple[PluginFile, ...] = ()
    timeout: float | None = None
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What a run came to: `summary.json` as it is, and all its files; none if it never began."""

    summary: Mapping[str, object]
    files: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def failure(cls, error: str) -> "Outcome":
        """Of a run that left nothing behind but the reason."""
        return cls({"status": layout.FAILED, "error": " ".join(error.split())})


def execute(job: Job) -> Outcome:
    """Make one run. Whatever goes wrong with it is an outcome, never an exception."""
    try:
        for plugin in job.plugins:
            plugin.load()
        buffer = run_in_memory(
            load_config(job.config),
            job.run_id,
            watch=lambda _total, _start: _Deadline(job.timeout),
            command=job.command,
        )
        return Outcome(buffer.summary, buffer.files)
    except RequestError as error:
        return Outcome.failure("; ".join(str(problem) for problem in error.problems))
    except MemoryError:
        return Outcome.failure("there is not enough memory for it")
    except Exception as error:
        return Outcome.failure(f"{type(error).__name__}: {error}")


class _Deadline:
    """The watcher of a run that may take only so long; what it has logged by then is kept."""

    def __init__(self, timeout: float | None) -> None:
        self._timeout = timeout
        self._began = time.monotonic()

    def on_step(self, step: int) -> None:
        if self._timeout is not None and time.monotonic() - self._began > self._timeout:
            raise RunError(f"stopped at step {step}: it took more than {self._timeout:g} s")

    def on_record(self, record: Record) -> None:
        self.on_step(record.metrics.step)

    def close(self) -> None:
        """Nothing is held."""
