"""Families of parts: entering one, finding it, and what is said of one that is not there."""

from dataclasses import FrozenInstanceError, dataclass, field, is_dataclass
from typing import Any

import pytest

from vgrad.data import datasets
from vgrad.errors import RequestError
from vgrad.nn.activations import activations
from vgrad.nn.clipping import clips
from vgrad.nn.initializers import initializers
from vgrad.nn.losses import losses
from vgrad.nn.norms import norms
from vgrad.nn.optimizers import optimizers
from vgrad.nn.schedules import schedules
from vgrad.nn.wiring import connectivities
from vgrad.registry import Registry

FAMILIES: list[Registry[Any]] = [
    *(activations, initializers, losses, optimizers, schedules, datasets),
    *(connectivities, norms, clips),
]
EVERY = pytest.mark.parametrize(
    ("family", "entry"),
    [pytest.param(family, e, id=f"{family.kind}-{e.name}") for family in FAMILIES for e in family],
)


class Fruit:
    """The contract of a family of its own."""


@pytest.fixture
def fruits() -> Registry[Fruit]:
    """A small family."""
    family: Registry[Fruit] = Registry("fruit")

    @family.register("apple", source="Linnaeus 1753")
    @dataclass(frozen=True)
    class Apple(Fruit):
        """Round and red.

        It also has a second paragraph.
        """

        sweetness: float = 0.5

    @family.register("pear", source="Linnaeus 1753, page 479")
    @dataclass(frozen=True)
    class Pear(Fruit):
        """Longer than round."""

        length: float
        spots: list[int] = field(default_factory=list)

    return family


def test_an_entry_holds_the_name_the_first_line_and_the_source(fruits: Registry[Fruit]) -> None:
    entry = fruits["apple"]
    assert (entry.name, entry.summary, entry.source) == ("apple", "Round and red.", "Linnaeus 1753")
    assert entry.part.__name__ == "Apple"


def test_entries_keep_the_order_of_their_definition(fruits: Registry[Fruit]) -> None:
    assert fruits.names() == ("apple", "pear")
    assert [entry.name for entry in fruits] == ["apple", "pear"]
    assert len(fruits) == 2


def test_a_name_is_in_its_family_or_not(fruits: Registry[Fruit]) -> None:
    assert "apple" in fruits
    assert "quince" not in fruits
    assert None not in fruits


def test_options_without_a_default_are_required(fruits: Registry[Fruit]) -> None:
    assert fruits["apple"].required == ()
    assert fruits["pear"].required == ("length",)


def test_building_takes_options_by_name(fruits: Registry[Fruit]) -> None:
    assert vars(fruits.build("apple")) == {"sweetness": 0.5}
    assert vars(fruits.build("apple", {"sweetness": 1.0})) == {"sweetness": 1.0}
    assert vars(fruits.build("pear", {"length": 2.0})) == {"length": 2.0, "spots": []}


def test_an_unknown_name_is_answered_by_all_there_are_and_the_nearest(
    fruits: Registry[Fruit],
) -> None:
    with pytest.raises(RequestError) as caught:
        fruits["aple"]
    (problem,) = caught.value.problems
    assert problem.message == "no fruit is called 'aple'"
    assert problem.allowed == "one of apple, pear"
    assert problem.suggestion == "apple"


def test_a_name_like_none_of_them_gets_no_suggestion(fruits: Registry[Fruit]) -> None:
    with pytest.raises(RequestError) as caught:
        fruits.build("zzz")
    assert caught.value.problems[0].suggestion == ""


def test_a_name_cannot_be_taken_twice(fruits: Registry[Fruit]) -> None:
    with pytest.raises(ValueError, match="another fruit is called 'pear' already"):
        fruits.register("pear", source="—")(type("Other", (Fruit,), {"__doc__": "Another."}))


def test_a_part_without_a_docstring_is_refused(fruits: Registry[Fruit]) -> None:
    with pytest.raises(ValueError, match="'fig' needs a docstring"):
        fruits.register("fig", source="—")(type("Fig", (), {}))
    assert "fig" not in fruits


def test_a_family_goes_back_to_how_it_was(fruits: Registry[Fruit]) -> None:
    restore = fruits.saved()
    fruits.register("fig", source="—")(type("Fig", (Fruit,), {"__doc__": "Soft."}))
    fruits.remove("apple")
    assert fruits.names() == ("pear", "fig")
    restore()
    assert fruits.names() == ("apple", "pear")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.kind)
def test_every_family_has_entries(family: Registry[Any]) -> None:
    assert len(family) >= 1


@EVERY
def test_every_part_is_a_frozen_dataclass_with_a_line_for_the_catalogue(
    family: Registry[Any], entry: Any
) -> None:
    assert is_dataclass(entry.part)
    part: Any = entry.part
    with pytest.raises(FrozenInstanceError):
        object.__new__(part).anything = 1
    assert 10 <= len(entry.summary) <= 100, "one line of a terminal"
    assert entry.summary.endswith((".", "…"))
    assert not entry.summary.startswith(f"{part.__qualname__}("), "written, not made by dataclass"
    assert entry.source
    assert entry.name == entry.name.lower()
    assert family[entry.name] is entry


@EVERY
def test_every_part_without_required_options_is_built_by_its_name_and_equals_itself(
    family: Registry[Any], entry: Any
) -> None:
    if not entry.required:
        assert family.build(entry.name) == family.build(entry.name)
        assert hash(family.build(entry.name)) == hash(family.build(entry.name))
    else:
        with pytest.raises(TypeError, match=entry.required[0]):
            family.build(entry.name)
