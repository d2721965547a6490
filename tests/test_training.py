"""Training: what it records, and that it records the truth."""

import copy
import math
from collections.abc import Iterator
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from vgrad import experiment
from vgrad.config import Config, load_config
from vgrad.data import datasets
from vgrad.errors import RequestError
from vgrad.experiment import prepare
from vgrad.nn.losses import losses
from vgrad.nn.optimizers import optimizers
from vgrad.records import LAYER_DTYPE, Record
from vgrad.training import Divergence, State, Trainer, locate_divergence, train

TINY: dict[str, object] = {
    "data": {"name": "blobs", "n_samples": 60, "classes": 3},
    "model": {"depth": 2, "width": 5},
    "train": {"steps": 12, "batch_size": 13},
    "log": {"every": 4},
}
"""48 examples to train on, in batches of 13, 13, 13 and 9; 12 to test with."""

Overrides = dict[str, object]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As in a run of this size: threads that wait for each other take most of the time."""
    with threadpool_limits(1, user_api="blas"):
        yield


def tiny(overrides: Overrides | None = None) -> Config:
    return load_config(TINY, overrides or {})


def trained(overrides: Overrides | None = None) -> tuple[Trainer, list[Record]]:
    trainer = Trainer(prepare(tiny(overrides)))
    return trainer, list(trainer.advance(trainer.steps))


def params(trainer: Trainer) -> NDArray[Any]:
    return trainer.state()["params"].copy()


def content(record: Record) -> tuple[bytes, bytes]:
    """A record without its time, to the last bit."""
    metrics = asdict(record.metrics)
    metrics.pop("seconds")
    return np.array(list(metrics.values())).tobytes(), record.layers.tobytes()


def contents(records: list[Record]) -> list[tuple[bytes, bytes]]:
    return [content(record) for record in records]


def steps_of(records: list[Record]) -> list[int]:
    return [record.metrics.step for record in records]


# --- the same again ----------------------------------------------------------------------------


def test_the_same_config_and_seed_give_the_same_records_to_the_last_bit() -> None:
    (one, first), (other, second) = trained(), trained()
    assert contents(first) == contents(second)
    assert params(one).tobytes() == params(other).tobytes()


def test_another_seed_gives_other_records() -> None:
    (_, first), (_, second) = trained(), trained({"seed": 1})
    assert not set(contents(first)) & set(contents(second))


MODELS = ({"model.depth": 7}, {"model.init": "orthogonal"}, {"model.width": 9, "optimizer": "adam"})


@pytest.mark.parametrize("overrides", MODELS, ids=str)
def test_another_network_sees_the_same_examples_in_the_same_order(overrides: Overrides) -> None:
    seen = []
    for given in ({}, overrides):
        made = prepare(tiny(given))
        made.initialize(made.network())
        order = made.order()
        data = made.dataset
        batches = [order.take().tolist() for _ in range(9)]
        seen.append(
            (data.x_train.tobytes(), data.y_train.tobytes(), data.x_test.tobytes(), batches)
        )
    assert seen[0] == seen[1]


@pytest.mark.parametrize("overrides", [{"data.std": 3.0}, {"train.batch_size": "full"}], ids=str)
def test_other_data_meets_the_same_first_weights(overrides: Overrides) -> None:
    weights = [params(Trainer(prepare(tiny(given)))).tobytes() for given in ({}, overrides)]
    assert weights[0] == weights[1]


VARIANTS: dict[str, Overrides] = {
    **{
        name: {"optimizer": name}
        for name in optimizers.names()
        if "lr" not in optimizers[name].required
    },
    **{
        name: {"optimizer": {"name": name, "lr": 0.05}}
        for name in optimizers.names()
        if "lr" in optimizers[name].required
    },
    "l1 and l2": {"regularization.l1": 1e-3, "regularization.l2": 1e-2},
    "l1 alone": {"regularization.l1": 1e-3, "optimizer": "adam"},
    "an activation that needs its input": {"model.activation": "gelu"},
    "relu in double precision": {"model.activation": "relu", "dtype": "float64"},
    "full batch": {"train.batch_size": "full"},
    "single examples": {"train.batch_size": 1},
    "lsuv": {"model.init": "lsuv"},
    "no hidden layer": {"model.depth": 0},
    "several groups of layers": {"model.depth": 3, "model.width": 100},
    "many thin layers": {"model.depth": 60, "model.width": 2},
    "a list of widths": {"model.depth": 3, "model.width": [7, 3, 11]},
    "regression": {"data": "sine"},
    "two classes": {"data": "moons", "loss": "binary_cross_entropy"},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_weights_do_not_depend_on_what_is_logged(variant: str) -> None:
    """The steps that nobody looks at take a shorter way, to the same bits."""
    weights = [params(trained(VARIANTS[variant] | {"log.every": n})[0]) for n in (1, 3, 1000)]
    assert len({weight.tobytes() for weight in weights}) == 1
    first = params(Trainer(prepare(tiny(VARIANTS[variant]))))
    assert not np.array_equal(first, weights[0])


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_record_does_not_depend_on_what_else_is_logged(variant: str) -> None:
    _, every = trained(VARIANTS[variant] | {"log.every": 1, "data.test_fraction": 0.0})
    _, some = trained(VARIANTS[variant] | {"log.every": 3, "data.test_fraction": 0.0})
    assert contents(some) == contents(every[::3])


@pytest.mark.parametrize("variant", VARIANTS)
def test_training_goes_on_from_a_stored_state_to_the_same_bits(variant: str) -> None:
    """States at a logged step, between two, at a pass's end, and before the first step."""
    overrides = VARIANTS[variant]
    whole, records = trained(overrides)
    for at in (0, 3, 4, 8, 11):
        left = Trainer(prepare(tiny(overrides)))
        before = list(left.advance(at))
        state: State = copy.deepcopy(left.state())
        resumed = Trainer(prepare(tiny(overrides)))
        resumed.load_state(state)
        assert resumed.step == at
        after = list(resumed.advance(resumed.steps))
        assert contents(before + after) == contents(records)
        assert params(resumed).tobytes() == params(whole).tobytes()


@pytest.mark.parametrize("stride", [1, 2, 5])
def test_advancing_by_strides_is_advancing_at_once(stride: int) -> None:
    trainer = Trainer(prepare(tiny()))
    records: list[Record] = []
    while not trainer.finished:
        records += trainer.advance(trainer.step + stride)
    assert contents(records) == contents(trained()[1])
    assert list(trainer.advance(math.inf)) == []


# --- when ---------------------------------------------------------------------------------------

CADENCES = [
    (12, 4, [0, 4, 8, 12]),
    (10, 4, [0, 4, 8, 10]),
    (3, 10, [0, 3]),
    (10, 10, [0, 10]),
    (5, 1, [0, 1, 2, 3, 4, 5]),
    (1, 1, [0, 1]),
    (0, 5, [0]),
]


@pytest.mark.parametrize(("steps", "every", "logged"), CADENCES)
def test_the_first_the_last_and_every_so_manieth_step_is_logged(
    steps: int, every: int, logged: list[int]
) -> None:
    trainer, records = trained({"train.steps": steps, "log.every": every})
    assert steps_of(records) == logged
    assert [record.layers["step"].tolist() for record in records] == [[n] * 3 for n in logged]
    assert trainer.finished
    assert trainer.step == steps


def test_step_0_is_the_network_before_any_update() -> None:
    _, (alone,) = trained({"train.steps": 0})
    trainer, (first, *_) = trained()
    assert content(first) == content(alone)
    fresh = Trainer(prepare(tiny()))
    weights = list(weights_of(fresh, params(fresh)))
    norms = [np.linalg.norm(weight[:, 1:]) for weight in weights]
    assert first.layers["weight_norm"] == pytest.approx(norms, rel=1e-6)  # single precision
    assert np.isnan(first.layers["update_ratio"]).all()
    assert not np.array_equal(params(trainer), params(fresh))


EPOCHS = [
    (13, 3, 12, [0.0, 26 / 48, 1.0, 1 + 26 / 48, 2.0, 2 + 26 / 48, 3.0]),
    ("full", 2, 2, [0.0, 2.0]),
    (1000, 4, 4, [0.0, 2.0, 4.0]),
    (48, 2, 2, [0.0, 2.0]),
    (24, 1, 2, [0.0, 1.0]),
    (13, 0, 0, [0.0]),
]


@pytest.mark.parametrize(("batch_size", "epochs", "steps", "seen"), EPOCHS)
def test_epochs_are_passes_over_the_training_part(
    batch_size: object, epochs: int, steps: int, seen: list[float]
) -> None:
    given = {"train.epochs": epochs, "train.batch_size": batch_size, "log.every": 2}
    trainer, records = trained(given)
    assert trainer.steps == steps
    assert [record.metrics.epoch for record in records] == pytest.approx(seen)


TESTED = [
    (1, 12, [0, 3, 6, 9, 12]),  # 4 examples a step, 12 to test with: due after 3 steps
    (1, 10, [0, 3, 6, 9, 10]),
    (2, 12, [0, 4, 8, 12]),
    (5, 12, [0, 5, 10, 12]),
    (100, 12, [0, 12]),
    (1, 0, [0]),
]


@pytest.mark.parametrize(("every", "steps", "tested"), TESTED)
def test_the_test_part_is_evaluated_first_last_and_when_as_many_examples_were_trained_on(
    every: int, steps: int, tested: list[int]
) -> None:
    given = {"log.every": every, "train.steps": steps, "train.batch_size": 4}
    _, records = trained(given)
    known = [record.metrics for record in records if not math.isnan(record.metrics.test_loss)]
    assert [metrics.step for metrics in known] == tested
    assert all(0.0 <= metrics.test_accuracy <= 1.0 for metrics in known)


def test_without_a_test_part_nothing_is_tested() -> None:
    _, records = trained({"data.test_fraction": 0.0})
    assert all(math.isnan(record.metrics.test_loss) for record in records)
    assert all(math.isnan(record.metrics.test_accuracy) for record in records)


# --- what ---------------------------------------------------------------------------------------


def weights_of(trainer: Trainer, vector: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """A flat vector as the layers' `(fan_out, 1 + fan_in)`, biases first."""
    start = 0
    for fan_in, fan_out in pairwise(trainer._experiment.sizes):
        stop = start + fan_out * (1 + fan_in)
        yield vector[start:stop].reshape(fan_out, 1 + fan_in)
        start = stop


def outputs_of(trainer: Trainer, vector: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    """A tanh network, written down plainly; x and the result have a row per example."""
    *hidden, last = weights_of(trainer, vector)
    for weight in hidden:
        x = np.tanh(x @ weight[:, 1:].T + weight[:, 0])
    return x @ last[:, 1:].T + last[:, 0]


def cross_entropy(outputs: NDArray[Any], y: NDArray[Any]) -> float:
    log_sums = np.log(np.exp(outputs).sum(axis=1))
    return float((log_sums - outputs[np.arange(len(y)), y]).mean())


DOUBLE = {"dtype": "float64", "train.batch_size": "full", "log.every": 1, "train.steps": 6}
ROUNDING = 1e-10  # of double precision, through differences of nearly equal weights


def history(overrides: Overrides) -> tuple[Trainer, list[Record], list[NDArray[Any]]]:
    """Training, its records, and the parameters at every step."""
    trainer = Trainer(prepare(tiny(overrides)))
    records, course = [], [params(trainer)]
    while not trainer.finished:
        records += trainer.advance(trainer.step + 1)
        course.append(params(trainer))
    return trainer, records, course


PENALTIES = [{}, {"regularization.l1": 0.01}, {"regularization.l2": 0.1}]
PENALTIES.append(PENALTIES[1] | PENALTIES[2])


@pytest.mark.parametrize("penalties", PENALTIES, ids=str)
def test_the_training_loss_has_its_penalties_and_the_test_loss_none(penalties: Overrides) -> None:
    trainer, records, course = history(DOUBLE | penalties)
    data = trainer._experiment.dataset
    for record, vector in zip(records, course, strict=False):
        train_outputs = outputs_of(trainer, vector, data.x_train)
        weights = [weight[:, 1:] for weight in weights_of(trainer, vector)]
        penalty = sum(
            float(penalties.get("regularization.l1", 0.0)) * np.abs(weight).sum()
            + float(penalties.get("regularization.l2", 0.0)) / 2 * (weight**2).sum()
            for weight in weights
        )
        loss = cross_entropy(train_outputs, data.y_train) + penalty
        assert record.metrics.train_loss == pytest.approx(loss, rel=ROUNDING)
        right = (train_outputs.argmax(axis=1) == data.y_train).mean()
        assert record.metrics.train_accuracy == pytest.approx(right)
        if not math.isnan(record.metrics.test_loss):
            test_outputs = outputs_of(trainer, vector, data.x_test)
            test_loss = cross_entropy(test_outputs, data.y_test)
            assert record.metrics.test_loss == pytest.approx(test_loss, rel=ROUNDING)
            right = (test_outputs.argmax(axis=1) == data.y_test).mean()
            assert record.metrics.test_accuracy == pytest.approx(right)


@pytest.mark.parametrize("penalties", PENALTIES, ids=str)
def test_the_gradient_is_the_one_that_plain_descent_follows(penalties: Overrides) -> None:
    rate = 0.5
    trainer, records, course = history(DOUBLE | penalties | {"optimizer.lr": rate})
    for record, before, after in zip(records, course, course[1:], strict=False):
        if record.metrics.step == trainer.steps:
            break
        gradient = (before - after) / rate
        assert record.metrics.lr == rate
        assert record.metrics.param_norm == pytest.approx(np.linalg.norm(before), rel=ROUNDING)
        assert record.metrics.grad_norm == pytest.approx(np.linalg.norm(gradient), rel=ROUNDING)
        layers = [layer[:, 1:] for layer in weights_of(trainer, gradient)]
        norms = [np.linalg.norm(layer) for layer in layers]
        assert record.layers["grad_norm"] == pytest.approx(norms, rel=ROUNDING)
        largest = [np.abs(layer).max() for layer in layers]
        assert record.layers["grad_max_abs"] == pytest.approx(largest, rel=ROUNDING)


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "lion"])
def test_the_update_ratio_is_that_of_the_update_before(optimizer: str, every: int) -> None:
    given = {"optimizer": {"name": optimizer, "lr": 0.01}, "dtype": "float64", "log.every": every}
    trainer, records, course = history(given | {"train.steps": 10})
    for record in records[1:]:
        step = record.metrics.step
        ratios = [
            np.linalg.norm(now[:, 1:] - then[:, 1:]) / np.linalg.norm(now[:, 1:])
            for now, then in zip(
                weights_of(trainer, course[step]),
                weights_of(trainer, course[step - 1]),
                strict=True,
            )
        ]
        assert record.layers["update_ratio"] == pytest.approx(ratios, rel=ROUNDING)


def test_statistics_of_a_layer_are_those_of_its_arrays() -> None:
    trainer, (record,), (vector, *_) = history(DOUBLE | {"train.steps": 0})
    x = trainer._experiment.dataset.x_train
    for row, weight in zip(record.layers, weights_of(trainer, vector), strict=True):
        z = x @ weight[:, 1:].T + weight[:, 0]
        last = row["name"] == "output"
        x = z if last else np.tanh(z)
        assert row["preact_mean"] == pytest.approx(z.mean(), rel=1e-9, abs=1e-12)
        assert row["preact_std"] == pytest.approx(z.std(), rel=1e-9)
        assert row["act_mean"] == pytest.approx(x.mean(), rel=1e-9, abs=1e-12)
        assert row["act_std"] == pytest.approx(x.std(), rel=1e-9)
        flat = 0.0 if last else (1 - np.tanh(z) ** 2 < 0.05).mean()
        assert row["saturated_fraction"] == pytest.approx(flat)
        assert row["dead_fraction"] == 0.0


def write_npz(path: Path, x: NDArray[Any], y: NDArray[Any]) -> Overrides:
    np.savez(path, x=x, y=y)
    return {"data": {"name": "npz", "path": str(path), "test_fraction": 0.0}}


def test_the_signal_does_not_depend_on_the_size_of_the_batch(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 4)), np.arange(20) % 3
    once = write_npz(tmp_path / "once.npz", x, y)
    often = write_npz(tmp_path / "often.npz", np.tile(x, (5, 1)), np.tile(y, 5))
    given = DOUBLE | {"train.steps": 3}
    (_, first), (_, second) = trained(given | once), trained(given | often)
    for one, other in zip(first, second, strict=True):
        for name in ("delta_rms", "grad_norm", "preact_std"):
            assert one.layers[name] == pytest.approx(other.layers[name], rel=1e-9)
        assert one.metrics.train_loss == pytest.approx(other.metrics.train_loss, rel=1e-12)


def test_the_signal_of_the_output_is_the_derivative_of_each_examples_loss() -> None:
    trainer, (record,), (vector, *_) = history(DOUBLE | {"train.steps": 0})
    data = trainer._experiment.dataset
    exps = np.exp(outputs_of(trainer, vector, data.x_train))
    delta = exps / exps.sum(axis=1, keepdims=True) - np.eye(3)[data.y_train]
    rms = np.sqrt((delta**2).mean())
    assert record.layers["delta_rms"][-1] == pytest.approx(rms, rel=ROUNDING)


# --- on what ------------------------------------------------------------------------------------


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
    assert trainer._experiment.sizes == (
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
        assert trainer._experiment.sizes == (3, 5, 5, 2)


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
    assert trainer._experiment.sizes == sizes
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


# --- where it ends ------------------------------------------------------------------------------


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
    (rows(weight_norm=[1, NAN, NAN]), NAN, Divergence(7, "linear2", "weights")),
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


# --- what it takes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("model:\n  depth: 4\n  width: 3000\n", "3:10: model.width: "),
        ("model:\n  width: 3\n  depth: 9000\n", "3:10: model.depth: "),
    ],
)
def test_a_network_beyond_the_memory_names_the_line_and_what_it_would_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, place: str
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    monkeypatch.setattr(experiment, "available_memory", lambda: 2.0**20)
    with pytest.raises(RequestError) as caught:
        train(load_config(path))
    message = str(caught.value)
    assert message.startswith(f"{path}:{place}the network needs ")
    assert message.endswith("GiB of memory; 0.0 GiB are available")


def test_the_memory_that_is_available_is_known_here() -> None:
    assert 0.0 < experiment.available_memory() < math.inf
