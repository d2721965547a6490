"""The report on a sweep: what it says, in every format, at any width."""

import csv
import io
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from fake_sweeps import PHASE, phase_sweep
from rich.cells import cell_len
from rich.console import Console
from stored_sweeps import result, stored_sweep

from vgrad.errors import RequestError
from vgrad.report.measures import MEASURES, ranked
from vgrad.report.sweep_content import build_sweep_report, chosen_keys
from vgrad.report.sweeps import FORMATS, render_sweep
from vgrad.store import Sweep


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return phase_sweep(tmp_path)


def rendered(sweep: Sweep, width: int = 80, encoding: str = "utf-8", **options: Any) -> str:
    """Into a pipe."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return render_sweep(sweep, Console(file=file, width=width, highlight=False), **options)


def sections(page: str) -> dict[str, list[str]]:
    """Title → its lines: a page is its header, a title, what is below it, another title, …"""
    _, *parts = page.split("\n\n")
    bodies = ([line.rstrip() for line in body.strip("\n").split("\n")] for body in parts[1::2])
    return dict(zip(parts[::2], bodies, strict=True))


def test_runs_are_ranked_from_the_best_on_and_those_without_a_value_come_last(sweep: Sweep) -> None:
    report = build_sweep_report(sweep)
    values = [run.numbers["test_accuracy"] for run in report.ranked]
    assert values[:-1] == sorted(values[:-1], reverse=True)
    assert math.isnan(values[-1])
    assert [run.run_id for run in report.ranked[:3]] == [  # ties in the order of their ids
        "0002-depth=5-std=0.5-seed=2", "0005-depth=5-std=1.0-seed=2", "0008-depth=5-std=2.0-seed=2",
    ]  # fmt: skip
    assert [run.status for run in report.failed] == ["failed"]
    assert report.statuses == {"finished": 34, "diverged": 1, "failed": 1}
    assert report.verdicts == {"vanishing": 12, "healthy": 12, "exploding": 11}


def test_a_metric_that_is_named_ranks_by_its_own_goal(sweep: Sweep, tmp_path: Path) -> None:
    best = build_sweep_report(sweep, metric="gradient_ratio").ranked[0]
    assert best.numbers["gradient_ratio"] == 1.0
    rows = [result(f"{n}", {"seed": n}, test_loss=loss) for n, loss in enumerate((3.0, 1.0, 2.0))]
    goal = {"name": "test_loss", "goal": "minimize"}
    other = stored_sweep(tmp_path, "losses", keys={"seed": [0, 1, 2]}, rows=rows, metric=goal)
    report = build_sweep_report(Sweep(other))
    assert [run.run_id for run in report.ranked] == ["1", "2", "0"]


@pytest.mark.parametrize(
    ("goal", "best"), [("maximize", 4), ("minimize", 0), ("one", 2), ("zero", 1)]
)
def test_every_goal_has_its_best_value(goal: Any, best: int) -> None:
    import numpy as np

    values = np.array([-3.0, 0.0, 0.9, math.nan, 5.0])
    order = ranked(values, goal).tolist()
    assert order[0] == best
    assert 3 in order[-2:]  # the ratio of a negative number is none either
    assert ranked(values[[3, 3, 4]], goal).tolist() == [2, 0, 1]


def test_marginals_are_means_over_seeds_of_means_over_the_rest(sweep: Sweep) -> None:
    depth, std = build_sweep_report(sweep).marginals
    assert (depth.levels.key, depth.levels.values) == ("model.depth", (5, 10, 40, 100))
    first, last = depth.measure[0], depth.measure[-1]
    assert first["mean"] == pytest.approx(0.895)
    assert first["error"] == pytest.approx(0.01 / math.sqrt(3))
    assert (first["seeds"], first["runs"], first["ended"]) == (3, 9, 9)
    assert (last["seeds"], last["runs"], last["ended"]) == (3, 7, 9)
    assert std.healthy.tolist() == [0.0, 1.0, 0.0]
    assert std.ratio["mean"][1] == pytest.approx(1.0)


def test_matrices_are_means_over_the_rest_by_two_keys(sweep: Sweep) -> None:
    accuracy, ratio = build_sweep_report(sweep).matrices
    assert (accuracy.rows.key, accuracy.columns.key) == ("model.depth", "model.init.std")
    assert accuracy.averages["mean"][0] == pytest.approx([0.895] * 3)
    assert accuracy.averages["mean"][3, 2] == pytest.approx(0.81)  # of seed 2 alone
    assert ratio.averages["mean"][1] == pytest.approx([0.5**20, 1.0, 2.0**20])


def test_by_chooses_the_keys_and_their_order(sweep: Sweep) -> None:
    report = build_sweep_report(sweep, ["std", "model.depth"])
    assert [one.levels.key for one in report.marginals] == ["model.init.std", "model.depth"]
    assert report.matrices[0].rows.key == "model.init.std"
    only = build_sweep_report(sweep, ["depth"])
    assert [one.levels.key for one in only.marginals] == ["model.depth"]
    assert only.matrices == ()
    by_seed = build_sweep_report(sweep, ["seed", "depth"])
    assert by_seed.matrices[0].averages["seeds"].tolist() == [[0] * 4] * 3


@pytest.mark.parametrize(
    ("by", "message"),
    [
        (["dept"], r"--by dept: no such key is swept; one of .*; did you mean depth\?"),
        (["depth", "model.depth"], "--by has model.depth twice"),
        (["depth", "std", "seed"], "--by has 3 keys; one key, or two"),
        (["lr"], "--by lr: stands for 2 keys; one of optimizer.lr, other.lr"),
        ([""], "--by : no such key is swept"),
    ],
)
def test_keys_that_are_not_swept_are_refused(by: list[str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        chosen_keys(by, [*PHASE, "optimizer.lr", "other.lr"])


def test_an_unknown_metric_or_format_is_refused_with_the_nearest(sweep: Sweep) -> None:
    with pytest.raises(RequestError, match=r"no metric is called .*; did you mean test_accuracy\?"):
        rendered(sweep, metric="test_acuracy")
    with pytest.raises(RequestError, match=r"did you mean json\?"):
        rendered(sweep, format="jsn")


@pytest.mark.parametrize("width", [20, 40, 80, 140])
@pytest.mark.parametrize("metric", [None, *MEASURES])
def test_no_line_is_wider_than_the_terminal(sweep: Sweep, width: int, metric: str | None) -> None:
    page = rendered(sweep, width, metric=metric)
    if width >= 40:
        assert max(map(cell_len, page.splitlines())) <= width
    assert "\x1b" not in page


def test_the_head_of_the_ranking_says_how_many_more_there_are(sweep: Sweep) -> None:
    page = rendered(sweep)
    shown = sections(page)["Runs, highest test accuracy first"]
    assert len([line for line in shown if re.match(r"\d{4} ", line)]) == 20
    assert shown[-1] == "15 more runs; --all shows them"
    everything = sections(rendered(sweep, all_rows=True))["Runs, highest test accuracy first"]
    assert len([line for line in everything if re.match(r"\d{4} ", line)]) == 35
    assert everything[-1].startswith("0034")


def test_a_run_that_failed_is_shown_with_its_reason(sweep: Sweep) -> None:
    (line,) = sections(rendered(sweep))["Runs that failed"]
    assert line == "0033-depth=100-std=2.0-seed=0: failed: no memory for [31m it"


def test_a_matrix_is_read_without_colours(sweep: Sweep) -> None:
    title = "gradient ratio by model.depth and model.init.std, geometric mean over 3 seeds"
    assert sections(rendered(sweep))[title] == [
        "              model.init.std",
        "model.depth       0.5   1.0     2.0",
        "          5    9.8e-4  1.00    1024",
        "         10    9.5e-7  1.00   1.0e6",
        "         40   8.3e-25  1.00  1.2e24",
        "        100   6.2e-61  1.00  1.6e60",
    ]


def test_cells_without_runs_are_blank_and_those_without_a_value_say_so(tmp_path: Path) -> None:
    keys: dict[str, Any] = {"a.x": [1, 2], "b.y": [1, 2]}
    rows = [
        result("0", {"a.x": 1, "b.y": 1}, test_accuracy=0.5),
        result("1", {"a.x": 2, "b.y": 2}, test_accuracy=None),
    ]
    page = rendered(Sweep(stored_sweep(tmp_path, keys=keys, rows=rows, runs=4)))
    assert sections(page)["test accuracy by a.x and b.y"] == [
        "      b.y",
        "a.x       1  2",
        "  1   50.0%",
        "  2          —",
    ]


def wide_sweep(runs_dir: Path, columns: int) -> Sweep:
    keys: dict[str, Any] = {"model.depth": [5, 10], "model.width": list(range(columns))}
    rows = [
        result(f"{i:04}", {"model.depth": depth, "model.width": width}, test_accuracy=0.25)
        for i, (depth, width) in enumerate((d, w) for d in (5, 10) for w in range(columns))
    ]
    return Sweep(stored_sweep(runs_dir, keys=keys, rows=rows))


@pytest.mark.parametrize(
    ("columns", "spelling", "blocks"), [(9, "25.0%", 1), (11, "25.0 ", 1), (16, "25 ", 1)]
)
def test_a_wide_matrix_has_shorter_cells(
    tmp_path: Path, columns: int, spelling: str, blocks: int
) -> None:
    page = rendered(wide_sweep(tmp_path, columns))
    lines = sections(page)["test accuracy by model.depth and model.width"]
    assert spelling in f"{lines[2]} "
    assert sum("model.depth" in line for line in lines) == blocks


def test_a_matrix_that_is_too_wide_for_any_cells_is_split_into_blocks(tmp_path: Path) -> None:
    page = rendered(wide_sweep(tmp_path, 40))
    picture = page[page.index("test accuracy by model.depth and model.width") :]
    titles = [line.split() for line in picture.splitlines() if line.startswith("model.depth")]
    assert len(titles) > 1
    half = [number for one in titles for number in one[1:]]
    assert half[:40] == [str(number) for number in range(40)]


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}])
def test_cells_are_coloured_on_a_terminal_unless_that_is_not_wanted(
    sweep: Sweep, environment: dict[str, str]
) -> None:
    console = Console(
        file=io.StringIO(),
        width=80,
        force_terminal=True,
        color_system="truecolor",
        _environ=environment,
    )
    page = render_sweep(sweep, console)
    assert ("\x1b[38;2;0;0;0;48;2;" in page) == (not environment)


def test_every_page_can_be_shown_in_ascii(sweep: Sweep) -> None:
    for metric in (None, "gradient_ratio"):
        page = rendered(sweep, encoding="ascii", metric=metric)
        assert page.isascii()
        assert "?" not in page


def test_json_holds_all_that_the_report_does(sweep: Sweep) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    document = json.loads(rendered(sweep, format="json"), parse_constant=refuse)
    assert (document["kind"], document["sweep_id"]) == ("sweep", sweep.id)
    assert len(document["runs"]) == 36
    assert document["runs"][0]["varied"] == {"model.depth": 5, "model.init.std": 0.5, "seed": 2}
    assert document["runs"][-1]["error"] == "no memory for [31m it"
    assert document["runs"][-2]["test_accuracy"] is None
    assert [one["key"] for one in document["marginals"]] == ["model.depth", "model.init.std"]
    accuracy, ratio = document["matrices"]
    assert accuracy["rows"] == {"key": "model.depth", "values": [5, 10, 40, 100]}
    assert ratio["mean"][0] == pytest.approx([0.5**10, 1.0, 2.0**10])


def test_csv_holds_the_runs_in_the_columns_of_the_file(sweep: Sweep) -> None:
    rows = list(csv.DictReader(io.StringIO(rendered(sweep, format="csv"))))
    stored = list(csv.DictReader(io.StringIO((sweep.path / "results.csv").read_text())))
    assert list(rows[0]) == list(stored[0])
    by_id = {row["run_id"]: row for row in rows}
    assert len(by_id) == 36
    for row in stored:
        mine = by_id[row["run_id"]]
        for name in ("model.depth", "status", "verdict", "error", "steps"):
            assert mine[name] == row[name]
        assert float(mine["test_accuracy"] or "nan") == pytest.approx(
            float(row["test_accuracy"] or "nan"), nan_ok=True
        )


def test_csv_by_keys_holds_a_row_per_setting(sweep: Sweep) -> None:
    rows = list(csv.DictReader(io.StringIO(rendered(sweep, format="csv", by=["depth", "std"]))))
    assert len(rows) == 12
    assert list(rows[0]) == [
        "model.depth", "model.init.std", "test_accuracy", "standard_error", "seeds", "runs",
        "gradient_ratio",
    ]  # fmt: skip
    one = list(csv.DictReader(io.StringIO(rendered(sweep, format="csv", by=["depth"]))))
    assert [row["model.depth"] for row in one] == ["5", "10", "40", "100"]
    assert one[-1]["runs"] == "7"


def test_markdown_tables_have_as_many_cells_in_every_row(sweep: Sweep) -> None:
    page = rendered(sweep, format="markdown")
    tables = [block.strip().split("\n") for block in page.split("\n\n") if block.startswith("|")]
    assert len(tables) == 5
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) == 1


@pytest.mark.parametrize("format", FORMATS)
def test_a_sweep_of_which_no_run_has_ended_has_a_report(tmp_path: Path, format: str) -> None:
    sweep = Sweep(stored_sweep(tmp_path, rows=[], runs=4))
    page = rendered(sweep, format=format)
    assert page.endswith("\n")
    if format == "table":
        assert "0 of 4" in page


@pytest.mark.parametrize("format", FORMATS)
def test_a_sweep_of_which_every_run_failed_has_a_report(tmp_path: Path, format: str) -> None:
    failed = {"status": "failed", "error": "no memory", "test_accuracy": None, "verdict": None}
    rows = [result(f"{n:04}", {"seed": n}, **failed) for n in range(9)]
    page = rendered(Sweep(stored_sweep(tmp_path, keys={"seed": []}, rows=rows)), format=format)
    assert "no memory" in page
    if format == "table":
        assert "4 more runs; --all shows them" in page
