"""Finding one's way in the schema: which field a key path means, and which key was meant."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vgrad.config.document import KeyPath, dotted
from vgrad.config.parts import PartOf, option_names, options_model
from vgrad.errors import nearest
from vgrad.registry import Entry

Model = type[BaseModel]


def section_of(field: FieldInfo) -> Model | None:
    """The model of a field that is a section (`model`, `train`), None for others."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def choice_of(field: FieldInfo | None) -> PartOf | None:
    """The family that a field chooses its part from, None for others."""
    marks = field.metadata if field else ()
    return next((mark for mark in marks if isinstance(mark, PartOf)), None)


def all_fields(
    model: Model, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Every field below `model` that is no section, with its path, in schema order."""
    for name, field in model.model_fields.items():
        section = section_of(field)
        if section is None:
            yield (*path, name), field
        else:
            yield from all_fields(section, (*path, name))


def part_given(choice: PartOf | None, data: object) -> Entry[Any] | None:
    """The part that `data`, a name or a mapping, names; None where it names none of the family."""
    name = data.get("name") if isinstance(data, Mapping) else data
    if choice is None or not isinstance(name, str) or name not in choice.registry:
        return None
    return choice.registry[name]


@dataclass(frozen=True)
class Spot:
    """What the schema says of a key path: the field there, and among which keys it stands.

    Where these keys are a part's options, `part` is that part and `choice` what it is chosen from.
    """

    path: KeyPath
    field: FieldInfo | None = None
    keys: tuple[str, ...] = ()
    part: Entry[Any] | None = None
    choice: PartOf | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What a key there could be: one of the keys, or the shorthand of another part."""
        choice = self.choice
        return (*self.keys, *(choice.registry.names() if choice and choice.by_key else ()))


def find(model: Model, loc: KeyPath, data: object) -> Spot:
    """The spot that pydantic's `loc` means in `data`.

    Pydantic mixes labels of a union's alternatives into its locations; these are left out.
    """
    spot, path = Spot(()), list[str | int]()
    inside: Model | None = model
    part, choice = None, None
    for step in loc:
        if isinstance(step, int):
            path.append(step)
        elif inside is not None:
            path.append(step)
            field = inside.model_fields.get(step)
            spot = Spot((), field, tuple(inside.model_fields), part, choice)
            data = data.get(step) if isinstance(data, Mapping) else None
            choice = choice_of(field)
            part = part_given(choice, data)
            inside = options_model(part) if part else section_of(field) if field else None
    return replace(spot, path=tuple(path))


def meant_key(model: Model, spot: Spot) -> str:
    """The key that an unknown one was probably meant to be, "" where nothing is near."""
    word = str(spot.path[-1])
    own = dotted(spot.path)
    places: dict[str, str] = {}
    for path, field in all_fields(model):
        places.setdefault(path[-1], dotted(path))
        choice = choice_of(field)
        for entry in choice.registry if choice else ():
            for option in option_names(entry):
                places.setdefault(option, dotted((*path, option)))
    if word in places.values():  # `model.depth: 5`, as on the command line
        return f"{word.replace('.', ': {')}: …" + "}" * word.count(".")
    elsewhere = places.get(word, "")
    if elsewhere and elsewhere != own:
        return elsewhere
    return nearest(word, spot.names) or places.get(nearest(word, tuple(places)), "")
