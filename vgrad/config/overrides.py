"""`KEY=VALUE` on the command line, or a mapping of dotted keys, over what the file says."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vgrad.config.document import Document, KeyPath, Place, dotted, split_key
from vgrad.config.plain import show, to_plain
from vgrad.config.shape import choice_of, find, section_of
from vgrad.config.yaml_source import read_yaml
from vgrad.errors import Problem, RequestError

Overrides = Mapping[str, object] | Sequence[str]

COMMAND_LINE = "command line"  # the place of a value that was given as KEY=VALUE
FROM_PYTHON = "override"  # the place of one that was given in a mapping
EXCLUSIVE: dict[KeyPath, KeyPath] = {
    ("train", "steps"): ("train", "epochs"),
    ("train", "epochs"): ("train", "steps"),
}
"""A key → the one that it replaces: the file has one, the override may want the other."""


def parse_override(text: str) -> tuple[str, object]:
    """`("model.depth", 50)` for `model.depth=50`; the value is YAML.

    Raises:
        RequestError: as `split_override` and `parse_value`.
    """
    key, value = split_override(text)
    try:
        return key, parse_value(value)
    except RequestError as error:
        raise RequestError(
            Problem(fault.message, key, fault.allowed, file=COMMAND_LINE)
            for fault in error.problems
        ) from None


def split_override(text: str) -> tuple[str, str]:
    """`("model.depth", "50")` for `model.depth=50`.

    Raises:
        RequestError: there is no key or no `=`.
    """
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not key:
        what = Problem(f"{show(text)} is no override", allowed="KEY=VALUE")
        raise RequestError(what.at(COMMAND_LINE, 0, 0))
    return key, value


def parse_value(text: str) -> object:
    """What `text` stands for in YAML, as plain data.

    Raises:
        RequestError: it is no YAML, or nothing that may stand in a config; not located.
    """
    reading = read_yaml(text)
    if reading.faults:
        raise RequestError(reading.faults.values())
    return reading.data


def overridden(
    document: Document, overrides: Overrides, model: type[BaseModel]
) -> tuple[Document, list[Problem]]:
    """`document` with the overrides in it, and the problems of those that could not be applied.

    A key inside a part joins the part that is there (`optimizer.lr` over `optimizer: sgd`); a
    part's own key replaces it with its options (`optimizer=adam`). A mapping for a section
    (`model`) is its keys one by one. The order in which overrides are given does not matter.
    """
    if isinstance(overrides, Mapping):
        place, (given, problems) = Place(FROM_PYTHON), _from_mapping(overrides)
    else:
        place, (given, problems) = Place(COMMAND_LINE), _from_texts(overrides)
    editor = _Editor(document, place, model)
    editor.apply(given)
    located = [problem.at(place.file, 0, 0) for problem in (*problems, *editor.problems)]
    return Document(editor.data, document.file, editor.places, editor.written), located


_Given = tuple[dict[KeyPath, object], list[Problem]]


def _from_mapping(overrides: Mapping[str, object]) -> _Given:
    given: dict[KeyPath, object] = {}
    faults: dict[KeyPath, Problem] = {}
    for key, value in overrides.items():
        path, before = split_key(str(key)), len(faults)
        plain = to_plain(value, faults, path)
        if len(faults) == before:
            given[path] = plain
    return given, list(faults.values())


def _from_texts(overrides: Sequence[str]) -> _Given:
    given: dict[KeyPath, object] = {}
    problems: list[Problem] = []
    for text in [overrides] if isinstance(overrides, str) else overrides:
        try:
            key, value = parse_override(text)
            given[split_key(key)] = value
        except RequestError as error:
            problems.extend(error.problems)
    return given, problems


class _Editor:
    """Sets values at key paths in a copy of a document's data."""

    def __init__(self, document: Document, place: Place, model: type[BaseModel]) -> None:
        self.data: dict[str, object] = dict(document.data)
        self.places = dict(document.places)
        self.written = dict(document.written)
        self.problems: list[Problem] = []
        self._place = place
        self._model = model

    def apply(self, given: Mapping[KeyPath, object]) -> None:
        """Set all values, those of parts before those of their options."""
        given = {path: value for item in given.items() for path, value in self._split(*item)}
        for path in sorted(given, key=len):
            if fault := self._fault(path):
                self.problems.append(Problem("unknown key", dotted(path), fault))
                continue
            rival = EXCLUSIVE.get(path)
            if rival is not None and rival not in given:
                self._forget(rival)
            self._set(path, given[path])

    def _split(self, path: KeyPath, value: object) -> list[tuple[KeyPath, object]]:
        """A section's mapping as its keys; `optimizer.name` as `optimizer`; `clip.norm: 1.0` as
        `clip: {norm: 1.0}`."""
        if path[-1:] == ("name",) and choice_of(self._field(path[:-1])):
            return [(path[:-1], value)]
        if self._is_shorthand(path):
            return [(path[:-1], {str(path[-1]): value})]
        field = self._field(path)
        if isinstance(value, Mapping) and field and section_of(field):
            return [pair for key, item in value.items() for pair in self._split((*path, key), item)]
        return [(path, value)]

    def _is_shorthand(self, path: KeyPath) -> bool:
        choice = choice_of(self._field(path[:-1]))
        return bool(choice and choice.by_key and path[-1] in choice.registry)

    def _field(self, path: KeyPath) -> FieldInfo | None:
        return find(self._model, path, self.data).field if path else None

    def _fault(self, path: KeyPath) -> str:
        """Why nothing can be set at `path`, "" where it can."""
        if not path or isinstance(path[0], int):
            return "a key such as model.depth"
        for end in range(1, len(path)):
            field = self._field(path[:end])
            leaf = field is not None and not choice_of(field) and not section_of(field)
            if leaf or self._is_shorthand(path[:end]) or isinstance(path[end], int):
                return f"{dotted(path[:end])} takes one value as a whole"
        return ""

    def _set(self, path: KeyPath, value: object) -> None:
        holder = self.data
        for end, step in enumerate(path[:-1], start=1):
            inner = self._opened(path[:end], holder)
            if inner is None:
                return
            holder[str(step)] = inner
            holder = inner
        self._forget_places(path)
        holder[str(path[-1])] = value
        self.places[path] = self._place

    def _opened(self, path: KeyPath, holder: Mapping[str, object]) -> dict[str, object] | None:
        """A copy of the mapping at `path` to set a key in; None where the file's is none."""
        key = str(path[-1])
        field = self._field(path)
        choice = choice_of(field)
        present = holder.get(key, field.default if field and choice else {})
        if isinstance(present, Mapping):
            if field is None:  # a misspelt key: what is set in it shall be found there
                self.places.setdefault(path, self._place)
            return dict(present)
        if choice:
            return {"name": present} if isinstance(present, str) else {}
        return None  # will be said to be no mapping

    def _forget(self, path: KeyPath) -> None:
        """Take the value at `path` out, where there is one."""
        section = self.data.get(str(path[0]))
        if isinstance(section, Mapping):
            self.data[str(path[0])] = {
                key: value for key, value in section.items() if key != path[1]
            }
        self._forget_places(path)

    def _forget_places(self, path: KeyPath) -> None:
        self.places = {
            place: where for place, where in self.places.items() if place[: len(path)] != path
        }
        self.written = {
            one: other for one, other in self.written.items() if one[: len(path)] != path
        }
