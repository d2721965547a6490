"""A file and overrides → a `Spec`, or every problem in them.

A sweep file may be overridden as an experiment file; a plain experiment file becomes a sweep by
overrides with several values.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from vgrad.config.document import Document, KeyPath, Place
from vgrad.config.loading import load_config, read_document
from vgrad.config.overrides import COMMAND_LINE, parse_override, split_override
from vgrad.config.schema import usable_name
from vgrad.errors import Problem, RequestError, nearest
from vgrad.sweep.axes import Axis, Choices
from vgrad.sweep.joining import Groups, side_by_side, zipped_axes
from vgrad.sweep.spec import Method, Metric, MetricName, Spec, matches
from vgrad.sweep.sweep_file import Source
from vgrad.sweep.values import FORMS, values_of

SWEEP_KEYS = ("parameters", "base", "method")
"""Any of them makes a file a sweep's, not an experiment's."""


@dataclass(frozen=True)
class Wishes:
    """What the command line says of the sweep itself; None where it says nothing."""

    method: Method | None = None
    runs: int | None = None
    metric: MetricName | None = None

    @property
    def places(self) -> dict[KeyPath, Place]:
        """Where the keys of a sweep file that it stands for are given."""
        said = {"method": self.method, "runs": self.runs, "metric": self.metric}
        return {(key,): Place(COMMAND_LINE) for key, wish in said.items() if wish is not None}


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
    file, wish, given = str(file), wish or Wishes(), Overrides.sorted_out(overrides)
    document, reading = read_document(file)
    if any(key in document.data for key in SWEEP_KEYS):
        document = replace(document, places={**document.places, **wish.places})
        spec = _of_sweep_file(Source(document, reading), given, wish)
    else:
        spec = _of_experiment_file(file, given, wish)
    if not spec.axes:
        allowed = f"give a key several values: {FORMS}, as in model.depth=5,10,20"
        raise RequestError(Problem("there is nothing to vary", allowed=allowed, file=file))
    return spec


def _of_experiment_file(file: str, given: "Overrides", wish: Wishes) -> Spec:
    given = given.kept_below(())
    base = load_config(file, given.texts)
    document = Document({}, COMMAND_LINE, wish.places)
    axes, origins = given.over([], {}, {})
    if wish.method == "list" and axes:
        axes, origins = _in_a_list(axes, origins, document)
    return Spec(
        base=base,
        axes=tuple(axes),
        method=wish.method or "grid",
        name=base.name or _stem(file),
        runs=wish.runs,
        metric=Metric.called(wish.metric) if wish.metric else None,
        document=document,
        origins=origins,
    )


def _of_sweep_file(source: Source, given: "Overrides", wish: Wishes) -> Spec:
    stated, document = source.stated(), source.document
    method = wish.method or stated.method
    axes, origins = source.axes(method, stated.parameters, given.singles.keys())
    given = given.kept_below(origins)
    base = source.base(stated.base, given.texts)
    groups = source.groups(stated.zip)
    axes, origins = given.over(axes, origins, groups)
    excluded = source.exclusions(stated.exclude, [*origins, *given.singles])
    axes = list(zipped_axes(axes, groups, document))
    if method == "list" and axes:
        axes, origins = _in_a_list(axes, origins, document)
    return Spec(
        base=base,
        axes=tuple(axes),
        method=method,
        name=stated.name or base.name or _stem(document.file),
        seed=stated.seed,
        runs=wish.runs or stated.runs,
        metric=Metric.called(wish.metric) if wish.metric else source.metric(stated.metric),
        exclude=given.left_of(excluded),
        zipped=tuple(tuple(group) for group in groups.values()),
        document=document,
        origins=origins,
    )


def _in_a_list(
    axes: Sequence[Axis], origins: Mapping[str, KeyPath], document: Document
) -> tuple[list[Axis], dict[str, KeyPath]]:
    runs = side_by_side(axes, document)
    return [runs], {key: origins[key] for key in runs.keys}


def _stem(file: str) -> str | None:
    stem = Path(file).stem
    return stem if usable_name(stem) else None


@dataclass(frozen=True)
class Overrides:
    """The overrides of the command line: those with one value, and those with several."""

    singles: Mapping[str, object]
    several: Mapping[str, list[object]]
    texts: Sequence[str]
    """The singles as they were given."""

    @classmethod
    def sorted_out(cls, overrides: Sequence[str]) -> "Overrides":
        """
        Raises:
            RequestError: one is not understood; every problem in them.
        """
        singles: dict[str, object] = {}
        several: dict[str, list[object]] = {}
        texts: list[str] = []
        problems: list[Problem] = []
        for text in overrides:
            where = text.partition("=")[0].strip()
            try:
                key, value = split_override(text)
                values = values_of(value)
                if values is not None:
                    several[key] = values
                    continue
                singles[key] = parse_override(text)[1]
                texts.append(text)
            except RequestError as error:
                problems += [
                    one if one.file else replace(one, key=one.key or where, file=COMMAND_LINE)
                    for one in error.problems
                ]
        if problems:
            raise RequestError(problems)
        return cls(singles, several, texts)

    def kept_below(self, swept: Collection[str]) -> "Overrides":
        """These with single values of options of swept parts (`optimizer.lr` where `optimizer` is
        swept) varied as well, so that they hold for each part."""
        above = tuple(f"{key}." for key in (*swept, *self.several))
        below = {key: value for key, value in self.singles.items() if key.startswith(above)}
        singles = {key: value for key, value in self.singles.items() if key not in below}
        texts = [text for text in self.texts if split_override(text)[0] in singles]
        several = {**self.several, **{key: [value] for key, value in below.items()}}
        return Overrides(singles, several, texts)

    def over(
        self, axes: Sequence[Axis], origins: Mapping[str, KeyPath], groups: Groups
    ) -> tuple[list[Axis], dict[str, KeyPath]]:
        """The axes of a file with these keys varied as well, or in this way instead.

        Raises:
            RequestError: one of them moves together with others in the file.
        """
        together = {key for group in groups.values() for key in group}
        together |= {key for axis in axes for key in axis.keys if len(axis.keys) > 1}
        for key in (*self.singles, *self.several):
            if key in together:
                what = Problem("moves together with other keys", key, "change it in the file")
                raise RequestError(replace(what, file=COMMAND_LINE))
        by_key = {axis.keys: axis for axis in axes}
        by_key |= {(key,): _listed(key, values) for key, values in self.several.items()}
        return [*by_key.values()], {**origins, **dict.fromkeys(self.several, ())}

    def left_of(
        self, exclusions: Sequence[Mapping[str, object]]
    ) -> tuple[Mapping[str, object], ...]:
        """What the exclusions of a file come to where these values are fixed."""
        left = []
        for one in exclusions:
            fixed = {key: value for key, value in one.items() if key in self.singles}
            if all(matches(self.singles[key], value) for key, value in fixed.items()):
                left.append({key: value for key, value in one.items() if key not in fixed})
        return tuple(left)


def _listed(key: str, values: Sequence[object]) -> Choices:
    return Choices((key,), tuple((value,) for value in values))
