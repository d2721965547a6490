"""A config's text with values changed: it says what was wanted, and all the rest as before."""

import difflib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vgrad.config import Config, load_config
from vgrad.config.rewriting import rewritten
from vgrad.errors import RequestError

GALLERY = sorted((Path(__file__).parents[2] / "configs").rglob("*.yaml"))
GALLERY = [path for path in GALLERY if "plugins" not in path.parts and "sweep" not in str(path)]

CHANGES: dict[str, list[object]] = {
    "name": ["other"],
    "seed": [7],
    "data": ["moons", {"name": "blobs", "classes": 5}],
    "model.depth": [3, 200],
    "model.activation": ["relu", {"name": "leaky_relu", "negative_slope": 0.2}],
    "model.init": ["lsuv", {"name": "orthogonal", "gain": "critical"}, "xavier_normal"],
    "model.bias_init": [0.0, -1.5, {"name": "gaussian", "std": 0.1}],
    "model.connectivity": ["plain", {"name": "residual", "order": "inside", "gate": 0.0}],
    "model.norm": ["none", "batch", {"name": "layer", "placement": "after"}],
    "model.dropout": [0.0, 0.25],
    "loss": ["mse"],
    "regularization.l2": [0.0, 1e-05],
    "optimizer": ["sgd", {"name": "adam", "lr": 0.001}, {"name": "momentum", "momentum": 0.5}],
    "optimizer.lr": [0.3, 1e-07],
    "schedule": ["constant", {"name": "step", "gamma": 0.5}],
    "clip": ["none", {"norm": 0.5}, {"value": 2.0}, {"agc": 0.1, "eps": 0.01}],
    "train.steps": [20],
    "train.epochs": [2],
    "train.batch_size": ["full", 16],
    "dtype": ["float64"],
}
change = st.dictionaries(st.sampled_from(sorted(CHANGES)), st.integers(0, 9), max_size=4).map(
    lambda picks: {key: CHANGES[key][pick % len(CHANGES[key])] for key, pick in picks.items()}
)


def changed(text: str, tmp: Path, overrides: dict[str, object]) -> tuple[str, Config]:
    """The text that states this change, and the config that it ought to state."""
    path = tmp / "a.yaml"
    path.write_bytes(text.encode())
    wanted = load_config(path, overrides)
    return rewritten(text, wanted, str(tmp)), wanted


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
@settings(max_examples=20)  # of each of forty files
@given(overrides=change)
def test_any_change_of_any_config_of_the_gallery_loads_to_what_was_wanted(
    path: Path, overrides: dict[str, object]
) -> None:
    text = path.read_text(encoding="utf-8")
    try:
        wanted = load_config(path, overrides)
    except RequestError:  # the changes do not go together
        return
    found = rewritten(text, wanted, str(path.parent))
    comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in found.splitlines() if line.lstrip().startswith("#")] == comments
    if not overrides:
        assert found == text


MESSY = """\
# A comment above.

model:     # the net
    depth:   30        # deep
    activation: 'sigmoid'
    init: {name: gaussian,   std: 0.01}   # tiny

    # a comment between
    width: [8,
            8]
optimizer:
    # of steepest descent
    name: sgd
    lr: 0.05   # timid
    weight_decay: 0.0
train: {steps: 300}
clip:
  norm: 1.0
# the end"""


def lines_that_differ(old: str, new: str) -> list[str]:
    return [line for line in difflib.ndiff(old.splitlines(), new.splitlines()) if line[0] in "+-"]


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"model.init": "critical"}, [
            "-     init: {name: gaussian,   std: 0.01}   # tiny",
            "+     init: critical   # tiny",
        ]),
        ({"optimizer.lr": 0.1}, ["-     lr: 0.05   # timid", "+     lr: 0.1   # timid"]),
        ({"optimizer": {"name": "adam", "lr": 0.001}}, [
            "-     name: sgd", "+     name: adam",
            "-     lr: 0.05   # timid", "+     lr: 0.001   # timid",
        ]),
        ({"optimizer": {"name": "momentum", "lr": 0.05, "momentum": 0.8}}, [
            "-     name: sgd", "+     name: momentum", "+     momentum: 0.8",
        ]),
        ({"model.norm": "layer"}, ["+     norm: layer"]),
        ({"seed": 3}, ["+ seed: 3"]),
        ({"clip": "none"}, ["-   norm: 1.0", "+   none"]),
        ({"train.epochs": 3}, ["- train: {steps: 300}", "+ train: {epochs: 3}"]),
        ({"regularization.l2": 0.1}, ["+ regularization: {l2: 0.1}"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_only_what_is_changed_differs(
    overrides: dict[str, object], expected: list[str], newline: str, tmp_path: Path
) -> None:
    text = MESSY.replace("    depth:   30        # deep\n", "").replace("\n", newline)
    found, wanted = changed(text, tmp_path, overrides)
    assert sorted(lines_that_differ(text, found)) == sorted(expected)
    (tmp_path / "b.yaml").write_bytes(found.encode())
    assert load_config(tmp_path / "b.yaml") == wanted
    assert newline == "\n" or found.count("\r\n") == found.count("\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{model: {depth: 3}}", "{model: {depth: 3, init: lsuv}}"),
        ("model: {}", "model: {init: lsuv}"),
        ("seed: 1", "seed: 1\nmodel: {init: lsuv}\n"),
        ("seed: 1   # one", "seed: 1   # one\nmodel: {init: lsuv}\n"),
        ("model:\n  init: zeros", "model:\n  init: lsuv"),
        ("model:\n  init:\n    name: zeros\n", "model:\n  init:\n    name: lsuv\n"),
        ("model: {init: {name: gaussian, std: 1}}", "model: {init: lsuv}"),
        ("model: {'init': \"zeros\"}  # ü", "model: {'init': lsuv}  # ü"),
        ("model:\n  init:\n    std: 1\n    name: gaussian\n  depth: 2", None),
    ],
)
def test_every_way_to_write_a_config_is_kept(
    text: str, expected: str | None, tmp_path: Path
) -> None:
    found, wanted = changed(text, tmp_path, {"model.init": "lsuv"})
    assert expected is None or found == expected
    (tmp_path / "b.yaml").write_text(found)
    assert load_config(tmp_path / "b.yaml") == wanted


def test_a_file_for_another_folder_still_finds_its_data(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    text = "data: {name: npz, path: mine.npz}  # beside\n"
    (tmp_path / "a.yaml").write_text(text)
    wanted = load_config(tmp_path / "a.yaml")
    assert rewritten(text, wanted, str(tmp_path)) == text
    found = rewritten(text, wanted, str(tmp_path / "inner"))
    assert found == f"data: {{name: npz, path: {tmp_path}/mine.npz}}  # beside\n"
