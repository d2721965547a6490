"""Trying remedies: many for a few steps, the promising ones for longer, the best to the end.

Reference: Jamieson & Talwalkar 2016, successive halving.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from vgrad.config import Config
from vgrad.doctor.goal import trains
from vgrad.doctor.plan import Plan
from vgrad.doctor.probe import Outcome, probe
from vgrad.doctor.rates import RangeTest, range_test
from vgrad.doctor.remedies import Candidate, Change, candidate, candidates, combined
from vgrad.errors import RequestError

Task = Callable[[], object]
Runner = Callable[[Sequence[Task]], list[object]]
"""Carries out tasks, in any order and place; their results in order. Tasks can be pickled."""

ABOUT_THE_SAME = 0.9  # of the best skill: with that much, the smaller change is the better one
KEPT_LONGER, KEPT_TO_THE_END = 6, 3
RATED = 4  # of those that go on, for which a rate is looked for
SMALL_ONES = 2  # kept besides, for being the smallest changes of those that do half as well
SAME_REMEDY = 2  # candidates of one remedy that go on, so that one does not crowd out all others
FOR_HEALTH, FOR_FALLING = 0.02, 0.05
"""Of the way from guessing to perfection: what a healthy gradient, at first and at last, and a
falling loss count for while nothing is learnt yet."""
WITH_ADAM = ("init", "activation", "norm", "wiring", "depth", "undo")
"""What remedies concern that are tried with Adam as well."""
ADAM = "adam"


@dataclass(frozen=True)
class Base:
    """What remedies are tried on: a config as it is, or already changed."""

    config: Config
    changed: Config
    remedies: tuple[str, ...] = ()
    change: Change = field(default_factory=dict)


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
        far = max(outcome.progress, outcome.skill, 0.0)
        healthy = (outcome.start.kind == "healthy") + (outcome.end.kind == "healthy")
        before = abs(outcome.loss_at_start)
        fallen = (outcome.loss_at_start - outcome.loss) / before if before else 0.0
        return far + FOR_HEALTH * healthy + FOR_FALLING * min(max(fallen, 0.0), 1.0)


def search(
    base: Base, plan: Plan, run: Runner, rates: RangeTest | None, begun: Sequence[Trial]
) -> list[Trial]:
    """The remedies that were tried to the end, best first. `begun` are those of the opening.

    Where none of them trains, it begins anew from the best of them: some configs need two.
    """
    finished: list[Trial] = []
    for number in range(plan.rounds):
        if number:
            begun, rates = tried(opening(base), plan.first, run), None
        found = _round(base, plan, run, rates, begun)
        finished += found
        if not found or any(trains(trial.outcome.worth) for trial in found):
            break
        best = max(found, key=lambda trial: trial.promise).candidate
        base = Base(base.config, best.config, best.remedies, best.change)
    return ranked(finished)


def in_turn(tasks: Sequence[Task]) -> list[object]:
    """Carry out tasks one after the other."""
    return [task() for task in tasks]


def ranked(trials: Iterable[Trial]) -> list[Trial]:
    """Those that achieve about the same as the best by the size of the change, the rest by what
    they achieve; of those that differ in a rate only, the first."""
    trials = list(trials)
    best = max((trial.outcome.worth for trial in trials), default=0.0)
    top = [one for one in trials if one.outcome.worth >= ABOUT_THE_SAME * best > 0.0]
    rest = [one for one in trials if one not in top]
    top.sort(key=lambda one: (one.candidate.size, -one.outcome.worth))
    rest.sort(key=lambda one: (-one.outcome.worth, -one.promise))
    firsts: list[Trial] = []
    for trial in (*top, *rest):
        if not any(_alike(trial.candidate, other.candidate) for other in firsts):
            firsts.append(trial)
    return firsts


def _alike(one: Candidate, other: Candidate) -> bool:
    return one.remedies == other.remedies or one.config == other.config


def _round(
    base: Base, plan: Plan, run: Runner, rates: RangeTest | None, begun: Sequence[Trial]
) -> list[Trial]:
    """From all remedies to the few that were tried to the end."""
    begun = [*begun, *tried(_at_rates(base.config, (), {}, rates), plan.first, run)]
    leading = [one.candidate for one in _kept(begun, KEPT_LONGER)]
    structures = [one for one in leading if not one.touches("optimizer")][:RATED]
    tests = run([partial(try_rates, one.config, plan.rates) for one in structures])
    for one, test in zip(structures, tests, strict=True):
        if isinstance(test, RangeTest):
            leading += _at_rates(base.config, one.remedies, one.change, test)
    last = _kept(tried(_distinct(leading), plan.longer, run), KEPT_TO_THE_END)
    if plan.whole <= plan.longer:
        return last
    return tried([one.candidate for one in last], plan.whole, run)


def opening(base: Base) -> list[Candidate]:
    """Each remedy, on its own and, where it concerns the net, with Adam."""
    found: list[Candidate | None] = []
    entries = list(candidates(base.changed))
    adam = next((one.change for entry, one in entries if entry.name == ADAM), {})
    for entry, one in entries:
        names, change = (*base.remedies, entry.name), combined(base.change, one.change)
        found.append(candidate(base.config, names, change))
        if entry.target in WITH_ADAM and adam:
            found.append(candidate(base.config, (*names, ADAM), combined(change, adam)))
    return _distinct(one for one in found if one is not None)


def _at_rates(
    config: Config, remedies: tuple[str, ...], change: Change, test: RangeTest | None
) -> list[Candidate]:
    """This change with the rates that its range test suggests."""
    rates = test.to_try if test is not None else ()
    changes = ({**change, "optimizer.lr": rate} for rate in rates)
    found = (candidate(config, (*remedies, "rate"), one) for one in changes)
    return [one for one in found if one is not None]


def tried(pool: Sequence[Candidate], steps: int, run: Runner) -> list[Trial]:
    """What each comes to in so many steps; those that cannot be carried out are left out."""
    return trials_of(pool, run(attempts(pool, steps)))


def attempts(pool: Sequence[Candidate], steps: int) -> list[Task]:
    """Their probes."""
    return [partial(attempt, one.config, steps) for one in pool]


def trials_of(pool: Sequence[Candidate], outcomes: Sequence[object]) -> list[Trial]:
    """Candidates with what their probes came to."""
    pairs = zip(pool, outcomes, strict=True)
    return [Trial(one, outcome) for one, outcome in pairs if isinstance(outcome, Outcome)]


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
