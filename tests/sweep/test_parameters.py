"""A parameter of a sweep file, and what is drawn from it."""

import math
from typing import Any

import numpy as np
import pytest

from vgrad.config.document import Document
from vgrad.config.yaml_source import read_yaml
from vgrad.errors import RequestError
from vgrad.sweep.axes import DISTRIBUTIONS, Axis, Bell, Choices, Interval
from vgrad.sweep.parameters import axis_of

DRAWS = 4000
SURE = 4.0
"""Standard errors by which a mean may be off: the streams are fixed, so that it is once for all."""


def axis(text: str) -> Axis:
    """The axis of a parameter that is written so."""
    reading = read_yaml(text, "sweep.yaml")
    return axis_of("k", reading.data, Document({}, "sweep.yaml", reading.places))


def drawn(text: str, draws: int = DRAWS) -> list[Any]:
    """Draws from it."""
    one, rng = axis(text), np.random.default_rng(7)
    return [one.draw(rng)["k"] for _ in range(draws)]


def assert_distributed(values: list[float], mean: float, deviation: float) -> None:
    assert np.mean(values) == pytest.approx(mean, abs=SURE * deviation / math.sqrt(len(values)))
    # the standard error of a standard deviation is at most that of the mean for these shapes
    assert np.std(values) == pytest.approx(deviation, abs=SURE * deviation / math.sqrt(len(values)))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("values: [1, 2]", [1, 2]),
        ("values: [tanh, {name: leaky_relu}]", ["tanh", {"name": "leaky_relu"}]),
        ("value: 3", [3]),
        ("value: null", [None]),
        ("value: [64, 32]", [[64, 32]]),
        ("{distribution: constant, value: 3}", [3]),
        ("{distribution: categorical, values: [1, 2]}", [1, 2]),
        ("values: range(0, 3)", [0, 1, 2]),
        ("values: 5,10", [5, 10]),
    ],
)
def test_a_parameter_with_values_has_them(text: str, values: list[object]) -> None:
    assert axis(text) == Choices(("k",), tuple((one,) for one in values))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{min: 1, max: 5}", Interval("k", 1, 5, whole=True)),
        ("{min: 1.0, max: 5}", Interval("k", 1.0, 5.0)),
        ("{min: 8, max: 64, q: 8}", Interval("k", 8, 64, step=8)),
        ("{distribution: q_uniform, min: 0, max: 9.5}", Interval("k", 0, 9.5, step=1)),
        (
            "{distribution: log_uniform, min: -7, max: 0}",
            Interval("k", math.exp(-7), 1.0, log=True),
        ),
        ("{distribution: normal}", Bell("k", 0.0, 1.0)),
        ("{distribution: q_log_normal, mu: 1}", Bell("k", 1.0, 1.0, log=True, step=1)),
    ],
)
def test_bounds_and_moments_mean_what_weights_and_biases_mean(text: str, expected: Axis) -> None:
    assert axis(text) == expected


def test_every_distribution_can_be_named() -> None:
    for name, distribution in DISTRIBUTIONS.items():
        bounds = "min: 1, max: 4" if "min" in distribution.takes else "mu: 1.0, sigma: 0.5"
        values = drawn(f"{{distribution: {name}, {bounds}}}", 100)
        assert len(set(values)) > 1
        assert all(math.isfinite(value) for value in values)


def test_uniform_is_even_between_its_bounds() -> None:
    values = drawn("{min: -1.0, max: 3.0}")
    assert_distributed(values, 1.0, 4.0 / math.sqrt(12.0))
    assert -1.0 <= min(values) <= max(values) <= 3.0


def test_int_uniform_draws_every_whole_number_alike() -> None:
    values = drawn("{min: 2, max: 5}")
    assert {type(value) for value in values} == {int}
    counts = [values.count(value) for value in (2, 3, 4, 5)]
    expected = DRAWS / 4
    assert sum(counts) == DRAWS
    # binomial: each count has the deviation √(n·¼·¾)
    assert counts == pytest.approx([expected] * 4, abs=SURE * math.sqrt(expected * 0.75))


@pytest.mark.parametrize(
    "text",
    [
        "{distribution: log_uniform_values, min: 1.0e-4, max: 0.1}",
        f"{{distribution: log_uniform, min: {math.log(1e-4)}, max: {math.log(0.1)}}}",
    ],
)
def test_log_uniform_is_even_in_the_logarithm(text: str) -> None:
    values = drawn(text)
    width = math.log(1e3)
    assert_distributed(
        [math.log(value) for value in values], math.log(1e-4) + width / 2, width / math.sqrt(12)
    )


def test_normal_and_log_normal_have_their_moments() -> None:
    assert_distributed(drawn("{distribution: normal, mu: 2.0, sigma: 0.5}"), 2.0, 0.5)
    values = drawn("{distribution: log_normal, mu: -1.0, sigma: 0.5}")
    assert_distributed([math.log(value) for value in values], -1.0, 0.5)


def test_values_are_drawn_by_their_probabilities() -> None:
    values = drawn("{values: [a, b, c], probabilities: [0.7, 0.3, 0.0]}")
    assert "c" not in values
    share, deviation = values.count("a") / DRAWS, math.sqrt(0.7 * 0.3 / DRAWS)
    assert share == pytest.approx(0.7, abs=SURE * deviation)
    evenly = drawn("values: [a, b]")
    assert evenly.count("a") / DRAWS == pytest.approx(0.5, abs=SURE * 0.5 / math.sqrt(DRAWS))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("{distribution: q_uniform, min: 8, max: 32, q: 8}", [8, 16, 24, 32]),
        ("{distribution: q_uniform, min: 1, max: 20, q: 8}", [8, 16]),
        ("{distribution: q_uniform, min: 0.1, max: 0.3, q: 0.1}", [0.1, 0.2, 0.3]),
        ("{distribution: q_log_uniform_values, min: 16, max: 64, q: 16}", [16, 32, 48, 64]),
        ("{distribution: q_normal, sigma: 0.6, q: 1}", [-2, -1, 0, 1, 2]),
    ],
)
def test_steps_are_multiples_within_the_bounds(text: str, values: list[float]) -> None:
    found = sorted(set(drawn(text, 1000)))
    assert found == values
    assert list(map(type, found)) == list(map(type, values))  # a whole step: whole numbers


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("{valeus: [1]}", 2, "valeus: unknown key; one of values, value, probabilities"),
        ("{valeus: [1]}", 2, "did you mean values?"),
        ("3", 0, "is no parameter; a mapping with values, value, or min and max, as {value: 3}"),
        ("[1, 2]", 0, "is no parameter; a mapping with values, value, or min and max"),
        ("{}", 0, "says nothing to try"),
        ("{distribution: uniform}", 0, "min: is missing; uniform needs it"),
        ("{min: 1}", 0, "max: is missing; int_uniform needs it"),
        ("{distribution: categorical}", 0, "says nothing to try"),
        ("{values: []}", 10, "values: the list is empty; at least one value"),
        ("{values: 3}", 10, "values: is no list; a list such as 5,10,20"),
        ("{values: null}", 10, "values: is no list"),
        ("{values: {a: 1}}", 10, "values: is no list"),
        ("{values: 'range(0, 1000000000)'}", 10, "1,000,000,000 values"),
        ("{values: [1], value: 2}", 0, "is stated twice"),
        ("{values: [1], min: 2}", 0, "is stated twice"),
        ("{values: [1], q: 2}", 18, "q: does not apply to values"),
        ("{values: [1, 2], probabilities: [0.5, 0.6]}", 33, "of sum 1"),
        ("{values: [1, 2], probabilities: [1.5, -0.5]}", 33, "none negative"),
        ("{values: [1, 2], probabilities: [1.0]}", 33, "2 numbers"),
        ("{values: [1, 2], probabilities: []}", 33, "do not fit the values"),
        ("{values: [1, 2], probabilities: [a, 1.0]}", 34, "probabilities[0]: 'a' is not a number"),
        ("{min: 1, max: 2, probabilities: [1.0]}", 33, "does not apply to int_uniform"),
        ("{min: 1, max: 2, mu: 1}", 22, "mu: does not apply to int_uniform"),
        ("{distribution: normal, min: 1}", 29, "normal takes mu and sigma"),
        ("{distribution: uniform, min: 1, max: 2, q: 1}", 44, "uniform takes min and max"),
        ("{values: [1], distribution: uniform}", 29, "uniform goes with numbers, not values"),
        ("{value: 1, distribution: categorical}", 26, "categorical goes with values"),
        ("{values: [1], distribution: constant}", 29, "constant goes with value"),
        ("{min: 1, max: 2, distribution: unifrom}", 32, "did you mean uniform?"),
        ("{min: a, max: 2}", 7, "min: 'a' is not a number"),
        ("{min: true, max: 2}", 7, "min: true is not a number"),
        ("{min: [1], max: 2}", 7, "min: a list of 1 is not a number"),
        ("{min: 1, max: .inf}", 15, "max: .inf is not a finite number"),
        ("{min: 2, max: 1}", 15, "max: 1 is below min; at least 2"),
        ("{distribution: int_uniform, min: 1, max: 2.5}", 42, "max: 2.5 is not whole"),
        ("{distribution: int_uniform, min: 1, max: 1e30}", 42, "max: 1e+30 is too large"),
        ("{distribution: log_uniform_values, min: 0, max: 1}", 41, "min: 0 has no logarithm"),
        ("{distribution: log_uniform, min: 0, max: 1000}", 42, "max: 1000 has no exponential"),
        ("{min: -1.7e308, max: 1.7e308}", 22, "max: is too far from min"),
        ("{min: 9, max: 15, q: 8}", 22, "q: no multiple of 8 lies between"),
        ("{min: 0, max: 1, q: 0}", 21, "q: 0 is out of range"),
        ("{min: 1, max: 2, q: 1.0e-300}", 7, "min: 1 is too many steps"),
        ("{distribution: normal, sigma: -1}", 31, "sigma: -1 is out of range"),
    ],
)
def test_a_wrong_parameter_is_refused_at_its_place(text: str, column: int, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        axis(text)
    (problem,) = caught.value.problems
    assert message in str(problem)
    # 0: the whole parameter, whose place its sweep knows
    assert (problem.line, problem.column) == (min(column, 1), column)


def test_a_bell_without_bounds_overflows_to_infinity_not_to_an_error() -> None:
    assert set(drawn("{distribution: log_normal, mu: 1000}", 3)) == {math.inf}


def test_the_ends_of_an_interval_are_what_it_can_be() -> None:
    assert [one["k"] for one in axis("{min: 1, max: 20, q: 8}").rows_at_ends()] == [8, 16]
    assert [one["k"] for one in axis("{min: 1, max: 4}").rows_at_ends()] == [1, 4]
    assert [one["k"] for one in axis("{distribution: normal, mu: 2}").rows_at_ends()] == [2.0]
