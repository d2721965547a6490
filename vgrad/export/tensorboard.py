"""TensorBoard: a folder of events per run. Scalars of the course and of each layer, histograms."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.export.target import CURVES, Target, applies, facts_of, layer_tag
from vgrad.records import HISTOGRAM_SITES, STATISTICS, Distribution, Histograms
from vgrad.store import Run


def _write(runs: Sequence[Run], folder: Path, done: Callable[[Run], None]) -> None:
    for run in runs:
        hidden = folder / f".{run.id}"  # TensorBoard shows it once it is whole
        shutil.rmtree(hidden, ignore_errors=True)
        try:
            _write_run(run, hidden)
            hidden.rename(folder / run.id)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
        done(run)


def _write_run(run: Run, folder: Path) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    began = facts_of(run).began
    seconds = dict(zip(run.metrics["step"].tolist(), run.metrics["seconds"].tolist(), strict=True))
    writer = EventFileWriter(str(folder))
    try:
        writer.add_event(Event(wall_time=began, step=0, summary=_text(run)))
        for step, values in _events(run):
            time = began + seconds.get(step, 0.0)
            writer.add_event(Event(wall_time=time, step=step, summary=Summary(value=values)))
    finally:
        writer.close()


def _text(run: Run) -> Any:
    """Config and summary on the tab of texts."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.text.metadata import create_summary_metadata
    from tensorboard.util.tensor_util import make_tensor_proto

    outcome = "\n".join(f"{k}: {v}" for k, v in facts_of(run).outcome.items() if v is not None)
    texts = {"config": run.config_yaml, "summary": outcome}
    return Summary(
        value=[
            Summary.Value(
                tag=tag,
                metadata=create_summary_metadata("", tag),
                tensor=make_tensor_proto([f"```\n{text}\n```".encode()]),
            )
            for tag, text in texts.items()
        ]
    )


def _events(run: Run) -> Iterator[tuple[int, list[Any]]]:
    """The summaries of each step: of the course, of the layers, histograms."""
    from tensorboard.compat.proto.summary_pb2 import Summary

    for row in run.metrics:
        named = {f"course/{name}": float(row[name]) for name in CURVES}
        known = {tag: value for tag, value in named.items() if value == value}
        yield int(row["step"]), [Summary.Value(tag=t, simple_value=v) for t, v in known.items()]
    for row in run.layers:
        tag = layer_tag(row)
        yield (
            int(row["step"]),
            [
                Summary.Value(tag=f"{name}/{tag}", simple_value=float(row[name]))
                for name in STATISTICS
                if applies(row, name)
            ],
        )
    if run.histograms is not None:
        yield from _histograms(run.histograms)


def _histograms(found: Histograms) -> Iterator[tuple[int, list[Any]]]:
    from tensorboard.compat.proto.summary_pb2 import Summary

    for at, step in enumerate(found.steps.tolist()):
        yield (
            step,
            [
                Summary.Value(tag=f"{site}/layer_{number:03d}", histo=histogram)
                for site in HISTOGRAM_SITES
                for place, number in enumerate(found.layers.tolist())
                if (histogram := _histogram(getattr(found, site), at, place)) is not None
            ],
        )


def _histogram(site: Distribution, at: int, place: int) -> Any:
    """None of a layer without a finite value; sums as if values stood in the middle of bins."""
    from tensorboard.compat.proto.summary_pb2 import HistogramProto

    counts: NDArray[np.float64] = site.counts[at, place].astype(np.float64)
    low, high = site.ranges[at, place].tolist()
    if not counts.sum():
        return None
    edges = np.linspace(low, high, counts.size + 1)
    middles = (edges[1:] + edges[:-1]) / 2.0
    return HistogramProto(
        min=low,
        max=high,
        num=counts.sum(),
        sum=float(counts @ middles),
        sum_squares=float(counts @ middles**2),
        bucket_limit=edges[1:].tolist(),
        bucket=counts.tolist(),
    )


def _taken(folder: Path, runs: Sequence[Run]) -> list[str]:
    return [run.id for run in runs if (folder / run.id).exists()]


def _remove(folder: Path, run: Run) -> None:
    shutil.rmtree(folder / run.id)


TARGET = Target(
    "tensorboard",
    "event files, a folder per run: scalars, histograms, the config",
    _write,
    _taken,
    _remove,
    needs=("tensorboard",),
    extra="tensorboard",
)
