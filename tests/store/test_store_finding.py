"""How runs and sweeps are found again."""

import re
from pathlib import Path

import pytest
from stored_runs import stored_run
from stored_sweeps import stored_sweep

from vgrad.errors import RequestError
from vgrad.store import open_run, open_stored, open_sweep
from vgrad.store.finding import find, find_run, find_sweep
from vgrad.store.layout import folder_names


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder of three runs, one of which is called after the other two, and of other things."""
    folder = tmp_path / "runs"
    for name in ("20250101-120000-000-deep", "20250102-120000-000-deep-too", "20250103-wide"):
        stored_run(folder).rename(folder / name)
    (folder / ".gitkeep").touch()
    (folder / ".new-1-0123").mkdir()
    (folder / "99999999-notes.txt").touch()
    (folder / "99999999-empty").mkdir()
    return folder


FOUND = {
    "20250101-120000-000-deep": "20250101-120000-000-deep",
    "20250102": "20250102-120000-000-deep-too",
    "too": "20250102-120000-000-deep-too",
    "wide": "20250103-wide",
    "latest": "20250103-wide",
}


@pytest.mark.parametrize("ref", FOUND)
def test_a_run_is_found_by_its_id_any_part_of_it_and_latest(runs: Path, ref: str) -> None:
    assert find_run(ref, runs) == runs / FOUND[ref]


def test_an_id_that_is_part_of_another_is_not_ambiguous(runs: Path) -> None:
    stored_run(runs).rename(runs / "20250101-120000-000-deep-again")
    ref = "20250101-120000-000-deep"
    assert find_run(ref, runs) == runs / ref


def test_a_run_is_found_by_its_path_wherever_it_is(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = runs / "20250103-wide"
    assert find_run(str(path), Path("elsewhere")) == path
    assert find_run(f"{path}/", Path("elsewhere")) == path
    monkeypatch.chdir(runs)
    assert open_run("./20250103-wide", "elsewhere").id == "20250103-wide"
    monkeypatch.chdir(path)
    assert open_run("./", "elsewhere").id == "20250103-wide"


@pytest.mark.parametrize("ref", ["deep", "2025", "-"])
def test_an_ambiguous_part_names_the_runs_that_it_fits(runs: Path, ref: str) -> None:
    with pytest.raises(RequestError) as caught:
        find_run(ref, runs)
    (problem,) = caught.value.problems
    fitting = [name for name in folder_names(runs) if ref in name and name.startswith("2025")]
    assert problem.message == f"{ref!r} stands for {len(fitting)} runs"
    assert problem.allowed == f"one of {', '.join(fitting)}"


def test_of_very_many_runs_only_some_are_named(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"run-{number}").mkdir()
        (tmp_path / f"run-{number}" / "config.yaml").touch()
    with pytest.raises(RequestError, match=r"stands for 9 runs.*run-8.*and 4 more"):
        find_run("run", tmp_path)


NOTHING = ["", "nothing", "99999999", "99999999-notes.txt", "99999999-empty", ".new", "-dep-"]


@pytest.mark.parametrize("ref", NOTHING)
def test_what_is_no_run_is_not_found(runs: Path, ref: str) -> None:
    with pytest.raises(RequestError, match=f"no run in .* is called {ref!r}"):
        find_run(ref, runs)


def test_a_misspelt_run_suggests_the_nearest(runs: Path) -> None:
    with pytest.raises(RequestError) as caught:
        find_run("20250102-120000-000-deep-tow", runs)
    assert caught.value.problems[0].suggestion == "20250102-120000-000-deep-too"


@pytest.mark.parametrize("ref", ["latest", "anything"])
def test_a_folder_without_runs_has_none(tmp_path: Path, ref: str) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path, tmp_path / "missing", tmp_path / "file"):
        with pytest.raises(RequestError, match=re.escape(f"in {folder}")):
            find_run(ref, folder)


STRANGE = ["\0", "a/\0", "x" * 5000, "/" + "x" * 5000, "*", "..", "../.."]


@pytest.mark.parametrize("ref", STRANGE, ids=range(len(STRANGE)))
def test_a_strange_reference_is_no_run_either(runs: Path, ref: str) -> None:
    with pytest.raises(RequestError):
        find_run(ref, runs)


@pytest.fixture
def mixed(runs: Path) -> Path:
    """The three runs, and two sweeps with runs of their own, the second of which is the newest."""
    stored_sweep(runs, "20250101-130000-000-depths", folders=["0000-depth=5", "0001-depth=10"])
    folders = ["0001-lr=0.001-seed=0", "0002-lr=0.01-seed=0", "0003-lr=0.0002-seed=0"]
    stored_sweep(runs, "20250105-120000-000-rates", folders=folders)
    return runs


IN_SWEEPS = {
    "latest": "20250105-120000-000-rates",
    "rates": "20250105-120000-000-rates",
    "20250101-130000-000-depths": "20250101-130000-000-depths",
    "wide": "20250103-wide",
    "rates/0001": "20250105-120000-000-rates/0001-lr=0.001-seed=0",
    "latest/0002": "20250105-120000-000-rates/0002-lr=0.01-seed=0",
    "20250105-120000-000-rates/0003-lr=0.0002-seed=0": (
        "20250105-120000-000-rates/0003-lr=0.0002-seed=0"
    ),
    "lr=0.01": "20250105-120000-000-rates/0002-lr=0.01-seed=0",
    "depth=10": "20250101-130000-000-depths/0001-depth=10",
    "0002": "20250105-120000-000-rates/0002-lr=0.01-seed=0",
}


@pytest.mark.parametrize("ref", IN_SWEEPS)
def test_sweeps_and_their_runs_are_found_beside_runs(mixed: Path, ref: str) -> None:
    assert find(ref, mixed) == mixed / IN_SWEEPS[ref]
    assert open_stored(ref, mixed).path == mixed / IN_SWEEPS[ref]


def test_sweeps_and_their_runs_are_found_by_path(mixed: Path) -> None:
    for path in (mixed / "20250105-120000-000-rates", mixed / IN_SWEEPS["depth=10"]):
        assert find(str(path), Path("elsewhere")) == path


def test_the_number_of_a_run_does_not_stand_for_a_value_in_another_name(mixed: Path) -> None:
    (sweep,) = (path for path in mixed.iterdir() if path.name.endswith("rates"))
    assert [path.name for path in sweep.iterdir() if "0002" in path.name] != ["0002-lr=0.01-seed=0"]
    assert find_run("0002", sweep).name == "0002-lr=0.01-seed=0"


def test_a_run_outside_goes_before_those_within_sweeps(mixed: Path) -> None:
    stored_run(mixed).rename(mixed / "20250106-120000-000-lr=0.01")
    assert find("lr=0.01", mixed).parent == mixed


def test_a_part_that_fits_runs_of_several_sweeps_names_them_with_their_sweeps(mixed: Path) -> None:
    with pytest.raises(RequestError) as caught:
        find("0001", mixed)
    assert str(caught.value) == (
        "'0001' stands for 2 runs; one of 20250105-120000-000-rates/0001-lr=0.001-seed=0, "
        "20250101-130000-000-depths/0001-depth=10"
    )


def test_a_part_that_fits_runs_and_sweeps_says_so(mixed: Path) -> None:
    with pytest.raises(RequestError, match="'-de' stands for 3 runs and sweeps") as caught:
        find("-de", mixed)
    assert "20250101-130000-000-depths" in str(caught.value)
    with pytest.raises(RequestError, match="'000-' stands for 2 sweeps"):
        find_sweep("000-", mixed)


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("nosuch/0001", "no sweep in .* is called 'nosuch'; 'vgrad list' shows them"),
        ("rates/0009", "no run in .*rates is called '0009'; 'vgrad list --sweep .*-rates' shows"),
        ("rates/000", "'000' stands for 3 runs"),
        ("wide/0001", "20250103-wide is a run, not a sweep"),
        ("a/b/c", "no run in .* is called 'a/b/c'"),
    ],
)
def test_a_run_that_no_sweep_has_is_not_found(mixed: Path, ref: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        find(ref, mixed)


def test_who_asks_for_a_run_is_told_of_a_sweep_and_the_other_way_round(mixed: Path) -> None:
    with pytest.raises(RequestError, match=r"rates is a sweep, not a run; a run of it: .*/RUN"):
        open_run("rates", mixed)
    with pytest.raises(RequestError, match="wide is a run, not a sweep"):
        open_sweep("wide", mixed)
    assert open_run("latest", mixed).id == "20250103-wide"
    assert open_sweep("latest", mixed).id == "20250105-120000-000-rates"


def test_where_there_is_no_sweep_there_is_no_latest_one(runs: Path) -> None:
    with pytest.raises(RequestError, match=r"there are no sweeps in .*; try 'vgrad sweep'"):
        find_sweep("latest", runs)


@pytest.mark.parametrize("ref", STRANGE, ids=range(len(STRANGE)))
def test_a_strange_reference_is_no_sweep_either(mixed: Path, ref: str) -> None:
    for finder in (find, find_sweep, find_run):
        with pytest.raises(RequestError):
            finder(ref, mixed)
