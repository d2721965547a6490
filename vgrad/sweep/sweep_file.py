"""A sweep file → its parts: base, axes, groups of keys that move together, exclusions.

It has the form that users of Weights & Biases know, with `base` for the experiment that is varied.
"""

import os.path
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, Field, ValidationError, field_validator

from vgrad.config import Config
from vgrad.config.document import Document, KeyPath, Place
from vgrad.config.loading import load_config, load_section
from vgrad.config.messages import problems_of
from vgrad.config.parts import STRICT
from vgrad.config.paths import absolute_value
from vgrad.config.plain import show
from vgrad.config.schema import checked_name
from vgrad.config.yaml_source import Reading
from vgrad.errors import Problem, RequestError, nearest
from vgrad.sweep.axes import Axis, Choices
from vgrad.sweep.joining import Groups, rows_of_mappings
from vgrad.sweep.parameters import axis_of
from vgrad.sweep.spec import Goal, Method, Metric, MetricName

MOST_PARAMETERS = 100  # more than an experiment has keys


class MetricFile(BaseModel):
    """What runs are ranked by."""

    model_config = STRICT

    name: MetricName | None = None
    goal: Goal | None = None


class SweepFile(BaseModel):
    """The keys of a sweep file."""

    model_config = STRICT

    base: Any
    parameters: Any
    method: Method = "grid"
    name: str | None = None
    seed: int = Field(default=0, ge=0)
    runs: int | None = Field(default=None, ge=1)
    metric: MetricFile = Field(default_factory=MetricFile)
    zip: Any = None
    exclude: Any = None

    @field_validator("name", mode="before")
    @classmethod
    def _usable_in_a_folder_name(cls, name: object) -> object:
        return checked_name(name)


@dataclass(frozen=True)
class Source:
    """A sweep file as it was read."""

    document: Document
    reading: Reading

    def stated(self) -> SweepFile:
        """Its keys; what stands below them is not looked at yet.

        Raises:
            RequestError: one is unknown, missing or of the wrong kind; located.
        """
        faults = self.reading.faults.items()
        outside = [fault for path, fault in faults if path[:1] != ("base",) or len(path) == 1]
        if outside:
            raise RequestError(outside)
        try:
            return SweepFile.model_validate(dict(self.document.data))
        except ValidationError as error:
            problems = problems_of(error, SweepFile, self.document).values()
            raise RequestError(self.document.in_order(list(problems))) from None

    def metric(self, stated: MetricFile) -> Metric | None:
        """`metric: {name: ..., goal: ...}`; None where there is none."""
        if stated.name is not None:
            return Metric(stated.name, stated.goal or Metric.called(stated.name).goal)
        if stated.goal is not None:
            raise self._wrong(("metric",), "has a goal but no name", "name: test_loss, …")
        return None

    def base(self, given: object, overrides: Sequence[str]) -> Config:
        """`base: PATH`, relative to the file's folder, or the experiment itself."""
        if isinstance(given, Mapping):
            return load_section(self.document, self.reading, "base", overrides)
        if not isinstance(given, str) or not given:
            what, allowed = f"{show(given)} is no config", "the path of an experiment file"
            raise self._wrong(("base",), what, f"{allowed}, or its keys")
        path = os.path.join(self._folder, os.path.expanduser(given))
        if not os.path.exists(path) or os.path.isdir(path):
            what = f"there is no file {path}"
            raise self._wrong(("base",), what, "a path relative to this file's folder")
        return load_config(path, overrides)

    @property
    def _folder(self) -> str:
        return os.path.dirname(self.document.file)

    def axes(
        self, method: Method, given: object, fixed: Collection[str]
    ) -> tuple[list[Axis], dict[str, KeyPath]]:
        """The axes of `parameters` but for the `fixed` keys, and where the values of each stand."""
        if isinstance(given, Mapping | list) and len(given) == 0:
            raise self._wrong(("parameters",), "nothing is given", "KEY: {values: [...]} of each")
        if method == "list" and isinstance(given, list):
            return self._listed_runs(given, fixed)
        if not isinstance(given, Mapping):
            allowed = "KEY: {values: [...]} of each" + "; a list of runs with method: list"
            raise self._wrong(("parameters",), "is no mapping", allowed)
        self._check_number(given)
        return self._stated_axes(given, fixed)

    def _stated_axes(
        self, given: Mapping[str, object], fixed: Collection[str]
    ) -> tuple[list[Axis], dict[str, KeyPath]]:
        inside = _places_of_each(self.document, "parameters")
        axes: list[Axis] = []
        origins: dict[str, KeyPath] = {}
        problems: list[Problem] = []
        for key in given:
            if key in fixed:
                continue
            path: KeyPath = ("parameters", key)
            try:
                axis = axis_of(key, given[key], Document({}, "", inside.get(key, {})))
                axes.append(self._with_absolute_paths(axis))
                origins[key] = path
            except RequestError as error:
                where = f"parameters.{key}"
                problems += [
                    self.document.locate(replace(one, key=f"{where}.{one.key}".rstrip(".")), path)
                    for one in error.problems
                ]
        if problems:
            raise RequestError(self.document.in_order(problems))
        return axes, origins

    def _listed_runs(
        self, given: Sequence[object], fixed: Collection[str]
    ) -> tuple[list[Axis], dict[str, KeyPath]]:
        rows: list[dict[str, object]] = []
        for number, row in enumerate(given):
            if not isinstance(row, Mapping):
                raise self._wrong(("parameters", number), "is no run", "KEY: VALUE of each key")
            rows.append({key: value for key, value in row.items() if key not in fixed})
        self._check_number({key for row in rows for key in row})
        choices = rows_of_mappings(rows)
        origins: dict[str, KeyPath] = dict.fromkeys(choices.keys, ("parameters",))
        return [self._with_absolute_paths(choices)] if choices.keys else [], origins

    def _check_number(self, keys: Collection[object]) -> None:
        if len(keys) > MOST_PARAMETERS:
            what = f"{len(keys):,} keys are varied"
            raise self._wrong(("parameters",), what, f"at most {MOST_PARAMETERS}")

    def _with_absolute_paths(self, axis: Axis) -> Axis:
        if not isinstance(axis, Choices):
            return axis
        folder = os.path.abspath(self._folder)
        rows = (
            tuple(
                absolute_value(*pair, folder, Config) for pair in zip(axis.keys, row, strict=True)
            )
            for row in axis.rows
        )
        return replace(axis, rows=tuple(rows))

    def groups(self, given: object) -> Groups:
        """`zip: [a, b]` or `zip: [[a, b], [c, d]]`."""
        items = [] if given is None else given
        if not isinstance(items, list):
            raise self._wrong(("zip",), "is no group of keys", "[KEY, KEY], or a list of such")
        flat = bool(items) and all(isinstance(one, str) for one in items)
        listed = {("zip",): items} if flat else {("zip", n): one for n, one in enumerate(items)}
        groups: dict[KeyPath, list[str]] = {}
        seen: set[str] = set()
        for path, group in listed.items():
            if not isinstance(group, list) or not all(isinstance(key, str) for key in group):
                raise self._wrong(path, "is no group of keys", "[KEY, KEY], or a list of such")
            if len(group) < 2:
                raise self._wrong(path, "is no group of keys", "at least two keys")
            for number, key in enumerate(group):
                if key in seen:
                    raise self._wrong((*path, number), f"names {key} twice", "each key once")
                seen.add(key)
            groups[path] = group
        return groups

    def exclusions(self, given: object, keys: Sequence[str]) -> tuple[Mapping[str, object], ...]:
        """`exclude: {a: 1, b: 2}`, or a list of such, over swept `keys`."""
        several = isinstance(given, list)
        items = [] if given is None else given if isinstance(given, list) else [given]
        for number, one in enumerate(items):
            path: KeyPath = ("exclude", number) if several else ("exclude",)
            if not isinstance(one, Mapping) or not one:
                raise self._wrong(path, "is no combination", "KEY: VALUE of swept keys")
            for key in one:
                if key not in keys:
                    allowed = f"one of {', '.join(keys)}"
                    what = Problem(f"{key} is not swept", "exclude", allowed, nearest(key, keys))
                    raise RequestError(self.document.locate(what, (*path, key), at_key=True))
        return tuple(items)

    def _wrong(self, path: KeyPath, message: str, allowed: str) -> RequestError:
        return RequestError(self.document.locate(Problem(message, str(path[0]), allowed), path))


def _places_below(document: Document, key: str) -> dict[KeyPath, Place]:
    return {path[1:]: place for path, place in document.places.items() if path[:1] == (key,)}


def _places_of_each(document: Document, key: str) -> dict[str | int, dict[KeyPath, Place]]:
    """The places below each key below `key`, by one pass through all."""
    found: dict[str | int, dict[KeyPath, Place]] = {}
    for path, place in _places_below(document, key).items():
        if path:
            found.setdefault(path[0], {})[path[1:]] = place
    return found
