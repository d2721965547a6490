"""The colours of the charts, on a light and on a dark ground.

Series are told apart by the colours of Okabe and Ito 2008, which the colour-blind can tell apart,
and by their dashes; maps are viridis and the RdBu of ColorBrewer, as in the terminal.
"""

from collections.abc import Sequence
from typing import Any

from vgrad.report.colours import DIVERGING, RGB, SEQUENTIAL

LIGHT = ("#0072B2", "#D55E00", "#007A5A", "#AA4A88", "#9A6A00", "#3A3A3A", "#2A86C0")
DARK = ("#56B4E9", "#F0883E", "#2FC79A", "#E39AC6", "#E6B830", "#E8E8E8", "#8FB8FF")
"""Okabe and Ito's colours, each as dark or light as its ground needs for a contrast of 3 (WCAG 2.1,
1.4.11)."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")

NO_MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}


def templates() -> dict[str, Any]:
    """plotly templates by colour scheme; a page takes the one that its reader prefers."""
    return {
        "light": _template(LIGHT, "#1f2328", ground="#ffffff", raised="#f6f8fa", grid="#d8dee4"),
        "dark": _template(DARK, "#e6edf3", ground="#0d1117", raised="#161b22", grid="#38404a"),
    }


def _template(
    colours: Sequence[str], text: str, *, ground: str, raised: str, grid: str
) -> dict[str, Any]:
    axis = {
        "gridcolor": grid,
        "linecolor": grid,
        "zerolinecolor": grid,
        "tickcolor": grid,
        "automargin": True,
        "showline": True,
        "ticks": "outside",
        "title": {"standoff": 8},
    }
    return {
        "layout": {
            "colorway": list(colours),
            "font": {"family": "system-ui, sans-serif", "size": 13, "color": text},
            "paper_bgcolor": raised,
            "plot_bgcolor": ground,
            "xaxis": axis,
            "yaxis": axis,
            "coloraxis": {"colorbar": {"outlinewidth": 0, "thickness": 14}},
            "hoverlabel": {"bgcolor": ground, "font": {"color": text}, "namelength": -1},
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "annotationdefaults": {"bgcolor": raised, "showarrow": False, "font": {"size": 12}},
            "margin": NO_MARGIN,
            "hovermode": "closest",
        }
    }


def sequential() -> list[list[Any]]:
    """Dark is little, bright is much."""
    return _scale(SEQUENTIAL)


def diverging() -> list[list[Any]]:
    """Blue below the middle, red above it."""
    return _scale(DIVERGING)


def _scale(anchors: Sequence[RGB]) -> list[list[Any]]:
    last = len(anchors) - 1
    return [[at / last, f"rgb{tuple(map(int, rgb))}"] for at, rgb in enumerate(anchors)]
