"""A part as a config names it: `tanh`, or `{name: leaky_relu, negative_slope: 0.1}`."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from types import MappingProxyType
from typing import Any, NoReturn, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    create_model,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from vgrad.config.plain import show
from vgrad.errors import Problem, RequestError, nearest
from vgrad.registry import Entry, Registry

PROBLEM = "vgrad_problem"
"""The type of pydantic errors that carry a `Problem` of ours (key left out) in their context."""

STRICT = ConfigDict(
    frozen=True,
    extra="forbid",
    strict=True,  # "10" is no depth and true is no number
    allow_inf_nan=False,
    validate_default=True,
    protected_namespaces=(),
)


@dataclass(frozen=True)
class Part:
    """A member of a family by name, with all its options; immutable and hashable.

    `registry.build(part.name, part.options)` makes the object itself.
    """

    name: str
    options: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))

    def __hash__(self) -> int:
        return hash((self.name, frozenset(self.options.items())))

    def __reduce__(self) -> tuple[type["Part"], tuple[str, dict[str, object]]]:
        return Part, (self.name, dict(self.options))  # a mappingproxy cannot be pickled

    def to_plain(self) -> str | dict[str, object]:
        """As a config file has it: the bare name where there are no options."""
        if not self.options:
            return self.name
        options = {
            option: list(value) if isinstance(value, tuple) else value
            for option, value in self.options.items()
        }
        return {"name": self.name, **options}


@dataclass(frozen=True)
class PartOf:
    """Marks a field of the schema as a choice from a family (in `Annotated`).

    With `or_number` a plain number will do as well, with `or_nothing` null. With `by_key` a part
    can be named by a key of its own, which holds the part's first option: `{norm: 1.0}`; `resolve`
    writes this out before validation.
    """

    registry: Registry[Any]
    or_number: bool = False
    or_nothing: bool = False
    by_key: bool = False

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return part_json_schema(self)

    @property
    def allowed(self) -> str:
        """What may stand there, in words."""
        names = ", ".join(self.registry.names())
        return f"a number, or one of {names}" if self.or_number else f"one of {names}"

    def validate(self, value: object) -> Part | float | None:
        """`value` (a name, or a mapping of name and options) as a part with all its options."""
        if self.or_number and isinstance(value, int | float) and not isinstance(value, bool):
            return _finite(value)
        if value is None and self.or_nothing:
            return None
        if isinstance(value, str):
            return self._build(self._entry(value, ()), {})
        if not isinstance(value, Mapping):
            what = "nothing is given" if value is None else f"{show(value)} is no {self._kind}"
            none = "none" if "none" in self.registry else ""
            fail(Problem(what, allowed=self.allowed, suggestion=none if value is None else ""))
        options = {option: _frozen(given) for option, given in value.items() if option != "name"}
        if "name" not in value:
            fail(self._unnamed(value))
        return self._build(self._entry(value["name"], ("name",)), options)

    def shorthand(self, value: object) -> tuple[str, str] | None:
        """The key that names the part in a mapping like `{norm: 1.0}`, and the option that it
        stands for; None where `value` is no such mapping."""
        if not self.by_key or not isinstance(value, Mapping) or "name" in value:
            return None
        named = [key for key in value if key in self.registry]
        options = option_names(self.registry[named[0]]) if len(named) == 1 else ()
        return (named[0], options[0]) if options and options[0] not in value else None

    def _unnamed(self, value: Mapping[str, object]) -> Problem:
        """What is wrong with a mapping that names no part."""
        missing = Problem("is missing", "name", f"the {self._kind}'s name, {self.allowed}")
        if not self.by_key:
            return missing
        named = [key for key in value if key in self.registry]
        if len(named) > 1:
            several = f"{' and '.join(named)} are given"
            return Problem(several, allowed=f"one {self._kind} at a time")
        for name in named:
            options = option_names(self.registry[name])
            if not options:
                return Problem(f"{name} takes no value", name, suggestion=name)
            return Problem("is given twice", options[0], f"{name} stands for it already")
        for key in value:
            if close := nearest(key, self.registry.names()):
                return Problem(f"no {self._kind} is called {show(key)}", key, self.allowed, close)
        return missing

    @property
    def _kind(self) -> str:
        return self.registry.kind

    def _entry(self, name: object, loc: tuple[str, ...]) -> Entry[Any]:
        if isinstance(name, str) and name in self.registry:
            return self.registry[name]
        what = unknown(self._kind, name)
        close = nearest(name, self.registry.names()) if isinstance(name, str) else ""
        fail(Problem(what, ".".join(loc), self.allowed, close))

    def _build(self, entry: Entry[Any], options: Mapping[str, object]) -> Part:
        validated = options_model(entry).model_validate(options)
        part = Part(entry.name, {name: getattr(validated, name) for name in option_names(entry)})
        try:
            self.registry.build(part.name, part.options)
        except RequestError as error:  # options that are right one by one, but not together
            fail(*error.problems)
        return part


def unknown(kind: str, name: object) -> str:
    """What is said of a name that is not in its family."""
    return f"no {kind} is called {show(name)}"


def option_names(entry: Entry[Any]) -> tuple[str, ...]:
    """The options of a part, in order."""
    return tuple(option.name for option in fields(entry.part) if option.init)


@cache
def options_model(entry: Entry[Any]) -> type[BaseModel]:
    """The options of a part as a strict pydantic model."""
    hints = get_type_hints(entry.part, include_extras=True)
    options: dict[str, Any] = {}
    for option in fields(entry.part):
        if option.default_factory is not MISSING:
            default = Field(default_factory=option.default_factory)
        else:
            default = Field(... if option.default is MISSING else option.default)
        if option.init:
            options[option.name] = (hints[option.name], default)
    return create_model(entry.part.__name__, __config__=STRICT, **options)


def part_json_schema(choice: PartOf) -> JsonSchemaValue:
    """JSON Schema of a choice: a bare name where no option is required, or name and options."""
    bare = [entry for entry in choice.registry if not entry.required]
    names = {
        "enum": [entry.name for entry in bare],
        "enumDescriptions": [entry.summary for entry in bare],  # read by VS Code and its kin
    }
    number = [{"type": "number"}] if choice.or_number else []
    nothing = [{"type": "null"}] if choice.or_nothing else []
    short = [_short_json_schema(e) for e in choice.registry if choice.by_key and option_names(e)]
    named = map(_entry_json_schema, choice.registry)
    return {"anyOf": [*number, names, *short, *named, *nothing]}


def _entry_json_schema(entry: Entry[Any]) -> JsonSchemaValue:
    schema = options_model(entry).model_json_schema()
    name = {"const": entry.name, "description": entry.summary}
    return {
        "type": "object",
        "description": f"{entry.summary} ({entry.source})",
        "properties": {"name": name, **schema.get("properties", {})},
        "required": ["name", *entry.required],
        "additionalProperties": False,
    }


def _short_json_schema(entry: Entry[Any]) -> JsonSchemaValue:
    """`{norm: 1.0}`, other options beside it."""
    named = _entry_json_schema(entry)
    first, *others = option_names(entry)
    properties = named["properties"]
    kept = {option: properties[option] for option in others}
    required = [entry.name, *(option for option in entry.required if option != first)]
    return {**named, "properties": {entry.name: properties[first], **kept}, "required": required}


def fail(*problems: Problem) -> NoReturn:
    """Refuse the value that is being validated; the problems' keys are relative to it."""
    raise ValidationError.from_exception_data(
        "config",
        [
            InitErrorDetails(
                type=PydanticCustomError(PROBLEM, "{problem}", {"problem": problem}),
                loc=tuple(problem.key.split(".")) if problem.key else (),
                input=None,
            )
            for problem in problems
        ],
    )


def _finite(value: float) -> float:
    number = float(value)
    if number - number != 0.0:
        fail(Problem(f"{show(number)} is not a finite number"))
    return number


def _frozen(value: object) -> object:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value
