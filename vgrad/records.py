"""What a run records: the one declaration that training, store and report read.

A `Metrics` is a row of `metrics.csv`, a `LAYER_DTYPE` array the rows of `layers.csv` for one
step. Column names and their order are a file format that other programs rely on.
"""

from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

STATISTICS: dict[str, str] = {
    "grad_norm": "‖g‖₂, g = ∂L/∂W of the mean loss and its penalties, bias left out",
    "grad_rms": "root of the mean of g²",
    "grad_mean": "mean of g",
    "grad_std": "standard deviation of g",
    "grad_max_abs": "largest |g|",
    "grad_zero_fraction": "share of entries of g that are exactly 0",
    "delta_rms": "rms of δ = ∂ℓ/∂z, the signal back-propagated to the pre-activation by each "
    "example's own loss ℓ (so it does not shrink with the batch size)",
    "weight_norm": "‖W‖₂, bias left out",
    "update_ratio": "‖ΔW‖₂/‖W‖₂ of the update that led to this step's weights; nan where "
    "those before it are not known: at step 0, and where a run diverged between logged steps",
    "preact_mean": "mean of the pre-activation z over units and examples",
    "preact_std": "standard deviation of z over units and examples",
    "act_mean": "mean of the output h = φ(z)",
    "act_std": "standard deviation of h",
    "saturated_fraction": "share of |φ′(z)| below 0.05 max|φ′|",
    "dead_fraction": "share of units whose φ′ is 0 on the whole batch",
}

LAYER_NAME_LENGTH = 48  # long enough for block names of any wiring

LAYER_DTYPE = np.dtype(
    [
        ("step", np.int64),
        ("layer", np.int64),
        ("name", f"U{LAYER_NAME_LENGTH}"),
        *((name, np.float64) for name in STATISTICS),
    ]
)


BLOCK_STATISTICS: dict[str, str] = {
    "stream_rms": "rms of the residual stream that enters the block, over units and examples",
    "branch_rms": "rms of what the branch adds to it, scale and gate included",
    "branch_ratio": "branch_rms/stream_rms",
    "gate": "the branch's learnable gate; nan where it has none",
}

BLOCK_DTYPE = np.dtype(
    [
        ("step", np.int64),
        ("block", np.int64),
        ("name", f"U{LAYER_NAME_LENGTH}"),
        *((name, np.float64) for name in BLOCK_STATISTICS),
    ]
)
"""A row of `blocks.csv`, which runs with residual connections have."""

CLIPPING_DTYPE = np.dtype(
    [
        ("step", np.int64),
        ("norm_before", np.float64),
        ("norm_after", np.float64),
        ("clipped_fraction", np.float64),
    ]
)
"""A row of `clipping.csv`, which runs with clipping or gradient noise have: ‖g‖₂ over all
parameters as the loss gave it and as the optimizer got it at this step, and the share of the
updates since the last logged step, this one's included, at which anything was clipped."""


PREDICTIONS: dict[str, str] = {
    "q": "variance of the pre-activation z over networks, of an input of the data's mean square",
    "chi": "fan_in·E[w²]·E[φ′²]: ‖δ‖² over that of the layer above",
    "correlation": "of the z of two different inputs",
    "delta_rms": "median over seeds of the rms of δ, relative to the last hidden layer's",
    "delta_low": "below it lie 5 % of seeds",
    "delta_high": "above it lie 5 % of seeds",
    "grad_rms": "median over seeds of the rms of ∂L/∂W for one example, relative likewise",
    "preact_mean": "mean of z",
    "preact_std": "standard deviation of z",
    "act_mean": "mean of h = φ(z)",
    "act_std": "standard deviation of h",
    "saturated_fraction": "share of |φ′(z)| below 0.05 max|φ′|",
}

PREDICTION_DTYPE = np.dtype(
    [
        ("layer", np.int64),
        ("name", f"U{LAYER_NAME_LENGTH}"),
        *((name, np.float64) for name in PREDICTIONS),
    ]
)
"""What theory expects of a layer at initialization; nan where it does not apply."""


@dataclass(frozen=True)
class Metrics:
    """A row of `metrics.csv`. nan stands for "does not apply" and is written as an empty field.

    `train_loss` and `train_accuracy` are of the batch that the step saw (loss with penalties),
    `test_loss` and `test_accuracy` of the whole test part, `epoch` the passes over the training
    data so far, `lr` the rate of the step, `grad_norm` and `param_norm` 2-norms over all
    parameters, `seconds` the time since the run began.
    """

    step: int
    epoch: float
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    lr: float
    grad_norm: float
    param_norm: float
    seconds: float


METRICS_DTYPE = np.dtype(
    [(field.name, np.int64 if field.name == "step" else np.float64) for field in fields(Metrics)]
)


@dataclass(frozen=True)
class Record:
    """What one logged step leaves behind: its metrics, and a `LAYER_DTYPE` row per layer."""

    metrics: Metrics
    layers: NDArray[np.void]
    blocks: NDArray[np.void] | None = None
    """`BLOCK_DTYPE` rows, of a network with residual blocks."""
    clipping: NDArray[np.void] | None = None
    """A `CLIPPING_DTYPE` row, where the gradient is clipped."""
    histograms: NDArray[np.void] | None = None
    """A `HISTOGRAM_DTYPE` row per layer, where they are logged."""


HISTOGRAM_BINS = 64
HISTOGRAM_SITES = ("gradient", "activation")
HISTOGRAM_DTYPE = np.dtype(
    [
        ("step", np.int64),
        ("layer", np.int64),
        ("name", f"U{LAYER_NAME_LENGTH}"),
        *(
            field
            for site in HISTOGRAM_SITES
            for field in (
                (f"{site}_counts", np.uint32, (HISTOGRAM_BINS,)),
                (f"{site}_range", np.float64, (2,)),
                (f"{site}_non_finite", np.uint32),
            )
        ),
    ]
)
"""The histograms of one layer at one step: counts in bins of equal width over `range`, which is
nan where no value was finite, and how many values were not."""


@dataclass(frozen=True, eq=False)
class Distribution:
    """Histograms of one array per layer at each logged step, in bins of equal width over its own
    finite range, as `numpy.histogram` makes them.

    `counts` is (steps, layers, bins), `ranges` (steps, layers, 2) has the first and the last edge,
    nan where no value was finite, and `non_finite` (steps, layers) how many were not.
    """

    counts: NDArray[np.uint32]
    ranges: NDArray[np.float64]
    non_finite: NDArray[np.uint32]

    @property
    def edges(self) -> NDArray[np.float64]:
        """All edges of the bins, (steps, layers, bins + 1)."""
        return edges_of(self.ranges, self.counts.shape[-1])


def edges_of(ranges: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """The edges of so many bins of equal width over each of `ranges`, (…, 2) → (…, bins + 1)."""
    return np.linspace(ranges[..., 0], ranges[..., 1], bins + 1, axis=-1)


@dataclass(frozen=True, eq=False)
class Histograms:
    """What `histograms.npz` holds: of each layer, at each logged step, the `gradient` ∂L/∂W of its
    weight (bias left out, before clipping) and its output h, the `activation`."""

    steps: NDArray[np.int64]
    layers: NDArray[np.int64]
    names: tuple[str, ...]
    gradient: Distribution
    activation: Distribution


RESULT_COLUMNS = (
    "status",
    "verdict",
    "steps",
    "train_loss",
    "train_accuracy",
    "test_loss",
    "test_accuracy",
    "gradient_ratio",
    "slope_per_layer",
    "seconds",
    "error",
)
"""What `results.csv` says of a run of a sweep, behind its run_id and the keys that are varied:
its last metrics, ‖g‖ of the first layer over that of the last, the change of ln‖δ‖² per layer."""


@dataclass(frozen=True)
class Plugin:
    """A Python file with parts of the user's own: its path as it was given, the SHA-256 of its
    bytes in hexadecimal, and what it has: `("activation", "sine")`, …"""

    path: str
    sha256: str
    parts: tuple[tuple[str, str], ...]

    SHOWN: ClassVar[int] = 12  # hexadecimal digits, as git shows a commit

    def __str__(self) -> str:
        """`my_parts.py (sha256 0123456789ab)`."""
        return f"{self.path} (sha256 {self.sha256[: self.SHOWN]})"
