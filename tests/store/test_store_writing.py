"""Writing a run: what was logged stays, whatever happens."""

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from stored_runs import CONFIG, layers, metrics, new_run, python, record

from vgrad.errors import RequestError, RunError
from vgrad.records import LAYER_DTYPE, METRICS_DTYPE, Record
from vgrad.store import documents, layout, open_run, reopen_run, writing
from vgrad.store.tables import header, layer_lines, metrics_line

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_run_that_begins_has_all_its_files(tmp_path: Path) -> None:
    with new_run(
        tmp_path / "not" / "yet", config_yaml="seed: 1\n", environment={"pid": 1}
    ) as writer:
        files = {one.name: one.read_text() for one in writer.path.iterdir()}
        summary = json.loads(files.pop("summary.json"))
        assert json.loads(files.pop("environment.json")) == {"pid": 1}
        assert files == {
            "config.yaml": "seed: 1\n",
            "metrics.csv": header(METRICS_DTYPE),
            "layers.csv": header(LAYER_DTYPE),
        }
        assert summary == {
            "run_id": writer.id,
            "name": "made-up",
            "status": "running",
            "verdict": None,
            "steps": 0,
            "final": None,
            "gradient_ratio": None,
            "slope_per_layer": None,
            "seconds": None,
            "error": None,
            "config": CONFIG,
        }
        assert open_run("latest", tmp_path / "not" / "yet").metrics.size == 0


def test_each_logged_step_can_be_read_at_once(tmp_path: Path) -> None:
    with new_run(tmp_path) as writer:
        for step in (0, 10, 20):
            writer.append(record(step))
            run = open_run(writer.id, tmp_path)
            assert run.metrics[-1].item() == tuple(vars(metrics(step)).values())
            assert run.layers_at(step).tolist() == layers(step).tolist()
            assert run.steps == tuple(range(0, step + 1, 10))


def test_a_run_that_ends_says_what_it_came_to(tmp_path: Path) -> None:
    with new_run(tmp_path) as writer:
        writer.finish(status="diverged", verdict="exploding", gradient_ratio=float("inf"))
    run = open_run("latest", tmp_path)
    assert (run.status, run.verdict) == ("diverged", "exploding")
    assert run.summary["gradient_ratio"] == "inf"
    assert run.summary["run_id"] == run.id
    assert run.summary["config"] == CONFIG
    assert run.environment["end_time"] is not None


def test_a_run_that_goes_on_keeps_where_it_began(tmp_path: Path) -> None:
    with new_run(tmp_path, environment={"pid": 1, "end_time": None}) as writer:
        writer.finish(status="interrupted", error="once")
    for pid in (2, 3):
        with reopen_run(writer.path) as again:
            again.resume({"pid": pid})
            run = open_run("latest", tmp_path)
            assert (run.status, run.summary["error"]) == ("running", None)
            assert run.environment["end_time"] is None
    assert run.environment["pid"] == 1
    assert run.environment["resumed"] == [{"pid": 2}, {"pid": 3}]


def tables(path: Path) -> tuple[bytes, bytes]:
    return (path / "metrics.csv").read_bytes(), (path / "layers.csv").read_bytes()


def logged(*steps: int) -> tuple[bytes, bytes]:
    """Both tables with these steps, as they must be."""
    rows_of_metrics = "".join(metrics_line(metrics(step)) for step in steps)
    rows_of_layers = "".join(layer_lines(layers(step)) for step in steps)
    return (
        (header(METRICS_DTYPE) + rows_of_metrics).encode(),
        (header(LAYER_DTYPE) + rows_of_layers).encode(),
    )


REWOUND = {-1: (), None: (), 0: (0,), 9: (0,), 10: (0, 10), 99: (0, 10, 20)}


@pytest.mark.parametrize("last_step", REWOUND)
@pytest.mark.parametrize("torn", [b"", b"30,1"])
def test_rewinding_forgets_the_steps_after_and_a_torn_line(
    tmp_path: Path, last_step: int | None, torn: bytes
) -> None:
    with new_run(tmp_path) as writer:
        for step in (0, 10, 20):
            writer.append(record(step))
    for name in ("metrics.csv", "layers.csv"):
        with (writer.path / name).open("ab") as file:
            file.write(torn)
    with reopen_run(writer.path) as again:
        again.rewind(last_step)
        assert tables(writer.path) == logged(*REWOUND[last_step])
        again.append(record(40))
    assert tables(writer.path) == logged(*REWOUND[last_step], 40)


@pytest.mark.parametrize("content", [b"", b"step,epo"])
def test_rewinding_tables_that_lost_even_their_header_writes_it(
    tmp_path: Path, content: bytes
) -> None:
    with new_run(tmp_path) as writer:
        pass
    for name in ("metrics.csv", "layers.csv"):
        (writer.path / name).write_bytes(content)
    with reopen_run(writer.path) as again:
        again.rewind(None)
    assert tables(writer.path) == logged()


def test_rewinding_a_damaged_table_names_the_line_and_changes_nothing(tmp_path: Path) -> None:
    with new_run(tmp_path) as writer:
        writer.append(record(0))
    path = writer.path / "metrics.csv"
    damaged = path.read_bytes() + b"damage\n" + metrics_line(metrics(10)).encode()
    path.write_bytes(damaged)
    with (
        reopen_run(writer.path) as again,
        pytest.raises(RunError, match=r"metrics\.csv:3: does not begin with a step"),
    ):
        again.rewind(0)
    assert path.read_bytes() == damaged


class FullDisk:
    """A file on a disk with `room` bytes left."""

    def __init__(self, file: IO[bytes], room: int) -> None:
        self.file, self.room = file, room

    def __getattr__(self, name: str) -> object:
        return getattr(self.file, name)

    def write(self, data: bytes) -> int:
        if not self.room:
            raise FULL
        written = self.file.write(data[: self.room])
        self.room -= written
        return written


def append_line(writer: writing.RunWriter, table: str, line: str) -> None:
    with (writer.path / table).open("ab") as file:
        file.write(line.encode())


def append_until_it_fails(writer: writing.RunWriter) -> None:
    for step in range(10, 10_000, 10):
        writer.append(record(step))


@pytest.mark.parametrize("room", [0, 1, 20, 150, 10_000])
@pytest.mark.parametrize("table", ["metrics.csv", "layers.csv"])
def test_a_disk_that_fills_up_within_a_record_leaves_the_records_before(
    tmp_path: Path, table: str, room: int
) -> None:
    with new_run(tmp_path) as writer:
        writer.append(record(0))
        writer._tables[table] = FullDisk(writer._tables[table], room)
        with pytest.raises(RunError) as caught:
            append_until_it_fails(writer)
        assert str(caught.value) == f"cannot write {writer.path / table}: No space left on device"
    run = open_run("latest", tmp_path)
    steps = range(0, 10 * run.metrics.size, 10)
    assert len(steps) > (20 if room == 10_000 else 0)
    assert run.metrics["step"].tolist() == list(steps)
    assert run.steps == tuple(steps)
    assert [run.layers_at(step).tolist() for step in steps] == [
        layers(step).tolist() for step in steps
    ]
    assert all(content.endswith(b"\n") for content in tables(run.path))


SIZE_LIMIT = """
import resource, signal, sys
from pathlib import Path
from stored_runs import new_run, record
from vgrad.errors import RunError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with new_run(Path(sys.argv[1])) as writer:
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
    try:
        for step in range(1000):
            writer.append(record(step))
    except RunError as error:
        print(step, error)
"""


def test_a_file_that_the_system_cuts_short_keeps_whole_records(tmp_path: Path) -> None:
    done = python(SIZE_LIMIT, tmp_path)
    assert not done.stderr
    step, _, message = done.stdout.strip().partition(" ")
    run = open_run("latest", tmp_path)
    assert message == f"cannot write {run.path / 'layers.csv'}: File too large"
    assert int(step) > 1
    assert tables(run.path) == logged(*range(int(step)))


def test_a_step_that_was_cut_between_its_tables_is_left_out(tmp_path: Path) -> None:
    with new_run(tmp_path) as writer:
        writer.append(record(0))
        append_line(writer, "layers.csv", layer_lines(layers(10)))
        run = open_run("latest", tmp_path)
        assert run.steps == (0,)
        assert run.layers.tolist() == layers(0).tolist()
        append_line(writer, "metrics.csv", metrics_line(metrics(10)))
        assert open_run("latest", tmp_path).steps == (0, 10)


def test_the_first_step_is_left_out_as_well_while_it_is_written(tmp_path: Path) -> None:
    with new_run(tmp_path) as writer:
        append_line(writer, "layers.csv", layer_lines(layers(0)[:1]))
        assert open_run("latest", tmp_path).steps == ()


@pytest.mark.parametrize("what", ["checkpoint", "finish", "resume"])
def test_a_full_disk_is_one_clear_line_and_leaves_what_stood_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    calls: dict[str, Callable[[writing.RunWriter], None]] = {
        "checkpoint": lambda writer: writer.checkpoint({"step": np.asarray(2)}),
        "finish": lambda writer: writer.finish(status="finished"),
        "resume": lambda writer: writer.resume({}),
    }
    with new_run(tmp_path) as writer:
        writer.checkpoint({"step": np.asarray(1)})
        before = {one.name: one.read_bytes() for one in writer.path.iterdir()}

        def full(_descriptor: int) -> None:
            raise FULL

        monkeypatch.setattr(documents.os, "fsync", full)
        with pytest.raises(RunError, match=r"cannot write .*: No space left on device$"):
            calls[what](writer)
        assert {one.name: one.read_bytes() for one in writer.path.iterdir()} == before


def test_a_file_in_the_place_of_the_runs_folder_is_a_wrong_request(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("mine")
    for folder in (tmp_path / "runs", tmp_path / "runs" / "deeper"):
        with pytest.raises(RequestError, match=f"cannot write runs into {folder}: "):
            new_run(folder)
    assert (tmp_path / "runs").read_text() == "mine"


@contextmanager
def unprivileged() -> Iterator[None]:
    """Without root's power to write everywhere."""
    me = os.geteuid()
    os.seteuid(me or 65534)
    try:
        yield
    finally:
        os.seteuid(me)


def test_a_folder_that_may_not_be_written_is_a_wrong_request(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with unprivileged(), pytest.raises(RequestError) as caught:
            new_run(tmp_path / "runs")
    finally:
        tmp_path.chmod(0o700)
    (problem,) = caught.value.problems
    what = f"cannot write runs into {tmp_path / 'runs'}: Permission denied"
    assert str(problem) == f"{what}; see --runs-dir"


@pytest.mark.parametrize("nth", range(3))
def test_a_disk_that_is_full_at_the_start_leaves_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    calls = iter(range(100))
    fsync = os.fsync

    def full(descriptor: int) -> None:
        if next(calls) >= nth:
            raise FULL
        fsync(descriptor)

    monkeypatch.setattr(documents.os, "fsync", full)
    with pytest.raises(RequestError, match=r"cannot write .*: No space left on device"):
        new_run(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["rename", "lock"])
def test_a_start_that_is_broken_off_leaves_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def broken(*_arguments: object) -> None:
        raise KeyboardInterrupt

    if step == "rename":
        monkeypatch.setattr(layout, "run_ids", broken)
    else:
        monkeypatch.setattr(writing, "lock", broken)
    with pytest.raises(KeyboardInterrupt):
        new_run(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_record_of_a_thousand_layers_is_written_and_read(tmp_path: Path) -> None:
    names = tuple(f"linear{n}" for n in range(1000))
    with new_run(tmp_path) as writer:
        writer.append(Record(metrics(0), layers(0, names)))
    assert open_run("latest", tmp_path).layers.tolist() == layers(0, names).tolist()
