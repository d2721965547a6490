"""The examination: a probe of the config as it is, a rate range test, and if need be remedies."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from vgrad.config import Config
from vgrad.doctor.causes import Findings, Kind, cause_of, kind_of
from vgrad.doctor.goal import trains
from vgrad.doctor.plan import Plan
from vgrad.doctor.probe import Outcome, at_hand, probe
from vgrad.doctor.rates import RangeTest
from vgrad.doctor.remedies import Candidate, candidate
from vgrad.doctor.search import (
    Base,
    Runner,
    Trial,
    attempt,
    attempts,
    in_turn,
    opening,
    search,
    trials_of,
    tried,
    try_rates,
)

SHOWN = 6  # prescriptions
RATE_STEPS = 100  # of the range test of the config itself
BETTER = 0.05  # of skill: what gains less is no remedy
BETTER_RATE = 0.5
"""Of what is left to learn: a rate that leaves no more than that is prescribed to the healthy."""
WORTH_A_WORD = 0.1  # of skill: and that gains at least so much


@dataclass(frozen=True)
class Prescription:
    """A change that was tried, and what came of it; `steps` were made."""

    change: Mapping[str, object]
    """Dotted key → value."""
    remedies: tuple[str, ...]
    config: Config
    outcome: Outcome
    size: float
    """How much it changes."""
    trains: bool


@dataclass(frozen=True, eq=False)
class Examination:
    """What there is to say of a config."""

    config: Config
    verdict: Kind
    cause: str
    trains: bool
    outcome: Outcome
    rates: RangeTest | None
    prescriptions: tuple[Prescription, ...]
    """Best first."""


def examine(
    config: Config, run: Runner | None = None, *, seen: Outcome | None = None
) -> Examination:
    """Say whether a config trains, why not, and what was found to cure it.

    `run` carries out probes, in parallel if it can; by default they come one after the other.
    `seen` is what a whole training of the config has come to, where there was one.

    Raises:
        RequestError: the config cannot be carried out.
    """
    run = run or in_turn
    experiment = at_hand(config, 1)
    plan = Plan.of(experiment)
    experiment.network()  # refuses what would not fit into memory
    base = Base(config, config)
    ill = probe(config, 1).start.kind != "healthy"
    pool = opening(base) if ill else []  # begun at once: cores would wait for the patient's probe
    outcome, rates, *outcomes = run(
        [
            partial(_as_seen, seen) if seen is not None else partial(probe, config, plan.patient),
            partial(try_rates, config, min(RATE_STEPS, 3 * plan.rates)),
            *attempts(pool, plan.first),
        ]
    )
    assert isinstance(outcome, Outcome)
    rates = rates if isinstance(rates, RangeTest) else None
    well = trains(outcome.worth)
    if well:
        trials = list(_other_rates(config, outcome, rates, plan, run))
    else:
        begun = trials_of(pool, outcomes) if ill else tried(opening(base), plan.first, run)
        trials = search(base, plan, run, rates, begun)
    best = max((trial.outcome.worth for trial in trials), default=0.0)
    reference = max(best, outcome.worth)
    well = well or trains(outcome.worth, reference)
    helps = _much_better if well else _better
    trials = [trial for trial in trials if helps(trial.outcome, outcome)]
    findings = Findings(experiment, outcome, rates, well)
    return Examination(
        config,
        kind_of(findings),
        cause_of(findings),
        well,
        outcome,
        rates,
        tuple(_prescription(trial, reference) for trial in trials[:SHOWN]),
    )


def _as_seen(outcome: Outcome) -> Outcome:
    return outcome


def _other_rates(
    config: Config, outcome: Outcome, rates: RangeTest | None, plan: Plan, run: Runner
) -> Iterator[Trial]:
    """The suggested rate, for a config that trains at one that is too small or too large."""
    if rates is None or rates.suggestion is None or rates.finding == "right":
        return
    other = candidate(config, ("rate",), {"optimizer.lr": rates.suggestion})
    if other is None:
        return
    (found,) = run([partial(attempt, other.config, plan.patient)])
    if isinstance(found, Outcome) and _much_better(found, outcome):
        yield Trial(other, found)


def _better(found: Outcome, before: Outcome) -> bool:
    return found.worth >= before.worth + BETTER


def _much_better(found: Outcome, before: Outcome) -> bool:
    gained = found.worth - before.worth
    left = 1.0 - before.worth
    return gained >= WORTH_A_WORD and gained >= BETTER_RATE * left


def _prescription(trial: Trial, best: float) -> Prescription:
    one: Candidate = trial.candidate
    return Prescription(
        one.change,
        one.remedies,
        one.config,
        trial.outcome,
        one.size,
        trains(trial.outcome.worth, best),
    )
