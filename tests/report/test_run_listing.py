import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from vgrad.report.listing import SHORTEST_ID, runs_json, runs_table, shortened
from vgrad.store import SweepInfo

CONFIG: dict[str, object] = {
    "model.depth": 30,
    "model.activation": "sigmoid",
    "model.init": "xavier_normal",
    "optimizer": "sgd",
    "optimizer.lr": 0.1,
}
FINAL = {"test_loss": 2.3031, "test_accuracy": 0.114, "train_loss": math.nan}


@dataclass
class FakeInfo:
    id: str
    name: str = "deep"
    status: str = "finished"
    verdict: str | None = "vanishing"
    steps: int = 500
    final: dict[str, float] = field(default_factory=lambda: dict(FINAL))
    gradient_ratio: float = 1.3e-17
    seconds: float = 1.5
    error: str | None = None
    config: dict[str, object] = field(default_factory=lambda: dict(CONFIG))


def damaged(run_id: str) -> FakeInfo:
    nan = math.nan
    return FakeInfo(run_id, "", "damaged", None, 0, {}, nan, nan, "summary.json: is missing", {})


IDS = [f"20251123-1846{i:02}-123-deep-sigmoid-of-depth-{i}" for i in range(12)]
RUNS = [*map(FakeInfo, IDS), damaged("20251122-101010-000-lost")]


def shown(runs: Sequence[FakeInfo | SweepInfo], width: int, all_ids: tuple[str, ...] = ()) -> str:
    file = io.StringIO()
    Console(file=file, width=width).print(runs_table(runs, all_ids))
    return file.getvalue()


@pytest.mark.parametrize("width", [40, 80, 120, 160])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = shown(RUNS, width).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert len([line for line in lines if line.startswith("2025")]) == len(RUNS)


def test_eighty_columns_hold_what_is_essential() -> None:
    line = next(line for line in shown(RUNS, 80).splitlines() if line.startswith("20251123"))
    shown_id, *cells = line.split()
    assert cells == ["finished", "vanishing", "30", "sigmoid", "11.4%"]
    assert sum(shown_id in run_id for run_id in IDS) == 1


def test_a_wide_terminal_holds_all_with_the_id_in_full() -> None:
    line = next(line for line in shown(RUNS, 160).splitlines() if line.startswith(IDS[0]))
    assert line.split()[1:] == [
        "finished", "vanishing", "30", "sigmoid", "xavier_normal", "sgd", "0.1", "500", "2.303",
        "11.4%", "1.3e-17",
    ]  # fmt: skip


def test_an_empty_list_has_a_head_only() -> None:
    assert "status" in shown([], 80)


def test_names_that_steer_the_terminal_are_defused() -> None:
    text = shown([FakeInfo("2025\n\x1b[31m-x\udcff")], 80)
    assert "\x1b" not in text
    assert "\udcff" not in text
    assert len(text.splitlines()) == 4  # two of titles, a rule, a run


def test_a_cut_id_stays_unambiguous_among_runs_that_are_not_shown() -> None:
    twins = [f"20251123-184612-123-a-very-long-name-of-a-run-{i}" for i in (1, 2)]
    (one,) = shortened(twins[:1], twins, SHORTEST_ID)
    assert one == twins[0]
    assert shortened(twins[:1], twins[:1], SHORTEST_ID) == ["20251123-184612-123"]
    assert twins[0] in shown([FakeInfo(twins[0])], 80, tuple(twins))


@given(st.sets(st.text("ab-1", min_size=1, max_size=12), min_size=1), st.integers(1, 12))
def test_a_cut_id_begins_no_other_id(ids: set[str], width: int) -> None:
    ordered = sorted(ids)
    for whole, cut in zip(ordered, shortened(ordered, ordered, width), strict=True):
        assert whole.startswith(cut)
        assert cut == whole or sum(other.startswith(cut) for other in ordered) == 1


def test_json_holds_all_that_is_known_of_a_run() -> None:
    first, *_, last = json.loads(runs_json(RUNS))
    assert first == {
        "kind": "run",
        "run_id": IDS[0],
        "name": "deep",
        "status": "finished",
        "verdict": "vanishing",
        "steps": 500,
        "final": {**FINAL, "train_loss": None},
        "gradient_ratio": 1.3e-17,
        "seconds": 1.5,
        "error": None,
        "config": CONFIG,
    }
    assert (last["status"], last["gradient_ratio"]) == ("damaged", None)
    assert json.loads(runs_json([])) == []


SWEEP = SweepInfo(
    "20251124-101010-000-phase",
    name="phase",
    status="interrupted",
    method="grid",
    planned=120,
    ended=48,
    statuses={"finished": 45, "failed": 3},
    verdicts={"healthy": 20, "vanishing": 25},
    metric="test_accuracy",
    best=0.974,
    best_run="0007-depth=5",
    seconds=187.0,
)


@pytest.mark.parametrize(
    ("width", "note"),
    [
        (140, "sweep 48/120 · best 97.4% · 3 failed · 20 healthy · 25 vanishing · 3:07"),
        (80, "sweep 48/120 · best 97.4% …"),
        (52, "sweep 48/120"),
    ],
)
def test_a_sweep_is_a_line_among_runs_that_says_as_much_as_has_room(width: int, note: str) -> None:
    text = shown([RUNS[0], SWEEP, RUNS[1]], width)
    first, line, last = text.splitlines()[-3:]
    run_id, rest = line.split(maxsplit=1)
    assert SWEEP.id.startswith(run_id)
    assert rest.rstrip() == f"interrupted  {note}"
    assert first.startswith("20251123-184600")
    assert last.startswith("20251123-184601")


def test_a_damaged_sweep_says_what_is_wrong() -> None:
    text = shown([SweepInfo("2025-phase", error="results.csv:\n is missing")], 80)
    assert text.splitlines()[-1].rstrip() == "2025-phase  damaged  sweep: results.csv:  is missing"


def test_json_holds_all_that_is_known_of_a_sweep() -> None:
    (one,) = json.loads(runs_json([SWEEP]))
    assert (one["kind"], one["sweep_id"], one["best"]) == ("sweep", SWEEP.id, 0.974)
    assert one["verdicts"] == {"healthy": 20, "vanishing": 25}
