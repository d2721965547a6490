"""What is expected of a network at initialization, as plain data."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vgrad.diagnosis import Verdict

Source = Literal["theory", "probe"]


@dataclass(frozen=True)
class Depths:
    """What equal layers come to if there are enough of them; see `vgrad.nn.meanfield.Settled`."""

    q_star: float = math.nan
    c_star: float = math.nan
    chi_1: float = math.nan
    xi_q: float = math.nan
    xi_c: float = math.nan
    xi_grad: float = math.nan
    phase: str | None = None
    trainable_depth: float = math.nan


@dataclass(frozen=True, eq=False)
class Forecast:
    """Of one config: layer by layer, as a whole, and where it comes from."""

    layers: NDArray[np.void]
    """A `PREDICTION_DTYPE` row for each weight layer, the output layer last."""
    depths: Depths
    """nan and None where there is no such number."""
    verdict: Verdict
    explanation: str
    """What makes the gradient what it is, in numbers: a sentence."""
    source: Source
    reason: str = ""
    """Why it was measured: what theory does not cover, a sentence without its end."""
    seeds: int = 0
    """Networks that were measured."""
    notes: tuple[str, ...] = ()
    """What else a reader should know: sentences."""
