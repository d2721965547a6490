"""The frame of every page: what stands at its head, and what it carries along."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vgrad import __version__
from vgrad.report.html.libraries import (
    as_json,
    environment,
    plotly_script,
    require_libraries,
    tables_script,
    tables_style,
)
from vgrad.report.html.theme import templates


@dataclass(frozen=True)
class Head:
    """What a page says first: what it is about, how it ended, and the facts by title."""

    title: str
    kind: str
    id: str
    status: str = ""
    verdict: str = ""
    sentence: str = ""
    error: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


def render(template: str, *, head: Head, tables: bool = False, **content: Any) -> str:
    """One HTML document, scripts and styles in it; with `tables` those that sort, too.

    Raises:
        RequestError: a library that draws is not installed.
    """
    require_libraries()
    return (
        environment()
        .get_template(template)
        .render(
            head=head,
            version=__version__,
            plotly_script=plotly_script(),
            templates=as_json(templates()),
            tables_script=tables_script() if tables else "",
            tables_style=tables_style() if tables else "",
            **content,
        )
    )
