"""The commented experiment file that `vgrad init` writes."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vgrad.config.dumping import LINE_WIDTH, to_yaml
from vgrad.config.loading import load_config
from vgrad.config.schema import Config
from vgrad.config.shape import choice_of, section_of

# A first experiment that shows something: this gradient vanishes, and with tanh it does not.
FIRST: Mapping[str, Any] = {
    "model": {"depth": 20, "activation": "sigmoid"},
    "loss": "cross_entropy",
    "train": {"steps": 300},
}
COMMENT_COLUMN = 34
HEAD = """\
# An experiment: `vgrad run` trains it and shows where its gradient goes.
# Every key may be left out. A part with options is {name: ..., option: ...}.
# Here a deep sigmoid net loses its gradient on the way down; try activation: tanh.
"""


def starter(name: str) -> str:
    """A complete experiment file called `name`, with what each key does and what may stand there.

    Raises:
        RequestError: a run cannot be called so.
    """
    load_config({"name": name})
    values = {"name": name, **FIRST}
    return HEAD + "\n".join(_lines(Config, values, indent=0)) + "\n"


def _lines(model: type[BaseModel], values: Mapping[str, Any], indent: int) -> Iterator[str]:
    for key, field in model.model_fields.items():
        section = section_of(field)
        if section is not None:
            yield from _commented(f"{key}:", field, indent)
            yield from _lines(section, values.get(key, {}), indent + 2)
        else:
            value = values.get(key, field.default)
            assignment = f"# {key}:" if value is None else to_yaml({key: value}).rstrip()
            yield from _commented(assignment, field, indent)


def _commented(assignment: str, field: FieldInfo, indent: int) -> Iterator[str]:
    """The assignment with its comment beside it; the choices, if any, in the comment's column."""
    choice = choice_of(field)
    comment = str(field.description)
    if choice and not choice.or_number and len(choice.registry) > 1:
        comment += f": {', '.join(choice.registry.names())}"
    first, *others = textwrap.wrap(comment, LINE_WIDTH - COMMENT_COLUMN - 2)
    yield f"{' ' * indent + assignment:<{COMMENT_COLUMN}}# {first}"
    yield from (f"{'':<{COMMENT_COLUMN}}# {other}" for other in others)
