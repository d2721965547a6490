"""Which columns a ranking has."""

from pathlib import Path

from stored_sweeps import results, stored_sweep

from vgrad.report.sweep_content import build_sweep_report
from vgrad.report.sweep_tables import ranking_columns
from vgrad.store import Sweep


def titles(folder: Path, **columns: object) -> list[str]:
    keys = {"seed": [0, 1]}
    metric = {"name": "test_loss", "goal": "minimize"}
    path = stored_sweep(folder, keys=keys, rows=results(keys, **columns), metric=metric)
    report = build_sweep_report(Sweep(path))
    return [column.title.replace("\n", " ") for column in ranking_columns(report, 1)]


def test_what_no_run_has_is_no_column(tmp_path: Path) -> None:
    """As accuracy where numbers are learnt, or losses on a test part that is empty."""
    regression = titles(tmp_path / "a", test_accuracy=None, train_accuracy=None)
    assert regression[:4] == ["run", "seed", "test loss", "train loss"]
    assert "test accuracy" in titles(tmp_path / "b")


def test_what_runs_are_ranked_by_is_one_even_if_none_has_it(tmp_path: Path) -> None:
    assert titles(tmp_path, test_loss=None)[2] == "test loss"
