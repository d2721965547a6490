"""Probes: networks that are drawn and measured as training measures them at its first step."""

import numpy as np
import pytest
from forecasts import experiment

from vgrad.errors import RequestError
from vgrad.experiment import Experiment
from vgrad.forecast.probe import MOST, probe, seeds_for
from vgrad.training import Trainer


def first_record(one: Experiment) -> np.ndarray:
    """What training logs at step 0."""
    (record, *_) = Trainer(one).advance(1)
    return record.layers


@pytest.mark.parametrize("model", [{"init": "lsuv"}, {"connectivity": "residual"}])
def test_a_probe_measures_what_training_would_at_its_first_step(
    model: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = 3
    monkeypatch.setattr("vgrad.forecast.probe.MOST", seeds)
    found = probe(experiment(depth=6, **model), "because")
    assert found.seeds == seeds
    measured = [first_record(experiment({"seed": seed}, depth=6, **model)) for seed in range(seeds)]
    relative = [rows["delta_rms"] / rows["delta_rms"][-2] for rows in measured]
    rows = found.layers
    # the split of the data differs with its seed, which a probe leaves as it is
    np.testing.assert_allclose(rows["delta_rms"], np.median(relative, axis=0), rtol=0.3)
    np.testing.assert_allclose(
        rows["preact_std"], np.median([one["preact_std"] for one in measured], axis=0), rtol=0.3
    )


def test_its_first_network_is_that_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FEWEST", "MOST"):
        monkeypatch.setattr(f"vgrad.forecast.probe.{name}", 1)
    rows = probe(experiment({"seed": 5}, connectivity="residual"), "").layers
    expected = first_record(experiment({"seed": 5}, connectivity="residual"))
    np.testing.assert_array_equal(rows["preact_std"], expected["preact_std"])
    np.testing.assert_array_equal(rows["act_mean"], expected["act_mean"])
    delta = expected["delta_rms"] / expected["delta_rms"][-2]
    np.testing.assert_array_equal(rows["delta_rms"], delta)
    z2 = expected["preact_std"] ** 2 + expected["preact_mean"] ** 2
    np.testing.assert_allclose(rows["q"], z2, rtol=1e-5)


def test_a_probe_leaves_the_experiment_as_it_was() -> None:
    one = experiment(connectivity="residual")
    probe(one, "")
    fresh = first_record(experiment(connectivity="residual"))
    assert first_record(one).tobytes() == fresh.tobytes()


def test_the_same_config_gives_the_same_numbers() -> None:
    first, second = (probe(experiment(connectivity="highway"), "").layers for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_large_networks_are_drawn_less_often() -> None:
    small, large = (experiment(width=width, depth=20) for width in (16, 512))
    assert seeds_for(small) == MOST
    assert seeds_for(large) < MOST


def test_numbers_that_overflow_are_a_result() -> None:
    model = {"activation": "relu", "connectivity": "dense", "depth": 30}
    one = experiment(init={"name": "gaussian", "std": 1e6}, **model)
    found = probe(one, "")
    assert found.verdict.kind == "exploding"


def test_a_dead_gradient_is_a_result() -> None:
    found = probe(experiment(init="zeros", activation="relu"), "")
    assert found.verdict.kind in ("dead", "vanishing", "healthy")
    assert found.layers.size == 13


def test_a_network_too_large_for_memory_is_a_wrong_request() -> None:
    with pytest.raises(RequestError, match="GiB"):
        probe(experiment(depth=1000, width=65_000), "")
