"""A sweep that is taken up again: by one process at a time, and without loss."""

from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest

from vgrad.errors import RequestError
from vgrad.store import create_sweep, layout, reopen_sweep, sweep_writing
from vgrad.store.locks import is_locked, lock

FAILED = {"status": layout.FAILED, "error": "it broke"}
DONE = {"status": layout.FINISHED, "verdict": "healthy"}


def made(folder: Path, *, done: Sequence[str] = (), failed: Sequence[str] = ()) -> Path:
    with create_sweep(folder, "two", "name: two\n", ("seed",)) as writer:
        for run_id in done:
            writer.keep(run_id, {"seed": run_id}, DONE, {layout.SUMMARY: b'{"status": "finished"}'})
        for run_id in failed:
            writer.keep(run_id, {"seed": run_id}, FAILED, {layout.SUMMARY: b"{}"})
        return writer.path


def test_its_lock_is_held_from_the_moment_that_sorted_results_stand_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path, done=["0002", "0001"])
    replace, locked = sweep_writing.replace, []

    def watched(at: Path, write: object) -> object:
        result = replace(at, write)  # type: ignore[arg-type]
        locked.append(is_locked(at, None))
        return result

    monkeypatch.setattr(sweep_writing, "replace", watched)
    with reopen_sweep(path, ("seed",)) as writer:
        writer.finish()
        assert is_locked(path / layout.RESULTS, None)
    assert locked == [True]
    assert not is_locked(path / layout.RESULTS, None)


def test_results_that_are_replaced_while_one_waits_for_the_lock_are_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path, done=["0001"])

    def too_late(file: IO[bytes]) -> bool:
        results = path / layout.RESULTS
        other = results.with_name("other")
        other.write_bytes(results.read_bytes())
        other.replace(results)
        return lock(file)

    monkeypatch.setattr(sweep_writing, "lock", too_late)
    with pytest.raises(RequestError, match="is being written by another process"):
        reopen_sweep(path, ("seed",))


def test_only_runs_that_failed_are_taken_away_to_be_made_again(tmp_path: Path) -> None:
    path = made(tmp_path, done=["0001"], failed=["0002"])
    (path / "0003").mkdir()
    (path / "0003" / layout.SUMMARY).write_text('{"status": "finished"}')  # its row came no more
    (path / "plots").mkdir()  # the user's own
    with reopen_sweep(path, ("seed",)) as writer:
        writer.forget([layout.FAILED])
        assert [*writer.ended] == ["0001"]
        assert writer.recover("0003", {"seed": "3"}) is not None
    assert sorted(one.name for one in path.iterdir() if one.is_dir()) == ["0001", "0003", "plots"]
