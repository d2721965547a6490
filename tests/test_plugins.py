"""Parts of the user's own: loaded when asked for, tried, written down, and never by a config."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import vgrad
from vgrad.cli import app
from vgrad.errors import RequestError
from vgrad.nn.activations import activations
from vgrad.plugins import load_plugins, loaded_plugins, unload_plugins

FOLDER = Path(__file__).parents[1] / "configs" / "plugins"
EXAMPLE, CONFIG = FOLDER / "my_parts.py", FOLDER / "my_parts.yaml"
HEAD = """
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
from vgrad.plugins import *

"""
CUBE = (
    HEAD
    + '''
@activations.register("cube", source="mine")
@dataclass(frozen=True)
class Cube(Activation):
    """z³/9."""

    needs_input: ClassVar[bool] = True

    @property
    def max_slope(self):
        return 1e9

    def forward(self, z, *, out, scratch):
        np.multiply(z, z, out=out)
        out *= z
        out /= 9.0

    def derivative(self, z, output, *, out, scratch):
        np.multiply(z, z, out=out)
        out /= 3.0
'''
)
SMALL = {
    "data": "moons",
    "model": {"depth": 2, "width": 4, "activation": "cube"},
    "train": {"steps": 5, "batch_size": 16},
}


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    unload_plugins()


@pytest.fixture
def cube(tmp_path: Path) -> Path:
    path = tmp_path / "cube.py"
    path.write_text(CUBE)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(RequestError) as caught:
        load_plugins(path)
    return "\n".join(map(str, caught.value.problems))


def test_the_worked_example_runs_and_learns(tmp_path: Path) -> None:
    run = vgrad.run(CONFIG, plugins=[EXAMPLE], runs_dir=tmp_path)
    assert run.status == "finished"
    assert run.summary["final"]["test_accuracy"] > 0.9


def test_a_run_notes_the_file_and_its_hash(tmp_path: Path, cube: Path) -> None:
    run = vgrad.run(SMALL, plugins=[cube], runs_dir=tmp_path / "runs")
    (plugin,) = run.plugins
    assert plugin.sha256 == hashlib.sha256(cube.read_bytes()).hexdigest()
    assert (plugin.path, plugin.parts) == (str(cube), (("activation", "cube"),))
    noted = json.loads((run.path / "environment.json").read_text())
    assert plugin.sha256 in json.dumps(noted)
    assert run.config_yaml.startswith("# made with --plugin ")


def test_a_config_alone_loads_nothing(tmp_path: Path, cube: Path) -> None:
    run = vgrad.run(SMALL, plugins=[cube], runs_dir=tmp_path / "runs")
    unload_plugins()
    with pytest.raises(RequestError, match="it came from the plugin") as caught:
        vgrad.run(run.path / "config.yaml", runs_dir=tmp_path / "runs")
    assert f"--plugin {cube}" in str(caught.value)
    assert "cube" not in activations
    again = vgrad.run(run.path / "config.yaml", plugins=cube, runs_dir=tmp_path / "runs")
    np.testing.assert_array_equal(again.layers["grad_norm"], run.layers["grad_norm"])


def test_a_run_goes_on_only_with_the_file_that_it_was_made_with(tmp_path: Path, cube: Path) -> None:
    run = vgrad.run(SMALL, plugins=[cube], runs_dir=tmp_path / "runs")
    summary = run.path / "summary.json"
    summary.write_text(json.dumps(json.loads(summary.read_text()) | {"status": "interrupted"}))
    unload_plugins()
    with pytest.raises(RequestError, match=r"made with the plugin .*which is not given"):
        vgrad.resume(run.id, runs_dir=tmp_path / "runs")
    original = cube.read_text()
    cube.write_text(original + "\n# changed\n")
    with pytest.raises(RequestError, match="the file as it was then"):
        vgrad.resume(run.id, plugins=[cube], runs_dir=tmp_path / "runs")
    cube.write_text(original)
    assert vgrad.resume(run.id, plugins=[cube], runs_dir=tmp_path / "runs").status == "finished"


def test_a_changed_file_takes_the_place_of_what_it_was(cube: Path) -> None:
    (first,) = load_plugins(cube)
    (again,) = load_plugins(cube)
    assert first == again
    cube.write_text(CUBE.replace("z³/9.", "z³/9, once more."))
    (changed,) = load_plugins(cube)
    assert changed.sha256 != first.sha256
    assert loaded_plugins() == (changed,)
    assert activations["cube"].summary == "z³/9, once more."


WRONG: dict[str, tuple[str, str]] = {
    "another slope": ("out /= 3.0", "out /= 4.0"),
    "writes its input": ("np.multiply(z, z, out=out)\n        out *= z", "z *= 2.0"),
    "needs z and does not say so": ("needs_input: ClassVar[bool] = True", "pass"),
    "the steepest slope is too small": ("return 1e9", "return 0.5"),
    "a name that is taken": ('"cube"', '"tanh"'),
    "no dataclass": ("@dataclass(frozen=True)\n", ""),
    "no base class": ("Cube(Activation)", "Cube"),
    "raises": ("out /= 9.0", "raise KeyError('x')"),
    "fails to import": ("import numpy as np", "import numpyy as np"),
    "no python": ("class Cube", "class class"),
    "not finite": ("out /= 9.0", "out /= 0.0"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_part_is_refused_with_its_line_and_leaves_nothing(cube: Path, what: str) -> None:
    right, wrong = WRONG[what]
    assert right in CUBE
    cube.write_text(CUBE.replace(right, wrong, 1))
    message = refusal(cube)
    for line in message.splitlines():
        assert line.startswith(f"{cube}:"), line
        assert int(line.removeprefix(f"{cube}:").split(":")[0]) > 0, line
    assert "cube" not in activations
    assert loaded_plugins() == ()


@pytest.mark.parametrize("text", ["", "x = 1\n"])
def test_a_file_without_parts_is_refused(cube: Path, text: str) -> None:
    cube.write_text(text)
    assert "registers no part" in refusal(cube)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    message = refusal(tmp_path / "nowhere.py")
    assert "nowhere.py" in message
    assert "\n" not in message


def test_the_commands_take_plugins(tmp_path: Path, cube: Path) -> None:
    runner = CliRunner()
    listed = runner.invoke(app, ["list", "activations", "--plugin", str(cube)])
    assert (listed.exit_code, "z³/9." in listed.stdout) == (0, True)
    config = tmp_path / "a.yaml"
    config.write_text(json.dumps(SMALL))
    checked = runner.invoke(app, ["check", str(config), "--plugin", str(cube)])
    assert checked.exit_code == 0
    arguments = ["run", str(config), "--plugin", str(cube), "--runs-dir", str(tmp_path / "r")]
    shown = runner.invoke(app, arguments)
    assert shown.exit_code == 0
    assert "sha256" in shown.stdout
