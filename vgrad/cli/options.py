"""Arguments and options that several commands share, and what completes them."""

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

RUNS_DIR_VARIABLE = "VGRAD_RUNS_DIR"
COMPLETIONS = 50


def complete_runs(incomplete: str) -> list[str]:
    """Ids of runs and sweeps that hold what was typed, newest first; behind a sweep's id and a
    slash, of its runs."""
    from vgrad.store.layout import LATEST, folder_names

    runs_dir = Path(os.environ.get(RUNS_DIR_VARIABLE, "runs"))
    sweep, slash, part = incomplete.rpartition("/")
    names = [*folder_names(runs_dir / sweep)][::-1] if slash else [LATEST, *folder_names(runs_dir)]
    fitting = (f"{sweep}{slash}{name}" for name in names if part in name)
    return [*islice(fitting, COMPLETIONS)]


def complete_configs(incomplete: str) -> list[str]:
    """YAML files and folders that begin with what was typed."""
    return _complete_files(incomplete, (".yaml", ".yml"))


def complete_plugins(incomplete: str) -> list[str]:
    """Python files and folders that begin with what was typed."""
    return _complete_files(incomplete, (".py",))


def _complete_files(incomplete: str, endings: tuple[str, ...]) -> list[str]:
    folder, _, start = incomplete.rpartition("/")
    try:
        entries = sorted(os.scandir(folder or "."), key=lambda entry: entry.name)
    except OSError:
        return []
    fitting = [
        entry
        for entry in entries
        if entry.name.startswith(start) and (entry.is_dir() or entry.name.endswith(endings))
    ]
    prefix = f"{folder}/" if folder else ""
    return [f"{prefix}{entry.name}{'/' if entry.is_dir() else ''}" for entry in fitting]


RunsDir = Annotated[
    Path,
    typer.Option(
        "--runs-dir",
        envvar=RUNS_DIR_VARIABLE,
        help="The folder of runs.",
        file_okay=True,
        show_default=True,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the run-id and nothing else.")]
AllLayers = Annotated[
    bool, typer.Option("--all-layers", help="Every layer, not only head, tail and some between.")
]
Plugins = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        metavar="FILE",
        help="A Python file with parts of your own; may be repeated.",
        autocompletion=complete_plugins,
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE]...", help="Override keys: model.depth=50 optimizer.lr=0.01"
    ),
]
StoredRef = Annotated[
    str,
    typer.Argument(
        metavar="RUN|SWEEP",
        help="A run-id, a sweep-id, any unambiguous part of one, SWEEP/RUN, a folder, or 'latest'.",
        autocompletion=complete_runs,
    ),
]
ConfigFile = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG", help="A YAML experiment file.", autocompletion=complete_configs
    ),
]

DEFAULT_RUNS_DIR = Path("runs")


def stdout_console() -> "Console":
    """A console on stdout: the terminal's width and colours, 80 columns and none in a pipe."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False)


def show(page: "RenderableType") -> None:
    """Print a page on stdout; into a pipe or file without the blanks that fill up its lines."""
    console = stdout_console()
    if isinstance(page, str):
        text = page
    else:
        with console.capture() as capture:
            console.print(page)
        text = capture.get()
    if not console.is_terminal:
        text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    typer.echo(text, nl=False)


def stderr_console() -> "Console":
    """A console on stderr, for progress."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)
