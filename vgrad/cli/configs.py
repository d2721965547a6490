"""`vgrad check`, `vgrad schema`, `vgrad init`: everything about a config but running it."""

from pathlib import Path
from typing import Annotated

import typer

from vgrad.cli.options import ConfigFile, Json, Overrides, Plugins

DEFAULT_NAME = "experiment"
MEBIBYTE = 2**20

Name = Annotated[str, typer.Argument(metavar="[NAME]", help="Names the run and the file.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


def register(app: typer.Typer) -> None:
    """Enter the commands."""
    app.command("check")(check)
    app.command("schema")(schema)
    app.command("init")(init)


def check(
    config: ConfigFile,
    overrides: Overrides = None,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Validate a config; print it whole, and what it will take.

    A few steps are made, to estimate the time; nothing is written.

    Example: vgrad check configs/quickstart.yaml model.width=256
    """
    from vgrad.config.dumping import dump_yaml
    from vgrad.estimate import estimate
    from vgrad.experiment import prepare
    from vgrad.provenance import load_with_plugins
    from vgrad.report.documents import json_text
    from vgrad.report.numbers import duration

    resolved, _ = load_with_plugins(config, overrides or (), plugin or ())
    experiment = prepare(resolved)
    takes = estimate(experiment)
    if json:
        facts: dict[str, object] = {"parameters": takes.parameters, "bytes": takes.nbytes}
        facts |= {
            "steps": takes.steps,
            "seconds": takes.seconds,
            "config": experiment.config.to_dict(),
        }
        typer.echo(json_text(facts), nl=False)
        return
    typer.echo(dump_yaml(experiment.config))
    typer.echo(f"# parameters      {takes.parameters:,}")
    typer.echo(f"# memory          {takes.nbytes / MEBIBYTE:,.1f} MiB")
    typer.echo(f"# steps           {takes.steps:,}")
    typer.echo(f"# estimated time  {duration(takes.seconds)}")


def schema(plugin: Plugins = None) -> None:
    """Print the JSON Schema of a config, for an editor's completion.

    Example: vgrad schema > vgrad.schema.json
    """
    from vgrad.config.json_schema import json_schema
    from vgrad.plugins import load_plugins
    from vgrad.report.documents import json_text

    load_plugins(plugin or ())
    typer.echo(json_text(json_schema()), nl=False)


def init(name: Name = DEFAULT_NAME, force: Force = False) -> None:
    """Write a commented config to begin with, NAME.yaml.

    Example: vgrad init my-net && vgrad run my-net.yaml
    """
    from vgrad.config.starter import starter
    from vgrad.errors import Problem, RequestError

    name = name.removesuffix(".yaml")
    text, path = starter(name), Path(f"{name}.yaml")
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise RequestError(Problem(f"{path} is there already", "", "--force replaces it")) from None
    except OSError as error:
        raise RequestError(Problem(f"cannot write {path}: {error.strerror}")) from None
    typer.echo(f"wrote {path}; now: vgrad run {path}")
