"""A report for the eyes: verdict, gradient by layer, course of the run."""

from collections.abc import Mapping

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from vgrad.diagnosis import EXPLODING_ABOVE, VANISHED_BELOW, Verdict, layer_states
from vgrad.report.blocks import block_columns, clipping_phrase
from vgrad.report.comparison import comparison_by_layer, comparison_columns
from vgrad.report.content import Report
from vgrad.report.course import course_columns
from vgrad.report.grid import Grid
from vgrad.report.layers import STATE_MARKS, LayerTable
from vgrad.report.phrases import RESULTS, Items, result_phrase
from vgrad.report.portable import Portable
from vgrad.report.settings import settings_of

KIND_STYLES: Mapping[str, str] = {
    "vanishing": "red",
    "exploding": "magenta",
    "dead": "red",
    "saturated": "yellow",
    "healthy": "green",
}
STATUS_STYLES: Mapping[str, str] = {
    "finished": "green",
    "running": "cyan",
    "diverged": "magenta",
    "interrupted": "yellow",
    "failed": "red",
    "lost": "yellow",
    "damaged": "red",
}


def report_view(report: Report) -> RenderableType:
    """The whole report as something that a rich console prints, at any width."""
    layers = LayerTable(report.layers, report.shown)
    return Portable(
        Group(
            header_view(report),
            Text(),
            verdict_view(report.verdict),
            *_section(f"Gradient by layer at {when(report)}", layers),
            Text(_legend(report), style="dim"),
            *_blocks(report),
            *_comparison(report),
            *_section("Course of the run", Grid(course_columns(report))),
        )
    )


def verdict_view(verdict: Verdict) -> RenderableType:
    """The kind, and beside it the sentence."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1)
    style = f"bold {KIND_STYLES[verdict.kind]}"
    grid.add_row(Text(verdict.kind.upper(), style), Text(verdict.sentence))
    return grid


def _blocks(report: Report) -> tuple[RenderableType, ...]:
    """The residual stream, where there is one."""
    if not report.blocks.size:
        return ()
    everything = len(report.shown) == report.layers.size
    columns = block_columns(report.blocks, all_layers=everything)
    return _section(f"Residual stream at {when(report)}", Grid(columns))


def _comparison(report: Report) -> tuple[RenderableType, ...]:
    """Theory beside measurement; layer by layer where the report is about the first step."""
    comparison = report.comparison
    if comparison is None:
        return ()
    title = "At initialization, predicted against measured"
    section = _section(title, Grid(comparison_columns(comparison)))
    if report.step > 0:
        return section
    everything = len(report.shown) == report.layers.size
    return *section, Text(), Grid(comparison_by_layer(comparison, all_layers=everything))


def header_view(report: Report) -> RenderableType:
    """Which run it is, how it was made, and what it came to."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(ratio=1)
    status = (report.status, STATUS_STYLES.get(report.status, ""))
    grid.add_row("run", Text.assemble((report.id, "bold"), "  ", status, overflow="fold"))
    if report.error:
        grid.add_row("error" if report.status == "failed" else "cause", Text(report.error))
    settings = tuple(f"{title} {value}" for title, value in settings_of(report.config).items())
    grid.add_row("settings", Items(settings))
    if report.plugins:
        grid.add_row("plugins", Items(tuple(map(str, report.plugins))))
    grid.add_row("result", Items(result_phrases(report)))
    if phrase := clipping_phrase(report.clipping):
        grid.add_row("clipping", Text(phrase))
    return grid


def result_phrases(report: Report) -> tuple[str, ...]:
    """The last known losses and accuracies; with their step where it is not the last one."""
    course = report.course
    if not course.size:
        return ("none yet",)
    phrases = [f"step {course['step'][-1]}"]
    for name in RESULTS:
        known = course[~np.isnan(course[name])]
        if known.size:
            phrase = result_phrase(name, float(known[name][-1]))
            current = known["step"][-1] == course["step"][-1]
            phrases.append(phrase if current else f"{phrase} (step {known['step'][-1]})")
    return tuple(phrases)


def _section(title: str, content: RenderableType) -> tuple[RenderableType, ...]:
    return Text(f"\n{title}\n", style="bold"), content


def when(report: Report) -> str:
    """The report's step, in words."""
    if report.step == 0:
        return "step 0, the initialization"
    return f"step {report.step}" + (", the last" if report.step == report.last_step else "")


def _legend(report: Report) -> str:
    names = report.layers["name"]
    words = (
        f"ratio to last: over the norm of {names[-1]}. z: pre-activation. h: output. sat.: slopes "
        "below 5% of the steepest. dead: units that pass no gradient. update ratio: over the "
        "weight's norm."
    )
    marks = {state for state in layer_states(report.layers) if state != "fine"}
    hidden = names[-2] if names.size > 1 else names[-1]
    meanings = {
        "vanished": f"less than {VANISHED_BELOW:g} of {hidden}'s δ.",
        "exploding": f"more than {EXPLODING_ABOVE:,.0f} times {hidden}'s δ.",
        "non-finite": "not finite.",
    }
    for state in sorted(marks):
        words += f" {STATE_MARKS[state]}: {meanings[state]}"
    return words
