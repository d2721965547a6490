"""An examination for the eyes and for programs: verdict, cause, and what was found to help."""

import math
import shlex
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from vgrad.config.dumping import to_flow
from vgrad.doctor import Examination, Prescription
from vgrad.doctor.probe import Outcome
from vgrad.report.documents import json_text
from vgrad.report.grid import Column, Grid
from vgrad.report.numbers import accuracy, loss, number
from vgrad.report.phrases import Items
from vgrad.report.portable import Portable
from vgrad.report.settings import settings_of
from vgrad.report.tables import KIND_STYLES

RATE_STYLES = {"too small": "yellow", "right": "green", "too large": "yellow", "unknown": "dim"}
LEGEND = (
    "gradient: ‖g‖ of the first layer over that of the output layer, at initialization. Loss and "
    "accuracy: of the last quarter of the steps that were made, on training batches."
)


def examination_view(found: Examination) -> RenderableType:
    """All of it, as something that a rich console prints at any width."""
    settings = settings_of(found.config.to_dict())
    return Portable(
        Group(
            Items(tuple(f"{title} {value}" for title, value in settings.items())),
            Text(),
            _verdict(found),
            *_rate(found),
            Text(),
            *_prescriptions(found),
        )
    )


def in_one_line(found: Examination) -> str:
    """The best change as overrides that `vgrad run` takes, or the verdict where there is none."""
    if not found.prescriptions:
        return found.verdict
    return " ".join(_overrides(found.prescriptions[0]))


def examination_json(found: Examination) -> str:
    """For a program: verdict, cause, and the prescriptions in the order of their rank."""
    rates = found.rates
    document: dict[str, Any] = {
        "verdict": found.verdict,
        "cause": found.cause,
        "trains": found.trains,
        "measured": _measured(found.outcome),
        "learning_rate": None
        if rates is None
        else {
            "finding": rates.finding,
            "rate": rates.rate,
            "suggestion": rates.suggestion,
            "largest": rates.largest,
        },
        "prescriptions": [
            {
                "rank": rank,
                "change": dict(one.change),
                "remedies": list(one.remedies),
                "size": one.size,
                "trains": one.trains,
                "measured": _measured(one.outcome),
            }
            for rank, one in enumerate(found.prescriptions, 1)
        ],
        "config": found.config.to_dict(),
    }
    return json_text(document)


def _measured(outcome: Outcome) -> dict[str, Any]:
    return {
        "steps": outcome.steps,
        "of_steps": outcome.total,
        "diverged": outcome.diverged,
        "gradient_ratio": outcome.start.gradient_ratio,
        "orders": outcome.start.orders,
        "state": outcome.end.kind,
        "loss_at_start": outcome.loss_at_start,
        "loss": outcome.loss,
        "accuracy": outcome.accuracy,
        "skill": outcome.skill,
        "skill_on_test_part": outcome.held_out,
    }


def _verdict(found: Examination) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1)
    style = f"bold {KIND_STYLES.get(found.verdict, 'yellow')}"
    grid.add_row(Text(found.verdict.upper(), style), Text(found.cause))
    return grid


def _rate(found: Examination) -> tuple[RenderableType, ...]:
    """What the range test says, where the gradient lets it say anything."""
    rates = found.rates
    if rates is None or rates.suggestion is None or found.outcome.start.kind != "healthy":
        return ()
    words = Text.assemble(
        ("\nlearning rate  ", "dim"),
        f"{rates.rate:g} is ",
        (rates.finding, RATE_STYLES[rates.finding]),
        f": in a range test the loss fell up to {rates.largest:.1g}",
    )
    if rates.finding != "right":
        words.append(f", which suggests {rates.suggestion:g}")
    return (words,)


def _prescriptions(found: Examination) -> tuple[RenderableType, ...]:
    given = found.prescriptions
    if not given:
        nothing = "Nothing to prescribe." if found.trains else "Nothing that was tried helps."
        return (Text(nothing),)
    title = "Prescriptions, tried on the config's own data"
    if not any(one.trains for one in given):
        title = "Nothing that was tried makes it train; these came nearest"
    steps = sorted({one.outcome.steps for one in given} | {found.outcome.steps})
    over = f" ({steps[0]} to {steps[-1]} steps)" if len(steps) > 1 else f" ({steps[0]} steps)"
    return (
        Text(f"{title}{over}\n", style="bold"),
        Grid(_columns(found.outcome, given)),
        Text(f"\n{LEGEND}", style="dim"),
        Text("\nIn the file:", style="bold"),
        *(_lines(rank, one) for rank, one in enumerate(given, 1)),
    )


def _columns(before: Outcome, given: Sequence[Prescription]) -> list[Column]:
    outcomes = [before, *(one.outcome for one in given)]
    columns = [
        Column("", ["as it is", *(str(rank) for rank in range(1, len(given) + 1))]),
        Column("remedy", ["", *(_named(one) for one in given)], justify="left"),
        Column("gradient", [number(one.start.gradient_ratio) for one in outcomes]),
        Column("loss", [_loss(one) for one in outcomes]),
    ]
    if not all(math.isnan(one.accuracy) for one in outcomes):
        columns.append(Column("accuracy", [accuracy(one.accuracy) for one in outcomes]))
    columns.append(Column("state", [one.end.kind for one in outcomes], justify="left", rank=1))
    columns.append(Column("change", ["", *(f"{one.size:g}" for one in given)], rank=2))
    return columns


def _named(one: Prescription) -> str:
    return " + ".join(name.replace("_", " ") for name in one.remedies)


def _loss(outcome: Outcome) -> str:
    return "diverged" if outcome.diverged else loss(outcome.loss)


def _lines(rank: int, one: Prescription) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right", min_width=3)
    grid.add_column(ratio=1)
    lines = [f"{key}: {to_flow(value)}" for key, value in one.change.items()]
    grid.add_row(str(rank), Text("\n".join(lines)))
    return grid


def _overrides(one: Prescription) -> list[str]:
    """Quoted for a shell."""
    return [shlex.quote(f"{key}={to_flow(value)}") for key, value in one.change.items()]
