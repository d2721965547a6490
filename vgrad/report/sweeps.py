"""A stored sweep as a page."""

from rich.console import Console, RenderableType
from rich.text import Text

from vgrad.store.sweeps import Sweep


def render_sweep(sweep: Sweep, console: Console, *, format: str = "table") -> RenderableType:
    """How many runs have ended."""
    del console, format
    return Text(f"{sweep.id}: {len(sweep.results)} of {sweep.planned} runs, {sweep.status}")
