"""A sweep while it goes on: a table that moves on a terminal, a line per run in a pipe."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.text import Text

from vgrad.report.grid import GAP, Column, Grid, total_width
from vgrad.report.live import REDRAW_EVERY, Clock
from vgrad.report.numbers import counted, duration, number
from vgrad.report.phrases import RESULTS, Items
from vgrad.report.portable import Portable
from vgrad.report.tables import KIND_STYLES, STATUS_STYLES
from vgrad.store.sweeps import ENDED_WELL

Cells = Mapping[str, str]

LATEST_SHOWN = 8  # rows of runs that ended last
SHORTEST_ID = 10  # characters of a run-id below which other columns give way
CHECKING_FROM = 2.0  # seconds after which one wants to know what takes so long


class Metric(Protocol):
    """What runs are ranked by; `sign` is 1 where more of it is better, else -1."""

    @property
    def name(self) -> str: ...
    @property
    def sign(self) -> int: ...


class Spec(Protocol):
    """A sweep: its keys."""

    @property
    def keys(self) -> tuple[str, ...]: ...


class Checked(Protocol):
    """How many runs it has, and what they are ranked by."""

    @property
    def planned(self) -> int: ...
    @property
    def metric(self) -> Metric: ...


@dataclass
class Standing:
    """How a sweep stands: what ended how, what was best, how long it takes."""

    planned: int
    metric: Metric
    began: float
    running: int = 0
    before: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    best: Cells | None = None
    best_value: float = float("nan")
    latest: list[Cells] = field(default_factory=list)

    def take(self, row: Cells, *, new: bool) -> None:
        """Count a run that has ended."""
        self.statuses[row["status"]] += 1
        if row["verdict"]:
            self.verdicts[row["verdict"]] += 1
        self.before += not new
        value = float(row[self.metric.name] or "nan") * self.metric.sign
        if (
            row["status"] in ENDED_WELL
            and value == value
            and not value <= self.best_value * self.metric.sign
        ):
            self.best, self.best_value = row, value * self.metric.sign
        self.latest = [*self.latest, row][-LATEST_SHOWN:]

    @property
    def ended(self) -> int:
        """Runs that have ended, whenever."""
        return self.statuses.total()

    def left(self, now: float) -> float:
        """Seconds that the rest will take at the pace so far; nan while there is none."""
        made = self.ended - self.before
        return (self.planned - self.ended) * (now - self.began) / made if made else float("nan")

    def phrases(self, now: float) -> tuple[str, ...]:
        """The counts in words."""
        failed = self.statuses["failed"]
        parts = [f"{self.ended:,} of {self.planned:,} runs", f"{self.running} running"]
        parts += [f"{failed} failed"] if failed else []
        left = self.left(now)
        return (*parts, *((f"{duration(left)} left",) if left == left else ()))

    def verdict_phrases(self) -> tuple[str, ...]:
        """How many came to which verdict."""
        return tuple(f"{count:,} {kind}" for kind, count in self.verdicts.most_common())

    def best_phrase(self, keys: tuple[str, ...]) -> str:
        """`best test accuracy 97.4%: model.depth=5, seed=0`."""
        if self.best is None:
            return ""
        varied = ", ".join(f"{key}={self.best[key]}" for key in keys if self.best.get(key))
        return f"best {metric_phrase(self.metric.name, self.best_value)}: {varied}"


def metric_phrase(name: str, value: float) -> str:
    """`test accuracy 97.4%`."""
    return f"{name.replace('_', ' ')} {RESULTS.get(name, number)(value)}"


def watching(console: Console, runs_dir: str) -> Callable[[Spec, Checked, str], "PlainSweep"]:
    """What makes the watcher that suits `console`."""

    def watch(spec: Spec, checked: Checked, sweep_id: str) -> PlainSweep:
        moving = console.is_terminal and not console.is_dumb_terminal
        watcher = LiveSweep if moving else PlainSweep
        where = f"{runs_dir}/{sweep_id}"
        return watcher(console, spec.keys, checked.planned, checked.metric, where)

    return watch


class PlainSweep:
    """A line for each run that ends."""

    def __init__(
        self,
        console: Console,
        keys: tuple[str, ...],
        planned: int,
        metric: Metric,
        where: str,
        clock: Clock = time.monotonic,
    ) -> None:
        self._console, self._keys, self._clock = console, keys, clock
        self._standing = Standing(planned, metric, clock())
        self._where = where
        self._print(f"{counted(planned, 'run')} in {where}")
        self._begin()

    def _begin(self) -> None:
        """Nothing more is needed for lines."""

    def on_run(self, row: Cells, *, new: bool) -> None:
        """Count it, and say so if it is new."""
        self._standing.take(row, new=new)
        if new:
            self._say(row)

    def _say(self, row: Cells) -> None:
        standing = self._standing
        value = float(row[standing.metric.name] or "nan")
        parts = [f"{standing.ended:,}/{standing.planned:,} {row['run_id']}: {row['status']}"]
        parts += [row["verdict"]] if row["verdict"] else []
        parts += [metric_phrase(standing.metric.name, value)] if value == value else []
        parts += [row["error"]] if row["error"] else []
        self._print(", ".join(parts))

    def on_wait(self, running: int) -> None:
        """Note how many are under way."""
        self._standing.running = running

    def close(self) -> None:
        """Say what there was before, which had no lines of its own, and how to make the rest."""
        standing = self._standing
        if standing.before:
            self._print(f"{counted(standing.before, 'run')} had ended before")
        if standing.ended < standing.planned:
            ended = f"{standing.ended:,} of {standing.planned:,} runs have ended"
            self._print(f"{ended}; to go on: vgrad sweep --resume {self._where}")

    def _print(self, text: str) -> None:
        self._console.print(Portable(Text(text)), soft_wrap=True)


class LiveSweep(PlainSweep):
    """Progress, verdicts, the best so far and the runs that ended last; gone when it closes."""

    def _begin(self) -> None:
        self._due = self._clock()
        self._live = Live(
            console=self._console, auto_refresh=False, transient=True, redirect_stdout=False
        )

    def _say(self, row: Cells) -> None:
        if row["status"] == "failed":
            super()._say(row)
        self._draw()

    def on_wait(self, running: int) -> None:
        """Note how many are under way, and draw."""
        super().on_wait(running)
        self._draw()

    def _draw(self) -> None:
        now = self._clock()
        if now < self._due:
            return
        self._live.start()
        picture = Picture(self._standing, self._keys, now)
        self._live.update(Portable(picture), refresh=True)
        self._due = self._clock() + REDRAW_EVERY

    def close(self) -> None:
        """Take the picture away."""
        self._live.stop()
        super().close()


@dataclass(frozen=True, eq=False)
class Picture:
    """How a sweep stands, drawn."""

    standing: Standing
    keys: tuple[str, ...]
    now: float

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        standing = self.standing
        yield ProgressBar(
            total=max(standing.planned, 1), completed=standing.ended, width=options.max_width
        )
        yield Segment.line()
        yield Items(standing.phrases(self.now))
        yield Items(standing.verdict_phrases())
        yield Text(standing.best_phrase(self.keys), overflow="ellipsis", no_wrap=True)
        if standing.latest:
            yield Grid(self._columns(options.max_width))

    def _columns(self, width: int) -> list[Column]:
        rows, name = self.standing.latest, self.standing.metric.name
        show = RESULTS.get(name, number)
        values = [show(float(row[name] or "nan")) for row in rows]
        rest = [
            _styled("status", [row["status"] for row in rows], STATUS_STYLES, rank=2),
            _styled("verdict", [row["verdict"] for row in rows], KIND_STYLES, rank=3),
            Column(name.replace("_", "\n"), values, rank=1),
        ]
        room = max(width - total_width(rest) - GAP, SHORTEST_ID)
        return [Column("run", [row["run_id"][:room] for row in rows], justify="left"), *rest]


def _styled(title: str, cells: list[str], styles: Mapping[str, str], rank: int) -> Column:
    return Column(title, cells, [styles.get(cell, "") for cell in cells], rank=rank)


class Checking:
    """Says how far the checks before a sweep are, once they take long."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._due = clock() + CHECKING_FROM

    def __call__(self, number: int, planned: int) -> None:
        """So many of so many runs are checked."""
        if self._clock() >= self._due:
            self._due = self._clock() + CHECKING_FROM
            self._console.print(f"checked {number:,} of {planned:,} runs", soft_wrap=True)
