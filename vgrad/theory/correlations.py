"""How far apart an activation leaves two variables, quick enough for ten thousand layers."""

import math
from functools import lru_cache

import numpy as np

from vgrad.nn.activations import Activation
from vgrad.nn.meanfield import pairs
from vgrad.nn.meanfield.mesh import NODES as EXACT
from vgrad.theory.chebyshev import clenshaw, nodes_and_transform
from vgrad.theory.moments import NOTHING, moments

CELL = math.log(4.0)  # in log q, and in log angle where the angle is small: gap = 1 - cos(angle)
NODES = 6  # on a cell, in each direction
"""The polynomials miss by less than 3e-4, and by less than 3e-5 where c > 0."""
ROUGH = 6  # nodes to a panel of the quadrature that the polynomials go through
EXACTLY = 100  # layers in which a trajectory is followed to all digits, before it is interpolated
LINEAR_BELOW = 1e-16  # 1 - c from which φ is a straight line between the two variables
FURTHEST = 46.0  # |log q| beyond which the ratio no longer changes


class Distances:
    """How far apart φ is at two variables N(0, q) of correlation 1 - gap, against themselves.

    Made anew for each trajectory, whose numbers must not depend on what was asked before.
    """

    def __init__(self, activation: Activation) -> None:
        self._activation = activation
        self._moments = moments(activation)
        self._asked = 0
        self._row: tuple[tuple[int, int], float, list[float]] = ((0, 0), math.nan, [])

    def ratio(self, log_q: float, gap: float) -> float:
        """E[(φ(u₁) - φ(u₂))²]/E[(u₁ - u₂)²]; as gap → 0 this is E[φ′²]."""
        gap = min(gap, 2.0)
        if gap < LINEAR_BELOW:
            return math.exp(self._moments.one("log_slope2", log_q))
        log_q = min(max(log_q, -FURTHEST), FURTHEST)
        self._asked += 1
        if self._asked <= EXACTLY:
            return _computed(self._activation, log_q, gap, EXACT)
        half_turns = math.log2(2.0 / math.pi * math.asin(math.sqrt(gap / 2.0)))
        low = min(math.floor(half_turns), -1)
        low = low if low >= -2 else low - low % 2
        cell = math.floor(log_q / CELL), low
        x = 2.0 * (half_turns - low) / _octaves(low) - 1.0
        return math.exp(clenshaw(self._along_angle(cell, log_q), x))

    def _along_angle(self, cell: tuple[int, int], log_q: float) -> list[float]:
        """Coefficients in the angle of the logarithm of the ratio."""
        known, at, row = self._row
        if known != cell or at != log_q:
            x = 2.0 * (log_q / CELL - cell[0]) - 1.0
            row = [
                clenshaw(coefficients, x) for coefficients in _interpolated(self._activation, cell)
            ]
            self._row = cell, log_q, row
        return row


def _computed(activation: Activation, log_q: float, gap: float, nodes: int) -> float:
    q = math.exp(log_q)
    return pairs(activation, q, gap, nodes).distance / (q * gap)


@lru_cache(maxsize=1024)
def _interpolated(activation: Activation, cell: tuple[int, int]) -> list[list[float]]:
    """For each degree in the angle, the coefficients in log q."""
    nodes, transform = nodes_and_transform(NODES)
    log_q = CELL * (cell[0] + (nodes + 1.0) / 2)
    angle = math.pi * 2.0 ** (cell[1] + _octaves(cell[1]) * (nodes + 1.0) / 2)
    values = [
        [max(_computed(activation, at, gap, ROUGH), NOTHING) for at in log_q.tolist()]
        for gap in (2.0 * np.sin(angle / 2.0) ** 2).tolist()
    ]
    coefficients: list[list[float]] = (transform @ np.log(values) @ transform.T).tolist()
    return coefficients


def _octaves(low: int) -> int:
    """Width of a cell of angles from π·2^low on: wide where the angle is small."""
    return 1 if low >= -2 else 2
