"""What is wrong with the experiment that is varied is told at its own place, not at what varies."""

from pathlib import Path

import pytest

from vgrad.errors import RequestError
from vgrad.sweep import check, read_spec

LOST = "data: {name: csv, path: lost.csv, target: y}\nmodel: {depth: 2, width: 4}\n"


def refused(file: Path, *overrides: str) -> str:
    with pytest.raises(RequestError) as caught:
        check(read_spec(file, overrides))
    return str(caught.value)


def test_a_base_without_its_data_is_blamed_whatever_is_varied(tmp_path: Path) -> None:
    net = tmp_path / "net.yaml"
    net.write_text(LOST)
    assert refused(net, "seed=0,1").startswith(f"{net}:1:25: data.path: {tmp_path}/lost.csv")


def test_so_is_one_in_a_file_of_its_own(tmp_path: Path) -> None:
    net, sweep = tmp_path / "net.yaml", tmp_path / "sweep.yaml"
    net.write_text(LOST)
    sweep.write_text("base: net.yaml\nparameters: {seed: {values: [0, 1]}}\n")
    assert refused(sweep).startswith(f"{net}:1:25: data.path:")


def test_a_varied_value_that_is_as_wrong_as_the_base_is_blamed_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    net = tmp_path / "net.yaml"
    net.write_text(LOST)
    assert refused(net, "data.path=lost.csv,gone.csv").count("command line: data.path:") == 2
