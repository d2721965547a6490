"""YAML text → plain data with the place of every value.

Only the events of PyYAML's parser are used, never its constructors: nothing in a file is
executed, and what the data is made of is decided here. Tags, aliases and merge keys are refused:
a config is a page that reads from top to bottom, and nothing in it can expand.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from vgrad.config.document import KeyPath, Place, dotted
from vgrad.config.plain import MAX_DEPTH, REFUSED, scalar_fault, show
from vgrad.config.yaml_scalars import resolve_scalar
from vgrad.errors import Problem, RequestError

MAX_NODES = 200_000  # the widths of 100,000 layers fit; reading them takes about a second

# all that YAML does not admit into a text
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Position = tuple[int, int]


@dataclass
class Reading:
    """What a text holds: its data, the places in it, and what is wrong at single values.

    In the data, such a value is `REFUSED`.
    """

    data: object = None
    places: dict[KeyPath, Place] = field(default_factory=dict)
    faults: dict[KeyPath, Problem] = field(default_factory=dict)


def read_yaml(text: str, file: str = "") -> Reading:
    """The one document in `text`; no data and no places where it is empty.

    Raises:
        RequestError: it is no YAML, holds more than one document, or goes beyond the limits.
    """
    if found := _UNREADABLE.search(text):
        problem = Problem(f"holds the control character {found.group()!a}")
        raise RequestError(problem.at(file, *line_and_column(text[: found.start()])))
    builder = _Builder(file)
    try:
        for event in _events(text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise RequestError(_syntax_problem(error, text, file)) from None
    except yaml.YAMLError as error:
        raise RequestError(Problem(f"is not valid YAML: {error}", file=file)) from None
    return builder.reading


def line_and_column(before: str) -> tuple[int, int]:
    """Where the character after `before` stands."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _events(text: str) -> Iterator[yaml.Event]:
    return yaml.parse(text, Loader=_Parser)


def _position(mark: Any) -> _Position:
    return (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    mark: Any = error.problem_mark or error.context_mark
    lines = text.splitlines()
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    if error.context_mark is not None and not line:
        mark = error.context_mark  # the text ended; what was not closed is what helps
    what = " ".join(part for part in (error.problem, error.context) if part)
    problem = Problem(f"is not valid YAML: {what}")
    if "nesting depth" in what:  # PyYAML has a limit of its own since 6.0.4, and may meet it first
        problem = Problem(f"is nested deeper than {MAX_DEPTH} levels")
    if mark is not None and "\t" in line[: mark.column + 1]:
        problem = Problem("is not valid YAML: a tab cannot indent", allowed="use spaces")
    return problem.at(file, *_position(mark))


@dataclass
class _Frame:
    """A mapping or list that is still open, and the key whose value comes next."""

    items: dict[str, object] | list[object]
    path: KeyPath
    key: str | None = None
    key_at: _Position = (0, 0)


class _Builder:
    """Builds the data event by event on a stack of its own: depth costs no recursion."""

    def __init__(self, file: str) -> None:
        self.reading = Reading()
        self._file = file
        self._frames: list[_Frame] = []
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        at = _position(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._stop("a second document begins; a file holds one experiment", at)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._frames.pop()
        elif isinstance(event, yaml.NodeEvent):
            frame = self._frames[-1] if self._frames else None
            if frame and isinstance(frame.items, dict) and frame.key is None:
                self._take_key(frame, event, at)
            else:
                self._take_value(frame, event, at)

    def _take_key(self, frame: _Frame, event: yaml.NodeEvent, at: _Position) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            self._stop("a key must be plain text, not a list, a mapping or an alias", at)
        frame.key, frame.key_at = event.value, at
        path = (*frame.path, event.value)
        if event.implicit[0] and event.value == "<<":
            self._fault(path, "merge keys are not supported", "write the keys out", at)
        elif event.value in frame.items:
            first = self.reading.places[path].key[0]
            self._fault(path, f"is given twice, first in line {first}", "", at)
        else:
            key = self._scalar(path, event, at)
            if key is not REFUSED and not isinstance(key, str):
                self._fault(path, f"the key {show(key)} is not text", "", at)

    def _take_value(self, frame: _Frame | None, event: yaml.NodeEvent, at: _Position) -> None:
        path: KeyPath = ()
        if frame is not None:
            path = (*frame.path, len(frame.items) if frame.key is None else frame.key)
        key_at = frame.key_at if frame and frame.key is not None else at
        self.reading.places[path] = Place(self._file, key_at, at)
        if len(self.reading.places) > MAX_NODES:
            self._stop(f"holds more than {MAX_NODES:,} values", at)
        value = self._value(path, event, at)
        if frame is None:
            self.reading.data = value
        elif isinstance(frame.items, list):
            frame.items.append(value)
        elif frame.key is not None:
            frame.items[frame.key] = value
            frame.key = None
        if isinstance(value, dict | list):
            if len(self._frames) == MAX_DEPTH:
                self._stop(f"is nested deeper than {MAX_DEPTH} levels", at)
            self._frames.append(_Frame(value, path))

    def _value(self, path: KeyPath, event: yaml.NodeEvent, at: _Position) -> object:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(path, event, at)
        if isinstance(event, yaml.AliasEvent):
            self._fault(path, f"the alias *{event.anchor} is refused", "write the value out", at)
            return REFUSED
        self._refuse_tag(path, event, at)
        return {} if isinstance(event, yaml.MappingStartEvent) else []

    def _scalar(self, path: KeyPath, event: yaml.ScalarEvent, at: _Position) -> object:
        self._refuse_tag(path, event, at)
        try:
            value = resolve_scalar(event.value) if event.implicit[0] else event.value
            fault = scalar_fault(value)
        except ValueError as error:
            fault = str(error)
        if fault:
            self._fault(path, fault, "", at)
        return REFUSED if fault or event.tag is not None else value

    def _refuse_tag(self, path: KeyPath, event: Any, at: _Position) -> None:
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._fault(path, f"the tag {tag} is refused", "a value without a tag", at)

    def _fault(self, path: KeyPath, message: str, allowed: str, at: _Position) -> None:
        problem = Problem(message, dotted(path), allowed).at(self._file, *at)
        self.reading.faults.setdefault(path, problem)

    def _stop(self, message: str, at: _Position) -> NoReturn:
        key = dotted(self._frames[-1].path) if self._frames else ""
        raise RequestError(Problem(message, key).at(self._file, *at))
