"""Sweeps whose runs are a list, each with values of its own: next to no combination was made."""

from pathlib import Path

import numpy as np
import pytest
from stored_sweeps import result, stored_sweep

from vgrad.errors import RequestError
from vgrad.report.averages import averages
from vgrad.report.sweep_content import build_sweep_report
from vgrad.store import Sweep


def listed(folder: Path, count: int) -> Sweep:
    keys = {key: list(range(count)) for key in ("model.depth", "seed", "train.steps")}
    rows = [result(f"{i:05}", dict.fromkeys(keys, i)) for i in range(count)]
    return Sweep(stored_sweep(folder, keys=keys, rows=rows, method="list"))


def test_a_matrix_that_is_nearly_empty_is_not_shown_unasked(tmp_path: Path) -> None:
    report = build_sweep_report(listed(tmp_path, 50))
    assert [len(one.levels) for one in report.marginals] == [50, 50]
    assert report.matrices == ()
    asked = build_sweep_report(listed(tmp_path / "asked", 50), ["depth", "steps"])
    assert asked.matrices[0].averages.shape == (50, 50)


def test_thousands_of_values_of_two_keys_are_no_matrix(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="1,000 × 1,000 values; a matrix of at most 100,000"):
        build_sweep_report(listed(tmp_path, 1000), ["depth", "steps"])


def test_means_over_seeds_take_the_room_of_the_runs_alone() -> None:
    """A table of all groups by all seeds would have 10¹³ cells here."""
    count = 1_000_000
    found = averages(np.ones(3), np.array([0, 0, 9]), 10, np.array([0, count, count]) * count)
    assert found["seeds"].tolist() == [2, *[0] * 8, 1]
    assert found["mean"][[0, 9]].tolist() == [1.0, 1.0]
    assert found["error"][0] == 0.0
