"""Every format reads back to what was stored."""

import csv
import io
import json
import math
import re
from typing import Any

import numpy as np
import pytest
from fake_runs import FakeRun, fake_run, layer_rows, metric_rows
from rich.console import Console

from vgrad.errors import RequestError
from vgrad.report.formats import FORMATS, render_report


def rendered(run: FakeRun, format: str, **options: Any) -> str:
    console = Console(file=io.StringIO(), width=20, force_terminal=True)  # means nothing to data
    return render_report(run, console, format=format, **options)


def strange_run() -> FakeRun:
    layers = layer_rows(3)
    layers["grad_norm"][:3] = math.nan, math.inf, -math.inf
    layers["name"][1] = 'a,"b"|c'
    return FakeRun(metric_rows(np.array([0]), train_loss=math.inf), layers, status="diverged")


def test_csv_holds_every_layer_of_the_step_in_the_columns_of_the_file() -> None:
    run = fake_run(1000, (0.99, 0.98))
    rows = list(csv.DictReader(io.StringIO(rendered(run, "csv", step=10))))
    stored = run.layers_at(10)
    assert list(rows[0]) == list(stored.dtype.names or ())
    assert [float(one["grad_norm"]) for one in rows] == stored["grad_norm"].tolist()
    assert [one["name"] for one in rows] == stored["name"].tolist()


def test_csv_spells_what_is_not_finite_and_quotes_what_must_be() -> None:
    rows = list(csv.DictReader(io.StringIO(rendered(strange_run(), "csv"))))
    assert [one["grad_norm"] for one in rows[:3]] == ["nan", "inf", "-inf"]
    assert rows[1]["name"] == 'a,"b"|c'


def test_json_holds_all_that_the_report_does() -> None:
    run = fake_run(100, (0.24,) * 30)
    document = json.loads(rendered(run, "json"))
    assert document["run_id"] == run.id
    assert document["verdict"]["kind"] == "vanishing"
    assert document["config"] == run.config
    assert len(document["layers"]) == 101
    assert [one["step"] for one in document["course"]] == list(range(0, 300, 10))
    assert document["layers"][0]["grad_norm"] == run.layers_at(290)["grad_norm"][0]


def test_json_is_valid_whatever_the_numbers() -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    document = json.loads(rendered(strange_run(), "json"), parse_constant=refuse)
    assert [one["grad_norm"] for one in document["layers"][:3]] == [None, "inf", "-inf"]
    assert document["course"][0]["train_loss"] == "inf"


def markdown_tables(text: str) -> list[list[list[str]]]:
    """The tables of a page, as rows of cells; a `\\|` is no border."""
    blocks = [block for block in text.split("\n\n") if block.startswith("|")]
    return [
        [re.split(r"(?<!\\)\|", line)[1:-1] for line in block.strip().split("\n")]
        for block in blocks
    ]


@pytest.mark.parametrize("run", [fake_run(5), fake_run(1000, (0.99,)), strange_run()])
def test_markdown_tables_have_as_many_cells_in_every_row(run: FakeRun) -> None:
    tables = markdown_tables(rendered(run, "markdown"))
    assert len(tables) == 2
    for table in tables:
        assert {len(cells) for cells in table} == {len(table[0])}
        assert all(set(cell.strip()) <= {"-", ":"} for cell in table[1])


def test_markdown_shows_the_layers_that_the_table_shows() -> None:
    run = fake_run(1000, (0.99,))
    assert len(markdown_tables(rendered(run, "markdown"))[0]) < 50
    everything = markdown_tables(rendered(run, "markdown", all_layers=True))[0]
    assert len(everything) == 2 + 1001


@pytest.mark.parametrize("format", ["csv", "json", "markdown"])
def test_data_never_holds_escape_codes_nor_minds_the_width(format: str) -> None:
    text = rendered(fake_run(30), format)
    assert "\x1b" not in text
    assert text.endswith("\n")
    wide = Console(file=io.StringIO(), width=200)
    assert text == render_report(fake_run(30), wide, format=format)


def test_an_unknown_format_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        RequestError, match=r"one of table, markdown, csv, json; did you mean json\?"
    ):
        rendered(fake_run(3), "jsn")


def test_every_format_of_the_table_ends_its_page_with_a_newline() -> None:
    for name in FORMATS:
        assert rendered(fake_run(3), name).endswith("\n")
