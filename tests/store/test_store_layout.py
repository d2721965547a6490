"""How a run is called, and found again."""

import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from stored_runs import new_run, python, stored_run

from vgrad.errors import RequestError
from vgrad.store import layout, open_run
from vgrad.store.layout import find_run, folder_names, run_ids

RUN_ID = re.compile(r"(\d{8}-\d{6}-\d{3})-made-up")


def moment(run_id: str) -> datetime:
    match = RUN_ID.fullmatch(run_id)
    assert match is not None, run_id
    return datetime.strptime(match[1], "%Y%m%d-%H%M%S-%f").replace(tzinfo=UTC)


def test_a_run_id_tells_when_the_run_began_and_what_it_is_called() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    run_id = next(run_ids("made-up"))
    assert before <= moment(run_id) <= datetime.now(UTC)


def test_the_names_to_try_are_all_different_and_in_order() -> None:
    ids = list(run_ids("made-up"))
    assert len(set(ids)) == len(ids) == layout.TRIES
    assert ids == sorted(ids)
    assert moment(ids[-1]) - moment(ids[0]) == timedelta(milliseconds=layout.TRIES - 1)


def test_runs_one_after_the_other_sort_by_time(tmp_path: Path) -> None:
    ids = []
    for _ in range(20):
        with new_run(tmp_path) as writer:
            ids.append(writer.id)
    assert ids == sorted(set(ids))
    assert folder_names(tmp_path) == ids[::-1]


def test_runs_that_many_threads_begin_at_once_never_collide(tmp_path: Path) -> None:
    threads, each = 16, 8
    barrier, ids, errors = threading.Barrier(threads), [], []

    def begin() -> None:
        barrier.wait()
        try:
            for _ in range(each):
                with new_run(tmp_path) as writer:
                    ids.append(writer.id)
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=begin) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not errors
    assert len(set(ids)) == threads * each
    assert folder_names(tmp_path) == sorted(ids, reverse=True)
    assert {one.name for one in tmp_path.iterdir()} == set(ids)  # nothing left half made
    assert all(open_run(run_id, tmp_path).summary["run_id"] == run_id for run_id in ids)


BEGIN_TOGETHER = """
import sys, time
from pathlib import Path
from stored_runs import new_run
while time.time() < float(sys.argv[2]):
    pass
for _ in range(30):
    with new_run(Path(sys.argv[1])) as writer:
        print(writer.id)
"""


def test_runs_that_two_processes_begin_at_once_never_collide(tmp_path: Path) -> None:
    instant = datetime.now(UTC).timestamp() + 1.0  # both have imported everything by then
    printed: list[str] = []

    def process() -> None:
        done = python(BEGIN_TOGETHER, tmp_path, instant)
        assert not done.stderr
        printed.extend(done.stdout.split())

    workers = [threading.Thread(target=process) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(set(printed)) == 60
    assert folder_names(tmp_path) == sorted(printed, reverse=True)


def test_a_name_that_is_taken_by_a_file_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").touch()
    stored_run(tmp_path).rename(tmp_path / "b")
    monkeypatch.setattr(layout, "run_ids", lambda _name: iter("abc"))
    with new_run(tmp_path) as writer:
        assert writer.id == "c"


def test_too_many_runs_at_once_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").touch()
    monkeypatch.setattr(layout, "run_ids", lambda _name: iter("a"))
    with pytest.raises(RequestError, match="made-up began at once"):
        new_run(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder of three runs, one of which is called after the other two, and of other things."""
    folder = tmp_path / "runs"
    for name in ("20250101-120000-000-deep", "20250102-120000-000-deep-too", "20250103-wide"):
        stored_run(folder).rename(folder / name)
    (folder / ".gitkeep").touch()
    (folder / ".new-1-0123").mkdir()
    (folder / "99999999-notes.txt").touch()
    (folder / "99999999-empty").mkdir()
    return folder


FOUND = {
    "20250101-120000-000-deep": "20250101-120000-000-deep",
    "20250102": "20250102-120000-000-deep-too",
    "too": "20250102-120000-000-deep-too",
    "wide": "20250103-wide",
    "latest": "20250103-wide",
}


@pytest.mark.parametrize("ref", FOUND)
def test_a_run_is_found_by_its_id_any_part_of_it_and_latest(runs: Path, ref: str) -> None:
    assert find_run(ref, runs) == runs / FOUND[ref]


def test_an_id_that_is_part_of_another_is_not_ambiguous(runs: Path) -> None:
    stored_run(runs).rename(runs / "20250101-120000-000-deep-again")
    ref = "20250101-120000-000-deep"
    assert find_run(ref, runs) == runs / ref


def test_a_run_is_found_by_its_path_wherever_it_is(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = runs / "20250103-wide"
    assert find_run(str(path), Path("elsewhere")) == path
    assert find_run(f"{path}/", Path("elsewhere")) == path
    monkeypatch.chdir(runs)
    assert open_run("./20250103-wide", "elsewhere").id == "20250103-wide"
    monkeypatch.chdir(path)
    assert open_run("./", "elsewhere").id == "20250103-wide"


@pytest.mark.parametrize("ref", ["deep", "2025", "-"])
def test_an_ambiguous_part_names_the_runs_that_it_fits(runs: Path, ref: str) -> None:
    with pytest.raises(RequestError) as caught:
        find_run(ref, runs)
    (problem,) = caught.value.problems
    fitting = [name for name in folder_names(runs) if ref in name and name.startswith("2025")]
    assert problem.message == f"{ref!r} stands for {len(fitting)} runs"
    assert problem.allowed == f"one of {', '.join(fitting)}"


def test_of_very_many_runs_only_some_are_named(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"run-{number}").mkdir()
        (tmp_path / f"run-{number}" / "config.yaml").touch()
    with pytest.raises(RequestError, match=r"stands for 9 runs.*run-8.*and 4 more"):
        find_run("run", tmp_path)


NOTHING = ["", "nothing", "99999999", "99999999-notes.txt", "99999999-empty", ".new", "-dep-"]


@pytest.mark.parametrize("ref", NOTHING)
def test_what_is_no_run_is_not_found(runs: Path, ref: str) -> None:
    with pytest.raises(RequestError, match=f"no run in .* is called {ref!r}"):
        find_run(ref, runs)


def test_a_misspelt_run_suggests_the_nearest(runs: Path) -> None:
    with pytest.raises(RequestError) as caught:
        find_run("20250102-120000-000-deep-tow", runs)
    assert caught.value.problems[0].suggestion == "20250102-120000-000-deep-too"


@pytest.mark.parametrize("ref", ["latest", "anything"])
def test_a_folder_without_runs_has_none(tmp_path: Path, ref: str) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path, tmp_path / "missing", tmp_path / "file"):
        with pytest.raises(RequestError, match=re.escape(f"in {folder}")):
            find_run(ref, folder)


STRANGE = ["\0", "a/\0", "x" * 5000, "/" + "x" * 5000, "*", "..", "../.."]


@pytest.mark.parametrize("ref", STRANGE, ids=range(len(STRANGE)))
def test_a_strange_reference_is_no_run_either(runs: Path, ref: str) -> None:
    with pytest.raises(RequestError):
        find_run(ref, runs)
