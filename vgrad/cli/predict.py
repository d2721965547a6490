"""`vgrad predict`."""

import typer

from vgrad.cli.options import AllLayers, ConfigFile, Json, Overrides, Plugins, show


def register(app: typer.Typer) -> None:
    """Enter the command."""
    app.command("predict")(predict)


def predict(
    config: ConfigFile,
    overrides: Overrides = None,
    plugin: Plugins = None,
    all_layers: AllLayers = False,
    json: Json = False,
) -> None:
    """Say how a network will begin: its gradient by layer, and how deep it can be.

    By mean-field theory, without training; where theory is silent a few networks are drawn and
    measured. Nothing is written.

    Example: vgrad predict configs/quickstart.yaml model.depth=50 model.init=he_normal
    """
    from vgrad.experiment import prepare
    from vgrad.forecast.making import forecast
    from vgrad.plugins import blamed
    from vgrad.provenance import load_with_plugins
    from vgrad.report.forecast import forecast_json, forecast_view
    from vgrad.session import blas_threads

    resolved, _ = load_with_plugins(config, overrides or (), plugin or ())
    experiment = prepare(resolved)
    with blas_threads(experiment), blamed():
        expected = forecast(experiment)
    settings = experiment.config.to_dict()
    if json:
        typer.echo(forecast_json(expected, settings), nl=False)
    else:
        show(forecast_view(expected, settings, all_layers=all_layers))
