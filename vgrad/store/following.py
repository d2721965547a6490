"""Following a run that another process writes: on this disk, on a mounted one, or behind HTTP."""

import time
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin
from urllib.request import Request, urlopen

import numpy as np
from numpy.typing import NDArray

from vgrad.errors import Problem, RequestError, RunError
from vgrad.records import LAYER_DTYPE, METRICS_DTYPE, Metrics, Record
from vgrad.store import layout
from vgrad.store.reading import Run
from vgrad.store.tables import read_from

TIMEOUT = 10.0  # seconds that a server has to answer
PATIENCE = 10.0  # seconds without a new row, before a run whose lock is not seen counts as lost
PARTIAL, NOT_MODIFIED = 206, 416

Clock = Callable[[], float]


class Source(Protocol):
    """Where the files of a run are."""

    @property
    def run(self) -> Run:
        """The run as it was at the last look."""

    def refresh(self) -> str:
        """Look again; says what stood in the way, or nothing."""

    def status(self) -> str:
        """What its files say of it."""


class Folder:
    """A run's folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.run = Run(path)

    def refresh(self) -> str:
        """Read again; nothing stands in the way."""
        self.run = Run(self._path)
        return ""

    def status(self) -> str:
        """`lost` where no process holds its lock, which on a disk of another machine is not to be
        seen."""
        return self.run.status


class Server:
    """A run's folder behind an address, as a web server shows it, copied into `folder`."""

    def __init__(self, address: str, folder: Path) -> None:
        """
        Raises:
            RequestError: nothing of a run is there.
        """
        self._address = address.rstrip("/") + "/"
        self._folder = folder
        self.run = Run(folder)
        if trouble := self.refresh():
            raise RequestError(Problem(trouble, "", "the address of a run's folder"))

    def refresh(self) -> str:
        """Fetch what is new."""
        try:
            for name in (layout.CONFIG, layout.SUMMARY):
                self._fetch(name)
            for name in (layout.LAYERS, layout.METRICS):
                self._append(name)
        except HTTPError as error:
            return f"{error.url}: {error.code} {error.reason}"
        except (URLError, HTTPException, OSError, ValueError) as error:
            return f"{self._address}: {getattr(error, 'reason', None) or error}"
        self.run = Run(self._folder)
        return ""

    def status(self) -> str:
        """What its summary says: whether its process lives cannot be seen from here."""
        return str(self.run.summary.get("status"))

    def _fetch(self, name: str) -> None:
        with urlopen(urljoin(self._address, name), timeout=TIMEOUT) as answer:
            (self._folder / name).write_bytes(answer.read())

    def _append(self, name: str) -> None:
        """What lies behind the bytes that are here already, where the server gives parts."""
        path = self._folder / name
        size = path.stat().st_size if path.exists() else 0
        asked = Request(urljoin(self._address, name))
        if size:
            asked.add_header("Range", f"bytes={size}-")
        try:
            with urlopen(asked, timeout=TIMEOUT) as answer:
                content = answer.read()
                if answer.status == PARTIAL:
                    with path.open("ab") as file:
                        file.write(content)
                else:
                    path.write_bytes(content)
        except HTTPError as error:
            if error.code != NOT_MODIFIED:  # nothing behind what is here
                raise


def follow(
    source: Source,
    interval: float = 1.0,
    *,
    say: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Clock = time.monotonic,
) -> Iterator[Record]:
    """The steps of a run as they are logged, those before too, until it has ended; looks every
    `interval` seconds, and says through `say` what stands in the way, once until it is gone.

    Raises:
        RunError: its files are damaged.
    """
    reader, told, heard = _Reader(), "", clock()
    while True:
        trouble = source.refresh()
        if trouble and trouble != told:
            say(f"{trouble}; trying again")
        told = trouble
        ended = not trouble and source.status() != layout.RUNNING  # before reading: all is there
        for record in reader.news(source.run.path):
            heard = clock()
            yield record
        lost = source.status() == layout.LOST
        if ended and not (lost and clock() - heard < PATIENCE):
            return
        sleep(interval)


class _Reader:
    """Reads only what came since it read before."""

    def __init__(self) -> None:
        self._offsets = {layout.LAYERS: 0, layout.METRICS: 0}
        self._layers = np.empty(0, LAYER_DTYPE)

    def news(self, path: Path) -> Iterator[Record]:
        """The steps whose rows are all there. After a resume has cut the tables, all of them."""
        try:
            metrics = self._read(path, layout.METRICS, METRICS_DTYPE)
            fresh = self._read(path, layout.LAYERS, LAYER_DTYPE)
        except RunError:
            if (path / layout.METRICS).exists() and (path / layout.LAYERS).exists():
                raise
            return  # it is only beginning
        self._layers = np.concatenate([self._layers, fresh])
        for row in metrics:
            mine = self._layers["step"] == row["step"]
            if mine.any():
                yield Record(Metrics(*row.item()), self._layers[mine])
        if metrics.size:
            self._layers = self._layers[self._layers["step"] > metrics["step"][-1]]

    def _read(self, path: Path, name: str, dtype: np.dtype[Any]) -> NDArray[np.void]:
        rows, self._offsets[name] = read_from(path / name, dtype, self._offsets[name])
        return rows
