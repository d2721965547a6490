"""The gallery: every config runs as it is and shows what its comment says it shows."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import vgrad

CONFIGS = Path(__file__).parents[1] / "configs"
FILES = sorted([*CONFIGS.glob("*.yaml"), *CONFIGS.glob("plugins/*.yaml")])
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))]
QUICK: dict[str, dict[str, object]] = {  # their whole courses are tests of their own, and slow
    "thousand_layers": {"train.steps": 2},
    "ten_thousand_layers": {"train.steps": 2, "model.depth": 1000},
}

pytestmark = pytest.mark.usefixtures("plugins_unloaded")

Claim = Callable[[vgrad.Run], bool]


def run(name: str | Path, folder: Path, **overrides: object) -> vgrad.Run:
    """With the plugins beside the config: only their own folder has any."""
    path = CONFIGS / f"{name}.yaml"
    plugins = sorted(path.parent.glob("*.py"))
    return vgrad.run(path, overrides, plugins=plugins, runs_dir=folder)


def final(run: vgrad.Run, metric: str) -> float:
    return float(run.metrics[metric][-1])


def verdict_at_start(run: vgrad.Run) -> str:
    from vgrad.diagnosis import diagnose

    return diagnose(run.layers_at(0)).kind


def learnt(accuracy: float) -> Claim:
    return lambda run: run.status == "finished" and final(run, "test_accuracy") >= accuracy


def at_chance(run: vgrad.Run) -> bool:
    return final(run, "test_accuracy") < 0.3


def even_updates(run: vgrad.Run) -> bool:
    """The largest update ratio of a layer is within 30 of the smallest, at the second record."""
    ratios = run.layers_at(run.steps[1])["update_ratio"]
    return bool(ratios.max() < 30 * ratios.min())


def steady_spread(run: vgrad.Run) -> bool:
    return bool(np.all(np.abs(run.layers_at(0)["preact_std"][:-1] - 1) < 0.5))


def shrinking_spread(run: vgrad.Run) -> bool:
    """The outputs' histogram in the last hidden layer is a third as wide as in the first."""
    assert run.histograms is not None
    first, *_, last, _ = np.ptp(run.histograms.activation.ranges[0], axis=1)
    return bool(last < first / 3)


@dataclass(frozen=True)
class Shown:
    """What a config shows; `without` is the override that its comment names, and what then."""

    claims: tuple[Claim, ...]
    without: dict[str, object] | None = None
    then: tuple[Claim, ...] = ()


GALLERY: dict[str, Shown] = {
    "quickstart": Shown((lambda r: r.verdict == "vanishing", at_chance)),
    "quickstart_fixed": Shown((lambda r: r.verdict == "healthy", learnt(0.9))),
    "exploding": Shown(
        (lambda r: r.verdict == "exploding", lambda r: r.layers_at(0)["grad_norm"][0] > 1e3)
    ),
    "two_layer_line": Shown((lambda r: final(r, "train_loss") < 1e-4,)),
    "tanh": Shown(
        (learnt(0.9),),
        {"model.activation": "sigmoid"},
        (at_chance, lambda r: r.verdict == "vanishing"),
    ),
    "xavier": Shown(
        (learnt(0.9),),
        {"model.init": {"name": "gaussian", "std": 0.01}},
        (at_chance, lambda r: r.verdict == "vanishing"),
    ),
    "he": Shown(
        (learnt(0.85),),
        {"model.init": "xavier_normal"},
        (lambda r: final(r, "test_accuracy") < 0.6,),
    ),
    "selu": Shown(
        (learnt(0.9), steady_spread),
        {"model.activation": "relu"},
        (at_chance, lambda r: verdict_at_start(r) == "vanishing"),
    ),
    "adam": Shown(
        (learnt(0.9), even_updates),
        {"optimizer": {"name": "sgd", "lr": 0.1}},
        (at_chance, lambda r: not even_updates(r)),
    ),
    "rmsprop": Shown(
        (learnt(0.9), even_updates),
        {"optimizer": {"name": "sgd", "lr": 0.1}},
        (at_chance, lambda r: not even_updates(r)),
    ),
    "l1": Shown((learnt(0.85),), {"regularization.l1": 0}, (learnt(0.85),)),
    "l2": Shown((learnt(0.85),), {"regularization.l2": 0}, (learnt(0.85),)),
    "dead_relu": Shown(
        (lambda r: r.verdict == "dead", at_chance), {"model.bias_init": 0}, (learnt(0.85),)
    ),
    "saturated_tanh": Shown(
        (lambda r: verdict_at_start(r) == "saturated", at_chance),
        {"model.init": "xavier_normal"},
        (learnt(0.85),),
    ),
    "histograms": Shown(
        (shrinking_spread,),
        {"model.init": "xavier_normal"},
        (lambda r: not shrinking_spread(r),),
    ),
    "plugins/my_parts": Shown((learnt(0.9),)),
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_config_runs_as_it_is(path: Path, tmp_path: Path) -> None:
    stored = run(path.relative_to(CONFIGS).with_suffix(""), tmp_path, **QUICK.get(path.stem, {}))
    assert stored.status in ("finished", "diverged")
    assert stored.name == path.stem.replace("_", "-")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", GALLERY)
def test_a_config_shows_what_its_comment_says(name: str, seed: int, tmp_path: Path) -> None:
    shown = GALLERY[name]
    stored = run(name, tmp_path, seed=seed)
    assert [claim(stored) for claim in shown.claims] == [True] * len(shown.claims)
    if shown.without is not None:
        bare = run(name, tmp_path, seed=seed, **shown.without)
        assert [claim(bare) for claim in shown.then] == [True] * len(shown.then)


@pytest.mark.parametrize("name", ["l1", "l2"])
def test_a_penalty_more_than_halves_the_weights(name: str, tmp_path: Path) -> None:
    with_it = run(name, tmp_path)
    without = run(name, tmp_path, **{f"regularization.{name}": 0})
    assert final(with_it, "param_norm") < 0.6 * final(without, "param_norm")
    assert final(with_it, "test_accuracy") > final(without, "test_accuracy") - 0.02
    assert final(without, "train_loss") < 0.05 < final(with_it, "train_loss")


def test_only_two_lines_cure_the_quickstart() -> None:
    """The comment of quickstart_fixed.yaml says so."""
    ill, cured = (
        [line for line in (CONFIGS / name).read_text().splitlines() if not line.startswith("#")]
        for name in ("quickstart.yaml", "quickstart_fixed.yaml")
    )
    differing = [a for a, b in zip(ill, cured, strict=True) if a != b]
    assert [line.split(":")[0].strip() for line in differing] == ["name", "activation", "init"]


@pytest.mark.slow
def test_a_thousand_layers_learn_the_digits(tmp_path: Path) -> None:
    stored = run("thousand_layers", tmp_path)
    assert stored.verdict == "healthy"
    assert final(stored, "test_accuracy") > 0.8


@pytest.mark.slow
def test_ten_thousand_layers_learn_the_digits_but_not_with_xavier(
    tmp_path: Path,
) -> None:
    stored = run("ten_thousand_layers", tmp_path)
    assert stored.verdict == "healthy"
    assert final(stored, "test_accuracy") > 0.6
    bare = run("ten_thousand_layers", tmp_path, **{"model.init": "xavier_normal", "train.steps": 2})
    assert bare.layers_at(0)["grad_norm"][0] == 0.0
