"""Exports, each read back by the tool's own reader."""

import csv
import json
import math
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_runs import CONFIG, DIVERGING

import vgrad
from vgrad.cli import exit_code
from vgrad.errors import RequestError
from vgrad.export import export, targets
from vgrad.store import Run, layout

Capture = pytest.CaptureFixture[str]
TARGETS = tuple(targets())
MODULES = {
    "tensorboard": "tensorboard",
    "parquet": "pyarrow",
    "mlflow": "mlflow",
    "wandb-offline": "wandb",
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """A healthy one with histograms, and one that diverged."""
    folder = tmp_path_factory.mktemp("runs")
    healthy = vgrad.run(CONFIG, {"log.histograms": True}, runs_dir=folder)
    return [healthy, vgrad.run(CONFIG, DIVERGING, runs_dir=folder)]


def needs(target: str) -> None:
    if target in MODULES:
        pytest.importorskip(MODULES[target], reason=f"{MODULES[target]} is not installed")


def test_tensorboard_finds_scalars_histograms_and_texts(runs: list[Run], tmp_path: Path) -> None:
    needs("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    export(runs, "tensorboard", tmp_path)
    for run in runs:
        found = EventAccumulator(str(tmp_path / run.id), size_guidance={"scalars": 0})
        found.Reload()
        tags = found.Tags()
        losses = found.Scalars("course/train_loss")
        assert [event.step for event in losses] == run.metrics["step"].tolist()
        values = np.array([event.value for event in losses])
        np.testing.assert_allclose(values, run.metrics["train_loss"].astype(np.float32))
        norms = [event.value for event in found.Scalars("grad_norm/layer_001")]
        first = run.layers[run.layers["layer"] == 1]["grad_norm"]
        np.testing.assert_allclose(norms, first.astype(np.float32), rtol=1e-6)
        assert {"config/text_summary", "config"} & {*tags["tensors"]}
        if run.histograms is not None:
            histogram = found.Histograms("gradient/layer_001")[0].histogram_value
            assert histogram.num == run.histograms.gradient.counts[0, 0].sum()
            assert "activation/layer_003" in tags["histograms"]


def test_parquet_holds_every_row_of_every_table(runs: list[Run], tmp_path: Path) -> None:
    needs("parquet")
    from pyarrow import parquet

    export(runs, "parquet", tmp_path)
    table = parquet.read_table(tmp_path / "layers.parquet").to_pydict()
    assert table["run_id"] == [run.id for run in runs for _ in run.layers]
    expected = np.concatenate([run.layers["grad_norm"] for run in runs])
    np.testing.assert_array_equal(table["grad_norm"], expected)
    facts = parquet.read_table(tmp_path / "runs.parquet").to_pydict()
    assert facts["run_id"] == [run.id for run in runs]
    assert facts["verdict"] == [run.verdict for run in runs]
    assert facts["config.model.depth"] == [2, 2]
    assert list(map(str, facts["steps"])) == [str(run.steps[-1]) for run in runs]  # no fractions


def test_csv_holds_every_row_of_every_table(runs: list[Run], tmp_path: Path) -> None:
    export(runs, "csv", tmp_path)
    with (tmp_path / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["run_id"] for row in rows] == [run.id for run in runs for _ in run.metrics]
    losses = [float(row["train_loss"]) for row in rows]
    expected = np.concatenate([run.metrics["train_loss"] for run in runs])
    np.testing.assert_array_equal(losses, expected)


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's, of SQLAlchemy
def test_mlflow_lists_runs_params_metrics_and_files(runs: list[Run], tmp_path: Path) -> None:
    needs("mlflow")
    from mlflow.tracking import MlflowClient

    export(runs, "mlflow", tmp_path)
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    (experiment,) = [e for e in client.search_experiments() if e.name == "vgrad"]
    listed = client.search_runs([experiment.experiment_id])
    found = {run.data.tags["vgrad.run_id"]: run for run in listed}
    assert found.keys() == {run.id for run in runs}
    for run in runs:
        theirs = found[run.id]
        assert theirs.data.params["model.depth"] == "2"
        assert theirs.data.tags["vgrad.status"] == run.status
        assert theirs.info.status == "FINISHED"
        history = client.get_metric_history(theirs.info.run_id, "train_loss")
        assert [one.step for one in history] == run.metrics["step"].tolist()
        files = {one.path for one in client.list_artifacts(theirs.info.run_id)}
        assert layout.CONFIG in files


BLOCK, FILE_HEAD, RECORD_HEAD = 32768, 7, 7
LAST_PARTS = (1, 4)  # a whole record, or the last part of one


def wandb_records(content: bytes) -> Iterator[bytes]:
    """The records of a .wandb file, a LevelDB log: wandb itself reads it in Go alone since it took
    `wandb.sdk.internal.datastore` away; what is in a record is read by its own protocol below."""
    assert content.startswith(b":W&B")
    at, parts = FILE_HEAD, []
    while at + RECORD_HEAD <= len(content):
        left = BLOCK - at % BLOCK
        if left < RECORD_HEAD:
            at += left
            continue
        _, length, kind = struct.unpack_from("<IHB", content, at)
        at += RECORD_HEAD
        parts.append(content[at : at + length])
        at += length
        if kind in LAST_PARTS:
            yield b"".join(parts)
            parts = []


def test_wandb_reads_config_history_and_summary(runs: list[Run], tmp_path: Path) -> None:
    needs("wandb-offline")
    from wandb.proto.wandb_internal_pb2 import Record

    before = {*Path.cwd().iterdir()}
    export(runs, "wandb-offline", tmp_path)
    assert {*Path.cwd().iterdir()} == before
    run = runs[0]
    (file,) = (tmp_path / "wandb").glob(f"offline-run-*-{run.id}/*.wandb")
    losses, depth = {}, None
    for data in wandb_records(file.read_bytes()):
        record = Record.FromString(data)
        if record.HasField("run"):
            config = {one.key: json.loads(one.value_json) for one in record.run.config.update}
            depth = config["model"]["depth"]
        if record.HasField("history"):
            items = {
                (one.key or "/".join(one.nested_key)): json.loads(one.value_json)
                for one in record.history.item
            }
            losses[items["_step"]] = items["train_loss"]
    assert depth == 2
    assert losses == dict(
        zip(run.metrics["step"].tolist(), run.metrics["train_loss"].tolist(), strict=True)
    )


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_is_doubled_or_replaced_unasked(
    target: str, runs: list[Run], tmp_path: Path
) -> None:
    needs(target)
    export(runs[:1], target, tmp_path)
    with pytest.raises(RequestError, match="already"):
        export(runs, target, tmp_path)
    export(runs, target, tmp_path, force=True)
    if target in ("mlflow", "tensorboard", "wandb-offline"):
        with pytest.raises(RequestError, match="and 1 more already"):
            export(runs, target, tmp_path)


@pytest.mark.parametrize("target", sorted(MODULES))
def test_a_missing_library_is_told_before_anything_is_written(
    target: str, runs: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vgrad.export.target.find_spec", lambda _: None)
    with pytest.raises(RequestError, match=r"pip install 'vgrad\["):
        export(runs, target, tmp_path / "new")
    assert not (tmp_path / "new").exists()


WRONG: dict[str, Callable[[Path], list[str]]] = {
    "one of tensorboard": lambda _: ["latest", "out", "--to", "tensorbord"],
    "no folder": lambda _: ["latest", "--to", "csv"],
    "no run": lambda _: ["nothing", "out", "--to", "csv"],
    "is not a folder": lambda folder: ["latest", str(folder / "file"), "--to", "csv"],
}


@pytest.mark.parametrize("said", WRONG)
def test_a_wrong_request_is_refused_in_a_line(
    said: str, runs: list[Run], tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    arguments = ["export", *WRONG[said](tmp_path), "--runs-dir", str(runs[0].path.parent)]
    assert exit_code(arguments) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_command_says_where_it_wrote(runs: list[Run], tmp_path: Path, capsys: Capture) -> None:
    into = ["--to", "csv", "--runs-dir", str(runs[0].path.parent)]
    refs = [run.id for run in runs]
    assert exit_code(["export", *refs, str(tmp_path / "a"), *into]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'a'}\n"
    assert exit_code(["export", *refs, str(tmp_path / "b"), *into, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == refs


def test_a_sweep_is_exported_with_all_its_runs(tmp_path: Path, capsys: Capture) -> None:
    spec = {"base": CONFIG, "parameters": {"seed": {"values": [0, 1]}}}
    (tmp_path / "sweep.yaml").write_text(json.dumps(spec))
    sweep = vgrad.run_sweep(tmp_path / "sweep.yaml", runs_dir=tmp_path / "runs")
    out = str(tmp_path / "out")
    assert (
        exit_code(["export", sweep.id, out, "--to", "csv", "--runs-dir", str(tmp_path / "runs")])
        == 0
    )
    with (tmp_path / "out" / "runs.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 2
    capsys.readouterr()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_tables_become_data_frames(library: str, runs: list[Run]) -> None:
    module: Any = pytest.importorskip(library, reason=f"{library} is not installed")
    run = runs[0]
    frame = getattr(run, f"to_{library}")()
    assert isinstance(frame, module.DataFrame)
    assert list(frame.columns) == list(run.layers.dtype.names or ())
    assert frame["name"][0] == run.layers["name"][0]
    assert frame["step"].sum() == run.layers["step"].sum()
    assert math.isnan(frame["update_ratio"][0])
    assert len(getattr(run, f"to_{library}")("metrics")) == run.metrics.size
    with pytest.raises(RequestError, match="did you mean metrics"):
        getattr(run, f"to_{library}")("metric")
