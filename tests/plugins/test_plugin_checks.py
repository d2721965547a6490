"""What a part is put through on load: the built-in ones pass, and each kind of mistake is found."""

from pathlib import Path
from typing import Any

import pytest
from plugin_files import (
    CUBIC,
    HALVES,
    HEAVY,
    SINE,
    Change,
    edited,
    found,
    line_of,
    refusal,
    written,
)

from vgrad.config import load_config
from vgrad.errors import RequestError
from vgrad.plugins import load_plugins, plugins_of
from vgrad.plugins.checking import FAMILIES, problems_of_part
from vgrad.plugins.source import Source

pytestmark = pytest.mark.usefixtures("plugins_unloaded")

REQUIRED = {"constant": {"value": 0.5}}


@pytest.mark.parametrize(
    ("family", "entry"),
    [pytest.param(f, e, id=f"{f.registry.kind}-{e.name}") for f in FAMILIES for e in f.registry],
)
def test_every_part_of_our_own_would_pass(family: Any, entry: Any) -> None:
    source = Source("none.py", b"")
    assert problems_of_part(source, family, entry, REQUIRED.get(entry.name)) == []


OTHERS: dict[str, tuple[str, list[Change], str, list[str]]] = {
    "an initializer that leaves weights out": (
        HALVES,
        [("weight[...]", "weight[:-1]"), ("weight.shape)", "weight[:-1].shape)")],
        "def fill",
        ["initializer halves: fill leaves nan in a weight of shape (6, 6)", "every entry"],
    ),
    "an initializer that divides by 0": (
        HALVES,
        [("self.size *", "1.0 / np.float64(weight.shape[0] - 1) *")],
        "def fill",
        ["fill leaves inf in a weight of shape (1, 4)"],
    ),
    "an initializer with a chance of its own": (
        HALVES,
        [("rng.choice", "np.random.choice")],
        "def fill",
        ["other weights from the same generator", "draw from rng only"],
    ),
    "an initializer that assigns instead of writing": (
        HALVES,
        [("weight[...] =", "weight =")],
        "def fill",
        ["fill leaves nan"],
    ),
    "an initializer that states another variance": (
        HALVES,
        [
            (
                "    def fill",
                "    def variance(self, fan_in, fan_out, activation):\n"
                "        return self.size\n\n    def fill",
            )
        ],
        "def variance",
        ["variance gives 0.5 for a weight of shape (80, 50)", "mean square 0.25", "or None"],
    ),
    "an initializer that states no number": (
        HALVES,
        [("    def fill", "    def variance(self, *_):\n        return 'one'\n\n    def fill")],
        "def variance",
        ["variance gives 'one'"],
    ),
    "a correction that is no number": (
        HALVES,
        [
            (
                "    def fill",
                "    max_corrections = 1\n\n    def correction(self, z):\n"
                "        return z.std(axis=0)\n\n    def fill",
            )
        ],
        "def correction",
        ["correction gives array", "a finite number, or None"],
    ),
    "a loss whose gradient has the other sign": (
        CUBIC,
        [("grad /= y.size", "grad /= -y.size")],
        "def value_and_grad",
        ["loss cubic: value_and_grad writes ", "where y = ", " and t = ", "rises there by"],
    ),
    "a loss that returns nothing": (
        CUBIC,
        [("return float", "float")],
        "def value_and_grad",
        ["value_and_grad returns None", "the mean loss, a number"],
    ),
    "a loss that writes no gradient": (
        CUBIC,
        [("np.abs(error, out=grad)", "grad = np.abs(error)")],
        "def value_and_grad",
        ["leaves nan in grad"],
    ),
    "a loss that is a sum": (
        CUBIC,
        [("error.mean()", "error.sum()"), ("grad /= y.size\n", "\n")],
        "def value_and_grad",
        ["returns ", "for the same twice over", "a mean over the batch"],
    ),
    "a loss that writes the outputs": (
        CUBIC,
        [("np.subtract(y, t, out=error)", "y -= t; error[...] = y")],
        "y -= t",
        ["raises ValueError", "only read"],
    ),
    "an optimizer that climbs": (
        HEAVY,
        [("params -= s", "params += s")],
        "def update",
        ["optimizer heavy: the loss is ", " after 60 steps on ½Σaθ²", "at rate 0.01", "against"],
    ),
    "an optimizer that blows up": (
        HEAVY,
        [("velocity *= 0.9", "velocity *= 1e9")],
        "def update",
        ["the parameters are not finite after 60 steps"],
    ),
    "an optimizer that stays": (
        HEAVY,
        [("params -= s", "params = params - s")],
        "def update",
        ["update changes no parameter", "in place"],
    ),
    "an optimizer that writes the gradient": (
        HEAVY,
        [("velocity += grads", "grads *= 2; velocity += grads")],
        "grads *= 2",
        ["raises ValueError", "only read"],
    ),
    "an optimizer that looks at its neighbours": (
        HEAVY,
        [("params -= s", "params -= s / (1 + np.linalg.norm(grads))")],
        "def update",
        ["a parameter goes to ", "by itself", "element by element"],
    ),
    "an optimizer with a memory that no checkpoint keeps": (
        HEAVY,
        [("velocity += grads", "STEPS.append(1)\n        velocity += grads / len(STEPS)")],
        "def update",
        ["checkpoint", "slots, or numbers in memory"],
    ),
    "an optimizer whose slots lack a comma": (
        HEAVY,
        [('("velocity",)', '("velocity")')],
        "slots:",
        ["slots is 'velocity'", 'as in ("velocity",)'],
    ),
    "an optimizer with one slot less than it takes": (
        HEAVY,
        [('("velocity",)', "()")],
        "(velocity,), (s,) = slots, scratch",
        ["raises ValueError: not enough values to unpack"],
    ),
}


@pytest.mark.parametrize("mistake", OTHERS)
def test_a_mistake_in_another_part_is_found(mistake: str, tmp_path: Path) -> None:
    text, changes, fragment, said = OTHERS[mistake]
    found(tmp_path, "STEPS = []\n" + text, changes, fragment, said)


FORMS: dict[str, tuple[list[Change], str, list[str]]] = {
    "no dataclass": ([("@dataclass(frozen=True)\n", "")], "class Sine", ["no frozen dataclass"]),
    "not frozen": ([("(frozen=True)", "")], "class Sine", ["@dataclass(frozen=True) above"]),
    "no activation": (
        [("Sine(Activation)", "Sine(Initializer)")],
        "class Sine",
        ["activation sine: Sine is none", "class Sine(Activation)"],
    ),
    "an option called name": (
        [("omega: Annotated[float, Gt(0)] = 1.0", "omega: float = 1.0\n    name: str = 'x'")],
        "name: str",
        ["an option is called name"],
    ),
    "a default out of its bounds": (
        [("= 1.0", "= 0.0")],
        "omega: ",
        ["the default of omega: 0.0 is out of range", "must be a number greater than 0"],
    ),
    "an option of no type that a config has": (
        [("Annotated[float, Gt(0)] = 1.0", "np.ndarray = None")],
        "class Sine",
        ["its options cannot be read", "numbers, texts"],
    ),
    "an annotation of nothing": (
        [("Annotated[float, Gt(0)] = 1.0", "'Nothing' = None")],
        "class Sine",
        ["its options cannot be read: name 'Nothing' is not defined"],
    ),
}


@pytest.mark.parametrize("mistake", FORMS)
def test_a_part_of_the_wrong_form_is_found(mistake: str, tmp_path: Path) -> None:
    found(tmp_path, SINE, *FORMS[mistake])


def test_an_initializer_may_refuse_some_layers_but_not_all(tmp_path: Path) -> None:
    refuse = "raise RequestError('square layers only')\n        weight[...]"
    square = ("weight[...]", f"if weight.shape[0] != weight.shape[1]: {refuse}")
    head = "from vgrad.errors import RequestError\n"
    assert load_plugins(written(tmp_path, head + edited(HALVES, square), name="square.py"))
    every = ("weight[...]", refuse)
    line = refusal(tmp_path, head + HALVES.replace("halves", "all"), every)
    assert "fill refuses every layer: square layers only" in line


REQUIRING = edited(SINE, ("omega: Annotated[float, Gt(0)] = 1.0", "omega: Annotated[float, Gt(0)]"))


def test_a_part_with_required_options_is_tried_with_those_of_the_config(tmp_path: Path) -> None:
    wrong = edited(REQUIRING, ("out *= self.omega\n", "out *= 2.0\n"))
    path = written(tmp_path, wrong)
    (plugin,) = load_plugins(path)
    right = load_config({"model": {"activation": {"name": "sine", "omega": 2.0}}})
    assert plugins_of(right) == (plugin,)
    with pytest.raises(RequestError) as caught:
        plugins_of(load_config({"model": {"activation": {"name": "sine", "omega": 3.0}}}))
    number = line_of(path, "def derivative")
    assert str(caught.value).startswith(
        f"{path}:{number}:5: activation sine(omega=3.0): derivative"
    )


def test_a_config_without_parts_of_plugins_has_none(tmp_path: Path) -> None:
    load_plugins(written(tmp_path, SINE))
    assert plugins_of(load_config({})) == ()
