"""The runs of a sweep, one after the other: made when they are asked for, never all at once."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from typing import Protocol

import numpy as np

from vgrad.errors import Problem, RequestError
from vgrad.sweep.axes import Changes, Choices
from vgrad.sweep.spec import MOST_RUNS, Spec

LONGEST_ID = 80  # characters of a run-id in a sweep
SHORTEST_NUMBER = 4  # digits of the number in it
MOST_REFUSED = 10_000  # draws in a row that `exclude` may refuse before it leaves nothing


@dataclass(frozen=True)
class Trial:
    """A run to be made: its number from 1, its id in the sweep, and what it changes."""

    number: int
    run_id: str
    changes: Changes


class Trials(Protocol):
    """Where the runs of a sweep come from."""

    planned: int

    def next(self) -> Trial | None:
        """The next run; None where there is none, or none yet."""

    @property
    def exhausted(self) -> bool:
        """Whether there will be no more."""

    def tell(self, number: int, value: float) -> None:
        """What the run of this number reached: its metric, nan where it has none."""


class FixedTrials:
    """Runs that do not depend on each other: of a grid, a list, or drawn at random."""

    def __init__(self, spec: Spec) -> None:
        self.planned = count(spec)
        self._trials = trials(spec, self.planned)
        self._made = 0

    def next(self) -> Trial | None:
        """The next run; None where there is none."""
        trial = next(self._trials, None)
        self._made += trial is not None
        return trial

    @property
    def exhausted(self) -> bool:
        """Whether all were made."""
        return self._made == self.planned

    def tell(self, number: int, value: float) -> None:
        """Nothing: no run depends on another."""


def trials(spec: Spec, planned: int) -> Iterator[Trial]:
    """The runs of a sweep whose runs do not depend on each other."""
    combinations = islice(_combinations(spec), planned)
    for number, changes in enumerate(combinations, start=1):
        yield Trial(number, run_id(number, planned, changes), changes)


def count(spec: Spec) -> int:
    """How many runs a sweep has.

    Raises:
        RequestError: none, too many, or as many as one likes where that was not said.
    """
    if spec.method in ("random", "bayes"):
        if spec.runs is None:
            what = f"{spec.method} needs a number of runs"
            problem = Problem(what, "runs", "runs: N, or --runs N")
            raise RequestError(spec.document.locate(problem, ("method",)))
        return _bounded(spec, spec.runs)
    for axis in spec.axes:
        if not isinstance(axis, Choices):
            what = f"a {spec.method} cannot hold a distribution"
            problem = Problem(what, axis.keys[0], "values, or method: random")
            raise RequestError(_at_key(spec, axis.keys[0], problem))
    size = math.prod(len(axis) for axis in spec.axes if isinstance(axis, Choices))
    wanted = size if spec.runs is None else min(size, spec.runs)
    if spec.exclude:
        _bounded(spec, size)
        wanted = sum(1 for _ in islice(_grid(spec), wanted))
    if not wanted:
        problem = Problem("leaves no combination", "exclude", "at least one")
        raise RequestError(spec.document.locate(problem))
    return _bounded(spec, wanted)


def _at_key(spec: Spec, key: str, problem: Problem) -> Problem:
    place = spec.place_of(key, None)
    return problem.at(place.file, *place.value) if place else problem


def _bounded(spec: Spec, wanted: int) -> int:
    if wanted <= MOST_RUNS:
        return wanted
    what, allowed = f"{wanted:,} runs", f"at most {MOST_RUNS:,}"
    if wanted == spec.runs:
        raise RequestError(spec.document.locate(Problem(what, "runs", allowed)))
    sizes = " × ".join(
        f"{len(axis):,} of {' and '.join(axis.keys)}"
        for axis in spec.axes
        if isinstance(axis, Choices) and len(axis) > 1
    )
    allowed += "; method: random with runs: N draws some of them"
    problem = Problem(f"{what} ({sizes})", "", allowed)
    raise RequestError(spec.document.locate(problem, ("parameters",)))


def _combinations(spec: Spec) -> Iterator[Changes]:
    return _drawn(spec) if spec.method == "random" else _grid(spec)


def _grid(spec: Spec) -> Iterator[Changes]:
    """All combinations, the last axis changing fastest."""
    axes = [axis for axis in spec.axes if isinstance(axis, Choices)]
    for indices in product(*(range(len(axis)) for axis in axes)):
        changes: Changes = {}
        for axis, index in zip(axes, indices, strict=True):
            changes |= axis.at(index)
        if not spec.excluded(changes):
            yield changes


def _drawn(spec: Spec) -> Iterator[Changes]:
    """Combinations at random, each from a stream of its own: the first N of any more are they."""
    number = 0
    while True:
        rng = np.random.default_rng(np.random.SeedSequence(spec.seed, spawn_key=(number,)))
        number += 1
        for _ in range(MOST_REFUSED):
            changes: Changes = {}
            for axis in spec.axes:
                changes |= axis.draw(rng)
            if not spec.excluded(changes):
                yield changes
                break
        else:
            problem = Problem("leaves no combination", "exclude", "at least one")
            raise RequestError(spec.document.locate(problem))


def run_id(number: int, planned: int, changes: Changes) -> str:
    """`0007-depth=30-lr=0.01`: sorts by number, says what is special, can name a folder."""
    digits = max(SHORTEST_NUMBER, len(str(planned)))
    parts = [f"{number:0{digits}d}"]
    parts += [f"{key.rpartition('.')[2]}={_short(value)}" for key, value in changes.items()]
    return "-".join(parts)[:LONGEST_ID].rstrip("-.=")


def _short(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("name", "+".join(map(str, value)))
    if isinstance(value, list):
        value = "+".join(map(str, value))
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return re.sub(r"[^A-Za-z0-9_.+]+", "_", text)
