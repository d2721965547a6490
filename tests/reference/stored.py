"""The results that PyTorch gave, in small files that need no PyTorch to read.

Every file holds flat arrays, one case after the other, and an index in JSON that says what is
what. `make_reference.py` writes them.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from reference.cases import Case, Vector, name_of, parameter_count

from vgrad.nn.activations import Activation, activations
from vgrad.nn.losses import losses
from vgrad.nn.optimizers import UpdateRule, optimizers
from vgrad.nn.penalties import Penalties
from vgrad.registry import Registry

FOLDER = Path(__file__).parent
REMEDY = "run `python -m reference.make_reference` in tests/, with PyTorch installed"


def save(name: str, index: object, **arrays: Any) -> None:
    """Write a file of the folder."""
    np.savez_compressed(FOLDER / f"{name}.npz", index=json.dumps(index), **arrays)


@cache
def load(name: str) -> tuple[Any, dict[str, NDArray[Any]]]:
    """The index and the arrays of a file of the folder."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    return json.loads(str(arrays.pop("index"))), arrays


def named(part: Any, registry: Registry[Any]) -> tuple[str, dict[str, Any]]:
    """A part as its name and its options."""
    return name_of(part, registry), asdict(part)


def save_gradients(results: Iterable[tuple[Case, float, list[Vector]]]) -> None:
    """Store cases with their loss and gradients."""
    index, inputs, grads = [], [], []
    for case, value, layers in results:
        index.append(
            {
                "activation": named(case.activation, activations),
                "loss": named(case.loss, losses),
                "sizes": case.sizes,
                "batch": case.batch,
                "penalties": asdict(case.penalties),
                "value": value,
            }
        )
        inputs += [case.params, case.x.ravel(), case.t.ravel()]
        grads += [layer.ravel() for layer in layers]
    flat = np.concatenate(inputs)
    single = flat.astype(np.float32)
    assert (single == flat).all(), "the inputs must be exact in single precision"
    save("gradients", index, inputs=single, grads=np.concatenate(grads))


def load_gradients() -> Iterator[tuple[Case, float, list[Vector]]]:
    """The cases with the loss and the gradients that PyTorch gave."""
    index, arrays = load("gradients")
    inputs, grads = arrays["inputs"].astype(np.float64), arrays["grads"]
    for entry in index:
        sizes, batch = tuple(entry["sizes"]), entry["batch"]
        count = parameter_count(sizes)
        lengths = np.cumsum([count, sizes[0] * batch, sizes[-1] * batch])
        params, x, t, inputs = np.split(inputs, lengths)
        case = Case(
            activation=activations.build(*entry["activation"]),
            loss=losses.build(*entry["loss"]),
            sizes=sizes,
            params=params,
            x=x.reshape(sizes[0], batch),
            t=t.reshape(sizes[-1], batch),
            penalties=Penalties(**entry["penalties"]),
        )
        layers = []
        for fan_in, fan_out in pairwise(sizes):
            block, grads = np.split(grads, [fan_out * (1 + fan_in)])
            layers.append(block.reshape(fan_out, 1 + fan_in))
        yield case, entry["value"], layers


def load_activations() -> Iterator[tuple[Activation, Vector, Vector, Vector]]:
    """Activations with z, φ(z) and φ′(z)."""
    index, arrays = load("activations")
    for (name, options), *rows in zip(index, arrays["values"], arrays["slopes"], strict=True):
        yield activations.build(name, options), arrays["z"], *rows


def load_traces() -> Iterator[tuple[str, UpdateRule, Vector, Vector, Vector]]:
    """Optimizers by name, the start, the gradients and the parameters after each step."""
    index, arrays = load("optimizers")
    for (name, options), trace in zip(index, arrays["traces"], strict=True):
        pairs = {key: tuple(v) if isinstance(v, list) else v for key, v in options.items()}
        yield name, optimizers.build(name, pairs), arrays["start"], arrays["grads"], trace
