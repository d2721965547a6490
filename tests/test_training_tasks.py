"""Training: on every kind of data and network, and where it ends early."""

import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_training import (
    DOUBLE,
    Overrides,
    content,
    history,
    outputs_of,
    sizes_of,
    steps_of,
    trained,
    write_npz,
)

from vgrad.config import load_config
from vgrad.data import datasets
from vgrad.errors import RequestError
from vgrad.nn.losses import losses
from vgrad.records import LAYER_DTYPE
from vgrad.training import Divergence, locate_divergence, train

pytestmark = pytest.mark.usefixtures("one_blas_thread")


@pytest.mark.parametrize("loss", losses.names())
@pytest.mark.parametrize("data", ["blobs", "moons", "sine", "teacher"])
def test_every_loss_trains_on_what_it_is_for(data: str, loss: str) -> None:
    given = {"data": {"name": data, "n_samples": 60}, "loss": loss}
    classes = {"blobs": 3, "moons": 2}.get(data, 0)
    if losses[loss].part.needs_classes and not classes:
        with pytest.raises(RequestError) as caught:
            trained(given)
        (problem,) = caught.value.problems
        assert problem.key == "loss"
        assert "mse" in problem.allowed
        return
    trainer, records = trained(given)
    outputs = 1 if not classes or (classes == 2 and loss == "binary_cross_entropy") else classes
    assert sizes_of(trainer) == (
        20 if data == "teacher" else 1 if data == "sine" else 2,
        5,
        5,
        outputs,
    )
    assert trainer.divergence is None
    metrics = [record.metrics for record in records]
    assert all(math.isnan(one.train_accuracy) == (not classes) for one in metrics)
    assert math.isnan(metrics[-1].test_accuracy) == (not classes)
    assert math.isfinite(metrics[-1].test_loss)


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "mse", "huber"])
@pytest.mark.parametrize("data", ["moons", "blobs"])
def test_classes_are_learnt_with_any_loss(data: str, loss: str) -> None:
    """Blobs that lie apart, and moons, which no line tells apart (0.88 at best)."""
    seen = {"name": "blobs", "std": 0.5, "box": 6.0, "classes": 4} if data == "blobs" else data
    model = {"model.width": 16, "optimizer": {"name": "adam", "lr": 0.02}}
    _, records = trained({"data": seen, "loss": loss, "train.steps": 400} | model)
    assert records[-1].metrics.test_accuracy > 0.95


def test_the_accuracy_of_a_single_output_is_that_of_its_sign() -> None:
    given = {"data": {"name": "moons", "n_samples": 60}, "loss": "binary_cross_entropy"}
    trainer, records, course = history(DOUBLE | given)
    data = trainer._experiment.dataset
    for record, vector in zip(records, course, strict=False):
        chosen = outputs_of(trainer, vector, data.x_train)[:, 0] > 0
        assert record.metrics.train_accuracy == pytest.approx((chosen == data.y_train).mean())
    last = outputs_of(trainer, course[-1], data.x_test)[:, 0] > 0
    assert records[-1].metrics.test_accuracy == pytest.approx((last == data.y_test).mean())


def test_tables_and_arrays_of_the_user_are_learnt(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    kind = np.where(x[:, 0] > 0, "red", "blue")
    rows = [f"{a},{b},{c},{word}\n" for (a, b, c), word in zip(x, kind, strict=True)]
    (tmp_path / "a.csv").write_text("a,b,c,kind\n" + "".join(rows))
    sources = {
        "csv": {"path": str(tmp_path / "a.csv"), "target": "kind"},
        "npz": write_npz(tmp_path / "a.npz", x, (x[:, 0] > 0).astype(int))["data"],
    }
    for name, source in sources.items():
        given = {"data": {"name": name, **source, "test_fraction": 0.2}, "train.steps": 200}
        trainer, records = trained(given)
        assert records[-1].metrics.test_accuracy > 0.9
        assert sizes_of(trainer) == (3, 5, 5, 2)


def test_every_data_set_without_a_file_trains() -> None:
    for entry in datasets:
        if not entry.required:
            trainer, records = trained({"data": entry.name, "optimizer.lr": 0.001})
            assert trainer.divergence is None
            assert len(records) == 4


NETWORKS: dict[str, tuple[Overrides, list[str], tuple[int, ...]]] = {
    "no hidden layer": ({"model.depth": 0}, ["output"], (2, 3)),
    "one": ({"model.depth": 1}, ["linear1", "output"], (2, 5, 3)),
    "widths": ({"model.width": [4, 7]}, ["linear1", "linear2", "output"], (2, 4, 7, 3)),
    "no widths": ({"model.depth": 0, "model.width": []}, ["output"], (2, 3)),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_networks_of_any_depth_and_width_train(network: str) -> None:
    overrides, names, sizes = NETWORKS[network]
    trainer, records = trained(overrides)
    assert sizes_of(trainer) == sizes
    assert all(record.layers["name"].tolist() == names for record in records)
    assert records[-1].metrics.train_loss < records[0].metrics.train_loss


def test_the_classic_two_layers_learn_their_line() -> None:
    given = {
        "data": "line",
        "model": {"depth": 1, "width": 10, "activation": "relu"},
        "optimizer.lr": 0.01,
        "train": {"epochs": 1000, "batch_size": "full"},
        "log.every": 100,
    }
    _, records = trained(given)
    assert records[0].metrics.train_loss > 1.0
    assert records[-1].metrics.train_loss < 1e-3


def test_the_digits_are_learnt_in_a_few_hundred_steps() -> None:
    records = list(train(load_config({"model": {"depth": 2}, "train": {"steps": 300}})))
    assert records[-1].metrics.test_accuracy > 0.9


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "selu", "gelu"])
def test_lsuv_begins_with_unit_variance_in_every_layer(activation: str) -> None:
    model = {"model": {"depth": 20, "width": 32, "activation": activation, "init": "lsuv"}}
    _, (first, *_) = trained(DOUBLE | model)  # the full batch, on which it is calibrated
    variances = first.layers["preact_std"] ** 2
    assert variances == pytest.approx(np.ones(21), abs=0.1)  # its default tolerance
    _, (plain, *_) = trained(DOUBLE | model | {"model.init": "gaussian"})
    assert (np.abs(plain.layers["preact_std"] ** 2 - 1) > 0.1).any()


def test_weights_that_explode_at_the_start_are_found_in_the_layer_that_overflows() -> None:
    """In single precision 1e20 can be held, its square not."""
    model = {"model": {"depth": 5, "activation": "relu", "init": {"name": "gaussian", "std": 1e20}}}
    trainer, (record,) = trained(model)
    assert str(trainer.divergence) == ("step 0: the pre-activation of linear2 is no longer finite")
    assert record.metrics.step == 0
    assert not math.isfinite(record.metrics.train_loss)
    assert np.isfinite(record.layers["preact_std"]).tolist() == [True] + [False] * 5
    assert (trainer.step, trainer.finished) == (0, False)
    assert list(trainer.advance(math.inf)) == []


def test_a_loss_that_overflows_by_itself_is_named() -> None:
    init = {"name": "gaussian", "std": 1e12}
    model = {"data": "sine", "model": {"depth": 1, "activation": "relu", "init": init}}
    trainer, _ = trained(model)
    assert trainer.divergence == Divergence(0, "", "loss")
    assert str(trainer.divergence) == "step 0: the loss is no longer finite"


RATES = [
    {"data": "sine", "optimizer.lr": 1e6, "model.activation": "relu"},
    {"data": "sine", "optimizer.lr": 3.0, "model.activation": "relu"},
    {"data": "line", "optimizer.lr": 1e6, "model.depth": 0},
    {"data": "teacher", "optimizer": {"name": "momentum", "lr": 30.0}, "dtype": "float64"},
]


@pytest.mark.parametrize("overrides", RATES, ids=str)
def test_a_rate_that_is_far_too_high_ends_the_run_where_the_first_number_overflows(
    overrides: Overrides,
) -> None:
    given = overrides | {"train.steps": 2000}
    trainer, records = trained(given | {"log.every": 1})
    divergence = trainer.divergence
    assert divergence is not None
    assert 0 < divergence.step == trainer.step < 2000
    assert steps_of(records) == list(range(divergence.step + 1))
    last, before = records[-1], records[-2]
    assert not math.isfinite(last.metrics.train_loss + last.metrics.grad_norm)
    assert math.isfinite(before.metrics.train_loss + before.metrics.grad_norm)
    assert divergence.layer in [*last.layers["name"], ""]
    rare, (first, end) = trained(given | {"log.every": 5000})  # found at a step that is not due
    assert rare.divergence == divergence
    assert content(first) == content(records[0])
    assert end.metrics.step == divergence.step
    assert np.isnan(end.layers["update_ratio"]).all()  # the weights before were not kept
    others = [name for name in LAYER_DTYPE.names or () if name != "update_ratio"]
    assert repr(end.layers[others].tolist()) == repr(last.layers[others].tolist())


def rows(**columns: list[float]) -> NDArray[np.void]:
    layers = np.ones(3, LAYER_DTYPE)
    layers["step"], layers["name"] = 7, ["linear1", "linear2", "output"]
    for name, values in columns.items():
        layers[name] = values
    return layers


NAN, INF = math.nan, math.inf
LOCATED = [
    (rows(weight_norm=[1, NAN, NAN]), NAN, Divergence(7, "linear2", "weight")),
    (rows(preact_std=[1, INF, 1]), NAN, Divergence(7, "linear2", "pre-activation")),
    (rows(act_std=[INF, INF, 1], preact_std=[1, INF, 1]), 1.0, Divergence(7, "linear1", "output")),
    (rows(grad_norm=[NAN] * 3), INF, Divergence(7, "", "loss")),
    (rows(grad_norm=[INF, INF, 1]), 1.0, Divergence(7, "linear2", "gradient")),
    (rows(), 1.0, Divergence(7, "", "gradient")),  # of a bias
]


@pytest.mark.parametrize(("layers", "loss", "place"), LOCATED)
def test_the_first_number_that_is_not_finite_is_sought_forward_then_backward(
    layers: NDArray[np.void], loss: float, place: Divergence
) -> None:
    assert locate_divergence(layers, loss) == place
