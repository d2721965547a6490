"""Runs with parts of the user's own: what they record, and what they ask for later."""

import hashlib
import json
from pathlib import Path

import pytest
import yaml
from plugin_files import HALVES, HEAVY, LEAKY, SINE, edited, line_of, written
from tiny_runs import CONFIG, Onlooker, assert_readable, folders, rows

import vgrad
from vgrad.plugins import load_plugins, unload_plugins

pytestmark = pytest.mark.usefixtures("plugins_unloaded")

OWN = {"model.activation": "sine", "model.init": "halves", "optimizer": "heavy"}


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A plugin, by its path in the working directory."""
    monkeypatch.chdir(tmp_path)
    written(tmp_path, SINE, HALVES, HEAVY)
    return "my_parts.py"


def interrupted(plugin: str) -> vgrad.Run:
    with pytest.raises(KeyboardInterrupt):
        vgrad.run(
            CONFIG,
            OWN,
            plugins=[plugin],
            checkpoint_every=3,
            watch=Onlooker(error=KeyboardInterrupt(), at=8),
        )
    unload_plugins()  # as in a new process
    return vgrad.open_run()


def test_a_run_records_path_hash_and_parts_of_its_plugins(plugin: str) -> None:
    run = vgrad.run(CONFIG, OWN, plugins=[plugin])
    assert_readable(run)
    sha256 = hashlib.sha256(Path(plugin).read_bytes()).hexdigest()
    parts = [["activation", "sine"], ["initializer", "halves"], ["optimizer", "heavy"]]
    environment = json.loads((run.path / "environment.json").read_bytes())
    assert environment["plugins"] == [{"path": plugin, "sha256": sha256, "parts": parts}]
    assert run.plugins == (vgrad.Plugin(plugin, sha256, tuple(map(tuple, parts))),)
    first = run.config_yaml.splitlines()[0]
    assert first == f"# made with --plugin 'my_parts.py', sha256 {sha256}"
    assert run.config["model"]["activation"] == {"name": "sine", "omega": 1.0}


def test_a_path_cannot_add_lines_to_the_config(plugin: str) -> None:
    strange = Path("a\nseed: 7 #.py")
    strange.write_bytes(Path(plugin).read_bytes())
    run = vgrad.run(CONFIG, plugins=strange)
    assert yaml.safe_load(run.config_yaml)["seed"] == 0
    assert run.plugins[0].path == str(strange)


def test_a_run_without_plugins_says_so(tmp_path: Path) -> None:
    run = vgrad.run(CONFIG, runs_dir=tmp_path)
    assert run.environment["plugins"] == []
    assert run.plugins == ()
    assert not run.config_yaml.startswith("#")


@pytest.mark.parametrize("damage", ["", "{}", '{"plugins": 3}', '{"plugins": [{"path": "a"}]}'])
def test_a_run_whose_environment_is_damaged_has_no_plugins(damage: str, tmp_path: Path) -> None:
    run = vgrad.run(CONFIG, runs_dir=tmp_path)
    (run.path / "environment.json").write_text(damage)
    assert vgrad.open_run("latest", tmp_path).plugins == ()


def test_a_plugin_that_was_loaded_before_is_recorded_where_it_is_used(plugin: str) -> None:
    loaded = load_plugins([plugin])
    assert vgrad.run(CONFIG, {"model.activation": "sine"}).plugins == loaded
    assert vgrad.run(CONFIG).plugins == ()
    assert vgrad.run(CONFIG, plugins=plugin).plugins == loaded


def test_runs_with_a_plugin_are_repeated_to_the_byte(plugin: str) -> None:
    first = vgrad.run(CONFIG, OWN, plugins=[plugin])
    unload_plugins()
    again = vgrad.run(first.path / "config.yaml", plugins=[plugin])
    assert rows(first.path) == rows(again.path)


def test_a_runs_config_names_the_plugin_that_it_lacks(plugin: str) -> None:
    run = vgrad.run(CONFIG, OWN, plugins=[plugin])
    unload_plugins()
    with pytest.raises(vgrad.RequestError) as caught:
        vgrad.run(run.path / "config.yaml", {"optimizer": "heavvy"})
    lines = [str(problem) for problem in caught.value.problems]
    assert [line.partition(": no ")[2] for line in lines[:2]] == [
        f"activation is called 'sine'; it came from the plugin {run.plugins[0]}: "
        "--plugin my_parts.py",
        f"initializer is called 'halves'; it came from the plugin {run.plugins[0]}: "
        "--plugin my_parts.py",
    ]
    assert str(run.path / "config.yaml") in lines[0]
    assert "no optimizer is called 'heavvy'; one of ada" in lines[2]


def test_resuming_takes_the_same_plugin_and_ends_in_the_same_bytes(plugin: str) -> None:
    whole = vgrad.run(CONFIG, OWN, plugins=[plugin], runs_dir="whole")
    left = interrupted(plugin)
    moved = Path(plugin).rename("moved.py")
    run = vgrad.resume(left.id, plugins=[moved])
    assert run.status == "finished"
    assert rows(run.path) == rows(whole.path)
    assert run.environment["resumed"][0]["plugins"][0]["path"] == "moved.py"


def test_resuming_without_the_plugin_says_which_it_takes(plugin: str) -> None:
    left = interrupted(plugin)
    before = (left.path / "environment.json").read_bytes()
    with pytest.raises(vgrad.RequestError) as caught:
        vgrad.resume(left.id)
    assert str(caught.value) == (
        f"{left.id} was made with the plugin my_parts.py (sha256 {left.plugins[0].sha256[:12]}), "
        "which is not given; --plugin my_parts.py"
    )
    assert vgrad.open_run(left.id).status == "interrupted"
    assert (left.path / "environment.json").read_bytes() == before


def test_resuming_with_a_plugin_that_has_changed_is_refused(plugin: str, tmp_path: Path) -> None:
    left = interrupted(plugin)
    written(tmp_path, SINE, HALVES, HEAVY, "# changed\n")
    with pytest.raises(vgrad.RequestError) as caught:
        vgrad.resume(left.id, plugins=[plugin])
    now = hashlib.sha256(Path(plugin).read_bytes()).hexdigest()
    assert str(caught.value).endswith(
        f"(sha256 {left.plugins[0].sha256[:12]}), and this is my_parts.py (sha256 {now[:12]}); "
        "the file as it was then"
    )


def test_resuming_takes_a_plugin_that_is_loaded_already(plugin: str) -> None:
    left = interrupted(plugin)
    vgrad.load_plugins(plugin)
    assert vgrad.resume(left.id).status == "finished"


@pytest.mark.parametrize("key", ["plugins", "plugin", "model.plugins"])
def test_no_config_loads_code(key: str, plugin: str, tmp_path: Path) -> None:
    Path("evil.py").write_text("open('executed', 'w')\n")
    with pytest.raises(vgrad.RequestError, match="unknown key"):
        vgrad.run(CONFIG, {key: "evil.py"})
    with pytest.raises(vgrad.RequestError, match="no activation is called"):
        vgrad.run(CONFIG, {"model.activation": "evil.py"})
    assert not Path("executed").exists()
    assert not list(folders(tmp_path / "runs"))


BATCH = 13  # of `CONFIG`, and of none of the checks
BREAKING = {
    "model.activation=sine": edited(
        SINE, ("s = scratch[0]", f"s = scratch[int(z.shape[1] == {BATCH})]")
    ),
    "optimizer=heavy": edited(HEAVY, ("params -= s", "params -= s[: 30 if s.size > 30 else None]")),
}


@pytest.mark.parametrize("use", BREAKING)
def test_a_part_that_breaks_in_the_middle_of_a_run_fails_it_with_its_line(
    use: str, tmp_path: Path
) -> None:
    path = written(tmp_path, BREAKING[use])
    fragment = "s = scratch" if "sine" in use else "params -= s"
    with pytest.raises(vgrad.RunError) as caught:
        vgrad.run(CONFIG, [use], plugins=path, runs_dir=tmp_path / "runs")
    line = str(caught.value)
    assert line.startswith(f"{path}:{line_of(path, fragment)}: raises ")
    run = vgrad.open_run("latest", tmp_path / "runs")
    assert (run.status, run.summary["error"]) == ("failed", line)


def test_an_initializer_that_breaks_on_the_network_starts_no_run(tmp_path: Path) -> None:
    breaking = edited(HALVES, ("weight[...]", "assert len(weight) != 9\n        weight[...]"))
    path = written(tmp_path, breaking)
    with pytest.raises(vgrad.RunError, match=f"{path.name}:{line_of(path, 'assert')}: raises Ass"):
        vgrad.run(
            CONFIG,
            {"model.init": "halves", "model.width": 9},
            plugins=path,
            runs_dir=tmp_path / "runs",
        )
    assert not list(folders(tmp_path / "runs"))


def test_an_error_of_our_own_is_not_laid_to_a_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def advance(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("vgrad.training.Trainer.advance", advance)
    with pytest.raises(ZeroDivisionError):
        vgrad.run(CONFIG, plugins=written(tmp_path, LEAKY), runs_dir=tmp_path / "runs")
