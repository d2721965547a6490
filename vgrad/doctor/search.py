"""Trying remedies: many for a few steps, the promising ones for longer, the best to the end.

Reference: Jamieson & Talwalkar 2016, successive halving.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from vgrad.config import Config
from vgrad.doctor.goal import trains
from vgrad.doctor.plan import Plan
from vgrad.doctor.probe import Outcome, probe
from vgrad.doctor.rates import RangeTest, range_test
from vgrad.doctor.remedies import Candidate, Change, candidate, candidates
from vgrad.errors import RequestError

Task = Callable[[], object]
Runner = Callable[[Sequence[Task]], list[object]]
"""Carries out tasks, in any order and place; their results in order. Tasks can be pickled."""

ABOUT_THE_SAME = 0.9  # of the best skill: with that much, the smaller change is the better one
KEPT_LONGER, KEPT_TO_THE_END = 6, 3
RATED = 4  # of those that go on, for which a rate is looked for
SMALL_ONES = 2  # kept besides, for being the smallest changes of those that do half as well
SAME_REMEDY = 2  # candidates of one remedy that go on, so that one does not crowd out all others
STRUCTURAL = ("init", "activation", "norm", "wiring", "depth")
"""Remedies that a rate of their own may have to go with."""


@dataclass(frozen=True)
class Trial:
    """A candidate and what it has come to, so far."""

    candidate: Candidate
    outcome: Outcome

    @property
    def promise(self) -> float:
        """What tells one trial from the next when all have just begun: how far it is, and if it
        has hardly moved, whether the gradient gets through."""
        outcome = self.outcome
        if outcome.diverged:
            return -1.0
        healthy = (outcome.start.kind == "healthy") + (outcome.end.kind == "healthy")
        fallen = (outcome.loss_at_start - outcome.loss) / max(abs(outcome.loss_at_start), 1e-30)
        return (
            max(outcome.progress, outcome.skill, 0.0)
            + 0.02 * healthy
            + 0.05 * min(max(fallen, 0.0), 1.0)
        )


def search(config: Config, plan: Plan, run: Runner, rates: RangeTest | None) -> list[Trial]:
    """The remedies that were tried to the end, best first."""
    base = config
    prefix: tuple[tuple[str, ...], Change] = ((), {})
    finished: list[Trial] = []
    for _ in range(plan.rounds):
        found = _round(config, base, prefix, plan, run, rates if base is config else None)
        finished += found
        if not found or any(trains(trial.outcome.expected_skill) for trial in found):
            break
        best = max(found, key=lambda trial: trial.promise)
        base = best.candidate.config
        prefix = (best.candidate.remedies, best.candidate.change)
    return ranked(finished)


def in_turn(tasks: Sequence[Task]) -> list[object]:
    """Carry out tasks one after the other."""
    return [task() for task in tasks]


def ranked(trials: Iterable[Trial]) -> list[Trial]:
    """Those that achieve about the same as the best by the size of the change, the rest by what
    they achieve."""
    trials = list(trials)
    best = max((trial.outcome.expected_skill for trial in trials), default=0.0)
    top = [t for t in trials if t.outcome.expected_skill >= ABOUT_THE_SAME * best and best > 0.0]
    rest = [t for t in trials if t not in top]
    top.sort(key=lambda trial: (trial.candidate.size, -trial.outcome.expected_skill))
    rest.sort(key=lambda trial: (-trial.outcome.expected_skill, -trial.promise))
    return [*top, *rest]


def _round(
    config: Config,
    base: Config,
    prefix: tuple[tuple[str, ...], Change],
    plan: Plan,
    run: Runner,
    rates: RangeTest | None,
) -> list[Trial]:
    """From all remedies over `base` to the few that were tried to the end."""
    pool = _singles(config, base, prefix)
    if rates is not None:
        pool += _at_rates(config, (), {}, rates.to_try)
    trials = _try(_distinct(pool), plan.first, run)
    leading = _kept(trials, KEPT_LONGER)
    structures = [
        one.candidate
        for one in leading
        if not any(key.startswith("optimizer") for key in one.candidate.change)
    ][:RATED]
    tests = run([partial(try_rates, one.config, plan.rates) for one in structures])
    refined = [one.candidate for one in leading]
    for structure, test in zip(structures, tests, strict=True):
        if isinstance(test, RangeTest):
            refined += _at_rates(config, structure.remedies, structure.change, test.to_try)
    trials = _try(_distinct(refined), plan.longer, run)
    leading = _kept(trials, KEPT_TO_THE_END)
    if plan.whole > plan.longer:
        leading = _try([one.candidate for one in leading], plan.whole, run)
    return leading


def _singles(
    config: Config, base: Config, prefix: tuple[tuple[str, ...], Change]
) -> list[Candidate]:
    """Each remedy over `base`, on its own and, where it concerns the net, with Adam."""
    names, change = prefix
    found: list[Candidate | None] = []
    adam: Change = {}
    entries = list(candidates(base))
    for entry, one in entries:
        if entry.name == "adam":
            adam = one.change
    for entry, one in entries:
        whole = {**change, **one.change}
        found.append(candidate(config, (*names, entry.name), whole))
        if entry.target in (*STRUCTURAL, "undo") and adam:
            found.append(candidate(config, (*names, entry.name, "adam"), {**whole, **adam}))
    return [one for one in found if one is not None]


def _at_rates(
    config: Config, remedies: tuple[str, ...], change: Change, rates: Sequence[float]
) -> list[Candidate]:
    found = (
        candidate(config, (*remedies, "rate"), {**change, "optimizer.lr": rate}) for rate in rates
    )
    return [one for one in found if one is not None]


def _try(pool: Sequence[Candidate], steps: int, run: Runner) -> list[Trial]:
    outcomes = run([partial(attempt, one.config, steps) for one in pool])
    return [
        Trial(one, outcome)
        for one, outcome in zip(pool, outcomes, strict=True)
        if isinstance(outcome, Outcome)
    ]


def _kept(trials: Sequence[Trial], count: int) -> list[Trial]:
    """The most promising, not too many of one remedy, and the smallest changes of the rest."""
    kept: list[Trial] = []
    used: dict[str, int] = {}
    for trial in sorted(trials, key=lambda one: (-one.promise, one.candidate.size)):
        first = trial.candidate.remedies[0]
        if used.get(first, 0) < SAME_REMEDY and len(kept) < count:
            used[first] = used.get(first, 0) + 1
            kept.append(trial)
    least = max((trial.promise for trial in trials), default=0.0) / 2.0
    others = [trial for trial in trials if trial not in kept and trial.promise >= least]
    others.sort(key=lambda one: (one.candidate.size, -one.promise))
    return kept + others[:SMALL_ONES]


def _distinct(pool: Iterable[Candidate]) -> list[Candidate]:
    """Without those that make the same config by a larger change."""
    kept: list[Candidate] = []
    for one in sorted(pool, key=lambda one: one.size):
        if all(one.config != other.config for other in kept):
            kept.append(one)
    return kept


def attempt(config: Config, steps: int) -> Outcome | None:
    """A probe; None where the config cannot be carried out."""
    try:
        return probe(config, steps)
    except RequestError:
        return None


def try_rates(config: Config, steps: int) -> RangeTest | None:
    """A range test; None where the config cannot be carried out."""
    try:
        return range_test(config, steps)
    except RequestError:
        return None
