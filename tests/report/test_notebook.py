"""A run in a notebook."""

from pathlib import Path

from fake_runs import FakeRun, fake_run
from tiny_runs import SHORT

import vgrad
from vgrad.report.notebook import run_html


def test_a_notebook_shows_the_report_with_its_colours(tmp_path: Path) -> None:
    shown = vgrad.run(SHORT, runs_dir=tmp_path)._repr_html_()
    assert shown is not None
    assert shown.startswith("<pre")
    assert "Course of the run" in shown
    assert "color: #" in shown


def test_what_a_user_wrote_is_no_markup() -> None:
    shown = run_html(fake_run(3, id="<script>alert(1)</script>"))
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_a_run_that_has_logged_nothing_says_so() -> None:
    run = fake_run(3)
    empty = FakeRun(run.metrics[:0], run.layers[:0], status="running")
    assert "nothing was logged yet" in run_html(empty)
