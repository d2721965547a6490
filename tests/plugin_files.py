"""Plugins as a user might write them, right and wrong."""

from pathlib import Path

import pytest

from vgrad.errors import RequestError
from vgrad.plugins import load_plugins

Change = tuple[str, str]

HEAD = """\
import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt

from vgrad.plugins import *

"""
SINE = '''
@activations.register("sine", source="mine")
@dataclass(frozen=True)
class Sine(Activation):
    """sin(omega·z)."""

    omega: Annotated[float, Gt(0)] = 1.0

    needs_input: ClassVar[bool] = True
    n_scratch: ClassVar[int] = 1

    @property
    def max_slope(self):
        return self.omega

    def forward(self, z, *, out, scratch):
        np.multiply(z, self.omega, out=out)
        np.sin(out, out=out)

    def derivative(self, z, output, *, out, scratch):
        s = scratch[0]
        np.multiply(z, self.omega, out=s)
        np.cos(s, out=out)
        out *= self.omega
'''
LEAKY = '''
@activations.register("leaky", source="mine")
@dataclass(frozen=True)
class Leaky(Activation):
    """z for z > 0, z/10 otherwise."""

    kinks: ClassVar[tuple[float, ...]] = (0.0,)

    def forward(self, z, *, out, scratch):
        np.multiply(z, 0.1, out=out)
        np.maximum(z, out, out=out)

    def derivative(self, z, output, *, out, scratch):
        np.greater(output, 0.0, out=out)
        out *= 0.9
        out += 0.1
'''
HALVES = '''
@initializers.register("halves", source="mine")
@dataclass(frozen=True)
class Halves(Initializer):
    """A half or minus a half."""

    size: Annotated[float, Gt(0)] = 0.5

    def fill(self, weight, *, activation, rng):
        weight[...] = self.size * rng.choice([-1.0, 1.0], weight.shape)
'''
CUBIC = '''
@losses.register("cubic", source="mine")
@dataclass(frozen=True)
class Cubic(Loss):
    """Mean of |y - t|³/3."""

    def value_and_grad(self, y, t, *, grad, scratch):
        error = scratch[0]
        np.subtract(y, t, out=error)
        np.abs(error, out=grad)
        grad *= error
        grad /= y.size
        error **= 2
        error **= 1.5
        return float(error.mean()) / 3.0
'''
HEAVY = '''
@optimizers.register("heavy", source="mine")
@dataclass(frozen=True)
class Heavy(UpdateRule):
    """The heavy ball."""

    lr: Positive = 0.01

    slots: ClassVar[tuple[str, ...]] = ("velocity",)

    def update(self, params, grads, slots, scratch, coefficients):
        (velocity,), (s,) = slots, scratch
        velocity *= 0.9
        velocity += grads
        np.multiply(velocity, coefficients[0], out=s)
        params -= s
'''


def written(folder: Path, *texts: str, name: str = "my_parts.py") -> Path:
    """A plugin of these texts below the imports that they all need."""
    path = folder / name
    path.write_text(HEAD + "".join(texts), encoding="utf-8")
    return path


def edited(text: str, *changes: Change) -> str:
    """The text with each first of a pair, which must stand in it, become the second."""
    for old, new in changes:
        assert old in text, f"nothing to change: {old}"
        text = text.replace(old, new, 1)
    return text


def line_of(path: Path, fragment: str) -> int:
    """The first line that holds the fragment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if fragment in line)


def refusal(folder: Path, text: str, *changes: Change) -> str:
    """The one line that a plugin of this part is answered by, less path and column."""
    path = written(folder, edited(text, *changes))
    with pytest.raises(RequestError) as caught:
        load_plugins(path)
    (line,) = (str(problem) for problem in caught.value.problems)
    assert line.startswith(f"{path}:")
    assert "\n" not in line
    return line.removeprefix(f"{path}:")


def found(folder: Path, text: str, changes: list[Change], fragment: str, said: list[str]) -> None:
    """The line begins with the place of the fragment and says these things."""
    line = refusal(folder, text, *changes)
    number = line_of(folder / "my_parts.py", fragment)
    assert line.startswith(f"{number}:")
    assert [part for part in said if part not in line] == [], line
