"""An activation's moments as functions of the variance, quick enough for ten thousand layers.

Each is interpolated in log q on cells a factor of two wide, which are made when first asked for.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vgrad.nn.activations import Activation
from vgrad.nn.meanfield import Samples, samples
from vgrad.nn.meanfield.mesh import distinct
from vgrad.theory.chebyshev import clenshaw, nodes_and_transform

Values = NDArray[np.float64]

CELL = float(np.log(2.0))  # in log q
NODES = 13  # on a cell: the polynomials miss by less than 1e-11
LOWEST, HIGHEST = -66, 66  # cells: q from 1e-20 to 1e20, beyond which ratios no longer change
NOTHING = 1e-300  # instead of 0, for the logarithm

MOMENTS: dict[str, str] = {
    "log_phi2": "log E[φ²]",
    "log_slope2": "log E[φ′²]",
    "growth": "d log E[φ²]/d log q",
    "slope_growth": "d log E[φ′²]/d log q",
    "mean": "E[φ]/√E[φ²]",
    "phi4": "E[φ⁴]/E[φ²]²",
    "slope4": "E[φ′⁴]/E[φ′²]²",
    "mixed": "E[φ²φ′²]/(E[φ²]·E[φ′²])",
}
"""Under N(0, q). All but the first are of order 1 and change slowly."""
_ROW = {name: row for row, name in enumerate(MOMENTS)}


class ActivationMoments:
    """`MOMENTS` of one activation at any q."""

    def __init__(self, activation: Activation) -> None:
        self._activation = activation
        self._cells: dict[int, list[list[float]]] = {}

    def one(self, name: str, log_q: float) -> float:
        """One of `MOMENTS` at one place, for loops over layers."""
        inside = min(max(log_q, LOWEST * CELL), HIGHEST * CELL)
        cell = math.floor(inside / CELL)
        x = 2.0 * (inside / CELL - cell) - 1.0
        value = clenshaw(self._cell(cell)[_ROW[name]], x)
        if name == "log_phi2" and log_q != inside:  # straight on, as a power of q
            value += clenshaw(self._cell(cell)[_ROW["growth"]], x) * (log_q - inside)
        return value

    def at(self, name: str, log_q: Values) -> Values:
        """One of `MOMENTS` at many places, `(n,)`; beyond the range as on its edge."""
        inside = np.clip(log_q, LOWEST * CELL, HIGHEST * CELL)
        cells = np.floor(inside / CELL)
        x = 2.0 * (inside / CELL - cells) - 1.0
        out = np.empty_like(inside)
        for cell in distinct(cells).tolist():
            here = cells == cell
            out[here] = clenshaw(self._cell(int(cell))[_ROW[name]], x[here])
        return out

    def _cell(self, cell: int) -> list[list[float]]:
        """Chebyshev coefficients of each of `MOMENTS`."""
        if cell not in self._cells:
            nodes, transform = nodes_and_transform(NODES)
            at = samples(self._activation, np.exp(CELL * (cell + (nodes + 1.0) / 2)))
            self._cells[cell] = (_moments_of(at) @ transform.T).tolist()
        return self._cells[cell]


@lru_cache(maxsize=16)
def moments(activation: Activation) -> ActivationMoments:
    """The moments of an activation, shared by all who ask."""
    return ActivationMoments(activation)


def _moments_of(at: Samples) -> Values:
    """`MOMENTS` at each q, `(len(MOMENTS), n)`."""
    phi2, slope2 = np.maximum(at.phi2, NOTHING), np.maximum(at.slope2, NOTHING)
    phi = at.phi / np.sqrt(phi2)[:, None]  # of order 1, so that no power overflows
    slope = at.slope / np.sqrt(slope2)[:, None]
    z = at.u / np.sqrt(at.q)[:, None]
    return np.array(
        [
            np.log(phi2),
            np.log(slope2),
            at.mean(z * phi * slope) * np.sqrt(at.q * slope2 / phi2),
            at.mean((z * z - 1.0) * slope * slope) / 2.0,
            at.mean(phi),
            at.mean(phi**4),
            at.mean(slope**4),
            at.mean((phi * slope) ** 2),
        ]
    )
