"""Why a config does not train, in a word and in a sentence with numbers."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from vgrad.diagnosis import Kind as GradientKind
from vgrad.doctor.goal import TRAINS_FROM
from vgrad.doctor.probe import Outcome
from vgrad.doctor.rates import RangeTest
from vgrad.errors import RequestError
from vgrad.experiment import Experiment
from vgrad.forecast.making import forecast
from vgrad.plugins import blamed

Kind = GradientKind | Literal["too fast", "too slow", "stuck"]
"""What ails a config: its gradient, or if that is healthy, its learning rate; `stuck`: none of
both. `healthy` is said of what trains, and of nothing else."""

ALIKE_FROM = 0.99
"""Correlation of two inputs' pre-activations in the last layer from which they look alike."""


ALIKE_INITS = ("zeros", "constant")


@dataclass(frozen=True, eq=False)
class Findings:
    """What is known of a config that was looked at."""

    experiment: Experiment
    outcome: Outcome
    rates: RangeTest | None
    trains: bool

    @property
    def rate_phrase(self) -> str:
        """The rate's verdict, with the suggestion."""
        rates = self.rates
        if rates is None or rates.suggestion is None or rates.largest is None:
            return ""
        return (
            f"in a range test the loss fell up to a rate of {rates.largest:.1g}; "
            f"{rates.suggestion:g} keeps a margin"
        )


def kind_of(findings: Findings) -> Kind:
    """The verdict in a word."""
    outcome, rates = findings.outcome, findings.rates
    if findings.trains:
        return "healthy"
    if outcome.start.kind != "healthy":
        return outcome.start.kind
    finding = rates.finding if rates is not None else "unknown"
    if outcome.diverged:
        return "exploding"
    if finding == "too large":
        return "too fast"
    if outcome.end.kind != "healthy":
        return outcome.end.kind
    return "too slow" if finding == "too small" else "stuck"


def cause_of(findings: Findings) -> str:
    """Why, in a sentence or two, with numbers."""
    told = (cause(findings) for cause in CAUSES)
    return " ".join(next(sentences for sentences in told if sentences))


def _well(findings: Findings) -> tuple[str, ...]:
    if not findings.trains:
        return ()
    outcome = findings.outcome
    end = f"It trains: {_result(outcome)}."
    if outcome.start.kind != "healthy":
        return end, f"And that although at initialization {_small(outcome.start.sentence)}"
    return end, outcome.start.sentence


def _gradient(findings: Findings) -> tuple[str, ...]:
    """Vanishing and exploding gradients, dead and saturated units, at initialization."""
    start = findings.outcome.start
    if start.kind == "healthy":
        return ()
    return start.sentence, *_beginning(findings), *_theory(findings)


def _rate(findings: Findings) -> tuple[str, ...]:
    """A gradient that was healthy until the rate broke it, or that is not made use of."""
    outcome, rates = findings.outcome, findings.rates
    finding = rates.finding if rates is not None else "unknown"
    rate = findings.experiment.rule.lr
    phrase = findings.rate_phrase
    beside = f": {phrase}." if phrase else "."
    if outcome.diverged or finding == "too large":
        what = "training diverges" if outcome.diverged else "the loss does not stay down"
        after = f" after {outcome.steps} steps" if outcome.diverged else ""
        return (
            f"The gradient is healthy at initialization, but at a rate of {rate:g} {what}{after}"
            f"{beside}",
        )
    if finding == "too small":
        return (f"The gradient is healthy, but the rate of {rate:g} is too small{beside}",)
    return ()


def _became_ill(findings: Findings) -> tuple[str, ...]:
    end = findings.outcome.end
    if end.kind == "healthy":
        return ()
    return (f"Healthy at initialization, it falls ill in training. {end.sentence}",)


def _alike(findings: Findings) -> tuple[str, ...]:
    """Inputs that the net cannot tell apart."""
    correlation = _correlation(findings.experiment)
    if not correlation >= ALIKE_FROM:
        return ()
    return (
        f"The gradient gets through, but the inputs do not: in the last layer two of them have a "
        f"correlation of {correlation:.6g}, and the net sees hardly any difference.",
    )


def _by_heart(findings: Findings) -> tuple[str, ...]:
    outcome = findings.outcome
    if not (outcome.skill >= TRAINS_FROM and outcome.held_out < TRAINS_FROM):
        return ()
    return (
        f"It learns by heart: {_result(outcome)}, but of the way from guessing to perfection that "
        f"is {outcome.skill:.0%} on the training part and {outcome.held_out:.0%} on the test part.",
    )


def _stuck(findings: Findings) -> tuple[str, ...]:
    outcome = findings.outcome
    return (
        f"The gradient is healthy and the rate is not far off, but {_result(outcome)}: "
        "the net is too hard to train as it is, or its training too short.",
    )


CAUSES: tuple[Callable[[Findings], tuple[str, ...]], ...] = (
    _well,
    _gradient,
    _rate,
    _became_ill,
    _by_heart,
    _alike,
    _stuck,
)
"""The first that has something to say is the cause."""


def _beginning(findings: Findings) -> Iterator[str]:
    """What weights and biases begin with, where that is the trouble."""
    model = findings.experiment.config.model
    if model.init.name in ALIKE_INITS:
        yield "Every weight begins with the same number: all units of a layer stay alike."
    if isinstance(model.bias_init, float) and model.bias_init:
        yield f"Each bias begins at {model.bias_init:g}."


def _theory(findings: Findings) -> Iterator[str]:
    try:
        with blamed():
            found = forecast(findings.experiment)
    except RequestError:
        return
    if found.source == "theory":
        yield found.explanation


def _correlation(experiment: Experiment) -> float:
    try:
        with blamed():
            found = forecast(experiment)
    except RequestError:
        return math.nan
    rows = found.layers
    return float(rows["correlation"][-2]) if rows.size > 1 else math.nan


def _result(outcome: Outcome) -> str:
    """`after 300 steps accuracy is 97.0% (loss 0.112)`."""
    after = f"after {outcome.steps} steps"
    if math.isnan(outcome.accuracy):
        return f"{after} the loss is {outcome.loss:.3g}, {outcome.skill:.0%} below that of guessing"
    return f"{after} accuracy is {outcome.accuracy:.1%} and the loss {outcome.loss:.3g}"


def _small(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
