"""Families of parts, looked up by the name that a config uses.

A part (an activation, an optimizer, a data set …) is a frozen dataclass: its fields are the
options a config may give, their `Annotated` bounds what is allowed, its docstring's first line
and `source` the line in the catalogue. Registering it at its definition is all it takes: the
config's schema, `vgrad list`, the tests and the theory iterate the family.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Generic, TypeVar

from vgrad.errors import Problem, RequestError, nearest

P = TypeVar("P")
C = TypeVar("C")


class RegistrationError(ValueError):
    """A part cannot enter its family; says why."""


@dataclass(frozen=True)
class Entry(Generic[P]):
    """One part of a family: its name, its class, one line on what it is, where it comes from."""

    name: str
    part: type[P]
    summary: str
    source: str

    @property
    def required(self) -> tuple[str, ...]:
        """Options without a default: a bare name will not do for this part."""
        return tuple(
            field.name
            for field in fields(self.part)  # type: ignore[arg-type]
            if field.default is MISSING and field.default_factory is MISSING
        )


class Registry(Generic[P]):
    """A family of parts by name, in order of definition."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, Entry[P]] = {}

    def register(self, name: str, *, source: str) -> Callable[[type[C]], type[C]]:
        """Class decorator: enter the dataclass below under `name`.

        Raises:
            RegistrationError: the name is taken, or the class has no docstring for the catalogue.
        """

        def enter(part: type[C]) -> type[C]:
            if name in self._entries:
                raise RegistrationError(f"another {self.kind} is called {name!r} already")
            if not part.__doc__:
                raise RegistrationError(f"{self.kind} {name!r} needs a docstring")
            summary = part.__doc__.strip().splitlines()[0]
            self._entries[name] = Entry(name, part, summary, source)  # type: ignore[arg-type]
            return part

        return enter

    def saved(self) -> Callable[[], None]:
        """What takes the family back to how it is now."""
        entries = dict(self._entries)

        def restore() -> None:
            self._entries = dict(entries)

        return restore

    def remove(self, name: str) -> None:
        """Take out the entry called `name`, which there must be."""
        del self._entries[name]

    def __getitem__(self, name: str) -> Entry[P]:
        """The entry called `name`.

        Raises:
            RequestError: there is none; says which there are and which is nearest.
        """
        try:
            return self._entries[name]
        except KeyError:
            raise RequestError(
                Problem(
                    f"no {self.kind} is called {name!r}",
                    allowed=f"one of {', '.join(self._entries)}",
                    suggestion=nearest(name, self.names()),
                )
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[Entry[P]]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def names(self) -> tuple[str, ...]:
        """All names, in order of definition."""
        return tuple(self._entries)

    def build(self, name: str, options: Mapping[str, Any] | None = None) -> P:
        """The part called `name` with these options (validated by whoever took them in)."""
        return self[name].part(**(options or {}))
