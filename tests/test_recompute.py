"""`train.recompute: true`: less memory, and the same bytes in every file but the config."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from tiny_training import Overrides, contents, params, tiny, trained

import vgrad
from vgrad.experiment import prepare
from vgrad.training import Trainer

pytestmark = pytest.mark.usefixtures("one_blas_thread")

DEEP: Overrides = {"model.depth": 12, "log.every": 3, "log.histograms": True}
VARIANTS: dict[str, Overrides] = {
    "plain": {},
    "outputs far from 0": {"model.activation": "sigmoid"},
    "an activation that needs its input": {"model.activation": "gelu", "optimizer": "adam"},
    "residual, batch norm and gates": {
        "model.connectivity": {"name": "residual", "order": "pre", "gate": 0.5},
        "model.norm": "batch",
    },
    "highway, and a last batch that is smaller": {
        "model.connectivity": "highway",
        "train.batch_size": 7,
    },
    "dense and layer norm": {
        "model.connectivity": {"name": "dense", "growth": 3},
        "model.norm": "layer",
    },
    "dropout, clipping, noise and penalties": {
        "model.dropout": 0.2,
        "clip": {"norm": 0.1},
        "noise.eta": 0.01,
        "regularization.l1": 1e-3,
        "regularization.l2": 1e-2,
    },
    "noise by the group": {"model.dropout": 0.2, "model.width": 90, "noise.eta": 0.01},
    "weight norm and lsuv": {"model.norm": "weight", "model.init": "lsuv"},
    "a divergence": {"optimizer.lr": 1e30},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_records_and_the_weights_are_the_same_to_the_last_bit(variant: str) -> None:
    (one, kept), (other, twice) = (
        trained(DEEP | VARIANTS[variant] | {"train.recompute": recompute})
        for recompute in (False, True)
    )
    assert contents(twice) == contents(kept)
    for record, same in zip(kept, twice, strict=True):
        for name in ("blocks", "clipping", "histograms"):
            rows, again = getattr(record, name), getattr(same, name)
            assert (rows is None) == (again is None)
            assert rows is None or rows.tobytes() == again.tobytes()
    assert params(other).tobytes() == params(one).tobytes()
    assert other.divergence == one.divergence


def test_the_files_of_a_run_are_the_same_bytes(tmp_path: Path) -> None:
    config = {"model": {"depth": 30, "width": 16}, "train": {"steps": 20}, "optimizer": "adam"}
    runs = [
        vgrad.run(config, {"train.recompute": recompute}, runs_dir=tmp_path)
        for recompute in (False, True)
    ]
    for name in ("layers.csv", "predictions.csv"):
        one, other = ((run.path / name).read_bytes() for run in runs)
        assert one == other
    rows = [(run.path / "metrics.csv").read_text().splitlines() for run in runs]
    assert [row.rsplit(",", 1)[0] for row in rows[0]] == [row.rsplit(",", 1)[0] for row in rows[1]]
    assert rows[0][0].endswith(",seconds")


def test_a_deep_net_takes_a_fraction_of_the_memory_as_is_foretold() -> None:
    taken, foretold = [], []
    for recompute in (False, True):
        overrides = {"model.depth": 400, "model.width": 8, "train.recompute": recompute}
        full: Overrides = {"train.batch_size": "full", "data.n_samples": 600}
        experiment = prepare(tiny(overrides | full))
        foretold.append(experiment.nbytes)
        domain = tracemalloc.DomainFilter(inclusive=True, domain=np.lib.tracemalloc_domain)
        tracemalloc.start()
        try:
            trainer = Trainer(experiment)
            for _ in trainer.advance(3):
                pass
            found = tracemalloc.take_snapshot().filter_traces([domain])
            taken.append(sum(one.size for one in found.statistics("filename")))
        finally:
            tracemalloc.stop()
    assert taken[0] > 4 * taken[1]
    # and the scratch of telemetry, which is foretold as if all layers were measured together
    assert foretold[0] - foretold[1] == pytest.approx(taken[0] - taken[1], rel=0.15)
