"""A plain network as theory sees it: its input, and sizes and variances of its weight layers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vgrad.nn.activations import Activation
from vgrad.nn.arrays import Array
from vgrad.nn.initializers import Initializer
from vgrad.nn.initializers.fixed import Constant, Zeros
from vgrad.nn.meanfield import Settled
from vgrad.theory.correlations import Distances
from vgrad.theory.moments import ActivationMoments, moments
from vgrad.theory.normalized import NormalizedDistances, NormalizedMoments, normalized_moments

Values = NDArray[np.float64]


GROUPS = (0.03, 0.15, 0.5, 0.85, 0.97)
"""Shares of the examples below which groups of them end, by the strength of their input: narrow
where a few that are strong or weak can make most of a mean gradient."""


SAME = 1e-12  # relative; layers that differ less are alike


class NothingToSay(Exception):  # noqa: N818 — it is no error: a measurement takes over
    """Theory does not cover this network: the reason, a sentence without its end.

    `settled` is what can be said all the same, of equal layers of infinite width.
    """

    def __init__(self, reason: str, settled: Settled | None = None) -> None:
        super().__init__(reason)
        self.settled = settled


@dataclass(frozen=True)
class Inputs:
    """What a random network notices of its data and of its loss."""

    square: float
    """Mean of x² over features and examples."""
    overlap: float = 0.0
    """Mean of x·x′/features over pairs of different examples."""
    batch: int = 1
    """Examples over which a measurement takes the mean of δ²."""
    alignment: float = 1.0
    """Mean squared cosine of what the loss sends back for two different examples."""
    groups: tuple[tuple[float, float], ...] = ()
    """From the weakest to the strongest inputs: share of the examples and their `square`."""

    @classmethod
    def of(cls, x: NDArray[Any], batch: int = 1, alignment: float = 1.0) -> "Inputs":
        """Of examples `(examples, features)`."""
        count, features = x.shape
        squares = np.sort(np.einsum("ij,ij->i", x, x, dtype=np.float64)) / features
        total = x.sum(axis=0, dtype=np.float64)
        square = float(squares.mean())
        parts = np.split(squares, np.round(np.array(GROUPS) * count).astype(int))
        groups = tuple((part.size / count, float(part.mean())) for part in parts if part.size)
        if count < 2:
            return cls(square, square, batch, alignment, groups)
        overlap = float(total @ total) / features - count * square
        return cls(square, overlap / (count * (count - 1)), batch, alignment, groups)


def alignment_of_classes(outputs: int) -> float:
    """The mean squared cosine of p - onehot, p = 1/outputs, for classes drawn evenly; 1 for a
    single output, whose error has no direction but its sign."""
    if outputs < 2:
        return 1.0
    return (1.0 + 1.0 / (outputs - 1)) / outputs


@dataclass(frozen=True)
class Shifted(Activation):
    """φ(z + shift): biases that are all alike move the activation rather than the signal."""

    inner: Activation
    shift: float

    needs_input: ClassVar[bool] = True

    @property
    def n_scratch(self) -> int:  # type: ignore[override]
        """One more than the activation itself."""
        return self.inner.n_scratch + 1

    @property
    def kinks(self) -> tuple[float, ...]:  # type: ignore[override]
        """The activation's, moved."""
        return tuple(kink - self.shift for kink in self.inner.kinks)

    @property
    def max_slope(self) -> float:
        return self.inner.max_slope

    def forward(self, z: Array, *, out: Array, scratch: Array) -> None:
        np.add(z, self.shift, out=scratch[-1])
        self.inner.forward(scratch[-1], out=out, scratch=scratch[:-1])

    def derivative(self, z: Array, output: Array, *, out: Array, scratch: Array) -> None:
        np.add(z, self.shift, out=scratch[-1])
        self.inner.derivative(scratch[-1], output, out=out, scratch=scratch[:-1])


@dataclass(frozen=True, eq=False)
class Layers:
    """The weight layers in order, the output layer last: `(depth + 1,)` each.

    z = W·h + b, h = φ(z_below), with independent W_ij and b_i of mean 0.
    """

    activation: Activation
    fan_in: Values
    fan_out: Values
    weight_variance: Values
    bias_variance: Values
    isometric: bool = False
    """Whether weights keep norms exactly, as orthogonal ones do."""
    bias_mean: float = 0.0
    """What all biases have in common; the activation is shifted by it, and z counted from it."""
    norm_eps: float | None = None
    """ε of a norm of each example's z before the activation; None: there is no norm."""
    names: tuple[str, ...] = ()
    """Of all layers; by default `linear1`, …, `output`."""

    @property
    def depth(self) -> int:
        """Hidden layers."""
        return self.fan_in.size - 1

    @property
    def sigma2(self) -> Values:
        """σ_w² = fan_in·E[w²]."""
        return self.fan_in * self.weight_variance

    @property
    def alike(self) -> bool:
        """Whether all layers between hidden ones are of one kind, and let something through."""
        sigma2 = self.sigma2[1:-1]
        return bool(sigma2.size and sigma2[0] and np.ptp(sigma2) <= SAME * sigma2.max())

    @property
    def moments(self) -> ActivationMoments | NormalizedMoments:
        """Of h as a function of z."""
        if self.norm_eps is None:
            return moments(self.activation)
        return normalized_moments(self.activation, self.norm_eps)

    def distances(self) -> Distances | NormalizedDistances:
        """How far apart h is for two z."""
        if self.norm_eps is None:
            return Distances(self.activation)
        return NormalizedDistances(self.activation, self.norm_eps)

    def log_seen(self, log_q: Values) -> Values:
        """log of the variance of what φ is applied to."""
        if self.norm_eps is None:
            return log_q
        return np.asarray(log_q - np.logaddexp(log_q, math.log(self.norm_eps)))

    @classmethod
    def of(
        cls, sizes: Sequence[int], activation: Activation, weights: Initializer, biases: Initializer
    ) -> "Layers":
        """Of a network with these units per layer, inputs first.

        Raises:
            NothingToSay: what the weights or the biases begin with follows no such law.
            RequestError: the initializer cannot serve this activation.
        """
        shapes = list(pairwise(sizes))
        known = {shape: weights.variance(*shape, activation) for shape in set(shapes)}
        variances = [known[shape] for shape in shapes]
        if None in variances:
            name = type(weights).__name__
            raise NothingToSay(f"{name} does not write random weights independent of the data")
        shift, spread = _biases(biases, activation)
        weight_variance = np.array(variances, dtype=np.float64)
        fourth = np.float64(shift) ** 4  # φ(z + shift) enters in fourth moments
        if not np.isfinite([*weight_variance, fourth, spread]).all():
            raise NothingToSay("what it begins with is beyond the range of numbers")
        fan_in, fan_out = np.array(shapes, dtype=np.float64).T
        return cls(
            Shifted(activation, shift) if shift else activation,
            fan_in,
            fan_out,
            weight_variance,
            np.full(fan_in.size, spread),
            weights.isometric,
            shift,
        )


def _biases(biases: Initializer, activation: Activation) -> tuple[float, float]:
    """Mean and variance."""
    match biases:
        case Zeros():
            return 0.0, 0.0
        case Constant(value):
            return value, 0.0
    variance = biases.variance(1, 1, activation)
    if variance is None:
        raise NothingToSay(f"{type(biases).__name__} does not write random biases")
    return 0.0, variance
