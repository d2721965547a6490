"""Write `docs/files.md`, the formats of all files, from what the program declares of them:
`python -m tests.file_formats`."""

from collections.abc import Mapping
from pathlib import Path

from vgrad.records import (
    BLOCK_STATISTICS,
    CLIPPING_DTYPE,
    LAYER_DTYPE,
    METRICS_DTYPE,
    PREDICTIONS,
    RESULT_COLUMNS,
    STATISTICS,
)

PATH = Path("docs/files.md")
KEYS = {
    "step": "updates so far; step 0 is the network at initialization, before any",
    "layer": "from 1, the layer next to the input; the last is the output layer",
    "block": "from 1, the block next to the input",
    "name": "`linear1`, …, `output`; `block3.linear2`, `highway4.gate` in other wirings",
}
METRICS = {
    "step": KEYS["step"],
    "epoch": "passes over the training part so far",
    "train_loss": "mean over the batch that the step saw, penalties included",
    "train_accuracy": "share of that batch; empty where the task is regression",
    "test_loss": "mean over the test part, without penalties; empty where it was not evaluated",
    "test_accuracy": "likewise",
    "lr": "the rate of the step, as the schedule has it",
    "grad_norm": "‖∂L/∂θ‖₂ over all parameters, biases too",
    "param_norm": "‖θ‖₂ over all parameters",
    "seconds": "since the run began",
}
CLIPPING = {
    "step": KEYS["step"],
    "norm_before": "‖∂L/∂θ‖₂ over all parameters, as the loss gave it",
    "norm_after": "the same, as the optimizer got it",
    "clipped_fraction": "share of the updates since the last logged step at which anything was "
    "clipped",
}
RESULTS = {
    "run_id": "the run's folder in the sweep's",
    "…": "a column for each swept key, by its dotted name",
    "status": "`finished`, `diverged`, `interrupted` or `failed`",
    "verdict": "`healthy`, `vanishing`, `exploding`, …",
    "steps": "updates made",
    "train_loss": "at the last logged step, as in `metrics.csv`",
    "train_accuracy": "likewise",
    "test_loss": "as it was last evaluated",
    "test_accuracy": "likewise",
    "gradient_ratio": "‖g‖ of the first layer over that of the last",
    "slope_per_layer": "change of ln‖δ‖² from one layer back to the one before",
    "seconds": "that the training took",
    "error": "why the run failed, in a line",
}
PAGE = """# The files of a run

Other programs may rely on all of this. Written by `python -m tests.file_formats` from what the
program declares.

CSV is RFC 4180: UTF-8, a header, `.` for decimals, `nan` and `inf` spelt so, lines ended by a line
feed. A number is written so that reading it gives the same bits. Rows are appended whole, at each
logged step; where a machine died in the middle of a line, a reader leaves that line out. JSON and
YAML are written to another name and then renamed, so that they are always whole.

## `runs/<run-id>/`

A run-id is `YYYYMMDD-HHMMSS-mmm-name`, in UTC, so that runs sort by time.

| file | what it has |
| --- | --- |
| `config.yaml` | the experiment with every default in place: running it again repeats the run |
| `metrics.csv` | a row per logged step |
| `layers.csv` | a row per logged step and weight layer |
| `predictions.csv` | a row per layer: what theory expected before the first step, where it could |
| `blocks.csv` | a row per logged step and residual block, of nets that have them |
| `clipping.csv` | a row per logged step, where the gradient is clipped or noise added |
| `histograms.npz` | distributions of gradients and activations, with `log.histograms: true` |
| `summary.json` | `run_id, name, status, verdict, steps, final` (the last row of metrics), \
`gradient_ratio, slope_per_layer, seconds, error, config` (dotted key → value) |
| `environment.json` | versions, platform, BLAS and its threads, git commit, command line, plugins \
with their SHA-256, who compiled the engine's kernels (null where NumPy did all), start and end |
| `checkpoint.npz` | parameters, the optimizer's state, random states; with `--checkpoint-every` |
| `report.html` | where `vgrad report RUN --html` puts its page |

`status` is `running`, `finished`, `diverged`, `interrupted` or `failed`. A run whose process is
gone without a word is shown as `lost`.

### metrics.csv

{metrics}

An empty field says that a number does not apply.

### layers.csv

W is the layer's weight (its bias left out), g = ∂L/∂W, z what the weight layer puts out before a
norm or a skip, h the output of the activation behind it, δ = ∂ℓ/∂z.

{layers}

### predictions.csv

{predictions}

### blocks.csv

{blocks}

### clipping.csv

{clipping}

### histograms.npz

`steps` (S), `layers` and `names` (L), and for `gradient` (∂L/∂W) and `activation` (h) each
`…_counts` (S, L, 64) in bins of equal width between the two ends of `…_range` (S, L, 2), and
`…_non_finite` (S, L), how many values were not numbers. While a run goes on its rows stand in
`histograms.part`; `open_run(RUN).histograms` reads either.

## `runs/<sweep-id>/`

`sweep.yaml` has the base with its defaults in place, the method and the values; each run's folder
lies beside it, without `predictions.csv`. `results.csv` has a row per run that has ended:

{results}
"""


def table(columns: Mapping[str, str]) -> str:
    """Columns and what they are, as Markdown."""
    rows = [
        f"| `{name}` | {about.replace('|', chr(92) + '|')} |" for name, about in columns.items()
    ]
    return "\n".join(["| column | what it is |", "| --- | --- |", *rows])


def page() -> str:
    """The page."""
    assert tuple(METRICS) == METRICS_DTYPE.names
    assert tuple(CLIPPING) == CLIPPING_DTYPE.names
    assert tuple(RESULTS)[2:] == RESULT_COLUMNS
    layers = {name: KEYS.get(name) or STATISTICS[name] for name in LAYER_DTYPE.names or ()}
    named = {key: KEYS[key] for key in ("layer", "name")}
    blocks = {key: KEYS[key] for key in ("step", "block", "name")}
    return PAGE.format(
        metrics=table(METRICS),
        layers=table(layers),
        predictions=table({**named, **PREDICTIONS}),
        blocks=table({**blocks, **BLOCK_STATISTICS}),
        clipping=table(CLIPPING),
        results=table(RESULTS),
    )


if __name__ == "__main__":
    PATH.write_text(page(), encoding="utf-8")
