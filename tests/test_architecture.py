"""The house of the design: who may import whom, how long a file may be, and that all is said."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import vgrad

ROOT = Path(vgrad.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
LONGEST = 400  # lines; a file that needs more holds more than one idea

FLOORS: dict[str, int] = {
    **dict.fromkeys(("errors", "registry", "records", "interrupts", "euclidean"), -1),
    "nn": 0,
    **dict.fromkeys(("config", "data"), 1),
    **dict.fromkeys(("telemetry", "histograms", "diagnosis", "theory", "plugins", "compiling"), 2),
    **dict.fromkeys(("store", "training", "experiment", "session", "estimate"), 3),
    **dict.fromkeys(("stacks", "observation", "limiting", "provenance", "forecast"), 3),
    **dict.fromkeys(("report", "runner", "sweep", "doctor", "export"), 4),
    "cli": 5,
    **dict.fromkeys(("__init__", "__main__"), 6),
}
"""Of each room, a file or a folder of the package. Imports go down, or along a floor."""

ENGINE = {"nn", "training", "experiment", "stacks", "observation", "limiting"}
NEVER: dict[str, set[str]] = {
    "report": ENGINE,
    "store": ENGINE,
    "export": ENGINE,
    "telemetry": {"nn"},
    "data": {"nn"},
    "diagnosis": ENGINE,
    "theory": {"training", "experiment"},
    "plugins": {"training", "experiment", "telemetry"},
    "cli": {"nn", "training", "telemetry"},
}
"""What a room must never import, although it stands on a lower floor."""


def module_name(file: Path) -> str:
    """Dotted, as it is imported."""
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(file): file for file in FILES}


@cache
def tree(file: Path) -> ast.Module:
    """The file, parsed."""
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def imports(file: Path) -> Iterator[str]:
    """All modules that a file imports, at its top or in a function; not those for types alone."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else str(node.module)


def room(module: str) -> str:
    """The file or folder of the package that a module of it stands in."""
    _, _, inside = module.partition(".")
    return inside.split(".")[0] or "__init__"


def edges() -> set[tuple[str, str]]:
    """(importing, imported) for all rooms; those that import `vgrad` itself want its version."""
    return {
        (room(module), room(imported))
        for module, file in MODULES.items()
        for imported in imports(file)
        if imported.startswith("vgrad.") and room(module) != room(imported)
    }


def test_every_room_has_its_floor() -> None:
    rooms = {room(module) for module in MODULES} | {"__main__"}
    assert rooms <= FLOORS.keys(), "say in FLOORS where it stands"


@pytest.mark.parametrize(("importing", "imported"), sorted(edges()))
def test_imports_never_go_up(importing: str, imported: str) -> None:
    assert FLOORS[imported] <= FLOORS[importing]


@pytest.mark.parametrize(("importing", "imported"), sorted(edges()))
def test_no_room_imports_what_it_must_not_know(importing: str, imported: str) -> None:
    assert imported not in NEVER.get(importing, set())


def circle(graph: dict[str, set[str]]) -> list[str]:
    """What stays when all that imports nothing, or is not imported, is taken away repeatedly."""
    left = {node: targets & graph.keys() for node, targets in graph.items()}
    while True:
        imported = {target for targets in left.values() for target in targets}
        kept = {node for node, targets in left.items() if targets and node in imported}
        if kept == left.keys():
            return sorted(kept)
        left = {node: targets & kept for node, targets in left.items() if node in kept}


def test_a_circle_would_be_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == ["b", "c"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_rooms_import_each_other_in_no_circle() -> None:
    pairs = edges()
    assert pairs
    rooms = {one for pair in pairs for one in pair}
    assert not circle({one: {b for a, b in pairs if a == one} for one in rooms})


def test_files_import_each_other_in_no_circle() -> None:
    graph = {name: set(imports(file)) - {name, "vgrad"} for name, file in MODULES.items()}
    assert not circle(graph)


def test_the_engine_imports_numpy_and_nothing_else_of_the_world() -> None:
    allowed = {"numpy", "annotated_types", *sys.stdlib_module_names}
    for name, file in MODULES.items():
        if room(name) != "nn":
            continue
        for imported in imports(file):
            if imported.startswith("vgrad"):
                assert room(imported) in ("nn", "registry", "errors", "euclidean"), (
                    f"{name}: {imported}"
                )
            else:
                assert imported.split(".")[0] in allowed, f"{name}: {imported}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_file_is_too_long(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST


Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def definitions(body: list[ast.stmt]) -> Iterator[Definition]:
    """Public classes and functions of a file or a class."""
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node


@cache
def classes() -> dict[str, ast.ClassDef]:
    """All classes of the package by name."""
    walked = (node for file in FILES for node in ast.walk(tree(file)))
    return {node.name: node for node in walked if isinstance(node, ast.ClassDef)}


def base_names(node: ast.ClassDef) -> set[str]:
    """The names of the bases, without their parameters."""
    named = (base.value if isinstance(base, ast.Subscript) else base for base in node.bases)
    return {base.attr if isinstance(base, ast.Attribute) else ast.unparse(base) for base in named}


def contracts(node: ast.ClassDef) -> Iterator[ast.ClassDef]:
    """What a class can owe its methods to: its bases, theirs, and every protocol."""
    for name, other in classes().items():
        if name in base_names(node):
            yield other
            yield from contracts(other)
        elif "Protocol" in base_names(other):
            yield other


def speaks_for_itself(owner: ast.ClassDef, method: Definition) -> bool:
    """Whether a method has a docstring, or is a protocol's bare attribute, or implements a
    documented contract."""
    attribute = "Protocol" in base_names(owner) and "property" in map(
        ast.unparse, method.decorator_list
    )
    stated = (
        inherited.name == method.name and ast.get_docstring(inherited)
        for contract in contracts(owner)
        for inherited in definitions(contract.body)
    )
    return bool(ast.get_docstring(method)) or attribute or any(stated)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_everything_public_says_what_it_is(file: Path) -> None:
    silent = [] if ast.get_docstring(tree(file)) else ["the file"]
    for node in definitions(tree(file).body):
        if not ast.get_docstring(node):
            silent.append(f"{node.name}, line {node.lineno}")
        if isinstance(node, ast.ClassDef):
            silent += [
                f"{node.name}.{method.name}, line {method.lineno}"
                for method in definitions(node.body)
                if not speaks_for_itself(node, method)
            ]
    assert not silent
