"""`--html [FILE] [--open]`: what the commands that make a page share."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

OPTION = "--html"
ENDINGS = (".html", ".htm")

Html = Annotated[
    str | None,
    typer.Option(
        OPTION,
        metavar="[FILE.html]",
        help="Write a page for a browser, one file that needs no network.",
        show_default=False,
    ),
]
Open = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]


def with_file_of_page(arguments: Sequence[str]) -> list[str]:
    """The command line with an empty FILE where `--html` has none, since options that may stand
    without their value are not typer's. What follows is its FILE where it is named as a page."""
    found: list[str] = []
    for at, argument in enumerate(arguments):
        alone = argument == OPTION and not _is_page(arguments[at + 1 : at + 2])
        found.append(f"{OPTION}=" if alone else argument)
    return found


def _is_page(following: Sequence[str]) -> bool:
    return any(one.lower().endswith(ENDINGS) and not one.startswith("--") for one in following)


def deliver(make: Callable[[], str], given: str, usual: Path, *, open_it: bool) -> None:
    """Make a page, write it, say where it is; open it where that is asked for.

    Raises:
        RequestError: FILE is not the name of a page, or what draws it is not installed.
        RunError: the page cannot be written.
    """
    from vgrad.report.html.saving import page_path, save_page

    path = page_path(given, usual)
    save_page(make(), path)
    typer.echo(str(path))
    if open_it:
        import webbrowser

        if not webbrowser.open(path.resolve().as_uri()):
            typer.echo(f"no browser could be started; open {path} in one", err=True)
