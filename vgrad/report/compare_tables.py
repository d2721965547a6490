"""Runs side by side, for the eyes and for programs."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from vgrad.records import STATISTICS
from vgrad.report.bars import LogScale, bar
from vgrad.report.compare import Comparison, Gradients
from vgrad.report.documents import json_text
from vgrad.report.grid import GAP, Column, Grid, total_width
from vgrad.report.layers import WIDEST_BAR
from vgrad.report.levels import shortened_labels, spelt
from vgrad.report.measures import MEASURES, ranked
from vgrad.report.numbers import number
from vgrad.report.portable import Portable
from vgrad.report.selection import select_layers
from vgrad.report.tables import KIND_STYLES, STATUS_STYLES

WIDEST_VALUE = 28
NARROWEST_BAR = 6
BEST = "bold green"
JUDGED = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")  # a best one stands out


def comparison_view(found: Comparison, *, all_layers: bool = False) -> RenderableType:
    """The whole comparison as something that a rich console prints, at any width."""
    parts: list[RenderableType] = [_header(found)]
    if found.config:
        parts += _section("What differs in the configs", _side_by_side(config_columns(found)))
    else:
        parts.append(Text("\nThe configs are the same."))
    parts += _section("What the runs came to", _side_by_side(result_columns(found)))
    both = np.abs([*found.first.values.ravel(), *found.last.values.ravel()])
    scale = LogScale.spanning(both.tolist())
    for when, gradients in (("first", found.first), ("last", found.last)):
        if gradients.labels:
            shown = select_layers(len(gradients.labels), all_layers=all_layers)
            view = _Layers(found.letters, gradients, shown, found.aligned_by, scale)
            parts += _section(gradients_title(found, when, gradients), view)
    if found.first.labels:
        parts.append(Text(legend(found), style="dim"))
    return Portable(Group(*parts))


def comparison_json(found: Comparison) -> str:
    """For a program: the whole comparison, all layers."""
    results = {**found.texts, **found.numbers}
    return json_text(
        {
            "runs": dict(zip(found.letters, found.ids, strict=True)),
            "config": found.config,
            "results": results,
            "statistic": found.statistic,
            "aligned_by": found.aligned_by,
            "first": _plain(found.first),
            "last": _plain(found.last),
        }
    )


def _plain(gradients: Gradients) -> dict[str, object]:
    return asdict(gradients) | {"values": gradients.values.tolist()}


def gradients_title(found: Comparison, when: str, gradients: Gradients) -> str:
    """`grad_norm by layer at the first logged step (A 0, B 0)`."""
    logged = zip(found.letters, gradients.steps, strict=True)
    steps = {step for step in gradients.steps if step is not None}
    if len(steps) == 1:
        at = f"step {steps.pop()}"
    else:
        at = ", ".join(f"{letter} {step}" for letter, step in logged if step is not None)
    return f"{found.statistic} by {found.aligned_by} at the {when} logged step ({at})"


def legend(found: Comparison) -> str:
    """What the layers' tables show, and how networks of different depth are put side by side."""
    words = f"{found.statistic}: {STATISTICS[found.statistic]}."
    if found.aligned_by == "layer":
        return words
    return (
        f"{words} The networks differ in depth: layers stand side by side that are as far on the "
        "way from the first (0%) to the output (100%)."
    )


def _header(found: Comparison) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(ratio=1)
    for letter, run_id in zip(found.letters, found.ids, strict=True):
        grid.add_row(letter, Text(spelt(run_id), overflow="fold"))
    return grid


def _side_by_side(columns: Sequence[Column]) -> RenderableType:
    return _Blocks(columns[0], columns[1:])


def config_columns(found: Comparison) -> list[Column]:
    """The keys that differ, and a column per run."""
    cells = [[_value(value) for value in values] for values in found.config.values()]
    columns = [
        Column(letter, shortened_labels(column, WIDEST_VALUE))
        for letter, column in zip(found.letters, zip(*cells, strict=True), strict=True)
    ]
    return [Column("", list(found.config), justify="left"), *columns]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "—" if value is None else spelt(str(value))


def result_columns(found: Comparison) -> list[Column]:
    """What the runs came to, a column for each; the best of what can be better stands out."""
    known = {
        name: values
        for name, values in found.numbers.items()
        if not all(math.isnan(value) for value in values)
    }
    titles = [*found.texts, *(MEASURES[name].title for name in known)]
    columns = []
    for place, letter in enumerate(found.letters):
        texts = [values[place] for values in found.texts.values()]
        numbers = [MEASURES[name].spell(values[place]) for name, values in known.items()]
        styles = [STATUS_STYLES.get(texts[0], ""), KIND_STYLES.get(texts[1], "")]
        styles += [BEST if _is_best(name, values, place) else "" for name, values in known.items()]
        columns.append(Column(letter, [*texts, *numbers], styles))
    return [Column("", titles, justify="left"), *columns]


def _is_best(name: str, values: Sequence[float], place: int) -> bool:
    """Whether this run's number is the best one, where they differ at all."""
    if name not in JUDGED or len(set(values)) == 1 or math.isnan(values[place]):
        return False
    best = ranked(np.array(values), MEASURES[name].goal)[0]
    return bool(values[place] == values[best])


@dataclass(frozen=True, eq=False)
class _Blocks:
    """A column of labels and as many others beside it as fit; below them the rest likewise."""

    labels: Column
    columns: Sequence[Column]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        block: list[Column] = []
        for column in self.columns:
            if block and total_width([self.labels, *block, column]) > options.max_width:
                yield Grid([self.labels, *block])
                yield Text()
                block = []
            block.append(column)
        yield Grid([self.labels, *block])


@dataclass(frozen=True, eq=False)
class _Layers:
    """The statistic of each run by layer, as a number and, where there is room, as a bar; all
    bars on one log scale."""

    letters: Sequence[str]
    gradients: Gradients
    shown: Sequence[int]
    title: str
    scale: LogScale

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        values = self.gradients.values[list(self.shown)]
        labels = [self.gradients.labels[i] for i in self.shown]
        first = Column(self.title, labels, justify="left" if self.title == "layer" else "right")
        numbers = [
            Column(letter, [number(float(value)) for value in values[:, run]])
            for run, letter in enumerate(self.letters)
        ]
        room = options.max_width - total_width([first, *numbers])
        width = min(room // len(numbers) - GAP, WIDEST_BAR)
        if width < NARROWEST_BAR:
            yield _Blocks(first, numbers)
            return
        columns = [first]
        for run, column in enumerate(numbers):
            bars = [bar(self.scale.fraction(abs(float(value))), width) for value in values[:, run]]
            columns += [column, Column(self.scale.ruler(width), bars, justify="left")]
        yield Grid(columns)


def _section(title: str, content: RenderableType) -> list[RenderableType]:
    return [Text(f"\n{title}\n", style="bold"), content]
