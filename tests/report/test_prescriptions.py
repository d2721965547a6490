"""An examination as a page, as a line, and as a document."""

import io
import json
import math
import shlex
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from vgrad.config import Config, load_config
from vgrad.diagnosis import Verdict
from vgrad.doctor import Examination, Prescription
from vgrad.doctor.probe import Outcome
from vgrad.report.prescriptions import examination_json, examination_view, in_one_line

ILL = Verdict("vanishing", "The gradient vanishes.", 0.2, -9.0, 1.3e-17, (1, 9))
WELL = replace(ILL, kind="healthy", sentence="The gradient is healthy.", orders=0.1)
OUTCOME = Outcome(
    steps=300, total=300, diverged=False, start=ILL, end=ILL, loss_at_start=2.4, loss=2.3,
    accuracy=0.1, skill=0.0, held_out=math.nan, progress=0.0, skill_before=0.0,
    progress_before=0.0,
)  # fmt: skip
CURED = replace(OUTCOME, start=WELL, end=WELL, loss=0.12, accuracy=0.97, skill=0.96)
CONFIG: Config = load_config({"model": {"depth": 9, "activation": "sigmoid"}})
WIRING = {"name": "residual", "order": "pre", "scale": "1/sqrt(blocks)"}


def prescription(outcome: Outcome = CURED, **change: object) -> Prescription:
    dotted = {key.replace("__", "."): value for key, value in change.items()}
    config = CONFIG.with_overrides(dotted)
    return Prescription(dotted, ("layer_norm", "rate"), config, outcome, 3.0, outcome is CURED)


GIVEN = (
    prescription(model__norm="layer", optimizer__lr=0.02),
    prescription(model__connectivity=WIRING, model__init="he_normal"),
    prescription(replace(CURED, diverged=True, loss=math.nan, accuracy=math.nan), seed=2),
)
FOUND = Examination(CONFIG, "vanishing", "A cause. " * 20, False, OUTCOME, None, GIVEN)


def page(found: Examination, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as capture:
        console.print(examination_view(found))
    return capture.get()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(cell_len, page(FOUND, width).splitlines())) <= width


def test_the_page_holds_verdict_cause_measurements_and_lines_to_change() -> None:
    lines = [line.rstrip() for line in page(FOUND).splitlines()]
    assert any(line.startswith("VANISHING  A cause.") for line in lines)
    (before,) = (line.split() for line in lines if line.startswith("as it is"))
    assert before == ["as", "it", "is", "1.3e-17", "2.300", "10.0%", "vanishing"]
    (first,) = (line.split() for line in lines if "97.0%" in line and line.split()[0] == "1")
    assert first == ["1", "layer", "norm", "+", "rate", "1.3e-17", "0.1200", "97.0%", "healthy",
                     "3"]  # fmt: skip
    assert any("diverged" in line for line in lines)
    assert "  1 model.norm: layer" in lines
    assert "    optimizer.lr: 0.02" in lines


def test_numbers_to_predict_have_no_accuracy() -> None:
    outcome = replace(OUTCOME, accuracy=math.nan)
    given = (replace(GIVEN[0], outcome=replace(CURED, accuracy=math.nan)),)
    assert "accuracy " not in page(replace(FOUND, outcome=outcome, prescriptions=given))


def test_it_says_when_nothing_helps_and_when_nothing_is_needed() -> None:
    assert "Nothing that was tried helps" in page(replace(FOUND, prescriptions=()))
    well = replace(FOUND, verdict="healthy", trains=True, prescriptions=())
    assert "Nothing to prescribe" in page(well)
    nearest = replace(FOUND, prescriptions=(replace(GIVEN[0], trains=False),))
    assert "these came nearest" in page(nearest)


def test_one_line_is_the_best_change_for_a_shell() -> None:
    assert in_one_line(FOUND) == "model.norm=layer optimizer.lr=0.02"
    wired = in_one_line(replace(FOUND, prescriptions=GIVEN[1:]))
    assert shlex.split(wired)[1] == "model.init=he_normal"
    assert load_config(CONFIG.to_dict(), shlex.split(wired)) == GIVEN[1].config
    assert in_one_line(replace(FOUND, prescriptions=())) == "vanishing"


def test_the_document_has_nulls_where_numbers_do_not_apply() -> None:
    document = json.loads(examination_json(FOUND))
    assert document["learning_rate"] is None
    ranks = [(one["rank"], one["trains"]) for one in document["prescriptions"]]
    assert ranks == [(1, True), (2, True), (3, False)]
    assert document["prescriptions"][0]["change"] == {"model.norm": "layer", "optimizer.lr": 0.02}
    assert document["prescriptions"][2]["measured"]["loss"] is None
    assert document["measured"]["gradient_ratio"] == 1.3e-17
