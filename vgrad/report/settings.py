"""The settings of a run that a reader wants to see next to its result."""

from collections.abc import Mapping
from typing import Any

SETTINGS: dict[str, str] = {
    "data": "data.name",
    "depth": "model.depth",
    "width": "model.width",
    "activation": "model.activation",
    "init": "model.init",
    "connectivity": "model.connectivity",
    "norm": "model.norm",
    "dropout": "model.dropout",
    "loss": "loss",
    "l1": "regularization.l1",
    "l2": "regularization.l2",
    "optimizer": "optimizer.name",
    "lr": "optimizer.lr",
    "weight decay": "optimizer.weight_decay",
    "schedule": "schedule",
    "batch size": "train.batch_size",
    "clip": "clip",
    "noise": "noise.eta",
    "seed": "seed",
    "dtype": "dtype",
}
"""Title → dotted key of the resolved config."""

UNREMARKABLE: dict[str, tuple[str, ...]] = {
    "connectivity": ("plain",),
    "norm": ("none",),
    "dropout": ("0",),
    "l1": ("0",),
    "l2": ("0",),
    "weight decay": ("0",),
    "schedule": ("constant", "constant(warmup=0)"),
    "noise": ("0",),
}
"""Values that go without saying. Not so `clip: none`: clipping falsifies a gradient unseen."""


def settings_of(config: Mapping[str, Any]) -> dict[str, str]:
    """The settings worth showing, by title."""
    found = {title: setting(config, key) for title, key in SETTINGS.items()}
    return {
        title: value
        for title, value in found.items()
        if value and value not in UNREMARKABLE.get(title, ())
    }


def setting(config: Mapping[str, Any], key: str) -> str:
    """The value at a dotted key as text, "" where there is none.

    Parts come with their options, `leaky_relu(negative_slope=0.1)`; `KEY.name` is the bare name
    however the part is written.
    """
    value: Any = config
    for name in key.split("."):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif not (isinstance(value, str) and name == "name"):
            return ""
    return _text(value)


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case Mapping():
            options = [f"{key}={_text(item)}" for key, item in value.items() if key != "name"]
            return f"{value.get('name', '')}({', '.join(options)})"
        case [first, _, _, *_, last]:
            return f"{first}-…-{last}"
        case list() | tuple():
            return "-".join(map(str, value))
        case float():
            return f"{value:g}"
        case _:
            return str(value)
