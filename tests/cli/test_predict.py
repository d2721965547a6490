"""`vgrad predict` as a user types it."""

import json
from pathlib import Path

import pytest
from rich.cells import cell_len

from vgrad.cli import exit_code

KEYS = [
    "q_star",
    "c_star",
    "chi_1",
    "xi_q",
    "xi_c",
    "xi_grad",
    "phase",
    "trainable_depth",
    "verdict",
]
"""What other programs rely on; null where there is none."""
NETS = {
    "plain": [],
    "deep": ["model.depth=1000", "model.activation=relu", "model.init=he_normal"],
    "exploding": ["model.activation=tanh", "model.init={name: gaussian, std: 1.0}"],
    "none": ["model.depth=0"],
    "norm": ["model.norm=batch", "model.activation=relu"],
    "wired": ["model.connectivity={name: residual, order: pre}"],
    "measured": ["model.connectivity=residual"],
    "repelled": ["model.activation=gelu", "model.init={name: lecun_normal, gain: 1.8}"],
}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A deep sigmoid net, in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    model = "model: {depth: 30, width: 64, activation: sigmoid, init: xavier_normal}\n"
    (tmp_path / "a.yaml").write_text(model)
    return "a.yaml"


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is printed."""
    assert exit_code(["predict", *arguments]) == 0
    return capsys.readouterr().out


def test_the_cause_is_told_in_numbers(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, config)
    flat = " ".join(text.split())
    assert "VANISHING" in text
    assert "χ = σ_w²·E[φ′²] = 1 × 0.0472–0.0557" in flat
    assert "from linear30 to linear1 by 10^-18.2" in flat
    assert "phase ordered" in flat
    assert "2.08 hidden layers trainable, about 6·ξ_c; this net has 30: beyond it" in flat
    assert "mean-field theory" in flat


def test_a_probe_says_that_it_is_one(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    flat = " ".join(shown(capsys, config, "model.init=lsuv").split())
    assert "measured in 10 networks at initialization" in flat
    assert "LSUV does not write random weights independent of the data" in flat
    assert "Fixed points" not in flat


@pytest.mark.parametrize("net", NETS)
def test_json_has_the_keys_that_programs_rely_on(
    net: str, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(shown(capsys, config, *NETS[net], "--json"))
    assert list(document)[: len(KEYS)] == KEYS
    assert document["source"] == ("probe" if net in ("measured", "norm") else "theory")
    first, last = document["layers"][0], document["layers"][-1]
    assert (first["layer"], last["name"]) == (1, "output")
    assert set(first) >= {"q", "chi", "correlation", "delta_rms", "delta_low", "grad_rms"}
    if net == "plain":
        assert document["chi_1"] == pytest.approx(0.0557207, rel=1e-6)
        assert (document["phase"], document["verdict"]) == ("ordered", "vanishing")
    if net in ("none", "wired", "measured"):
        assert {document[key] for key in KEYS if key != "verdict"} == {None}


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("columns", ["40", "80", "120"])
def test_no_line_is_wider_than_the_terminal(
    net: str,
    columns: str,
    config: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = shown(capsys, config, *NETS[net])
    assert max(map(cell_len, text.splitlines())) <= int(columns)


def test_few_of_many_layers_are_shown_but_all_on_request(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    few = shown(capsys, config, "model.depth=200")
    assert "linear1 " in few
    assert "linear200 " in few
    assert "⋮" in few
    assert "linear77 " not in few
    assert "linear77 " in shown(capsys, config, "model.depth=200", "--all-layers")


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["model.depht=3"], "did you mean"),
        (["model.init=rezero"], "model.init: rezero shuts the gates"),
        (["model.init={name: critical, sigma_b: 0.5}", "model.activation=relu"], "edge of chaos"),
        (["--plugin", "missing.py"], "missing.py"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_code_2(
    arguments: list[str], fragment: str, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["predict", config, *arguments]) == 2
    told = capsys.readouterr()
    assert fragment in told.err
    assert told.out == ""


def test_nothing_is_written(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    shown(capsys, config)
    assert [one.name for one in Path().iterdir()] == [config]
