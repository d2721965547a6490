"""Loading plugins: what comes of a right file, and what is said of a wrong one."""

import hashlib
import multiprocessing
import pickle
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from plugin_files import (
    CUBIC,
    HALVES,
    HEAD,
    HEAVY,
    LEAKY,
    SINE,
    edited,
    line_of,
    written,
)

from vgrad.config import load_config
from vgrad.config.json_schema import json_schema
from vgrad.errors import RequestError
from vgrad.nn.activations import activations
from vgrad.nn.initializers import initializers
from vgrad.nn.losses import losses
from vgrad.nn.optimizers import optimizers
from vgrad.plugins import Plugin, load_plugins, loaded_plugins, unload_plugins

FAMILIES = (activations, initializers, losses, optimizers)
BUILT_IN = {family.kind: family.names() for family in FAMILIES}

pytestmark = pytest.mark.usefixtures("plugins_unloaded")


def refused(*paths: Path | str) -> list[str]:
    """The lines that loading these is answered by; nothing has changed by then."""
    before = {family.kind: tuple(family) for family in FAMILIES}, loaded_plugins()
    with pytest.raises(RequestError) as caught:
        load_plugins(paths)
    assert ({family.kind: tuple(family) for family in FAMILIES}, loaded_plugins()) == before
    lines = [str(problem) for problem in caught.value.problems]
    assert all("\n" not in line for line in lines)
    return lines


# --- right ones -----------------------------------------------------------------------------------


def test_a_plugin_has_its_path_as_given_its_hash_and_its_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = written(tmp_path, SINE, LEAKY, HALVES, CUBIC, HEAVY).read_bytes()
    plugins = load_plugins(["./my_parts.py"])
    assert (
        plugins
        == loaded_plugins()
        == (
            Plugin(
                "./my_parts.py",
                hashlib.sha256(content).hexdigest(),
                (
                    ("activation", "sine"),
                    ("activation", "leaky"),
                    ("initializer", "halves"),
                    ("loss", "cubic"),
                    ("optimizer", "heavy"),
                ),
            ),
        )
    )


def test_its_parts_are_like_any_other(tmp_path: Path) -> None:
    load_plugins(written(tmp_path, SINE, LEAKY, HALVES, CUBIC, HEAVY))
    asked = {"model": {"activation": {"name": "sine", "omega": 2.0}, "init": "halves"}}
    config = load_config({**asked, "optimizer": "heavy", "loss": "cubic"})
    assert config.model.activation.options == {"omega": 2.0}
    with pytest.raises(RequestError, match=r"model.activation.omega: -1.* greater than 0"):
        load_config(asked, {"model.activation.omega": -1})
    with pytest.raises(RequestError, match="did you mean sine"):
        load_config({"model": {"activation": "sin"}})
    assert "sin(omega·z)." in str(json_schema())


def test_the_same_bytes_are_one_plugin_wherever_they_lie(tmp_path: Path) -> None:
    path, copy = written(tmp_path, SINE), written(tmp_path, SINE, name="copy.py")
    (first,) = load_plugins(path)
    entry = activations["sine"]
    again = load_plugins([path, path, copy])
    assert {plugin.sha256 for plugin in again} == {first.sha256}
    assert [plugin.path for plugin in again] == [str(path), str(path), str(copy)]
    assert activations["sine"] is entry
    assert len(loaded_plugins()) == 1


def test_a_file_that_changed_takes_the_place_of_what_it_was(tmp_path: Path) -> None:
    (old,) = load_plugins(written(tmp_path, SINE, HALVES))
    changed = edited(SINE, ("sin(omega·z).", "A sine."))
    (new,) = load_plugins(written(tmp_path, changed, LEAKY))
    assert old.sha256 != new.sha256
    assert loaded_plugins() == (new,)
    assert activations["sine"].summary == "A sine."
    assert "leaky" in activations
    assert "halves" not in initializers


def test_a_file_that_was_changed_for_the_worse_leaves_what_it_was(tmp_path: Path) -> None:
    (old,) = load_plugins(written(tmp_path, SINE))
    path = written(tmp_path, edited(SINE, ("np.cos", "np.sin")))
    assert "derivative" in refused(path)[0]
    assert loaded_plugins() == (old,)


def test_unloading_leaves_the_families_as_they_were(tmp_path: Path) -> None:
    load_plugins([written(tmp_path, SINE, HEAVY), written(tmp_path, CUBIC, name="loss.py")])
    unload_plugins()
    assert loaded_plugins() == ()
    assert {family.kind: family.names() for family in FAMILIES} == BUILT_IN


def test_string_annotations_are_read_in_the_plugin_itself(tmp_path: Path) -> None:
    path = tmp_path / "later.py"
    text = edited("from __future__ import annotations\n" + HEAD + SINE, ("] = 1.0", "] = 3.0"))
    path.write_text(text, encoding="utf-8")
    load_plugins(path)
    config = load_config({"model": {"activation": "sine"}})
    assert config.model.activation.options == {"omega": 3.0}


def test_what_a_plugin_prints_is_no_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forward = ("np.sin(out, out=out)", "np.sin(out, out=out); print('forward')")
    load_plugins(written(tmp_path, "print('hello')\n", edited(SINE, forward)))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("hello\nforward\n")


def test_nothing_is_written_beside_the_file(tmp_path: Path) -> None:
    load_plugins(written(tmp_path, SINE))
    assert [path.name for path in tmp_path.iterdir()] == ["my_parts.py"]


def slope_at_zero(pickled: bytes) -> float:
    """In another process: the slope of an activation that was pickled there."""
    return float(pickle.loads(pickled).max_slope)


def test_workers_of_a_process_pool_load_plugins_by_their_paths(tmp_path: Path) -> None:
    path = written(tmp_path, SINE)
    load_plugins(path)
    pickled = pickle.dumps(activations.build("sine", {"omega": 5.0}))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, initializer=load_plugins, initargs=([path],)) as pool:
        assert pool.submit(slope_at_zero, pickled).result(timeout=60) == 5.0


# --- wrong ones -----------------------------------------------------------------------------------


def test_a_file_that_is_not_there_is_named_with_the_nearest(tmp_path: Path) -> None:
    near = written(tmp_path, SINE)
    (line,) = refused(tmp_path / "my_part.py")
    assert line == f"{tmp_path / 'my_part.py'}: there is no such file; did you mean {near}?"
    (line,) = refused(tmp_path)
    assert line == f"{tmp_path}: cannot be read: Is a directory"


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("x = 1\nclass A(:\n", ":2:", "is not valid Python: "),
        ("x = '", ":1:", "is not valid Python: "),
        ("\n\nx = 1 / 0\n", ":3:1", "raises ZeroDivisionError: division by zero"),
        (
            "def f():\n    g()\n\ndef g():\n    raise OSError('a\\nb')\n\nf()\n",
            ":5:1",
            "raises OSError: a b",
        ),
        ("import no_such_module\n", ":1:1", "raises ModuleNotFoundError: No module named 'no_such"),
        ("import sys\nsys.exit(3)\n", ":2:1", "ends the program (SystemExit)"),
        ("from vgrad.plugins import no_such_name\n", ":1:1", "raises ImportError: "),
        ("x = 1\n", "", "registers no part; at least one of activation, initializer, loss, opt"),
        ("", "", "registers no part"),
        ("x = '\x00'\n", "", "null bytes"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_file_that_cannot_be_executed_says_why_in_one_line(
    text: str, place: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.py"
    path.write_text(text)
    modules = set(sys.modules)
    (line,) = refused(path)
    assert line.startswith(f"{path}{place}")
    assert said in line
    assert not [name for name in set(sys.modules) - modules if "plugin" in name]


def test_bytes_that_are_no_text_are_no_python(tmp_path: Path) -> None:
    path = tmp_path / "wrong.py"
    path.write_bytes(b"x = '\xff\xfe'\n")
    (line,) = refused(path)
    assert line.startswith(f"{path}:")
    assert "is not valid Python: " in line


@pytest.mark.parametrize("taken", ["relu", "sine"])
def test_a_name_that_is_taken_is_refused_at_its_line(taken: str, tmp_path: Path) -> None:
    load_plugins(written(tmp_path, SINE))
    path = written(tmp_path, edited(LEAKY, ('"leaky"', f'"{taken}"')), name="other.py")
    number = line_of(path, "@activations")
    assert refused(path) == [f"{path}:{number}:1: another activation is called {taken!r} already"]


def test_all_problems_of_all_files_are_shown_at_once(tmp_path: Path) -> None:
    wrong = edited(SINE, ("out *= self.omega", "out *= 2.0"))
    first = written(tmp_path, wrong, HALVES, edited(HEAVY, ("params -= s", "params += s")))
    lines = refused(first, tmp_path / "none.py", written(tmp_path, LEAKY, name="right.py"))
    assert [line.split(": ")[1] for line in lines] == [
        "activation sine",
        "optimizer heavy",
        "there is no such file",
    ]


def test_a_plugin_may_not_be_endless() -> None:
    (line,) = refused("/dev/zero")
    assert line.startswith("/dev/zero: the file is too large")


# --- the README -----------------------------------------------------------------------------------


def test_the_file_in_the_readme_is_a_plugin_and_its_mistake_is_told_so(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Your own parts")[2]
    code = section.partition("```python\n")[2].partition("```")[0]
    told = section.partition("```text\nmy_parts.py")[2].partition("\n")[0]
    path = tmp_path / "my_parts.py"
    path.write_text(code, encoding="utf-8")
    (plugin,) = load_plugins(path)
    assert plugin.parts == (("activation", "sine"),)
    path.write_text(edited(code, ("np.cos(out", "np.sin(out")), encoding="utf-8")
    (line,) = refused(path)
    words = re.compile("[-0-9.]+(?= |;)")  # which of two equal errors is shown is a matter of bits
    assert words.sub("…", line.removeprefix(str(path))) == words.sub("…", told)
