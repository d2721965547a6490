"""Reading a sweep back."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored_sweeps import line, result, results, stored_sweep

from vgrad.errors import RunError
from vgrad.records import RESULT_COLUMNS
from vgrad.store import Sweep
from vgrad.store.locks import lock

KEYS: dict[str, list[object]] = {"model.depth": [5, 10], "model.init": ["he", "{name: gaussian}"]}


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return Sweep(stored_sweep(tmp_path, keys=KEYS, name="depths"))


def test_a_sweep_says_what_it_is(sweep: Sweep) -> None:
    assert (sweep.id, sweep.name) == (sweep.path.name, "depths")
    assert (sweep.method, sweep.metric, sweep.goal) == ("grid", "test_accuracy", "maximize")
    assert (sweep.status, sweep.planned) == ("finished", 4)
    assert sweep.keys == ("model.depth", "model.init")
    assert sweep.spec["parameters"]["model.depth"] == {"values": [5, 10]}
    assert repr(sweep) == f"Sweep({str(sweep.path)!r})"


def test_a_sweep_has_its_runs_results(sweep: Sweep) -> None:
    first, *_, last = sweep.results
    assert first.run_id == "0000-depth=5-init=he"
    assert first.varied == {"model.depth": "5", "model.init": "he"}
    assert last.varied == {"model.depth": "10", "model.init": "{name: gaussian}"}
    assert (first.status, first.verdict, first.error) == ("finished", "healthy", None)
    assert first.numbers["test_accuracy"] == 1.0
    assert first.numbers["steps"] == 100.0
    assert sorted(first.numbers) == sorted(set(RESULT_COLUMNS) - {"status", "verdict", "error"})


def test_numbers_are_read_as_they_are_spelt_and_what_does_not_apply_is_nan(tmp_path: Path) -> None:
    odd = {"test_loss": "inf", "gradient_ratio": "nan", "test_accuracy": None, "seconds": 1e-300}
    rows = [result("0000", {"seed": 0}, status="failed", verdict=None, error="no memory", **odd)]
    (one,) = Sweep(stored_sweep(tmp_path, keys={"seed": [0]}, rows=rows)).results
    assert (one.status, one.verdict, one.error) == ("failed", None, "no memory")
    assert one.numbers["test_loss"] == math.inf
    assert math.isnan(one.numbers["gradient_ratio"])
    assert math.isnan(one.numbers["test_accuracy"])
    assert one.numbers["seconds"] == 1e-300


def test_results_come_in_the_order_of_run_ids_however_runs_ended(tmp_path: Path) -> None:
    rows = list(results({"seed": [0, 1, 2]}))
    sweep = Sweep(stored_sweep(tmp_path, keys={"seed": [0, 1, 2]}, rows=rows[::-1]))
    assert [one.run_id for one in sweep.results] == [row["run_id"] for row in rows]


def test_of_a_run_that_was_made_again_the_last_result_counts(tmp_path: Path) -> None:
    rows = [result("0000", {"seed": 0}, status=status) for status in ("failed", "finished")]
    sweep = Sweep(stored_sweep(tmp_path, keys={"seed": [0]}, rows=rows, runs=1))
    assert [one.status for one in sweep.results] == ["finished"]


def test_a_sweep_runs_while_its_results_are_locked(tmp_path: Path) -> None:
    sweep = Sweep(stored_sweep(tmp_path, keys=KEYS, runs=9))
    with (sweep.path / "results.csv").open("ab") as file:
        assert lock(file)
        assert sweep.status == "running"
    assert sweep.status == "interrupted"


def test_a_run_is_found_by_any_part_of_its_id(tmp_path: Path) -> None:
    sweep = Sweep(stored_sweep(tmp_path, keys=KEYS, folders=["0000-depth=5-init=he"]))
    assert sweep.run("depth=5").path == sweep.path / "0000-depth=5-init=he"


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4), cut=st.integers(0, 400))
def test_a_torn_last_line_is_left_out_whatever_the_values(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], cut: int
) -> None:
    keys: dict[str, Any] = {"a,b": [], '"c"': []}
    whole = [
        result(f"{number:04}", dict(zip(keys, values, strict=True)), error=values[0])
        for number, values in enumerate(rows)
    ]
    path = stored_sweep(tmp_path_factory.mktemp("runs"), keys=keys, rows=whole)
    results_csv = path / "results.csv"
    last = line(whole[-1].get(name) for name in ("run_id", *keys, *RESULT_COLUMNS)).encode()
    for torn, expected in ((0, rows), (1 + cut % len(last), rows[:-1])):
        content = results_csv.read_bytes()
        results_csv.write_bytes(content[: len(content) - torn])
        read = Sweep(path).results
        assert [tuple(one.varied.values()) for one in read] == expected
        assert [one.error or "" for one in read] == [values[0] for values in expected]


DAMAGED = {
    "no results": (None, "results.csv: is missing"),
    "no header": (b"", "results.csv:1: has not the columns of a sweep"),
    "another table": (b"step,epoch\n1,2\n", "results.csv:1: has not the columns of a sweep"),
    "a short row": (b"0000,1\n", "results.csv:2: has 2 columns, not 13"),
    "no number": (b"0000,1,finished,,many,,,,,,,,\n", "results.csv:2: could not convert"),
    "not UTF-8": (b"\xff,1,finished,,,,,,,,,,\n", "results.csv:2: is not UTF-8"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_results_name_the_file_and_the_line(tmp_path: Path, kind: str) -> None:
    content, message = DAMAGED[kind]
    path = stored_sweep(tmp_path, keys={"seed": [0]}, rows=[])
    results_csv = path / "results.csv"
    if content is None:
        results_csv.unlink()
    elif content.startswith((b"0", b"\xff")):
        results_csv.write_bytes(results_csv.read_bytes() + content)
    else:
        results_csv.write_bytes(content)
    with pytest.raises(RunError, match=message):
        _ = Sweep(path).results


@pytest.mark.parametrize("content", [b"[", b"3", b"\xff", b"a: 2025-99-99", b"!!python/name:os.x"])
def test_a_damaged_sweep_file_names_itself(tmp_path: Path, content: bytes) -> None:
    path = stored_sweep(tmp_path)
    (path / "sweep.yaml").write_bytes(content)
    with pytest.raises(RunError, match=r"sweep\.yaml: (cannot be read|is not a mapping)"):
        _ = Sweep(path).spec


@pytest.mark.parametrize(
    "spec", [{"metric": 3}, {"metric": {"name": [], "goal": {}}}, {"runs": "many", "method": [1]}]
)
def test_what_a_sweep_file_says_wrongly_is_replaced_by_what_is_usual(
    tmp_path: Path, spec: dict[str, Any]
) -> None:
    sweep = Sweep(stored_sweep(tmp_path, **spec))
    assert (sweep.metric, sweep.goal, sweep.planned) == ("test_accuracy", "maximize", 4)
