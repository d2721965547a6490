"""Writing a sweep: what has ended is kept, whatever happens next."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored_runs import python, stored_run

from vgrad.errors import RequestError, RunError
from vgrad.records import RESULT_COLUMNS
from vgrad.store import Sweep, SweepWriter, create_sweep, reopen_sweep, sweep_writing
from vgrad.store.layout import HIDDEN

KEYS = ("model.depth", "optimizer")
YAML = "method: grid\nruns: 3\nparameters: {}\n"
HEADER = ",".join(("run_id", *KEYS, *RESULT_COLUMNS))
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def summary(**fields: object) -> dict[str, object]:
    """What a run says that ended well."""
    final = {"train_loss": 0.1, "test_accuracy": 0.9, "test_loss": float("nan")}
    usual = {"status": "finished", "verdict": "healthy", "steps": 10, "final": final}
    return {**usual, "gradient_ratio": None, "seconds": 1.5, "error": None, **fields}


def new_sweep(folder: Path) -> SweepWriter:
    return create_sweep(folder, "made-up", YAML, KEYS)


def keep(writer: SweepWriter, run_id: str, **fields: object) -> Any:
    varied = {"model.depth": "5", "optimizer": "sgd"}
    files = {"summary.json": b'{"status": "finished"}', "config.yaml": b"{}"}
    return writer.keep(run_id, varied, summary(**fields), files)


def rows(writer: SweepWriter) -> list[str]:
    """The lines of results.csv below its header."""
    head, *below = (writer.path / "results.csv").read_text(encoding="utf-8").splitlines()
    assert head == HEADER
    return below


def test_a_new_sweep_has_its_file_and_no_results(tmp_path: Path) -> None:
    with new_sweep(tmp_path / "runs") as writer:
        assert writer.id.endswith("-made-up")
        assert sorted(path.name for path in writer.path.iterdir()) == ["results.csv", "sweep.yaml"]
        assert (writer.path / "sweep.yaml").read_text() == YAML
        assert (rows(writer), writer.ended) == ([], {})
        assert [path.name for path in (tmp_path / "runs").iterdir()] == [writer.id]


def test_a_run_is_kept_with_its_files_and_its_row(tmp_path: Path) -> None:
    with new_sweep(tmp_path) as writer:
        row = keep(writer, "0001")
        assert rows(writer) == ["0001,5,sgd,finished,healthy,10,0.1,,,0.9,,,1.5,"]
        assert (row["test_accuracy"], row["test_loss"], row["error"]) == ("0.9", "", "")
        assert sorted(one.name for one in (writer.path / "0001").iterdir()) == [
            "config.yaml",
            "summary.json",
        ]


def test_a_run_that_never_began_is_a_row_alone(tmp_path: Path) -> None:
    with new_sweep(tmp_path) as writer:
        writer.keep("0001", {}, {"status": "failed", "error": "the worker died"}, {})
        assert rows(writer) == ["0001,,,failed,,,,,,,,,,the worker died"]
        assert not (writer.path / "0001").exists()


def test_a_run_that_is_made_again_leaves_nothing_of_the_one_before(tmp_path: Path) -> None:
    with new_sweep(tmp_path) as writer:
        keep(writer, "0001")
        writer.keep("0001", {}, summary(), {"config.yaml": b"new"})
        assert [one.read_bytes() for one in (writer.path / "0001").iterdir()] == [b"new"]


def test_who_goes_on_knows_what_has_ended(tmp_path: Path) -> None:
    with new_sweep(tmp_path) as writer:
        kept = keep(writer, "0001")
    with reopen_sweep(writer.path, KEYS) as again:
        assert again.ended == {"0001": kept}
        keep(again, "0002")
        assert [line[:4] for line in rows(again)] == ["0001", "0002"]


@pytest.mark.parametrize("lost", [1, 5, 20])
def test_a_torn_last_line_is_cut_off_before_the_next(tmp_path: Path, lost: int) -> None:
    with new_sweep(tmp_path) as writer:
        keep(writer, "0001")
        keep(writer, "0002", error="two\nlines, quoted")
        whole = (writer.path / "results.csv").read_bytes()
    (writer.path / "results.csv").write_bytes(whole[:-lost])
    with reopen_sweep(writer.path, KEYS) as again:
        assert [*again.ended] == ["0001"]
        keep(again, "0002", error="two\nlines, quoted")
        assert (again.path / "results.csv").read_bytes() == whole


TEXT = st.text(st.one_of(st.sampled_from(',"\r\n\\\0 '), st.characters()), max_size=9)


@given(depth=TEXT, error=TEXT, cut=st.integers(1, 200))
def test_any_text_is_kept_and_any_torn_row_is_made_again(
    tmp_path_factory: pytest.TempPathFactory, depth: str, error: str, cut: int
) -> None:
    varied = {"model.depth": depth, "optimizer": "sgd"}
    with new_sweep(tmp_path_factory.mktemp("runs")) as writer:
        keep(writer, "0001")
        first = (writer.path / "results.csv").read_bytes()
        writer.keep("0002", varied, summary(error=error), {})
        whole = (writer.path / "results.csv").read_bytes()
    printable = error.encode(errors="backslashreplace").decode()
    assert Sweep(writer.path).results[1].error == (printable or None)
    torn = whole[: max(len(first), len(whole) - cut)]
    (writer.path / "results.csv").write_bytes(torn)
    with reopen_sweep(writer.path, KEYS) as again:
        assert [*again.ended] == ["0001"]
        again.keep("0002", varied, summary(error=error), {})
    assert (writer.path / "results.csv").read_bytes() == whole


def test_what_was_being_written_when_it_was_left_is_cleared_away(tmp_path: Path) -> None:
    with new_sweep(tmp_path) as writer:
        half = writer.path / f"{HIDDEN}new-1-abc"
        half.mkdir()
        (half / "config.yaml").touch()
    with reopen_sweep(writer.path, KEYS):
        assert not half.exists()


def test_a_run_that_was_stored_without_its_row_gets_it(tmp_path: Path) -> None:
    varied = {"model.depth": "5", "optimizer": "sgd"}
    with new_sweep(tmp_path) as writer:
        stored_run(tmp_path / "elsewhere").rename(writer.path / "0001")
        row = writer.recover("0001", varied)
        assert row
        assert (row["status"], row["verdict"], row["seconds"]) == ("finished", "healthy", "1.5")
        assert [line[:10] for line in rows(writer)] == ["0001,5,sgd"]
        assert writer.recover("0002", varied) is None
        assert len(rows(writer)) == 1


def test_runs_that_are_forgotten_are_gone(tmp_path: Path) -> None:
    with new_sweep(tmp_path) as writer:
        for run_id, status in (("0002", "failed"), ("0001", "finished"), ("0003", "diverged")):
            keep(writer, run_id, status=status)
    with reopen_sweep(writer.path, KEYS) as again:
        again.forget(["failed"])
        assert [line[:4] for line in rows(again)] == ["0001", "0003"]
        assert sorted(again.ended) == ["0001", "0003"]
        assert not (again.path / "0002").exists()
        assert (again.path / "0003").exists()
        keep(again, "0002")
        assert [line[:4] for line in rows(again)] == ["0001", "0003", "0002"]


def test_at_the_end_results_are_in_the_order_of_the_runs(tmp_path: Path) -> None:
    with new_sweep(tmp_path) as writer:
        for run_id in ("0003", "0001", "0002"):
            keep(writer, run_id)
        writer.finish()
        assert [line[:4] for line in rows(writer)] == ["0001", "0002", "0003"]
        keep(writer, "0004")
        assert len(rows(writer)) == 4
    assert [path.name for path in writer.path.glob(".*")] == []


LOCKED = """
import sys
from pathlib import Path
from vgrad.errors import RequestError
from vgrad.store import reopen_sweep
try:
    reopen_sweep(Path(sys.argv[1]), sys.argv[2:])
except RequestError as error:
    print(error)
"""


@pytest.mark.parametrize("finished", [False, True])
def test_a_sweep_that_another_process_writes_is_refused(tmp_path: Path, finished: bool) -> None:
    with new_sweep(tmp_path) as writer:
        keep(writer, "0001")
        if finished:
            writer.finish()  # puts another file in the place of the locked one
        before = (writer.path / "results.csv").read_bytes()
        done = python(LOCKED, writer.path, *KEYS)
        assert done.stdout == f"{writer.id} is being written by another process\n"
        assert not done.stderr
        assert (writer.path / "results.csv").read_bytes() == before
        assert Sweep(writer.path).status == "running"
    assert python(LOCKED, writer.path, *KEYS).stdout == ""
    assert Sweep(writer.path).status == "interrupted"


def test_a_sweep_of_other_keys_is_not_written(tmp_path: Path) -> None:
    with new_sweep(tmp_path) as writer:
        keep(writer, "0001")
        before = (writer.path / "results.csv").read_bytes()
    with pytest.raises(RunError, match=r"results\.csv:1: the columns are not run_id, seed"):
        reopen_sweep(writer.path, ["seed"])
    assert (writer.path / "results.csv").read_bytes() == before


def test_a_full_disk_leaves_nothing_of_the_run_that_it_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with new_sweep(tmp_path) as writer:
        keep(writer, "0001")
        before = (writer.path / "results.csv").read_bytes()

        def full(*_given: object) -> None:
            raise FULL

        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_bytes", full)
            with pytest.raises(RunError, match=r"cannot write .*0002: No space left on device$"):
                keep(writer, "0002")
        assert sorted(path.name for path in writer.path.iterdir()) == [
            "0001",
            "results.csv",
            "sweep.yaml",
        ]
        with monkeypatch.context() as patch:
            patch.setattr(sweep_writing, "replace", full)
            with pytest.raises(RunError, match=r"cannot write .*results\.csv: No space left"):
                writer.finish()
        assert (writer.path / "results.csv").read_bytes() == before
        keep(writer, "0002")
        assert len(rows(writer)) == 2


CUT_SHORT = """
import resource, signal, sys
from pathlib import Path
from test_store_sweep_writing import keep, new_sweep
from vgrad.errors import RunError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with new_sweep(Path(sys.argv[1])) as writer:
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
    try:
        for number in range(100):
            keep(writer, f"{number:04}")
    except RunError as error:
        print(number, error)
"""


def test_a_table_that_the_system_cuts_short_keeps_whole_rows(tmp_path: Path) -> None:
    done = python(CUT_SHORT, tmp_path)
    assert not done.stderr
    number, _, message = done.stdout.strip().partition(" ")
    (path,) = tmp_path.iterdir()
    assert message == f"cannot write {path / 'results.csv'}: File too large"
    assert len(Sweep(path).results) == int(number) > 1
    with reopen_sweep(path, KEYS) as writer:  # the files of the last were stored before its row
        assert writer.recover(f"{int(number):04}", {})


def test_a_folder_that_cannot_be_made_is_a_wrong_request(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("mine")
    with pytest.raises(RequestError, match=r"cannot write runs into .*; see --runs-dir"):
        new_sweep(tmp_path / "runs")
    assert (tmp_path / "runs").read_text() == "mine"
