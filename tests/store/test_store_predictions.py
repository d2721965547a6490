"""`predictions.csv`: written once, at a run's beginning."""

from pathlib import Path

import numpy as np
import pytest
from stored_runs import new_run, record

from vgrad.errors import RunError
from vgrad.records import PREDICTION_DTYPE
from vgrad.store import Run, reopen_run


def predictions() -> np.ndarray:
    """Numbers of single precision, one that is none, and a name that must be quoted."""
    rows = np.zeros(2, PREDICTION_DTYPE)
    rows["layer"], rows["name"] = [1, 2], ["a,b", "output"]
    for number, column in enumerate((PREDICTION_DTYPE.names or ())[2:]):
        rows[column] = 1.5 ** (number + 1) * rows["layer"]
    rows["chi"][-1], rows["delta_high"][0] = np.nan, np.inf
    return rows


def test_predictions_come_back_as_they_were_written(tmp_path: Path) -> None:
    with new_run(tmp_path, predictions=predictions()) as writer:
        found = Run(writer.path).predictions
    assert found.dtype == PREDICTION_DTYPE
    assert found["name"].tolist() == ["a,b", "output"]
    for name in (PREDICTION_DTYPE.names or ())[2:]:
        np.testing.assert_allclose(found[name], predictions()[name], rtol=1e-8)
    lines = (writer.path / "predictions.csv").read_text().splitlines()
    assert lines[0] == ",".join(PREDICTION_DTYPE.names or ())
    assert lines[1].startswith('1,"a,b",')


def test_without_any_there_is_no_file(tmp_path: Path) -> None:
    with new_run(tmp_path) as writer:
        assert not (writer.path / "predictions.csv").exists()
        assert Run(writer.path).predictions.size == 0


def test_going_on_with_a_run_leaves_them_alone(tmp_path: Path) -> None:
    with new_run(tmp_path, predictions=predictions()) as writer:
        writer.append(record(0))
    before = (writer.path / "predictions.csv").read_bytes()
    with reopen_run(writer.path) as again:
        again.rewind(None)
        again.append(record(0))
    assert (writer.path / "predictions.csv").read_bytes() == before


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    with new_run(tmp_path, predictions=predictions()) as writer:
        (writer.path / "predictions.csv").write_text("layer,what\n1,2\n")
        with pytest.raises(RunError, match=r"predictions\.csv:1: the columns are not layer"):
            _ = Run(writer.path).predictions
