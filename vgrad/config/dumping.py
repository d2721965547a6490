"""A config as YAML that loads to an equal config, and as flat keys to filter runs by."""

import math
from collections.abc import Mapping

import yaml

from vgrad.config.schema import Config
from vgrad.config.yaml_scalars import FLOAT

LINE_WIDTH = 100


class _Dumper(yaml.SafeDumper):
    """Quotes whatever PyYAML's safe loader, or ours, would not read back as text."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        return True  # our reader refuses aliases

    def serialize(self, node: yaml.Node) -> None:
        node.flow_style = False  # type: ignore[attr-defined]  # the root is in lines, always
        super().serialize(node)


class _FlowDumper(_Dumper):
    """All on one line."""

    def serialize(self, node: yaml.Node) -> None:
        yaml.SafeDumper.serialize(self, node)


# `1e5` is text to PyYAML and a number to us
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+.0123456789"))


def dump_yaml(config: Config) -> str:
    """The whole resolved config as YAML; reading it gives an equal config, to the last bit."""
    return to_yaml(config.to_dict())


def to_yaml(data: Mapping[str, object]) -> str:
    """Plain data as YAML: keys in their order, innermost mappings and lists on one line."""
    return yaml.dump(
        dict(data),
        Dumper=_Dumper,
        default_flow_style=None,
        sort_keys=False,
        allow_unicode=True,
        width=LINE_WIDTH,
    )


def to_flow(value: object) -> str:
    """Plain data as YAML on one line, to stand behind a key."""
    text: str = yaml.dump(
        [value],
        Dumper=_FlowDumper,
        default_flow_style=True,
        sort_keys=False,
        allow_unicode=True,
        width=math.inf,
    )
    return text.strip()[1:-1]  # without the list that it was put in


def flatten(config: Config) -> dict[str, object]:
    """Dotted key → scalar: `optimizer` is the part's name, `optimizer.lr` its option.

    Lists are text, as in YAML: `[64, 32]`.
    """
    return flatten_plain(config.to_dict())


def flatten_plain(config: Mapping[str, object]) -> dict[str, object]:
    """As `flatten`, of a config's plain data."""
    flat: dict[str, object] = {}
    _flatten(config, "", flat)
    return flat


def _flatten(data: Mapping[str, object], prefix: str, flat: dict[str, object]) -> None:
    for key, value in data.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, Mapping):
            if "name" in value:
                flat[dotted] = value["name"]
            inner = {option: item for option, item in value.items() if option != "name"}
            _flatten(inner, f"{dotted}.", flat)
        elif isinstance(value, list):
            flat[dotted] = f"[{', '.join(map(str, value))}]"
        else:
            flat[dotted] = value


def in_one_line(value: object) -> str:
    """A value as a config may have it on one line: `{name: gaussian, std: 0.01}`."""
    if isinstance(value, str):
        return value
    text = yaml.dump(value, Dumper=_Flow, default_flow_style=True, sort_keys=False, width=math.inf)
    return str(text).removesuffix("\n").removesuffix("\n...")


class _Flow(_Dumper):
    """Writes collections on one line, also where they are all there is."""

    def serialize(self, node: yaml.Node) -> None:
        yaml.SafeDumper.serialize(self, node)
