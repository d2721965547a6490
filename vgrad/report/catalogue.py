"""The parts of a family, as `vgrad list activations` shows them."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from vgrad.registry import Entry, Registry
from vgrad.report.documents import json_text
from vgrad.report.portable import Portable


@dataclass(frozen=True)
class Listed:
    """A part: what it is, where it comes from, its options and their defaults; `required` are
    the options that have none."""

    name: str
    summary: str
    source: str
    options: Mapping[str, Any]
    required: tuple[str, ...]


def catalogue(registry: Registry[Any]) -> list[Listed]:
    """The family's parts, in order of definition."""
    return [
        Listed(entry.name, entry.summary, entry.source, _defaults(entry), entry.required)
        for entry in registry
    ]


def catalogue_table(registry: Registry[Any]) -> RenderableType:
    """The family as a table: a name, and beside it what there is to say."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(ratio=1)
    for part in catalogue(registry):
        lines = [Text(part.summary)]
        if part.options or part.required:
            lines.append(Text(_options(part), style="cyan"))
        lines.append(Text(part.source, style="dim"))
        table.add_row(Text(part.name), Group(*lines))
    return Portable(table)


def catalogue_json(registry: Registry[Any]) -> str:
    """The family as a JSON list of objects."""
    return json_text([vars(part) for part in catalogue(registry)])


def _options(part: Listed) -> str:
    required = [f"{name} (required)" for name in part.required]
    return ", ".join([*required, *(f"{name}={value}" for name, value in part.options.items())])


def _defaults(entry: Entry[Any]) -> dict[str, Any]:
    defaults: dict[str, Any] = {}
    for option in fields(entry.part):
        if option.init and option.default is not MISSING:
            defaults[option.name] = option.default
        elif option.init and option.default_factory is not MISSING:
            defaults[option.name] = option.default_factory()
    return defaults
