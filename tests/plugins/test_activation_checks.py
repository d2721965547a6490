"""What is asked of an activation on load: each mistake is found, and nothing right is refused."""

from pathlib import Path

import pytest
from plugin_files import LEAKY, SINE, Change, edited, found, written

from vgrad.plugins import load_plugins

pytestmark = pytest.mark.usefixtures("plugins_unloaded")

NO_INPUT = ("needs_input: ClassVar[bool] = True", "needs_input: ClassVar[bool] = False")
NO_SCRATCH = ("n_scratch: ClassVar[int] = 1", "n_scratch: ClassVar[int] = 0")
TWO_LINES = "        np.multiply(z, self.omega, out=out)\n        np.sin(out, out=out)"

ACTIVATIONS: dict[str, tuple[str, list[Change], str, list[str]]] = {
    "a wrong factor": (
        SINE,
        [("out *= self.omega\n", "out *= 1.001\n")],
        "def derivative",
        ["activation sine: derivative gives ", " at z = ", "forward rises there by "],
    ),
    "the derivative of something else": (
        SINE,
        [("np.cos(s", "np.tanh(s")],
        "def derivative",
        ["derivative gives"],
    ),
    "a derivative that is wrong far out only": (
        SINE,
        [("        out *= self.omega\n", "        out[np.abs(z) > 60] = 0.1\n")],
        "def derivative",
        ["derivative gives 0.1 at z = -100", "rises there by 0.862319"],
    ),
    "a derivative of z that is not kept": (
        SINE,
        [NO_INPUT],
        "def derivative",
        ["derivative reads z, and needs_input is False", "set needs_input = True"],
    ),
    "a kink that is not named": (
        LEAKY,
        [("= (0.0,)", "= ()")],
        "kinks:",
        ["the slope jumps at z = 0, between 0.1 and 1", "name it in kinks, as in (0.0,)"],
    ),
    "a kink without its comma": (LEAKY, [("(0.0,)", "(0.0)")], "kinks:", ["kinks is 0.0"]),
    "a slope beyond those at the kink": (
        LEAKY,
        [("out += 0.1\n", "out += 0.1\n        out[output == 0] = 5\n")],
        "def derivative",
        ["derivative gives 5 at the kink z = 0", "0.1 and 1"],
    ),
    "no slope at the kink": (
        LEAKY,
        [("out += 0.1\n", "out += 0.1\n        out *= z / z\n")],
        "def derivative",
        ["derivative gives nan at z = 0"],
    ),
    "a max_slope that is too small": (
        SINE,
        [("return self.omega", "return 0.9")],
        "def max_slope",
        ["max_slope is 0.9", "the slope at z = 0 is 1", "largest"],
    ),
    "a max_slope that is no number": (
        SINE,
        [("return self.omega", "return 'one'")],
        "def max_slope",
        ["max_slope is 'one'", "a number greater than 0"],
    ),
    "an infinite max_slope": (
        SINE,
        [("return self.omega", "return math.inf")],
        "def max_slope",
        ["max_slope is inf"],
    ),
    "a gain of 0": (
        LEAKY,
        [("    def forward", "    gain = 0.0\n\n    def forward")],
        "gain = 0.0",
        ["gain is 0.0"],
    ),
    "z is written": (
        SINE,
        [("np.multiply(z, self.omega, out=out)", "z *= self.omega; out[...] = z")],
        "z *= self.omega",
        ["raises ValueError", "read-only", "what is handed in is only read"],
    ),
    "output is written": (
        LEAKY,
        [("np.greater(output, 0.0, out=out)", "output[...] = 1.0")],
        "output[...]",
        ["raises ValueError", "what is handed in is only read"],
    ),
    "the result is returned": (
        SINE,
        [(TWO_LINES, "        return np.sin(self.omega * z)")],
        "def forward",
        ["forward returns its result", "must write it into out"],
    ),
    "the slope is returned": (
        LEAKY,
        [("np.greater(output, 0.0, out=out)", "return np.where(output > 0, 1.0, 0.1)")],
        "def derivative",
        ["derivative returns its result"],
    ),
    "out is not written": (SINE, [(TWO_LINES, "        pass")], "def forward", ["leaves nan"]),
    "out is read first": (
        SINE,
        [(TWO_LINES, "        out += np.sin(self.omega * z)")],
        "def forward",
        ["leaves nan in out"],
    ),
    "scratch is read first": (
        SINE,
        [("np.sin(out, out=out)", "np.sin(z, out=out)\n        out += 0 * scratch[0]")],
        "def forward",
        ["leaves nan in out"],
    ),
    "more scratch than was asked for": (
        SINE,
        [NO_SCRATCH],
        "s = scratch[0]",
        ["raises IndexError", "n_scratch is 0"],
    ),
    "not defined everywhere": (
        SINE,
        [("np.sin(out, out=out)", "np.log(out, out=out)")],
        "def forward",
        ["forward gives nan at z = -0.015625", "a number for every z"],
    ),
    "overflow in single precision": (
        LEAKY,
        [("np.maximum(z, out, out=out)", "z = np.exp(z); out *= z / z")],
        "def forward",
        ["forward gives nan at z = 100 in float32"],
    ),
    "not element by element": (
        SINE,
        [("np.sin(out, out=out)", "np.sin(out, out=out); out -= out.mean(axis=0)")],
        "def forward",
        ["element by element"],
    ),
    "left to chance": (
        SINE,
        [("np.sin(out, out=out)", "np.sin(out, out=out); out += np.random.rand(*out.shape)")],
        "def forward",
        ["leave nothing to chance"],
    ),
    "something that raises": (
        SINE,
        [("np.sin(out, out=out)", "np.sin(out, out=out).nothing")],
        "np.sin(out, out=out).nothing",
        ["activation sine: raises AttributeError", "nothing"],
    ),
    "another signature": (
        SINE,
        [("def forward(self, z, *, out, scratch)", "def forward(self, z)")],
        "class Sine",
        ["raises TypeError", "unexpected keyword argument"],
    ),
    "no forward at all": (LEAKY, [("def forward", "def foreward")], "class Leaky", ["NotImpl"]),
}


@pytest.mark.parametrize("mistake", ACTIVATIONS)
def test_a_mistake_in_an_activation_is_found(mistake: str, tmp_path: Path) -> None:
    found(tmp_path, *ACTIVATIONS[mistake])


SMOOTH_ENOUGH = {
    "steep": SINE.replace("= 1.0", "= 1000.0"),
    "flat": SINE.replace("= 1.0", "= 1e-6"),
    "a sharp bend": edited(
        LEAKY,
        ("    kinks: ClassVar[tuple[float, ...]] = (0.0,)\n", "    needs_input = True\n"),
        ("np.multiply(z, 0.1, out=out)", "np.multiply(z, z, out=out); out += 1e-4"),
        ("np.maximum(z, out, out=out)", "np.sqrt(out, out=out)"),
        ("np.greater(output, 0.0, out=out)", "np.divide(z, output, out=out)"),
        ("out *= 0.9\n        out += 0.1", "pass"),
    ),
    "a second derivative that jumps": edited(
        LEAKY,
        ("    kinks: ClassVar[tuple[float, ...]] = (0.0,)\n", "    needs_input = True\n"),
        ("np.multiply(z, 0.1, out=out)", "np.abs(z, out=out); out += 1.0"),
        ("np.maximum(z, out, out=out)", "np.divide(z, out, out=out)"),
        ("np.greater(output, 0.0, out=out)", "np.abs(output, out=out)"),
        ("out *= 0.9\n        out += 0.1", "out[...] = (1.0 - out) ** 2"),
    ),
    "overflow to infinity": edited(
        LEAKY,
        ("    kinks: ClassVar[tuple[float, ...]] = (0.0,)\n", "    max_slope = 3000.0\n"),
        ("np.multiply(z, 0.1, out=out)", "np.exp(z, out=out)"),
        ("np.maximum(z, out, out=out)", "pass"),
        ("np.greater(output, 0.0, out=out)", "out[...] = output"),
        ("out *= 0.9\n        out += 0.1", "pass"),
    ),
}


@pytest.mark.parametrize("shape", SMOOTH_ENOUGH)
def test_what_is_right_is_not_refused_for_being_hard_to_differentiate(
    shape: str, tmp_path: Path
) -> None:
    assert load_plugins(written(tmp_path, SMOOTH_ENOUGH[shape]))
