"""A file and overrides → a `Spec`, or every problem in them.

A sweep file has the form that users of Weights & Biases know, with `base` for the experiment that
is varied; a plain experiment file becomes a sweep by overrides with several values.
"""

import os.path
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, Field, ValidationError

from vgrad.config import Config
from vgrad.config.document import Document, KeyPath
from vgrad.config.loading import load_config, load_section, read_document
from vgrad.config.messages import problems_of
from vgrad.config.overrides import COMMAND_LINE, parse_override, split_override
from vgrad.config.parts import STRICT
from vgrad.config.paths import absolute_paths
from vgrad.config.plain import show
from vgrad.config.yaml_source import Reading
from vgrad.errors import Problem, RequestError, nearest
from vgrad.sweep.axes import Axis, Choices
from vgrad.sweep.parameters import axis_of, listed_values
from vgrad.sweep.spec import (
    Goal,
    Method,
    Metric,
    MetricName,
    Spec,
    rows_of_mappings,
    zipped_axes,
)
from vgrad.sweep.values import FORMS, values_of

SWEEP_KEYS = ("parameters", "base", "method")
"""Any of them makes a file a sweep's, not an experiment's."""


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


@dataclass(frozen=True)
class Wishes:
    """What the command line says of the sweep itself; None where it says nothing."""

    method: Method | None = None
    runs: int | None = None
    metric: MetricName | None = None


def wishes(method: str | None = None, runs: int | None = None, metric: str | None = None) -> Wishes:
    """What the command line says, checked.

    Raises:
        RequestError: there is no such method or metric.
    """
    for option, name, choices in (
        ("--method", method, get_args(Method)),
        ("--metric", metric, get_args(MetricName)),
    ):
        if name is not None and name not in choices:
            allowed = f"one of {', '.join(choices)}"
            raise RequestError(Problem(f"{option} {name}", "", allowed, nearest(name, choices)))
    return Wishes(method, runs, metric)  # type: ignore[arg-type]


def read_spec(file: str | Path, overrides: Sequence[str] = (), wish: Wishes | None = None) -> Spec:
    """The sweep that a file and overrides ask for.

    Raises:
        RequestError: they are wrong, or there is nothing to vary; located.
    """
    file = str(file)
    document, reading = read_document(file)
    singles, several = _sorted_out(overrides)
    if any(key in document.data for key in SWEEP_KEYS):
        spec = _of_sweep_file(document, reading, singles, several)
    else:
        base = load_config(file, singles)
        spec = Spec(base, (), name=base.name or _stem(file))
    spec, wish = _with_axes(spec, several), wish or Wishes()
    spec = replace(
        spec,
        method=wish.method or spec.method,
        runs=wish.runs or spec.runs,
        metric=Metric.called(wish.metric) if wish.metric else spec.metric,
    )
    if not spec.axes:
        allowed = f"give a key several values: {FORMS}, as in model.depth=5,10,20"
        raise RequestError(Problem("there is nothing to vary", allowed=allowed, file=file))
    return spec


def _stem(file: str) -> str | None:
    from vgrad.config.schema import usable_name

    stem = Path(file).stem
    return stem if usable_name(stem) else None


def _sorted_out(overrides: Sequence[str]) -> tuple[list[str], dict[str, list[object]]]:
    """Overrides with one value, and those with several."""
    singles: list[str] = []
    several: dict[str, list[object]] = {}
    problems: list[Problem] = []
    for text in overrides:
        try:
            key, value = split_override(text)
            values = values_of(value)
        except RequestError as error:
            where = text.partition("=")[0].strip()
            problems += [
                replace(problem, key=problem.key or where, file=COMMAND_LINE)
                for problem in error.problems
            ]
            continue
        if values is None:
            parse_override(text)
            singles.append(text)
        else:
            several[key] = values
    if problems:
        raise RequestError(problems)
    return singles, several


def _with_axes(spec: Spec, several: Mapping[str, list[object]]) -> Spec:
    """The sweep with these keys varied as well, or in this way instead."""
    if not several:
        return spec
    if spec.method == "list":
        what = Problem("a list of runs has no axes to add to", next(iter(several)), "one value")
        raise RequestError(replace(what, file=COMMAND_LINE))
    axes, origins = list(spec.axes), dict(spec.origins)
    for key, values in several.items():
        new = Choices((key,), tuple((value,) for value in listed_values(values, Document({}))))
        place = next((i for i, axis in enumerate(axes) if axis.keys == (key,)), None)
        if place is None and any(key in axis.keys for axis in axes):
            what = Problem("moves together with other keys", key, "change it in the file")
            raise RequestError(replace(what, file=COMMAND_LINE))
        axes = [*axes, new] if place is None else [*axes[:place], new, *axes[place + 1 :]]
        origins[key] = ()
    return replace(spec, axes=tuple(axes), origins=origins)


def _of_sweep_file(
    document: Document,
    reading: Reading,
    singles: Sequence[str],
    several: Mapping[str, list[object]],
) -> Spec:
    outside_base = {path: fault for path, fault in reading.faults.items() if path[0] != "base"}
    if outside_base:
        raise RequestError(outside_base.values())
    try:
        stated = SweepFile.model_validate(dict(document.data))
    except ValidationError as error:
        problems = problems_of(error, SweepFile, document).values()
        raise RequestError(document.in_order(list(problems))) from None
    base = _base(document, reading, stated.base, singles)
    fixed = {split_override(text)[0] for text in singles}
    axes, origins = _axes(stated, document, fixed)
    groups = _groups(stated.zip, document)
    missing = [key for group in groups for key in group if key in fixed or key in several]
    if missing:
        what = Problem("moves together with other keys", missing[0], "change it in the file")
        raise RequestError(replace(what, file=COMMAND_LINE))
    axes = list(zipped_axes(axes, groups, document))
    return Spec(
        base=base,
        axes=tuple(_with_paths(axis, base, document.file) for axis in axes),
        method=stated.method,
        name=stated.name or base.name or _stem(document.file),
        seed=stated.seed,
        runs=stated.runs,
        metric=_metric(stated.metric, document),
        exclude=_exclusions(stated.exclude, document, [*origins, *several]),
        zipped=tuple(tuple(group) for group in groups),
        document=document,
        origins=origins,
    )


def _metric(stated: MetricFile, document: Document) -> Metric | None:
    if stated.name is None:
        if stated.goal is not None:
            raise _problem(document, ("metric",), "has a goal but no name", "name: test_loss, …")
        return None
    return Metric(stated.name, stated.goal or Metric.called(stated.name).goal)


def _base(document: Document, reading: Reading, base: object, singles: Sequence[str]) -> Config:
    if isinstance(base, Mapping):
        return load_section(document, reading, "base", singles)
    if not isinstance(base, str) or not base:
        allowed = "the path of an experiment file, or its keys"
        raise RequestError(document.locate(Problem(f"{show(base)} is no config", "base", allowed)))
    folder = os.path.dirname(document.file)
    path = os.path.join(folder, os.path.expanduser(base))
    if not os.path.exists(path):
        what = Problem(f"there is no file {path}", "base", "a path relative to this file's folder")
        raise RequestError(document.locate(what))
    return load_config(path, singles)


_Axes = tuple[list[Axis], dict[str, KeyPath]]


def _axes(stated: SweepFile, document: Document, fixed: set[str]) -> _Axes:
    """The axes of the parameters but for those that the command line fixes, and their places."""
    parameters = stated.parameters
    if stated.method == "list" and isinstance(parameters, list):
        return _listed_runs(parameters, document)
    if not isinstance(parameters, Mapping) or not parameters:
        raise _problem(document, ("parameters",), "is no mapping", "KEY: {values: [...]} of each")
    axes: list[Axis] = []
    origins: dict[str, KeyPath] = {}
    problems: list[Problem] = []
    for key, given in parameters.items():
        if key in fixed:
            continue
        path: KeyPath = ("parameters", key)
        try:
            axes.append(axis_of(key, given, _below(document, path)))
            origins[key] = path
        except RequestError as error:
            inside = f"parameters.{key}"
            problems += [
                document.locate(replace(one, key=f"{inside}.{one.key}".rstrip(".")), path)
                for one in error.problems
            ]
    if problems:
        raise RequestError(document.in_order(problems))
    if stated.method == "list":
        return [_side_by_side(axes, document)], origins
    return axes, origins


def _with_paths(axis: Axis, base: Config, file: str) -> Axis:
    """The axis with paths in its values, which are relative to the file's folder, absolute."""
    if not isinstance(axis, Choices):
        return axis
    folder = os.path.dirname(os.path.abspath(file))

    def absolute(key: str, value: object) -> object:
        section, _, option = key.partition(".")
        whole = {"name": base.data.name, option: value} if option else value
        if section != "data" or not isinstance(whole, Mapping):
            return value
        data = absolute_paths(Document({section: whole}), folder, Config).data[section]
        return data[option] if option and isinstance(data, Mapping) else data

    rows = (tuple(map(absolute, axis.keys, row)) for row in axis.rows)
    return replace(axis, rows=tuple(rows))


def _side_by_side(axes: Sequence[Axis], document: Document) -> Axis:
    """All parameters moving together; one with a single value keeps it."""
    longest = max(len(axis) if isinstance(axis, Choices) else 1 for axis in axes)
    stretched = [
        replace(axis, rows=axis.rows * longest)
        if isinstance(axis, Choices) and len(axis) == 1
        else axis
        for axis in axes
    ]
    keys = [key for axis in axes for key in axis.keys]
    try:
        (joined,) = zipped_axes(stretched, [keys], document)
    except RequestError as error:
        raise RequestError(
            document.locate(replace(one, key="parameters", file=""), ("parameters",))
            for one in error.problems
        ) from None
    return joined


def _listed_runs(rows: Sequence[object], document: Document) -> _Axes:
    for number, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise _problem(document, ("parameters", number), "is no run", "KEY: VALUE of each key")
    if not rows:
        raise _problem(document, ("parameters",), "the list is empty", "at least one run")
    choices = rows_of_mappings([row for row in rows if isinstance(row, Mapping)])
    return [choices], dict.fromkeys(choices.keys, ("parameters",))


def _groups(given: object, document: Document) -> list[list[str]]:
    """`zip: [a, b]` or `zip: [[a, b], [c, d]]`, as the latter."""
    if given is None:
        return []
    items = given if isinstance(given, list) else [given]
    listed = [items] if all(isinstance(one, str) for one in items) else items
    groups: list[list[str]] = []
    for group in listed:
        if not isinstance(group, list) or not all(isinstance(key, str) for key in group):
            allowed = "[KEY, KEY], or a list of such"
            raise _problem(document, ("zip",), "is no group of keys", allowed)
        groups.append(group)
    keys = [key for group in groups for key in group]
    if len(set(keys)) < len(keys):
        raise _problem(document, ("zip",), "names a key twice", "each key once")
    return groups


def _exclusions(
    given: object, document: Document, keys: Sequence[str]
) -> tuple[Mapping[str, object], ...]:
    items = [] if given is None else given if isinstance(given, list) else [given]
    for number, one in enumerate(items):
        path: KeyPath = ("exclude", number)
        if not isinstance(one, Mapping) or not one:
            raise _problem(document, path, "is no combination", "KEY: VALUE of swept keys")
        for key in one:
            if key not in keys:
                near = nearest(str(key), keys)
                what = Problem(f"{key} is not swept", "exclude", f"one of {', '.join(keys)}", near)
                raise RequestError(document.locate(what, (*path, key), at_key=True))
    return tuple(items)


def _below(document: Document, path: KeyPath) -> Document:
    """The part of a document at a path, as a document of its own."""
    length = len(path)
    places = {
        place[length:]: where for place, where in document.places.items() if place[:length] == path
    }
    return Document({}, "", places)


def _problem(document: Document, path: KeyPath, message: str, allowed: str) -> RequestError:
    key = str(path[0])
    return RequestError(document.locate(Problem(message, key, allowed), path))
