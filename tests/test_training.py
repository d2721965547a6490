"""Training: the same again, the steps that are logged, and the memory that it takes."""

import copy
import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from tiny_training import (
    Overrides,
    content,
    contents,
    params,
    steps_of,
    tiny,
    trained,
    weights_of,
)

from vgrad import experiment
from vgrad.config import load_config
from vgrad.errors import RequestError
from vgrad.experiment import prepare
from vgrad.nn.optimizers import optimizers
from vgrad.records import Record
from vgrad.training import State, Trainer, train

pytestmark = pytest.mark.usefixtures("one_blas_thread")


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
    "several groups of layers": {"model.depth": 3, "model.width": 250},
    "many thin layers": {"model.depth": 60, "model.width": 2},
    "a list of widths": {"model.depth": 3, "model.width": [7, 3, 11]},
    "regression": {"data": "sine"},
    "a test part that is rarely due": {"train.batch_size": 3, "log.every": 2},
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
    for at in (0, 3, 5, 8, 11):
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


def test_the_memory_that_is_foretold_is_the_memory_that_is_taken() -> None:
    given = {"data": "digits", "model": {"depth": 4, "width": 600}, "optimizer": "amsgrad"}
    made = prepare(tiny(given | {"train.batch_size": 200, "log.every": 1, "train.steps": 3}))
    data = made.dataset
    held = sum(part.nbytes for part in (data.x_train, data.y_train, data.x_test, data.y_test))
    tracemalloc.start()
    try:
        trainer = Trainer(made)
        list(trainer.advance(math.inf))
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert made.nbytes == pytest.approx(
        held + taken, rel=0.05
    )  # lists and the like are not counted


def test_the_memory_that_is_available_is_known_here() -> None:
    assert 0.0 < experiment.available_memory() < math.inf
