"""The libraries that a page is made with and carries: none of them is needed otherwise."""

import json
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgrad.errors import Problem, RequestError

if TYPE_CHECKING:
    from jinja2 import Environment

NEEDED = ("plotly", "jinja2", "itables")
ASSETS = "assets"


def require_libraries() -> None:
    """Ask for what a page is made with, before any work is done.

    Raises:
        RequestError: a library is not installed; says how to get it.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        allowed = "pip install 'vgrad[plot]'"
        raise RequestError(
            Problem(f"--html needs {', '.join(missing)}, not installed here", "", allowed)
        )


@cache
def plotly_script() -> str:
    """plotly.js, whole."""
    from plotly.offline import get_plotlyjs

    return inlined(str(get_plotlyjs()))


@cache
def tables_script() -> str:
    """DataTables as an ES module: the bundle that itables ships. Its package is looked up, not
    imported: importing it takes pandas along."""
    return inlined(_bundle("js"))


@cache
def tables_style() -> str:
    """The style sheet that goes with it."""
    return _bundle("css").replace("</style", "<\\/style")


def _bundle(kind: str) -> str:
    spec = find_spec("itables")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    return (folder / "html" / f"dt_bundle.{kind}").read_text(encoding="utf-8")


def inlined(script: str) -> str:
    """A script that ends at its own end, and not where one of its strings names the end tag."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def as_json(value: Any) -> str:
    """JSON for a `<script>` element: no character of it is markup. nan and inf become null."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


@cache
def environment() -> "Environment":
    """The templates. What they are given is escaped unless it is said to be markup."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    assets = files(__package__) / ASSETS

    def load(name: str) -> str:
        return (assets / name).read_text(encoding="utf-8")

    return Environment(
        loader=FunctionLoader(load),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
