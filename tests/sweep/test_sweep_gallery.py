"""The gallery's sweeps: every file runs as it is and shows what its comment says it shows."""

import re
from collections.abc import Callable
from concurrent.futures import Executor, Future
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vgrad
from vgrad.store import Sweep
from vgrad.sweep import How, Wishes, Workers, check, read_spec, run_sweep

FILES = sorted((Path(vgrad.__file__).parents[1] / "configs/sweeps").glob("*.yaml"))


class Inline(Executor):
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_run_of_a_gallery_sweep_can_begin_and_its_comment_counts_them(file: Path) -> None:
    stated = re.search(r"^# ([\d,]+) runs, ", file.read_text(), re.MULTILINE)
    assert stated
    assert check(read_spec(file)).planned == int(stated[1])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_gallery_sweep_runs(file: Path, tmp_path: Path) -> None:
    how = How(executor=Workers(Inline(), lambda: 1))
    wish = Wishes(runs=3)
    sweep = run_sweep(file, ["train.steps=2"], wish=wish, how=how, runs_dir=tmp_path)
    assert [result.status for result in sweep.results] == ["finished"] * 3


def accuracies(sweep: Sweep) -> dict[tuple[str, ...], float]:
    """Mean test accuracy by the swept keys but the seed."""
    keys = [key for key in sweep.keys if key != "seed"]
    groups: dict[tuple[str, ...], list[float]] = {}
    for result in sweep.results:
        group = tuple(result.varied[key] for key in keys)
        groups.setdefault(group, []).append(result.numbers["test_accuracy"])
    return {group: float(np.nanmean(values)) for group, values in groups.items()}


def whole(name: str, folder: Path) -> dict[tuple[str, ...], float]:
    (file,) = (file for file in FILES if file.stem == name)
    return accuracies(run_sweep(file, runs_dir=folder))


SMALL, SGD, ADAM = "{name: gaussian, std: 0.01}", "{name: sgd, lr: 0.05}", "{name: adam, lr: 0.001}"
RMSPROP = "{name: rmsprop, lr: 0.001}"
INITS, OPTIMIZERS = (SMALL, "xavier_normal", "he_normal"), (SGD, ADAM, RMSPROP)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Mean of empty slice")  # where all three seeds diverged
def test_the_seed_article_is_answered(tmp_path: Path) -> None:
    reached = whole("seed_article", tmp_path)
    for activation, optimizer in product(("sigmoid", "tanh", "relu", "selu"), OPTIMIZERS):
        assert reached[activation, SMALL, optimizer, "30"] < 0.15
    for init, optimizer, depth in product(INITS, OPTIMIZERS, ("10", "30")):
        assert reached["sigmoid", init, optimizer, depth] < 0.3
    for activation, optimizer in product(("tanh", "selu"), (SGD, ADAM)):
        assert reached[activation, "xavier_normal", optimizer, "30"] > 0.7
    assert reached["relu", "he_normal", ADAM, "30"] > 0.7
    assert reached["relu", "xavier_normal", ADAM, "30"] < 0.6
    assert reached["relu", "he_normal", SGD, "30"] < 0.5


@pytest.mark.slow
def test_he_trains_depths_that_xavier_does_not(tmp_path: Path) -> None:
    reached = whole("he_xavier", tmp_path)
    assert reached["xavier_normal", "5"] > 0.9
    assert reached["xavier_normal", "10"] > 0.5
    assert max(reached["xavier_normal", "20"], reached["xavier_normal", "30"]) < 0.35
    assert reached["he_normal", "20"] > 0.8
    assert reached["he_normal", "30"] > 0.5


@pytest.mark.slow
def test_the_deeper_a_tanh_net_the_nearer_must_it_be_to_the_critical_point(tmp_path: Path) -> None:
    reached = whole("depth_sigma_w", tmp_path)
    learnt = {key: accuracy > 0.5 for key, accuracy in reached.items()}
    widths = {
        depth: sorted(float(gain) for (at, gain), ok in learnt.items() if at == depth and ok)
        for depth in ("5", "20", "40", "80")
    }
    spans = [max(gains) - min(gains) for gains in widths.values()]
    assert spans == sorted(spans, reverse=True)
    assert all(min(gains) <= 1.33 <= max(gains) for gains in widths.values())
    assert spans[0] >= 1.9
    assert spans[-1] <= 0.3


@pytest.mark.slow
def test_each_optimizer_learns_at_a_rate_of_its_own(tmp_path: Path) -> None:
    reached = whole("rate_optimizer", tmp_path)
    best: dict[str, tuple[float, float]] = {}
    for (optimizer, rate), accuracy in reached.items():
        best[optimizer] = max(best.get(optimizer, (0.0, 0.0)), (accuracy, float(rate)))
    assert all(accuracy >= 0.95 for accuracy, _ in best.values())
    adaptive = ("adam", "rmsprop", "lion")
    assert all(best["sgd"][1] >= 100 * best[name][1] for name in adaptive)
