import io
import json
from dataclasses import dataclass, field

import pytest
from rich.cells import cell_len
from rich.console import Console

from vgrad.nn.activations import activations
from vgrad.nn.optimizers import optimizers
from vgrad.registry import Registry
from vgrad.report.catalogue import catalogue, catalogue_json, catalogue_table

parts: Registry[object] = Registry("part")


@parts.register("bare", source="Nobody 1900")
@dataclass(frozen=True)
class Bare:
    """Does [nothing] at all."""


@parts.register("full", source="Somebody 1950")
@dataclass(frozen=True)
class Full:
    """Has options."""

    path: str
    rate: float = 0.1
    rates: tuple[float, ...] = field(default_factory=lambda: (0.5, 0.9))
    state: float = field(default=0.0, init=False)


def test_a_part_is_listed_with_its_options_and_what_it_requires() -> None:
    bare, full = catalogue(parts)
    assert (bare.name, bare.summary, bare.source) == (
        "bare",
        "Does [nothing] at all.",
        "Nobody 1900",
    )
    assert (dict(bare.options), bare.required) == ({}, ())
    assert full.options == {"rate": 0.1, "rates": (0.5, 0.9)}
    assert full.required == ("path",)


def test_the_table_says_all_of_it() -> None:
    file = io.StringIO()
    Console(file=file, width=80).print(catalogue_table(parts))
    text = file.getvalue()
    assert "Does [nothing] at all." in text
    assert "Somebody 1950" in text
    assert "path (required), rate=0.1, rates=(0.5, 0.9)" in text


@pytest.mark.parametrize("registry", [activations, optimizers], ids=lambda one: one.kind)
@pytest.mark.parametrize("width", [40, 80])
def test_every_part_of_a_family_has_its_place(registry: Registry[object], width: int) -> None:
    file = io.StringIO()
    Console(file=file, width=width).print(catalogue_table(registry))
    lines = file.getvalue().splitlines()
    assert max(map(cell_len, lines)) <= width
    assert {line.split()[0] for line in lines if not line.startswith(" ")} == set(registry.names())
    assert [one["name"] for one in json.loads(catalogue_json(registry))] == list(registry.names())


def test_json_holds_the_options_with_their_defaults() -> None:
    assert json.loads(catalogue_json(parts))[1] == {
        "name": "full",
        "summary": "Has options.",
        "source": "Somebody 1950",
        "options": {"rate": 0.1, "rates": [0.5, 0.9]},
        "required": ["path"],
    }
