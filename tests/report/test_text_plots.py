"""Pictures of a run in characters."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
from fake_runs import FakeRun, fake_run, prediction_rows
from rich.cells import cell_len
from rich.console import Console

from vgrad.errors import RequestError
from vgrad.report.text_plots import render_plots

pytest.importorskip("plotext", reason="plotext is not installed")


def console(width: int = 80, *, colours: bool = False) -> Console:
    return Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colours,
        color_system="truecolor" if colours else None,
        _environ={},
    )


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_pictures_fit_the_width_and_name_their_axes(width: int) -> None:
    text = render_plots(fake_run(30, predictions=prediction_rows(30)), console(width))
    assert max(map(cell_len, text.splitlines())) <= width
    assert "\x1b" not in text
    for word in ("VANISHING", "10⁻", "layer", "step 500", "step 0", "theory, step 0", "test"):
        assert word in text


def test_series_are_told_apart_without_colour() -> None:
    text = render_plots(fake_run(30, predictions=prediction_rows(30)), console())
    assert all(marker in text for marker in "●○×")


def test_on_a_terminal_they_are_coloured() -> None:
    assert "\x1b[" in render_plots(fake_run(5), console(colours=True))


def odd() -> Iterator[tuple[str, FakeRun]]:
    nothing = fake_run(4)
    for name in ("delta_rms", "grad_norm"):
        nothing.layers[name] = 0.0
    yield "no gradient", nothing
    broken = fake_run(4)
    broken.layers["delta_rms"][-5:] = [np.nan, np.inf, 1e30, 0.0, 1.0]
    broken.metrics["train_loss"][-1] = np.inf
    yield "no numbers", broken
    yield "one layer", fake_run(0)
    yield "one step", fake_run(5, (0.5,))
    yield "a thousand layers", fake_run(1000, (0.99,))


@pytest.mark.parametrize("run", [run for _, run in odd()], ids=[name for name, _ in odd()])
def test_any_run_has_pictures(run: FakeRun) -> None:
    text = render_plots(run, console())
    assert "Mean loss by step" in text
    assert max(map(cell_len, text.splitlines())) <= 80


def test_a_step_that_was_not_logged_is_refused() -> None:
    with pytest.raises(RequestError, match="not logged"):
        render_plots(fake_run(5), console(), step=3)
