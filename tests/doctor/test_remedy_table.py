"""Every remedy in the table changes a config to another one that can be carried out."""

import math

import pytest
from patients import well

from vgrad.config.dumping import flatten
from vgrad.doctor.remedies import REMEDIES, Case, candidate, candidates, combined
from vgrad.experiment import prepare
from vgrad.training import Trainer

TROUBLED: dict[str, dict[str, object]] = {
    "none": {},
    "shallow": {"model.depth": 1},
    "selu": {"model.activation": "selu", "model.init": "zeros", "model.bias_init": 1.0},
    "everything": {
        "model.depth": 25,
        "model.init": {"name": "gaussian", "std": 1.0},
        "model.activation": "relu",
        "model.dropout": 0.5,
        "model.bias_init": -3.0,
        "regularization": {"l1": 0.1, "l2": 0.1},
        "optimizer": {"name": "adamw", "lr": 0.1},
        "noise.eta": 0.1,
        "schedule": {"name": "exponential", "gamma": 0.5},
        "clip": {"norm": 1e-5},
    },
    "widths": {"model.width": [20, 10, 30, 20, 10, 12], "model.depth": 6},
}


@pytest.mark.parametrize("trouble", TROUBLED)
def test_every_remedy_that_applies_makes_a_config_that_can_be_trained(trouble: str) -> None:
    config = well(**TROUBLED[trouble])
    for entry, one in candidates(config):
        assert one.config != config, entry.name
        assert one.config == config.with_overrides(one.change), entry.name
        trainer = Trainer(prepare(one.config))
        assert [math.isfinite(record.metrics.train_loss) for record in trainer.advance(1)] == [True]


@pytest.mark.parametrize("name", REMEDIES)
def test_every_remedy_applies_to_some_config_and_says_where_it_comes_from(name: str) -> None:
    entry = REMEDIES[name]
    assert entry.summary.endswith(".")
    assert any(char.isdigit() for char in entry.source), "a year"
    assert any(entry.propose(Case(well(**trouble))) for trouble in TROUBLED.values())


def test_a_remedy_that_is_there_already_is_not_proposed() -> None:
    config = well()
    cured = config.with_overrides({"model.norm": "layer", "model.init": "critical"})
    names = {entry.name for entry, _ in candidates(cured)}
    assert not names & {"layer_norm", "batch_norm", "critical_init", "no_clip", "no_dropout"}


def test_what_is_undone_is_all_that_was_done() -> None:
    config = well(**TROUBLED["everything"])
    for name in ("no_clip", "no_bias", "no_dropout", "no_penalty", "no_noise", "steady_rate"):
        config = config.with_overrides(REMEDIES[name].propose(Case(config)) or {})
    flat = flatten(config)
    assert (flat["clip"], flat["schedule"], flat["noise.eta"]) == ("none", "constant", 0.0)
    assert flat["model.dropout"] == flat["model.bias_init"] == 0.0
    assert flat["regularization.l1"] == flat["optimizer.weight_decay"] == 0.0


def test_a_small_change_weighs_less_than_a_large_one() -> None:
    config = well()
    sizes = [
        one.size
        for change in (
            {"optimizer.lr": 0.5},
            {"model.norm": "layer"},
            {"model.activation": "relu", "model.init": "he_normal"},
            {"model.connectivity": "residual", "model.init": "he_normal"},
        )
        if (one := candidate(config, ("x",), change))
    ]
    assert len(sizes) == 4
    assert sizes == sorted(sizes)


def test_a_rate_joins_the_optimizer_that_it_is_for() -> None:
    change = {"optimizer": {"name": "sgd", "lr": 0.1}, "optimizer.lr": 0.5}
    one = candidate(well(), ("sgd", "rate"), change)
    assert one is not None
    assert dict(one.change) == {"optimizer": {"name": "sgd", "lr": 0.5}}


def test_what_is_replaced_takes_its_options_with_it() -> None:
    found = combined({"optimizer.lr": 0.5, "model.init": "lsuv"}, {"optimizer": "adam"})
    assert found == {"model.init": "lsuv", "optimizer": "adam"}
    assert combined({"clip": "none"}, {"clip": {"norm": 1.0}}) == {"clip": {"norm": 1.0}}


def test_what_is_no_valid_config_is_no_candidate() -> None:
    assert candidate(well(), ("x",), {"model.depth": -1}) is None
    assert candidate(well(), ("x",), {"model.depth": 4}) is None  # as it is
