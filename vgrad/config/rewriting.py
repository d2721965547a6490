"""Changing values in a config's text, with its comments and all the rest as they were."""

from collections.abc import Mapping
from dataclasses import MISSING, fields

import yaml

from vgrad.config.document import Document, KeyPath
from vgrad.config.dumping import to_flow
from vgrad.config.parts import Part, PartOf
from vgrad.config.paths import absolute_paths
from vgrad.config.schema import Config
from vgrad.config.shape import all_fields, choice_of
from vgrad.config.yaml_source import read_yaml
from vgrad.errors import Problem, RequestError

KEPT_IN_VIEW = ("lr",)  # options that are written out even where they are the default

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Entry = tuple[yaml.Node, yaml.Node]


def rewritten(text: str, wanted: Config, folder: str) -> str:
    """`text`, a config in a file of `folder`, changed so that it states `wanted`.

    Only what differs is touched: values where they stand, keys that are new at the end of their
    section, lines of options that the new part does not have.

    Raises:
        RequestError: `text` is no valid config, or cannot be changed so.
    """
    for path, value in _differences(_config(text, folder), wanted):
        text = _removed(text, path) if value is None else _with(text, path, value)
    if _config(text, folder) != wanted:
        raise RequestError(Problem("the file cannot be changed in place", "", "--json tells how"))
    return text


def concise(part: Part, choice: PartOf) -> object:
    """A part as a person would write it: without options that are the default, by its own key
    where the family has such."""
    defaults = _defaults(choice, part.name)
    plain = part.to_plain()
    options = {} if isinstance(plain, str) else {k: v for k, v in plain.items() if k != "name"}
    if choice.by_key and options:
        first, *others = options
        rest = {k: options[k] for k in others if part.options[k] != defaults.get(k, MISSING)}
        return {part.name: options[first], **rest}
    told = {
        option: value
        for option, value in options.items()
        if option in KEPT_IN_VIEW or part.options[option] != defaults.get(option, MISSING)
    }
    return {"name": part.name, **told} if told else part.name


def _config(text: str, folder: str) -> Config:
    reading = read_yaml(text)
    data = reading.data if isinstance(reading.data, dict) else {}
    document = absolute_paths(Document(data), folder, Config)
    return Config.resolve(document, (), reading.faults)


def _differences(present: Config, wanted: Config) -> list[tuple[KeyPath, object]]:
    """Key path → value in plain data, None where the key is to go; these last."""
    found: list[tuple[KeyPath, object]] = []
    for path, field in all_fields(Config):
        old, new = _at(present, path), _at(wanted, path)
        if old == new:
            continue
        choice = choice_of(field)
        if isinstance(new, Part) and choice is not None:
            new = concise(new, choice)
        found.append((path, list(new) if isinstance(new, tuple) else new))
    return sorted(found, key=lambda one: one[1] is None)


def _at(config: Config, path: KeyPath) -> object:
    value: object = config
    for step in path:
        value = getattr(value, str(step))
    return value


def _with(text: str, path: KeyPath, value: object) -> str:
    """`text` with this value at `path`."""
    node = _root(text)
    for end, step in enumerate(path):
        entry = _entry(node, str(step)) if isinstance(node, yaml.MappingNode) else None
        if entry is None:
            inner: object = value
            for missing in reversed(path[end + 1 :]):
                inner = {missing: inner}
            return _inserted(text, node, str(step), inner)
        node = entry[1]
    return _replaced(text, path, node, value)


def _replaced(text: str, path: KeyPath, node: yaml.Node, value: object) -> str:
    """A part that is a mapping keeps its form: its options are changed one by one."""
    named = isinstance(node, yaml.MappingNode) and _entry(node, "name") is not None
    short = not isinstance(value, Mapping)
    on_one_line = node.start_mark.line == node.end_mark.line  # where no comment can be lost
    if not named or (short and on_one_line) or (isinstance(value, Mapping) and "name" not in value):
        return _put(text, node, to_flow(value))
    wanted = dict(value) if isinstance(value, Mapping) else {"name": value}
    options = _options(path, str(wanted["name"]))
    for key, inner in wanted.items():
        text = _with(text, (*path, key), inner)
    assert isinstance(node, yaml.MappingNode)
    for key_node, _ in node.value:
        key = str(key_node.value)
        if key == "name" or key in wanted:
            continue
        if key in options:  # it stands there with what is now the default
            text = _with(text, (*path, key), options[key])
        else:
            text = _removed(text, (*path, key))
    return text


def _options(path: KeyPath, name: str) -> Mapping[str, object]:
    """The options that a part of this name has, where they are the default."""
    field = next(field for own, field in all_fields(Config) if own == path)
    choice = choice_of(field)
    assert choice is not None
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in _defaults(choice, name).items()
    }


def _defaults(choice: PartOf, name: str) -> Mapping[str, object]:
    """The options of a part that have a default, and that."""
    options = fields(choice.registry[name].part)
    return {one.name: one.default for one in options if one.default is not MISSING}


def _removed(text: str, path: KeyPath) -> str:
    """`text` without the entry at `path`."""
    node = _root(text)
    for step in path[:-1]:
        entry = _entry(node, str(step))
        if entry is None:
            return text
        node = entry[1]
    entry = _entry(node, str(path[-1]))
    if entry is None or not isinstance(node, yaml.MappingNode):
        return text
    if len(node.value) == 1:
        return _put(text, node, "{}")
    begin, end = entry[0].start_mark.index, _end(entry[1])
    if node.flow_style:
        place = node.value.index(entry)
        if place + 1 < len(node.value):
            end = node.value[place + 1][0].start_mark.index
        else:
            begin = _end(node.value[place - 1][1])
    else:
        begin -= entry[0].start_mark.column
        end = _line_end(text, end)
        if node.value[0] is entry and text[begin : entry[0].start_mark.index].strip():
            begin = entry[0].start_mark.index  # it shares its line with what holds it
    return text[:begin] + text[end:]


def _inserted(text: str, node: yaml.Node, key: str, value: object) -> str:
    """`text` with one more entry in the mapping at `node`, the last."""
    if not isinstance(node, yaml.MappingNode) or not node.value:
        return _put(text, node, to_flow({key: value}))
    last = _end(node.value[-1][1])
    entry = f"{to_flow(key)}: {to_flow(value)}"
    if node.flow_style:
        return f"{text[:last]}, {entry}{text[last:]}"
    newline = "\r\n" if "\r\n" in text else "\n"
    end = _line_end(text, last)
    before = "" if text[:end].endswith("\n") else newline
    indent = " " * node.value[0][0].start_mark.column
    return f"{text[:end]}{before}{indent}{entry}{newline}{text[end:]}"


def _put(text: str, node: yaml.Node, value: str) -> str:
    begin, end = node.start_mark.index, _end(node)
    blank = " " if begin == end and not text[:begin].endswith(" ") else ""
    return f"{text[:begin]}{blank}{value}{text[end:]}"


def _root(text: str) -> yaml.Node:
    node = yaml.compose(text, Loader=_Loader)
    assert node is not None, "an empty file is no valid config"
    return node


def _entry(node: yaml.Node, key: str) -> _Entry | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((entry for entry in node.value if entry[0].value == key), None)


def _end(node: yaml.Node) -> int:
    """Where the text of a node ends: a block's own mark stands where the next thing begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _line_end(text: str, index: int) -> int:
    """Behind the end of the line that `index` stands in."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1
