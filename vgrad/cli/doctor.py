"""`vgrad doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from vgrad.cli.options import (
    DEFAULT_RUNS_DIR,
    Json,
    Overrides,
    Plugins,
    RunsDir,
    complete_configs,
    complete_runs,
    show,
    stderr_console,
)


def _complete(incomplete: str) -> list[str]:
    return [*complete_configs(incomplete), *complete_runs(incomplete)]


Patient = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG|RUN",
        help="A YAML experiment file, or a stored run: a part of its id, or 'latest'.",
        autocompletion=_complete,
    ),
]
Write = Annotated[
    Path | None,
    typer.Option(
        "--write",
        metavar="FILE",
        help="Write the config with a prescription carried out.",
        show_default=False,
    ),
]
Apply = Annotated[
    int, typer.Option("--apply", metavar="N", min=1, help="The prescription that --write takes.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print the best change as KEY=VALUE and nothing else.")
]


def register(app: typer.Typer) -> None:
    """Enter the command."""
    app.command("doctor")(doctor)


def doctor(
    patient: Patient,
    overrides: Overrides = None,
    plugin: Plugins = None,
    write: Write = None,
    apply: Apply = 1,
    force: Force = False,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say why a config does not train, and what will cure it: each remedy is tried.

    Remedies are ranked by what they achieve in short trainings on the config's own data, the
    smallest change first among those that achieve about the same.

    Example: vgrad doctor configs/quickstart.yaml --write fixed.yaml
    """
    from vgrad.doctor.consultation import Consultation
    from vgrad.doctor.crew import crew
    from vgrad.report.prescriptions import examination_json, examination_view, in_one_line

    consultation = Consultation.of(patient, overrides or (), plugin or (), runs_dir)
    if write is not None:
        consultation.refuse(write, force=force)
    with crew(tuple(plugin or ())) as run, stderr_console().status("trying remedies …"):
        found = consultation.examine(run)
    if json:
        typer.echo(examination_json(found), nl=False)
    elif quiet:
        typer.echo(in_one_line(found))
    else:
        show(examination_view(found))
    if write is not None:
        consultation.write(found, apply, write, force=force)
        typer.echo(f"wrote {write}; now: vgrad run {write}", err=True)
