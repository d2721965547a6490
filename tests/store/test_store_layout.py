"""How a run is called."""

import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from stored_runs import new_run, python, stored_run

from vgrad.errors import RequestError
from vgrad.store import layout, open_run
from vgrad.store.layout import folder_names, run_ids

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
