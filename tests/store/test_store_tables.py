"""`metrics.csv` and `layers.csv`: what other programs find there, and what of it is read back."""

import csv
import math
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored_runs import layers, metrics

from vgrad.errors import RunError
from vgrad.records import LAYER_DTYPE, METRICS_DTYPE, Metrics, Record
from vgrad.store.tables import header, layer_lines, metrics_line, read_table

METRICS_HEADER = (
    "step,epoch,train_loss,train_accuracy,test_loss,test_accuracy,lr,grad_norm,param_norm,seconds\n"
)
LAYERS_HEADER = (
    "step,layer,name,grad_norm,grad_rms,grad_mean,grad_std,grad_max_abs,grad_zero_fraction,"
    "delta_rms,weight_norm,update_ratio,preact_mean,preact_std,act_mean,act_std,"
    "saturated_fraction,dead_fraction\n"
)
"""Spelled out: other programs rely on these names and this order."""

EDGES = [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1e-310, 1.7976931348623157e308, 1 / 3]
numbers = st.floats() | st.sampled_from(EDGES)
steps = st.integers(0, 2**62)
names = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from(',"\n\r;'),
    max_size=48,
)


def bits(number: float | np.float32) -> bytes:
    """What tells -0 from 0, with all nan alike."""
    return struct.pack("d", math.nan if math.isnan(number) else number)


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def test_the_first_line_of_metrics_is_the_one_that_other_programs_rely_on() -> None:
    assert header(METRICS_DTYPE) == METRICS_HEADER


def test_the_first_line_of_layers_is_the_one_that_other_programs_rely_on() -> None:
    assert header(LAYER_DTYPE) == LAYERS_HEADER


@given(step=steps, row=st.lists(numbers, min_size=9, max_size=9))
def test_every_metric_is_read_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, step: int, row: list[float]
) -> None:
    path = tmp_path_factory.getbasetemp() / "exact-metrics.csv"
    write(path, METRICS_HEADER + metrics_line(Metrics(step, *row)))
    (read,) = read_table(path, METRICS_DTYPE).tolist()
    assert read[0] == step
    assert [bits(number) for number in read[1:]] == [bits(number) for number in row]


@given(st.lists(numbers, min_size=15, max_size=15), steps)
def test_layer_statistics_are_read_back_to_nine_digits(
    tmp_path_factory: pytest.TempPathFactory, row: list[float], step: int
) -> None:
    rows = np.array([(step, 1, "linear1", *row)], LAYER_DTYPE)
    path = tmp_path_factory.getbasetemp() / "rounded-layers.csv"
    write(path, LAYERS_HEADER + layer_lines(rows))
    ((read_step, _, _, *read),) = read_table(path, LAYER_DTYPE).tolist()
    assert read_step == step
    for found, number in zip(read, row, strict=True):
        assert bits(found) == bits(float(f"{number:.9g}"))


@given(st.lists(st.floats(width=32), min_size=15, max_size=15))
def test_what_was_measured_in_single_precision_is_read_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, row: list[float]
) -> None:
    rows = np.array([(0, 1, "linear1", *row)], LAYER_DTYPE)
    path = tmp_path_factory.getbasetemp() / "single-layers.csv"
    write(path, LAYERS_HEADER + layer_lines(rows))
    (read,) = read_table(path, LAYER_DTYPE).tolist()
    assert [bits(np.float32(number)) for number in read[3:]] == [bits(number) for number in row]


@given(st.lists(names, min_size=1, max_size=4))
def test_layer_names_of_any_characters_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, given_names: list[str]
) -> None:
    rows = layers(0, tuple(given_names))
    path = tmp_path_factory.getbasetemp() / "named-layers.csv"
    write(path, LAYERS_HEADER + layer_lines(rows))
    read = read_table(path, LAYER_DTYPE)
    assert read["name"].tolist() == rows["name"].tolist()
    assert read["layer"].tolist() == rows["layer"].tolist()


@given(st.lists(names, min_size=1, max_size=4))
def test_another_csv_reader_finds_the_same_layer_names(given_names: list[str]) -> None:
    rows = layers(0, tuple(given_names))
    found = csv.reader(layer_lines(rows).splitlines(keepends=True), strict=True)
    if not any(set(name) & set("\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029") for name in given_names):
        assert [row[2] for row in found] == rows["name"].tolist()


def test_metrics_that_do_not_apply_are_empty_and_numbers_that_are_not_are_spelled_out() -> None:
    line = metrics_line(
        Metrics(7, 0.5, math.nan, math.nan, math.nan, math.nan, 0.1, math.inf, -math.inf, 2.0)
    )
    assert line == "7,0.5,nan,,,,0.1,inf,-inf,2.0\n"


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    whole = METRICS_HEADER + metrics_line(metrics(0))
    torn = metrics_line(metrics(10))
    for length in range(len(torn)):
        path = write(tmp_path / "metrics.csv", whole + torn[:length])
        assert read_table(path, METRICS_DTYPE)["step"].tolist() == [0]


@pytest.mark.parametrize("text", ["", METRICS_HEADER[:20], METRICS_HEADER])
def test_a_table_without_rows_is_empty(tmp_path: Path, text: str) -> None:
    table = read_table(write(tmp_path / "metrics.csv", text), METRICS_DTYPE)
    assert table.shape == (0,)
    assert table.dtype == METRICS_DTYPE


def test_columns_behind_the_known_ones_are_left_out(tmp_path: Path) -> None:
    rows = [METRICS_HEADER, metrics_line(metrics(0)), metrics_line(metrics(10))]
    text = "".join(row.replace("\n", ",more\n") for row in rows)
    table = read_table(write(tmp_path / "metrics.csv", text), METRICS_DTYPE)
    assert table.dtype == METRICS_DTYPE
    assert table["step"].tolist() == [0, 10]


GARBAGE = {
    "binary": (b"\xff\xfe\x00\n", 3, "is not UTF-8"),
    "nul bytes": (b"\0\0\0\0\n", 3, "columns"),
    "words": (b"hello\n", 3, "has 1 columns, not 10"),
    "an empty line": (b"\n", 3, "has 0 columns, not 10"),
    "too few": (b"10,0.5,1\n", 3, "has 3 columns, not 10"),
    "no number": (b"10,0.5,1,1,1,1,1,1,x,1\n", 3, "param_norm: 'x' is not a number"),
    "no integer": (b"1.5,0.5,1,1,1,1,1,1,1,1\n", 3, "step: '1.5' is not a number"),
    "a step without end": (b"9" * 30 + b",1,1,1,1,1,1,1,1,1\n", 3, "step"),
    "a step of 5,000 digits": (b"9" * 5000 + b",1,1,1,1,1,1,1,1,1\n", 3, "step"),
    "a cell without end": (b"1" * 200_000 + b"\n", 3, ""),
    "an open quote": (b'"10,0.5,1\n', 3, ""),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_damage_in_the_middle_names_the_file_and_the_line(tmp_path: Path, kind: str) -> None:
    content, line, what = GARBAGE[kind]
    path = tmp_path / "metrics.csv"
    before = METRICS_HEADER + metrics_line(metrics(0))
    path.write_bytes(before.encode() + content + metrics_line(metrics(20)).encode())
    with pytest.raises(RunError) as caught:
        read_table(path, METRICS_DTYPE)
    message = str(caught.value)
    assert message.startswith(f"{path}:{line}: ")
    assert what in message
    assert "\n" not in message
    assert len(message) < 300


def test_damage_behind_a_name_of_two_lines_is_found_on_its_line(tmp_path: Path) -> None:
    text = LAYERS_HEADER + layer_lines(layers(0, ("two\nlines", "output"))) + "damage\n"
    path = write(tmp_path / "layers.csv", text)
    with pytest.raises(RunError, match=r"layers\.csv:5: has 1 columns"):
        read_table(path, LAYER_DTYPE)


def test_another_order_of_columns_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "metrics.csv", METRICS_HEADER.replace("step,epoch", "epoch,step"))
    with pytest.raises(RunError, match=r"metrics\.csv:1: the columns are not step, epoch"):
        read_table(path, METRICS_DTYPE)


def test_a_table_that_is_missing_or_no_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"metrics\.csv: is missing"):
        read_table(tmp_path / "metrics.csv", METRICS_DTYPE)
    (tmp_path / "layers.csv").mkdir()
    with pytest.raises(RunError, match=r"layers\.csv: cannot be read: Is a directory"):
        read_table(tmp_path / "layers.csv", LAYER_DTYPE)


def test_rows_may_end_as_rfc_4180_has_it(tmp_path: Path) -> None:
    text = METRICS_HEADER + metrics_line(metrics(0))
    path = write(tmp_path / "metrics.csv", text.replace("\n", "\r\n"))
    assert read_table(path, METRICS_DTYPE)["seconds"].tolist() == [metrics(0).seconds]


def test_a_record_has_a_row_of_each_table() -> None:
    one = Record(metrics(3), layers(3))
    assert metrics_line(one.metrics).count(",") == METRICS_HEADER.count(",")
    *rows, end = layer_lines(one.layers).split("\n")
    assert [row.count(",") for row in rows] == [LAYERS_HEADER.count(",")] * len(one.layers)
    assert end == ""
