"""Plugins: loaded when they are named, checked, and known by the hash of their bytes."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

from vgrad.config import Config, Part
from vgrad.config.shape import all_fields, choice_of
from vgrad.errors import Problem, RequestError
from vgrad.plugins.checking import FAMILIES, Family, problems_of_part
from vgrad.plugins.source import Source
from vgrad.records import Plugin
from vgrad.registry import Entry

Paths = str | Path | Iterable[str | Path]


@dataclass(frozen=True)
class Loaded:
    """A plugin whose parts are in their families."""

    plugin: Plugin
    source: Source
    file: Path
    """Where it was, whatever the path that it was given by."""


_loaded: dict[str, Loaded] = {}
"""By SHA-256. Families belong to the process, and so does this."""


def load_plugins(paths: Paths) -> tuple[Plugin, ...]:
    """Enter the parts of these Python files into their families, and say what each file has.

    A file is executed once: the same bytes again are the same plugin, and a file that has changed
    takes the place of what it was. Where anything is wrong, nothing has changed.

    Raises:
        RequestError: a file is not there, cannot be executed, has no parts, or a part is not
            what its family asks for; with every problem there is, each with its place.
    """
    paths = (paths,) if isinstance(paths, str | Path) else paths
    plugins, problems = list[Plugin](), list[Problem]()
    with _all_or_nothing():
        for path in paths:
            try:
                plugins.append(_load(str(path)))
            except RequestError as error:
                problems += error.problems
        if problems:
            raise RequestError(problems)
    return tuple(plugins)


def unload_plugins() -> None:
    """Take all plugins' parts out of their families again."""
    for loaded in tuple(_loaded.values()):
        _unload(loaded)


def loaded_plugins() -> tuple[Plugin, ...]:
    """All that are loaded."""
    return tuple(loaded.plugin for loaded in _loaded.values())


def plugins_of(config: Config) -> tuple[Plugin, ...]:
    """The plugins that a config has parts of, once their options were checked too.

    Raises:
        RequestError: with these options a part is not what its family asks for.
    """
    used, problems = dict[Plugin, None](), list[Problem]()
    for loaded, family, part in _parts_of_plugins(config):
        used[loaded.plugin] = None
        entry: Entry[Any] = family.registry[part.name]
        problems += problems_of_part(loaded.source, family, entry, part.options)
    if problems:
        raise RequestError(problems)
    return tuple(used)


def _parts_of_plugins(config: Config) -> Iterator[tuple[Loaded, Family, Part]]:
    owners = {name: loaded for loaded in _loaded.values() for name in loaded.plugin.parts}
    families = {family.registry.kind: family for family in FAMILIES}
    for path, field in all_fields(type(config)):
        choice, value = choice_of(field), reduce(getattr, path, config)
        if choice is not None and isinstance(value, Part):
            kind = choice.registry.kind
            if (kind, value.name) in owners:
                yield owners[kind, value.name], families[kind], value


def _load(path: str) -> Plugin:
    source = Source.read(path)
    if source.sha256 in _loaded:
        return replace(_loaded[source.sha256].plugin, path=path)
    file = Path(path).resolve()
    with _all_or_nothing() as undo:
        for loaded in tuple(_loaded.values()):
            if loaded.file == file:
                _unload(loaded)
        undo.callback(source.forget)
        new = _entered_by(source)
        problems = [one for family, entry in new for one in problems_of_part(source, family, entry)]
        if problems:
            raise RequestError(problems)
        parts = tuple((family.registry.kind, entry.name) for family, entry in new)
        plugin = Plugin(path, source.sha256, parts)
        _loaded[source.sha256] = Loaded(plugin, source, file)
    return plugin


def _entered_by(source: Source) -> list[tuple[Family, Entry[Any]]]:
    """Execute a source, and find what it has entered into which family."""
    before = [set(family.registry.names()) for family in FAMILIES]
    source.execute()
    new = [
        (family, entry)
        for family, names in zip(FAMILIES, before, strict=True)
        for entry in family.registry
        if entry.name not in names
    ]
    if not new:
        kinds = ", ".join(family.registry.kind for family in FAMILIES)
        what = source.problem("registers no part", f"at least one of {kinds}")
        raise RequestError(what)
    return new


def _unload(loaded: Loaded) -> None:
    registries = {family.registry.kind: family.registry for family in FAMILIES}
    for kind, name in loaded.plugin.parts:
        registries[kind].remove(name)
    del _loaded[loaded.plugin.sha256]


@contextmanager
def _all_or_nothing() -> Iterator[ExitStack]:
    """Where what is within it fails, families and plugins are as they were before."""
    with ExitStack() as undo:
        for family in FAMILIES:
            undo.callback(family.registry.saved())
        undo.callback(_restore, dict(_loaded))
        yield undo
        undo.pop_all()


def _restore(loaded: dict[str, Loaded]) -> None:
    _loaded.clear()
    _loaded.update(loaded)
