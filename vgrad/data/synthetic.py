"""Data sets drawn from a formula, as their literature defines them."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from numpy.typing import NDArray

from vgrad.data.base import DataSet, Examples, Reals, check_size, datasets
from vgrad.errors import Problem, RequestError

SampleCount = Annotated[int, Ge(2), Le(1_000_000)]
ClassCount = Annotated[int, Ge(2), Le(1000)]
Width = Annotated[int, Ge(1), Le(10_000)]
Noise = Annotated[float, Ge(0), Le(1e6)]

PLANE = ("x1", "x2")


@datasets.register("spirals", source="Lang & Witbrock 1988, Learning to tell two spirals apart")
@dataclass(frozen=True, kw_only=True)
class Spirals(DataSet):
    """Interleaved spirals in the plane, one per class, hard for shallow nets.

    The point at the fraction s of arm k of K lies at the radius 6.5·(1 - 12s/13) and the angle
    2π(turns·s + k/K), s evenly from 0 to 1, plus N(0, noise²) on each coordinate. The defaults
    give the 194 points of the paper.
    """

    n_samples: SampleCount = 194
    classes: ClassCount = 2
    turns: Annotated[float, Gt(0), Le(1000)] = 3.0
    noise: Noise = 0.0

    def read(self, rng: np.random.Generator) -> Examples:
        """Points `(n_samples, 2)`, the arms in turn, each from the outside in."""
        arm = _classes_in_turn(self.n_samples, self.classes)
        along = np.arange(self.n_samples) // self.classes
        last = np.bincount(arm)[arm] - 1
        s = along / np.maximum(last, 1)
        radius = 6.5 * (1 - 12 * s / 13)
        angle = 2 * np.pi * (self.turns * s + arm / self.classes)
        x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        return _labelled(x + rng.normal(0, self.noise, x.shape), arm, PLANE)


@datasets.register("moons", source="Pedregosa et al. 2011, scikit-learn's make_moons")
@dataclass(frozen=True, kw_only=True)
class Moons(DataSet):
    """Two interleaved half circles of radius 1 in the plane.

    With t evenly from 0 to π, class 0 is (cos t, sin t), class 1 is (1 - cos t, ½ - sin t), plus
    N(0, noise²) on each coordinate.
    """

    n_samples: SampleCount = 1000
    noise: Noise = 0.1

    def read(self, rng: np.random.Generator) -> Examples:
        """Points `(n_samples, 2)`, the two moons in turn."""
        moon = _classes_in_turn(self.n_samples, 2)
        t = np.pi * (np.arange(self.n_samples) // 2) / np.maximum(np.bincount(moon)[moon] - 1, 1)
        upper = np.stack([np.cos(t), np.sin(t)], axis=1)
        x = np.where(moon[:, None] == 0, upper, [1, 0.5] - upper)
        return _labelled(x + rng.normal(0, self.noise, x.shape), moon, PLANE)


@datasets.register("circles", source="Pedregosa et al. 2011, scikit-learn's make_circles")
@dataclass(frozen=True, kw_only=True)
class Circles(DataSet):
    """A circle within a circle in the plane: radius 1 is class 0, radius `factor` class 1.

    Points are spread evenly over each circle, plus N(0, noise²) on each coordinate.
    """

    n_samples: SampleCount = 1000
    noise: Noise = 0.05
    factor: Annotated[float, Gt(0), Lt(1)] = 0.5

    def read(self, rng: np.random.Generator) -> Examples:
        """Points `(n_samples, 2)`, the two circles in turn."""
        circle = _classes_in_turn(self.n_samples, 2)
        angle = 2 * np.pi * (np.arange(self.n_samples) // 2) / np.bincount(circle)[circle]
        x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        x *= np.where(circle == 0, 1.0, self.factor)[:, None]
        return _labelled(x + rng.normal(0, self.noise, x.shape), circle, PLANE)


@datasets.register("blobs", source="Pedregosa et al. 2011, scikit-learn's make_blobs")
@dataclass(frozen=True, kw_only=True)
class Blobs(DataSet):
    """Isotropic Gaussian clouds, one per class, around centres uniform in a box.

    Centres are uniform in [-box, box]^features, points N(centre, std²) in each coordinate.
    """

    n_samples: SampleCount = 1000
    classes: ClassCount = 3
    features: Width = 2
    std: Annotated[float, Gt(0), Le(1e6)] = 1.0
    box: Annotated[float, Ge(0), Le(1e6)] = 10.0

    def read(self, rng: np.random.Generator) -> Examples:
        """Points `(n_samples, features)`, the blobs in turn."""
        check_size(self.n_samples, self.features, key="data.features", what="blobs")
        blob = _classes_in_turn(self.n_samples, self.classes)
        centres = rng.uniform(-self.box, self.box, (self.classes, self.features))
        x = rng.normal(0, self.std, (self.n_samples, self.features))
        x += centres[blob]
        return _labelled(x, blob, _numbered("x", self.features))


@datasets.register("teacher", source="Seung, Sompolinsky & Tishby 1992; Saad & Solla 1995")
@dataclass(frozen=True, kw_only=True)
class Teacher(DataSet):
    """What a random network of one tanh layer answers: the teacher of a student network.

    y = V·tanh(W·x/√features)/√hidden + noise·N(0, 1), the entries of x, V and W from N(0, 1), so
    that pre-activations and targets are of order 1 at every size.
    """

    n_samples: SampleCount = 1000
    features: Width = 20
    hidden: Width = 10
    outputs: Width = 1
    noise: Noise = 0.0

    def read(self, rng: np.random.Generator) -> Examples:
        """Inputs `(n_samples, features)`, answers `(n_samples, outputs)`."""
        for width in ("features", "hidden", "outputs"):
            check_size(self.n_samples, getattr(self, width), key=f"data.{width}", what="teacher")
        W = rng.normal(size=(self.hidden, self.features))
        V = rng.normal(size=(self.outputs, self.hidden))
        x = rng.normal(size=(self.n_samples, self.features))
        y = np.tanh(x @ W.T / np.sqrt(self.features)) @ V.T / np.sqrt(self.hidden)
        y += rng.normal(0, self.noise, y.shape)
        return Examples(x, y, "regression", _numbered("x", self.features))


@datasets.register("sine", source="after Bishop 2006, Pattern Recognition and ML, §1.1")
@dataclass(frozen=True, kw_only=True)
class Sine(DataSet):
    """One period of a noisy sine: y = sin x + N(0, noise²), x uniform in [-π, π]."""

    n_samples: SampleCount = 200
    noise: Noise = 0.1

    def read(self, rng: np.random.Generator) -> Examples:
        """Inputs and targets, `(n_samples, 1)` each."""
        x = rng.uniform(-np.pi, np.pi, (self.n_samples, 1))
        return Examples(x, np.sin(x) + rng.normal(0, self.noise, x.shape), "regression", ("x",))


@datasets.register("line", source="the classic two-layer ReLU example of textbooks")
@dataclass(frozen=True, kw_only=True)
class Line(DataSet):
    """The four points (1, 2), (2, 3), (3, 4), (4, 5) of y = x + 1; no test part, not scaled."""

    test_fraction: Annotated[float, Ge(0), Lt(1)] = 0.0
    standardize: bool = False

    def read(self, rng: np.random.Generator) -> Examples:  # noqa: ARG002 - nothing random
        """Inputs and targets, `(4, 1)` each."""
        x = np.array([[1.0], [2.0], [3.0], [4.0]])
        return Examples(x, x + 1, "regression", ("x",))


def _classes_in_turn(n_samples: int, classes: int) -> NDArray[np.int64]:
    """0, 1, … classes - 1, 0, 1, …: classes as equal in number as can be."""
    if n_samples < classes:
        raise RequestError(
            Problem(
                f"{n_samples} samples cannot show {classes} classes",
                key="data.n_samples",
                allowed="at least one sample per class",
            )
        )
    return np.arange(n_samples, dtype=np.int64) % classes


def _labelled(x: Reals, y: NDArray[np.int64], features: tuple[str, ...]) -> Examples:
    names = tuple(str(label) for label in range(int(y.max()) + 1))
    return Examples(x, y, "classification", features, names)


def _numbered(letter: str, count: int) -> tuple[str, ...]:
    return tuple(f"{letter}{n}" for n in range(1, count + 1))
