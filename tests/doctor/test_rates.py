"""The range test finds rates that train, and says so of the config's own."""

import numpy as np
import pytest
from patients import well

from vgrad.doctor.probe import probe
from vgrad.doctor.rates import BELOW, range_test, rounded

NETS: dict[str, dict[str, object]] = {
    "tanh": {},
    "sgd": {"optimizer": {"name": "sgd", "lr": 0.1}},
    "momentum": {"optimizer": {"name": "momentum", "lr": 0.01}},
    "rezero": {
        "model.connectivity": {"name": "residual", "order": "inside", "gate": 0.0},
        "model.init": "rezero",
        "model.depth": 20,
    },
    "numbers": {"data": "teacher", "model.activation": "relu"},
}


@pytest.mark.parametrize("net", NETS)
def test_the_suggested_rate_trains_better_than_one_a_hundred_times_smaller_or_larger(
    net: str,
) -> None:
    config = well(**NETS[net])
    suggestion = range_test(config).suggestion
    assert suggestion is not None
    low, right, high = (
        probe(config.with_overrides({"optimizer.lr": factor * suggestion}), 120).skill
        for factor in (0.01, 1.0, 100.0)
    )
    assert right > max(low, high)


@pytest.mark.parametrize(
    ("factor", "finding"), [(1e-3, "too small"), (1.0, "right"), (1e3, "too large")]
)
def test_the_configs_own_rate_is_judged(factor: float, finding: str) -> None:
    config = well()
    suggestion = range_test(config).suggestion
    assert suggestion is not None
    judged = range_test(config.with_overrides({"optimizer.lr": factor * suggestion}))
    assert judged.finding == finding
    assert judged.suggestion == suggestion  # the rate itself takes no part in the test


def test_rates_rise_by_a_constant_factor() -> None:
    rates = range_test(well(), 20).rates
    assert rates[0] == pytest.approx(BELOW * 1e-3)
    assert np.diff(np.log(rates)) == pytest.approx(np.log(rates[1] / rates[0]))


def test_where_no_gradient_flows_no_rate_is_suggested() -> None:
    found = range_test(well(**{"model.init": "zeros", "model.activation": "relu", "data": "moons"}))
    assert (found.suggestion, found.finding, found.to_try) == (None, "unknown", ())


@pytest.mark.parametrize(
    ("rate", "expected"), [(0.0123, 0.01), (0.9, 1.0), (3.0, 2.0), (3.3, 5.0), (7.2e-5, 1e-4)]
)
def test_rates_are_rounded_as_a_person_would(rate: float, expected: float) -> None:
    assert rounded(rate) == expected
