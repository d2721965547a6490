"""The runs of a sweep: which, how many, in which order, and what they are called."""

import re
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vgrad.config import load_config
from vgrad.errors import RequestError
from vgrad.sweep import Spec
from vgrad.sweep.axes import UNCHANGED, Bell, Choices, Interval
from vgrad.sweep.trials import LONGEST_ID, FixedTrials, count, run_id, trials

BASE = load_config({"data": {"name": "moons", "n_samples": 40}})
LR = Interval("optimizer.lr", 1e-4, 1.0, log=True)


def choices(key: str, *values: object) -> Choices:
    return Choices((key,), tuple((value,) for value in values))


def spec(*axes: Any, **options: Any) -> Spec:
    return Spec(BASE, axes, **options)


def random(runs: int, **options: Any) -> list[dict[str, object]]:
    axes = (choices("model.depth", 1, 2, 3), LR)
    drawn = trials(spec(*axes, method="random", runs=runs, **options), runs)
    return [trial.changes for trial in drawn]


def test_a_grid_counts_from_one_in_the_order_of_its_axes() -> None:
    made = [*trials(spec(choices("seed", 5, 6), choices("model.depth", 1, 2)), 4)]
    assert [trial.number for trial in made] == [1, 2, 3, 4]
    assert [tuple(trial.changes.values()) for trial in made] == [(5, 1), (5, 2), (6, 1), (6, 2)]


def test_a_grid_of_at_most_so_many_is_its_beginning() -> None:
    grid = spec(choices("seed", *range(10)), choices("model.depth", 1, 2), runs=3)
    assert count(grid) == 3
    assert [trial.changes["seed"] for trial in trials(grid, 3)] == [0, 0, 1]


def test_a_grid_is_made_as_it_is_asked_for() -> None:
    huge = spec(*(choices(f"k{n}", *range(1000)) for n in range(5)), runs=10)
    assert count(huge) == 10
    assert len([*islice(trials(huge, 10), 10)]) == 10


def test_a_key_that_a_run_leaves_out_keeps_its_value() -> None:
    rows = Choices(("seed", "model.depth"), ((1, UNCHANGED), (2, 5)))
    made = [trial.changes for trial in trials(spec(rows, method="list"), 2)]
    assert made == [{"seed": 1}, {"seed": 2, "model.depth": 5}]


def test_draws_depend_on_the_seed_alone() -> None:
    assert random(5) == random(5)
    assert random(5) != random(5, seed=1)


@pytest.mark.parametrize("excluded", [(), ({"model.depth": 2},)])
def test_draws_do_not_depend_on_how_many_there_are(excluded: tuple[Any, ...]) -> None:
    assert random(50, exclude=excluded)[:5] == random(5, exclude=excluded)


def test_draws_do_not_follow_each_other() -> None:
    """Each run has a stream of its own; those must not be alike."""
    logs = np.log([float(str(changes["optimizer.lr"])) for changes in random(2000)])
    correlation = np.corrcoef(logs[:-1], logs[1:])[0, 1]
    assert abs(correlation) < 4 / np.sqrt(2000)  # four standard errors of one that is 0
    assert len(set(logs)) == 2000


def test_excluded_combinations_are_not_drawn() -> None:
    kept = random(200, exclude=({"model.depth": [1, 2]},))
    assert {changes["model.depth"] for changes in kept} == {3}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (spec(LR), "optimizer.lr: a grid cannot hold a distribution"),
        (spec(Bell("optimizer.lr", 0.0, 1.0)), "a grid cannot hold a distribution"),
        (spec(LR, method="random"), "runs: random needs a number of runs"),
        (spec(LR, method="bayes"), "runs: bayes needs a number of runs"),
        (spec(LR, method="random", runs=10**9), "runs: 1,000,000,000 runs; at most 100,000"),
        (
            spec(choices("seed", *range(1000)), choices("k", *range(1000)), choices("j", 1)),
            "1,000,000 runs (1,000 of seed × 1,000 of k); at most 100,000",
        ),
        (spec(choices("seed", 1), exclude=({"seed": 1},)), "exclude: leaves no combination"),
    ],
)
def test_a_sweep_that_cannot_be_counted_is_refused(wrong: Spec, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        count(wrong)
    assert message in str(caught.value)


def test_more_runs_than_can_be_written_out_are_refused() -> None:
    wrong = spec(*(choices(f"k{n}", *range(1000)) for n in range(100)))
    with pytest.raises(RequestError, match="at most 100,000"):
        count(wrong)


def test_runs_that_do_not_depend_on_each_other_end() -> None:
    fixed = FixedTrials(spec(choices("seed", 1, 2)))
    assert (fixed.planned, fixed.exhausted) == (2, False)
    made = [fixed.next(), fixed.next()]
    assert fixed.exhausted
    assert fixed.next() is None
    assert [one.number for one in made if one] == [1, 2]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"model.depth": 30, "optimizer.lr": 0.01}, "0007-depth=30-lr=0.01"),
        ({"optimizer.lr": 0.123456789012}, "0007-lr=0.123457"),
        ({"optimizer": {"name": "sgd", "lr": 0.1}}, "0007-optimizer=sgd"),
        ({"clip": {"norm": 1.0}}, "0007-clip=norm"),
        ({"model.width": [64, 32]}, "0007-width=64+32"),
        ({"data.path": "../a b/c.csv"}, "0007-path=.._a_b_c.csv"),
        ({"name": "ünï"}, "0007-name=_n_"),
        ({"name": ""}, "0007-name"),
        ({}, "0007"),
    ],
)
def test_a_run_is_called_by_its_number_and_what_is_special(
    changes: dict[str, object], expected: str
) -> None:
    assert run_id(7, 100, changes) == expected


@given(
    st.dictionaries(
        st.sampled_from(["model.depth", "optimizer", "data.path", "name"]),
        st.one_of(st.text(), st.floats(), st.lists(st.text(max_size=3)), st.none()),
    )
)
def test_any_run_id_can_name_a_folder(changes: dict[str, object]) -> None:
    assert re.fullmatch(r"00042[A-Za-z0-9_.+=-]*", run_id(42, 10_000, changes))
    assert len(run_id(42, 10_000, changes)) <= LONGEST_ID


def test_run_ids_sort_as_the_runs_do() -> None:
    made = [trial.run_id for trial in trials(spec(choices("seed", *range(10_001))), 10_001)]
    assert made == sorted(made)
    assert len(set(made)) == 10_001
