"""What a sweep is: a base config, axes along which it varies, and how combinations are chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from vgrad.config import Config
from vgrad.config.document import Document, KeyPath, Place
from vgrad.config.messages import UNKNOWN_KEY
from vgrad.config.overrides import COMMAND_LINE
from vgrad.errors import Problem, RequestError
from vgrad.sweep.axes import Axis, Bell, Changes, Choices

MOST_RUNS = 100_000
Method = Literal["grid", "random", "list", "bayes"]
Goal = Literal["maximize", "minimize"]
MetricName = Literal["test_accuracy", "test_loss", "train_accuracy", "train_loss", "gradient_ratio"]
LOSSES = ("train_loss", "test_loss")


@dataclass(frozen=True)
class Metric:
    """What runs are ranked by, and which end of it is the better one."""

    name: MetricName
    goal: Goal

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return 1 if self.goal == "maximize" else -1

    @classmethod
    def called(cls, name: MetricName) -> "Metric":
        """A metric with the goal that everyone has with it."""
        return cls(name, "minimize" if name in LOSSES else "maximize")


@dataclass(frozen=True)
class Spec:
    """A sweep as it was asked for.

    `runs` is how many at most, `metric` None where what the data asks for is meant. `document`
    and `origins` (key → where its values stand) are for the places of what is wrong.
    """

    base: Config
    axes: tuple[Axis, ...]
    method: Method = "grid"
    name: str | None = None
    seed: int = 0
    runs: int | None = None
    metric: Metric | None = None
    exclude: tuple[Mapping[str, object], ...] = ()
    zipped: tuple[tuple[str, ...], ...] = ()
    document: Document = field(default_factory=lambda: Document({}))
    origins: Mapping[str, KeyPath] = field(default_factory=dict)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The swept keys, in the order in which they were given."""
        keys = [key for axis in self.axes for key in axis.keys]
        order = {key: place for place, key in enumerate(self.origins)}
        return tuple(sorted(keys, key=lambda key: order.get(key, len(order))))

    def excluded(self, changes: Changes) -> bool:
        """Whether a combination is one of those to leave out."""
        return any(
            all(matches(changes.get(key), value) for key, value in one.items())
            for one in self.exclude
        )

    def config(self, changes: Changes) -> Config:
        """The config of one run.

        Raises:
            RequestError: it is wrong; each problem is located where the value was given.
        """
        try:
            return self.base.with_overrides(changes)
        except RequestError as error:
            raise self.located(error, changes) from None

    def located(self, error: RequestError, changes: Changes) -> RequestError:
        """Problems of one run's config, at the places of the values that it was given here."""
        return RequestError(self._located(problem, changes) for problem in error.problems)

    def _located(self, problem: Problem, changes: Changes) -> Problem:
        guilty = [key for key in changes if _concerns(key, problem.key)]
        place = self.place_of(guilty[0], changes[guilty[0]]) if guilty else self._own(problem)
        if place is None and changes:
            guilty = [*changes]
            place = self.place_of(guilty[0], changes[guilty[0]])
        if place is None:
            return problem
        if problem.message == UNKNOWN_KEY and guilty:
            path = self.origins[guilty[0]]
            stated = self.document.places.get(path, place) if path[1:] else place
            return problem.at(place.file, *stated.key)
        alone = {key: changes[key] for key in guilty[:1]}
        others = {key: value for key, value in changes.items() if key not in alone}
        message = problem.message
        if others and not self._wrong_alone(alone, message):
            message += f" (with {as_text(others)})"
        found = Problem(message, problem.key, problem.allowed, problem.suggestion)
        return found.at(place.file, *place.value)

    def _wrong_alone(self, changes: Changes, message: str) -> bool:
        try:
            self.base.with_overrides(changes)
        except RequestError as error:
            return message in (problem.message for problem in error.problems)
        return False

    def _own(self, problem: Problem) -> Place | None:
        """Where the base config has the key of a problem, if it is written there."""
        found = self.base.locate(replace(problem, file="", line=0, column=0))
        written = found.line or found.file == COMMAND_LINE
        return Place(found.file, value=(found.line, found.column)) if written else None

    def place_of(self, key: str, value: object) -> Place | None:
        """Where this value of a swept key was given, or else where the key was."""
        path = self.origins.get(key)
        if path is None:
            return None
        if not path:
            return Place(COMMAND_LINE)
        places = self.document.places
        listed = self._index(key, value)
        row: list[KeyPath] = []
        if listed is not None:
            row = [(*path, "values", listed), (*path, listed, key)]
        for candidate in (*row, (*path, "values"), (*path, "value"), path):
            if candidate in places:
                return places[candidate]
        return None

    def _index(self, key: str, value: object) -> int | None:
        for axis in self.axes:
            if isinstance(axis, Choices) and key in axis.keys:
                place, sought = axis.keys.index(key), repr(value)  # 1 is not True here
                fitting = (n for n, row in enumerate(axis.rows) if repr(row[place]) == sought)
                return next(fitting, None)
        return None

    def to_plain(self, planned: int, metric: Metric) -> dict[str, object]:
        """The sweep as its own file states it, whole: reading that gives the same sweep."""
        plain: dict[str, object] = {"name": self.name} if self.name else {}
        plain |= {"method": self.method, "runs": planned, "seed": self.seed}
        plain |= {"metric": {"name": metric.name, "goal": metric.goal}}
        plain["parameters"] = self._plain_parameters()
        if self.zipped and self.method != "list":
            plain["zip"] = [list(keys) for keys in self.zipped]
        if self.exclude:
            plain["exclude"] = [dict(one) for one in self.exclude]
        return plain | {"base": self.base.to_dict()}

    def _plain_parameters(self) -> object:
        if self.method == "list":
            (rows,) = self.axes
            assert isinstance(rows, Choices)
            return [rows.at(index) for index in range(len(rows))]
        by_key = {key: axis for axis in self.axes for key in axis.keys}
        return {key: _plain(key, by_key[key]) for key in self.keys}


def _plain(key: str, axis: Axis) -> dict[str, object]:
    if isinstance(axis, Choices):
        column = axis.keys.index(key)
        values = [row[column] for row in axis.rows]
        plain: dict[str, object] = {"values": values}
        return plain | ({"probabilities": list(axis.probabilities)} if axis.probabilities else {})
    step = {"q": axis.step} if axis.step else {}
    stepped = "q_" if axis.step else ""
    if isinstance(axis, Bell):
        name = f"{stepped}{'log_' if axis.log else ''}normal"
        return {"distribution": name, "mu": axis.mu, "sigma": axis.sigma, **step}
    kind = "log_uniform_values" if axis.log else "uniform"
    name = "int_uniform" if axis.whole else f"{stepped}{kind}"
    ends = {"min": axis.low, "max": axis.high}
    return {"distribution": name, **ends, **step}


def as_text(changes: Changes) -> str:
    """`model.depth=5, seed=0`."""
    return ", ".join(f"{key}={value}" for key, value in changes.items())


def matches(value: object, excluded: object) -> bool:
    """Whether `excluded`, a value or a list of such, has this one."""
    return value == excluded or (isinstance(excluded, list) and value in excluded)


def _concerns(key: str, problem_key: str) -> bool:
    """Whether a problem at one key is one of a value given at another: at, below or above it."""
    longer, shorter = sorted((key, problem_key), key=len, reverse=True)
    return bool(shorter) and (
        longer == shorter or longer.startswith((f"{shorter}.", f"{shorter}["))
    )
