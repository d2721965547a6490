"""A plugin's file: its bytes, the module they make, and where in it everything stands."""

import ast
import hashlib
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

from vgrad.config.loading import read_file
from vgrad.errors import Problem, RequestError, RunError
from vgrad.registry import RegistrationError

MODULE_PREFIX = "vgrad_plugin_"
LONGEST_MESSAGE = 200  # characters shown of somebody else's exception

Place = tuple[int, int]
"""(line, column) from 1, (0, 0) where it is not known."""


@dataclass(frozen=True)
class Source:
    """The file at `path`, as it was given, with the bytes that were read once and for all: what
    is executed is what was hashed, whatever becomes of the file meanwhile."""

    path: str
    content: bytes

    @classmethod
    def read(cls, path: str) -> "Source":
        """The source at `path`.

        Raises:
            RequestError: it is not there, or cannot be read.
        """
        return cls(path, read_file(path))

    @cached_property
    def sha256(self) -> str:
        """Of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def module_name(self) -> str:
        """The same in every process, so that a part can be pickled from one to another."""
        return MODULE_PREFIX + self.sha256[:16]

    def execute(self) -> None:
        """Run the file as a module of its own.

        Raises:
            RequestError: it is no Python, or raises something; says what, and in which line.
        """
        module = ModuleType(self.module_name)
        module.__file__ = self.path
        sys.modules[self.module_name] = module  # where dataclasses and pickle look for it
        try:
            with silenced():
                exec(compile(self.content, self.path, "exec", dont_inherit=True), vars(module))
        except (Exception, SystemExit) as error:
            self.forget()
            raise RequestError(self.raised(error)) from error

    def forget(self) -> None:
        """Take the module out of Python's table of them."""
        sys.modules.pop(self.module_name, None)

    def problem(self, message: str, allowed: str = "", place: Place = (0, 0)) -> Problem:
        """A problem with this file."""
        return Problem(message, allowed=allowed).at(self.path, *place)

    def raised(self, error: BaseException) -> Problem:
        """What the exception was, and where in this file it came from."""
        if isinstance(error, SyntaxError) and error.filename == self.path:
            place = (error.lineno or 0, max(1, error.offset or 1))
            return self.problem(f"is not valid Python: {error.msg}", place=place)
        found = _innermost(error, self.module_name)
        message = str(error) if isinstance(error, RegistrationError) else told(error)
        return self.problem(message, place=(found[1], 1) if found else (0, 0))

    def place(self, part: type, attribute: str = "") -> Place:
        """Where this file defines an attribute of the class `part`, or else the class itself."""
        for owner in part.__mro__:
            if attribute in vars(owner) and owner.__module__ == self.module_name:
                return self._places.get(f"{owner.__qualname__}.{attribute}", (0, 0))
        mine = part.__module__ == self.module_name
        return self._places.get(part.__qualname__, (0, 0)) if mine else (0, 0)

    @cached_property
    def _places(self) -> dict[str, Place]:
        return dict(_definitions(ast.parse(self.content).body, ""))


def _definitions(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, Place]]:
    """Classes, and what is defined or assigned in them, by their qualified names."""
    for node in body:
        place = (node.lineno, node.col_offset + 1)
        match node:
            case ast.ClassDef():
                yield prefix + node.name, place
                yield from _definitions(node.body, f"{prefix}{node.name}.")
            case ast.FunctionDef():
                yield prefix + node.name, place
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                yield prefix + name, place


def told(error: BaseException) -> str:
    """An exception in one line."""
    if isinstance(error, SystemExit):
        return "ends the program (SystemExit)"
    text = " ".join(str(error).split())
    text = text if len(text) <= LONGEST_MESSAGE else text[:LONGEST_MESSAGE] + "…"
    return f"raises {type(error).__name__}{': ' if text else ''}{text}"


def _innermost(error: BaseException, module: str) -> tuple[str, int] | None:
    """File and line of the innermost call in a module whose name begins so."""
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        if str(frame.f_globals.get("__name__", "")).startswith(module):
            found = frame.f_code.co_filename, line
    return found


@contextmanager
def silenced() -> Iterator[None]:
    """Let what a plugin prints go to stderr: stdout is for results."""
    with redirect_stdout(sys.stderr):
        yield


@contextmanager
def blamed() -> Iterator[None]:
    """Turn an exception that comes out of a plugin's code into one line that says where.

    Raises:
        RunError: in its place.
    """
    try:
        yield
    except (RequestError, RunError):
        raise
    except Exception as error:
        found = _innermost(error, MODULE_PREFIX)
        if found is None:
            raise
        file, line = found
        raise RunError(f"{file}:{line}: {told(error)}") from error
