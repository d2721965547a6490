"""Training: the recorded numbers are those that a plain calculation finds."""

import math
from pathlib import Path

import numpy as np
import pytest
from tiny_training import (
    DOUBLE,
    ROUNDING,
    Overrides,
    cross_entropy,
    history,
    outputs_of,
    trained,
    weights_of,
    write_npz,
)

pytestmark = pytest.mark.usefixtures("one_blas_thread")


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
