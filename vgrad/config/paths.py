"""Paths in a config are relative to the folder of whoever wrote them, and absolute once read."""

import os.path
from collections.abc import Mapping
from dataclasses import replace

from pydantic import BaseModel

from vgrad.config.document import Document
from vgrad.config.shape import choice_of, part_given


def absolute_paths(document: Document, folder: str, model: type[BaseModel]) -> Document:
    """`document` with paths that are relative to `folder` made absolute.

    Which options of a part are paths, the part lists in `path_options`. Only parts at the top
    level (`data`) have such.
    """
    data = dict(document.data)
    for key, field in model.model_fields.items():
        part, given = part_given(choice_of(field), data.get(key)), data.get(key)
        if part is not None and isinstance(given, Mapping):
            options: tuple[str, ...] = getattr(part.part, "path_options", ())
            data[key] = {
                option: _absolute(value, folder) if option in options else value
                for option, value in given.items()
            }
    return replace(document, data=data)


def _absolute(value: object, folder: str) -> object:
    if not isinstance(value, str) or not value:
        return value
    return os.path.abspath(os.path.join(folder, os.path.expanduser(value)))


def absolute_value(key: str, value: object, folder: str, model: type[BaseModel]) -> object:
    """The value of a dotted key (`data`, `data.path`), with a path that is relative to `folder`
    made absolute."""
    name, _, option = key.partition(".")
    choice = choice_of(model.model_fields.get(name))
    if choice is None:
        return value
    if not option:
        return absolute_paths(Document({name: value}), folder, model).data[name]
    options = {one for part in choice.registry for one in getattr(part.part, "path_options", ())}
    return _absolute(value, folder) if option in options else value
