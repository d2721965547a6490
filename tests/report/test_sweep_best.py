"""The best run so far is one that ended well, as in the report afterwards."""

from vgrad.records import RESULT_COLUMNS
from vgrad.report.sweep_live import Standing
from vgrad.sweep import Metric


def test_a_run_that_timed_out_is_not_the_best_so_far() -> None:
    standing = Standing(2, Metric("test_accuracy", "maximize"), 0.0)
    for status, reached in (("failed", "0.9"), ("finished", "0.5")):
        row = dict.fromkeys(RESULT_COLUMNS, "") | {"status": status, "test_accuracy": reached}
        standing.take({"run_id": status, **row}, new=True)
    assert (standing.best_value, standing.best and standing.best["run_id"]) == (0.5, "finished")
