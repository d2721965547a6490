"""`clip: {norm: 1.0}`, which names a part by a key of its own, written out as
`clip: {name: norm, max_norm: 1.0}`."""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import BaseModel

from vgrad.config.document import Document, KeyPath
from vgrad.config.shape import choice_of


def written_out(document: Document, model: type[BaseModel]) -> Document:
    """`document` with parts at the top level in their long form, and a note of what they were.

    What is no shorthand, right or wrong, stays as it is.
    """
    data, written = dict(document.data), dict(document.written)
    for name, field in model.model_fields.items():
        choice, value = choice_of(field), data.get(name)
        found = choice.shorthand(value) if choice else None
        if found is not None and isinstance(value, Mapping):
            key, option = found
            rest = {other: item for other, item in value.items() if other != key}
            data[name] = {"name": key, option: value[key], **rest}
            short: KeyPath = (name, key)
            written[name, option] = short
    return replace(document, data=data, written=written)
