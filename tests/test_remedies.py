"""The remedies of the gallery: each cures the same patient, and nothing else does."""

from pathlib import Path

import pytest

import vgrad
from vgrad.diagnosis import diagnose

FOLDER = Path(__file__).parents[1] / "configs" / "remedies"
REMEDIES = sorted(path for path in FOLDER.glob("*.yaml") if path.stem != "plain")
NAMES = [path.stem for path in REMEDIES]
LEARNT, CHANCE = 0.9, 0.3
SEEDS = (0, 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_the_patient_learns_nothing(tmp_path: Path, seed: int) -> None:
    run = vgrad.run(FOLDER / "plain.yaml", {"seed": seed}, runs_dir=tmp_path)
    assert run.summary["final"]["test_accuracy"] < CHANCE
    assert run.verdict == "vanishing"


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("path", REMEDIES, ids=NAMES)
def test_each_remedy_cures_the_patient(tmp_path: Path, path: Path, seed: int) -> None:
    run = vgrad.run(path, {"seed": seed}, runs_dir=tmp_path)
    assert run.status == "finished"
    assert run.summary["final"]["test_accuracy"] >= LEARNT
    assert run.verdict == "healthy"


@pytest.mark.parametrize("path", REMEDIES, ids=NAMES)
def test_each_remedy_is_the_patient_with_a_change(tmp_path: Path, path: Path) -> None:
    """In a few steps: what it changes is there, and what it is to be seen on is logged."""
    patient = vgrad.load_config(FOLDER / "plain.yaml").to_dict()
    config = vgrad.load_config(path).to_dict()
    changed = {key for key in config if config[key] != patient[key]} - {"name"}
    assert changed
    assert changed <= {"model", "optimizer", "clip", "schedule"}
    for key in ("depth", "width"):
        assert config["model"][key] == patient["model"][key]  # type: ignore[index]
    steps = 3 if "schedule" not in changed else 310  # longer than the warm-up
    run = vgrad.run(path, {"train.steps": steps, "log.every": 1}, runs_dir=tmp_path)
    assert run.status == "finished"
    assert diagnose(run.layers_at(0)).kind in ("healthy", "vanishing", "exploding")
    assert bool(run.clipping.size) == ("clip" in changed)
    residual = "residual" in str(config["model"]["connectivity"])  # type: ignore[index]
    assert bool(run.blocks.size) == residual


def test_the_page_has_a_row_for_every_remedy() -> None:
    page = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    missing = [name for name in NAMES if f"[{name}](remedies/{name}.yaml)" not in page]
    assert not missing, "run `python -m tests.gallery_table`"
