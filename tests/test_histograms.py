"""Histograms of layers: of any array what numpy makes, and of a run all that it logged."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from tiny_runs import CONFIG, DIVERGING, Onlooker

import vgrad
from vgrad.histograms import histogram
from vgrad.records import HISTOGRAM_BINS
from vgrad.store import layout, open_run
from vgrad.store.histograms import arrays_of, read_journal

LOGGED = {"log.histograms": True}
FLOATS = st.floats(width=32, allow_subnormal=True)


@given(arrays(np.float32, array_shapes(min_dims=1, max_dims=2, max_side=40), elements=FLOATS))
def test_all_finite_values_are_counted_as_numpy_counts_them(array: NDArray[np.float32]) -> None:
    counts, (low, high), missing = histogram(array)
    finite = array[np.isfinite(array)].astype(np.float64)
    assert missing == array.size - finite.size
    assert counts.sum() == finite.size
    if not finite.size:
        assert math.isnan(low)
        assert math.isnan(high)
        return
    assert low <= finite.min() <= finite.max() <= high
    expected, _ = np.histogram(finite, HISTOGRAM_BINS, (low, high))
    assert counts.tolist() == expected.tolist()
    if finite.max() - finite.min() > 1e-3 * abs(finite).max():
        assert (low, high) == (finite.min(), finite.max())


def test_an_array_of_one_value_stands_in_the_middle() -> None:
    for value in (0.0, 1.0, -3e38, 1e-45):
        counts, (low, high), _ = histogram(np.full(7, value, np.float32))
        assert counts.max() == 7
        assert abs(int(counts.argmax()) - HISTOGRAM_BINS // 2) <= 1
        assert low < high


def run(folder: Path, **overrides: object) -> vgrad.Run:
    return vgrad.run(CONFIG, LOGGED | overrides, runs_dir=folder)


def test_a_run_keeps_a_histogram_of_each_layer_at_each_logged_step(tmp_path: Path) -> None:
    stored = run(tmp_path)
    histograms = stored.histograms
    assert histograms is not None
    assert histograms.steps.tolist() == list(stored.steps)
    assert histograms.names == tuple(stored.layers_at(0)["name"].tolist())
    assert histograms.gradient.counts.shape == (len(stored.steps), 3, HISTOGRAM_BINS)
    weights = [2 * 5, 5 * 5, 5 * 3]
    assert (histograms.gradient.counts.sum(axis=2) == weights).all()
    assert (histograms.activation.counts.sum(axis=2) % 13 == 0).all()  # units × batch
    largest = np.abs(histograms.gradient.ranges).max(axis=2).ravel()
    np.testing.assert_allclose(largest, stored.layers["grad_max_abs"], rtol=1e-6)
    assert histograms.gradient.edges.shape == (len(stored.steps), 3, HISTOGRAM_BINS + 1)
    assert not (stored.path / layout.JOURNAL).exists()


def test_a_run_without_them_leaves_no_file(tmp_path: Path) -> None:
    stored = vgrad.run(CONFIG, runs_dir=tmp_path)
    assert stored.histograms is None
    assert not list(stored.path.glob("histograms*"))


@pytest.mark.parametrize(
    "overrides",
    [
        {"model.connectivity": "dense"},
        {"model.connectivity": "residual", "model.norm": "batch", "model.depth": 4},
        {"model.depth": 1, "dtype": "float64"},
        DIVERGING,
    ],
    ids=str,
)
def test_any_network_has_histograms_of_all_its_layers(
    overrides: dict[str, object], tmp_path: Path
) -> None:
    stored = run(tmp_path, **overrides)
    histograms = stored.histograms
    assert histograms is not None
    assert histograms.names == tuple(stored.layers_at(0)["name"].tolist())
    missing = histograms.gradient.non_finite.sum(axis=1) > 0
    assert missing.any() == (stored.status == "diverged")


def arrays_in(path: Path) -> dict[str, bytes]:
    with np.load(path / layout.HISTOGRAMS) as found:
        return {name: found[name].tobytes() for name in found.files}


def test_an_interrupted_run_that_is_resumed_has_the_same_ones(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole")
    for at in (0, 4, 8):
        folder = tmp_path / f"at {at}"
        with pytest.raises(KeyboardInterrupt):
            vgrad.run(
                CONFIG,
                LOGGED,
                runs_dir=folder,
                checkpoint_every=5,
                watch=Onlooker(error=KeyboardInterrupt(), at=at),
            )
        cut = open_run("latest", folder)
        assert cut.histograms is not None
        assert cut.histograms.steps.tolist() == list(cut.steps)
        resumed = vgrad.resume("latest", runs_dir=folder)
        assert arrays_in(resumed.path) == arrays_in(whole.path)


def test_a_run_that_goes_on_shows_what_it_has_so_far(tmp_path: Path) -> None:
    stored = run(tmp_path)
    whole = stored.histograms
    assert whole is not None
    with pytest.raises(KeyboardInterrupt):
        vgrad.run(
            CONFIG,
            LOGGED,
            runs_dir=tmp_path / "cut",
            watch=Onlooker(error=KeyboardInterrupt(), at=8),
        )
    cut = open_run("latest", tmp_path / "cut")
    journal = cut.path / layout.JOURNAL
    (cut.path / layout.HISTOGRAMS).unlink()  # as a run killed leaves it
    journal.write_bytes(journal.read_bytes()[:-100])  # in the middle of a record
    again = open_run(str(cut.path)).histograms
    assert again is not None
    kept = again.steps.size
    assert 0 < kept == len(cut.steps) - 1
    assert (again.gradient.counts == whole.gradient.counts[:kept]).all()
    assert arrays_of(read_journal(journal))["steps"].tolist() == again.steps.tolist()
