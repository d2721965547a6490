"""vgrad: a laboratory for gradient flow.

`vgrad.run("a.yaml", {"model.depth": 50})` trains what a config says and returns the stored run;
`vgrad.open_run("latest").layers` is its per-layer table as a structured array. Everything here
is imported when it is first used, so that the command line starts at once.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vgrad.config import Config, load_config
    from vgrad.errors import RequestError, RunError
    from vgrad.plugins import Plugin, load_plugins
    from vgrad.runner import open_run, resume, run
    from vgrad.store import Run, Sweep
    from vgrad.sweep import open_sweep, resume_sweep, run_sweep

__version__ = "0.1.0"
__all__ = [
    "Config",
    "Plugin",
    "RequestError",
    "Run",
    "RunError",
    "Sweep",
    "load_config",
    "load_plugins",
    "open_run",
    "open_sweep",
    "resume",
    "resume_sweep",
    "run",
    "run_sweep",
]

_HOMES = {
    "Config": "vgrad.config",
    "Plugin": "vgrad.plugins",
    "RequestError": "vgrad.errors",
    "Run": "vgrad.store",
    "RunError": "vgrad.errors",
    "Sweep": "vgrad.store",
    "load_config": "vgrad.config",
    "load_plugins": "vgrad.plugins",
    "open_run": "vgrad.runner",
    "open_sweep": "vgrad.sweep",
    "resume": "vgrad.runner",
    "resume_sweep": "vgrad.sweep",
    "run": "vgrad.runner",
    "run_sweep": "vgrad.sweep",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
