"""The commands: parse, call, print, exit. Each imports its work inside, so that help is fast."""

import typer

from vgrad.cli import compare, configs, doctor, export, listing, predict, report, run, sweep, watch
from vgrad.cli.pages import with_file_of_page
from vgrad.errors import RequestError, RunError

FAILED, WRONG_REQUEST = 1, 2

app = typer.Typer(
    name="vgrad",
    help="A laboratory for gradient flow: see where a deep net's gradient goes, and why.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (run, watch, predict, doctor, sweep, report, compare, export, listing, configs):
    module.register(app)


def _version(shown: bool) -> None:
    if shown:
        from vgrad import __version__

        typer.echo(f"vgrad {__version__}")
        raise typer.Exit


@app.callback()
def _vgrad(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    pass


def exit_code(arguments: list[str]) -> int:
    """Carry out a command line: 0 done, 1 a run failed, 2 the request was wrong, 130 interrupted.
    No traceback for anything that a user can cause."""
    try:
        app(with_file_of_page(arguments), prog_name="vgrad")
    except RequestError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        return WRONG_REQUEST
    except RunError as error:
        typer.echo(str(error), err=True)
        return FAILED
    except OSError as error:  # a full disk behind stdout
        typer.echo(f"vgrad: {error.strerror or error}", err=True)
        return FAILED
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    return 0
