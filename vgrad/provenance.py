"""Whose code a run is made with: loaded for its config, written down, and asked for again.

That is its plugins, and who compiled the engine's kernels: their numbers may differ from NumPy's by
rounding, and a run that goes on must end as if it had never stopped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vgrad.config import Config, load_config
from vgrad.config.parts import unknown
from vgrad.errors import Problem, RequestError
from vgrad.experiment import Experiment
from vgrad.plugins import Plugin, load_plugins, loaded_plugins, plugins_of
from vgrad.plugins.loading import Paths
from vgrad.store import Run

Source = str | Path | Mapping[str, object] | Config
Overrides = Mapping[str, object] | Sequence[str]


def load_with_plugins(
    config: Source, overrides: Overrides = (), plugins: Paths = ()
) -> tuple[Config, tuple[Plugin, ...]]:
    """The config, and the plugins behind it: those given, and those loaded before that it uses.

    Raises:
        RequestError: a plugin or the config is wrong; where the config is a run's own and a part
            of it came from a plugin, says from which.
    """
    given = load_plugins(plugins)
    try:
        if isinstance(config, Config):
            resolved = config.with_overrides(overrides) if overrides else config
        else:
            resolved = load_config(config, overrides)
    except RequestError as error:
        recorded = Run(Path(config).parent).plugins if isinstance(config, str | Path) else ()
        raise _explained(error, recorded) from None
    by_hash = {plugin.sha256: plugin for plugin in (*plugins_of(resolved), *given)}
    return resolved, tuple(by_hash.values())


def comment_of(plugins: Sequence[Plugin]) -> str:
    """Lines to stand above a config: what was given beside it."""
    return "".join(f"# made with --plugin {one.path!r}, sha256 {one.sha256}\n" for one in plugins)


def require_plugins(stored: Run, plugins: Paths = ()) -> None:
    """Load these plugins, and refuse to go on with a run unless all that it was made with is
    loaded then, to the byte.

    Raises:
        RequestError: a plugin is wrong, missing, or has changed; says which.
    """
    load_plugins(plugins)
    loaded = loaded_plugins()
    missing = [
        _missing(stored.id, plugin, loaded)
        for plugin in stored.plugins
        if plugin.sha256 not in {one.sha256 for one in loaded}
    ]
    if missing:
        raise RequestError(missing)


KERNELS = "numba"


def kernels_of(experiment: Experiment) -> str | None:
    """Who compiles the kernels that this experiment goes by; None where NumPy does all."""
    return None if experiment.compiler is None else KERNELS


def with_kernels_of(stored: Run, experiment: Experiment) -> Experiment:
    """The experiment of a run to go on with, by NumPy alone if that is how it began.

    Raises:
        RequestError: it began with Numba, which is not installed now.
    """
    began = stored.environment.get("kernels", kernels_of(experiment))
    if began is None:
        return replace(experiment, kernels=False)
    if kernels_of(experiment) is None:
        message = f"{stored.id} was made with {began}, which is not installed here"
        raise RequestError(Problem(message, allowed=f"pip install {began}"))
    return experiment


def _missing(run: str, plugin: Plugin, loaded: Sequence[Plugin]) -> Problem:
    made = f"{run} was made with the plugin {plugin}"
    namesake = next((one for one in loaded if Path(one.path).name == Path(plugin.path).name), None)
    if namesake is None:
        return Problem(f"{made}, which is not given", allowed=f"--plugin {plugin.path}")
    return Problem(f"{made}, and this is {namesake}", allowed="the file as it was then")


def _explained(error: RequestError, recorded: Sequence[Plugin]) -> RequestError:
    """`error`, where a name is not known that a recorded plugin has, saying so."""
    homes = {unknown(*part): plugin for plugin in recorded for part in plugin.parts}
    return RequestError(
        replace(
            problem,
            allowed=f"it came from the plugin {homes[problem.message]}: "
            f"--plugin {homes[problem.message].path}",
            suggestion="",
        )
        if problem.message in homes
        else problem
        for problem in error.problems
    )
