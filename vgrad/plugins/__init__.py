"""Parts of your own: what a plugin imports to register them, and how it is loaded.

A plugin is one Python file that registers parts as vgrad's own files do:

    from vgrad.plugins import Activation, Array, activations

    @activations.register("cosine", source="mine")
    @dataclass(frozen=True)
    class Cosine(Activation):
        ...

`vgrad run a.yaml --plugin my_parts.py` loads it; in Python `load_plugins("my_parts.py")`, or
`vgrad.run("a.yaml", plugins=["my_parts.py"])`. A config alone never loads anything.
"""

from vgrad.nn.activations import Activation, activations
from vgrad.nn.arrays import Array
from vgrad.nn.initializers import Initializer, initializers
from vgrad.nn.losses import Loss, losses
from vgrad.nn.optimizers import UpdateRule, optimizers
from vgrad.nn.optimizers.base import Coefficients, Decay, Positive
from vgrad.plugins.loading import load_plugins, loaded_plugins, plugins_of, unload_plugins
from vgrad.plugins.source import blamed
from vgrad.records import Plugin

__all__ = [
    "Activation",
    "Array",
    "Coefficients",
    "Decay",
    "Initializer",
    "Loss",
    "Plugin",
    "Positive",
    "UpdateRule",
    "activations",
    "blamed",
    "initializers",
    "load_plugins",
    "loaded_plugins",
    "losses",
    "optimizers",
    "plugins_of",
    "unload_plugins",
]
