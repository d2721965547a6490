"""A file, or a mapping, and overrides → a `Config`, or every problem in it."""

import codecs
import os.path
from collections.abc import Mapping
from pathlib import Path

from vgrad.config.document import Document, KeyPath
from vgrad.config.overrides import Overrides
from vgrad.config.paths import absolute_paths
from vgrad.config.plain import plain_mapping, show
from vgrad.config.schema import Config
from vgrad.config.yaml_source import Reading, line_and_column, read_yaml
from vgrad.errors import Problem, RequestError, nearest

MAX_BYTES = 1 << 20  # a list of 100,000 widths fits several times


def load_config(source: str | Path | Mapping[str, object], overrides: Overrides = ()) -> Config:
    """The experiment that a YAML file (by its path) or a mapping states, with overrides over it.

    Overrides are a mapping of dotted keys (`{"model.depth": 50}`), or `KEY=VALUE` texts with
    values in YAML, as on the command line. Relative paths are relative to the file's folder;
    in overrides and mappings, to the current one.

    Raises:
        RequestError: with every problem there is, in the order of the file, each with its place.
    """
    if isinstance(source, Mapping):
        faults: dict[KeyPath, Problem] = {}
        return Config.resolve(Document(plain_mapping(source, faults)), overrides, faults)
    document, reading = read_document(str(source))
    return _resolved(document, overrides, reading.faults)


def load_section(
    document: Document, reading: Reading, key: str, overrides: Overrides = ()
) -> Config:
    """The experiment that stands below a key of a larger file.

    Raises:
        RequestError: as `load_config`; keys are those of the experiment.
    """
    below = document.data[key]
    data = below if isinstance(below, Mapping) else {}
    places = {path[1:]: place for path, place in document.places.items() if path[0:1] == (key,)}
    faults = {path[1:]: fault for path, fault in reading.faults.items() if path[0:1] == (key,)}
    return _resolved(Document(data, document.file, places), overrides, faults)


def _resolved(
    document: Document, overrides: Overrides, faults: Mapping[KeyPath, Problem]
) -> Config:
    folder = os.path.dirname(os.path.abspath(document.file))
    return Config.resolve(absolute_paths(document, folder, Config), overrides, faults)


def read_document(file: str) -> tuple[Document, Reading]:
    """A YAML file as a mapping with the places of its values, and as it was read.

    Raises:
        RequestError: it cannot be read, or is no mapping.
    """
    reading = read_yaml(_text(read_file(file), file), file)
    return _document(reading, file), reading


def file_text(file: str) -> str:
    """The text of a config file, without its byte order mark.

    Raises:
        RequestError: it cannot be read, or is no UTF-8.
    """
    return _text(read_file(file), file)


def _document(reading: Reading, file: str) -> Document:
    data, faults = reading.data, list(reading.faults.values())
    if data is None and not faults:
        raise RequestError(Problem("the file is empty", allowed="try vgrad init", file=file))
    if not isinstance(data, dict):
        line, column = reading.places[()].value
        wrong = Problem(
            f"{show(data)} is no mapping of keys to values", allowed="begin with KEY: VALUE"
        )
        raise RequestError(faults or wrong.at(file, line, column))
    return Document(data, file, reading.places)


def read_file(file: str) -> bytes:
    """The content of a file that the user named.

    Raises:
        RequestError: it is not there, cannot be read, or is longer than anyone would write.
    """
    try:
        with open(file, "rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise RequestError(
            Problem("there is no such file", suggestion=_sibling(file), file=file)
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise RequestError(Problem(f"cannot be read: {reason}", file=file)) from None
    if len(content) > MAX_BYTES:
        raise RequestError(
            Problem("the file is too large", allowed=f"at most {MAX_BYTES:,} bytes", file=file)
        )
    return content


def _sibling(file: str) -> str:
    """The file in the same folder whose name is nearest."""
    folder, name = os.path.split(file)
    try:
        close = nearest(name, os.listdir(folder or "."))
    except OSError:
        return ""
    return os.path.join(folder, close) if close else ""


def _text(content: bytes, file: str) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise RequestError(Problem("the file is UTF-16", allowed="must be UTF-8", file=file))
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        place = line_and_column(content[: error.start].decode())
        wrong = Problem(f"the byte 0x{content[error.start]:02x} is not UTF-8")
        raise RequestError(wrong.at(file, *place)) from None
