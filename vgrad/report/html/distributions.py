"""The histograms of gradients and activations of some layers, at the step of the slider.

As Glorot and Bengio 2010 drew them (figures 6 and 7): a curve of density for each of a few layers
from the first to the last.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vgrad.records import Distribution, Histograms, edges_of
from vgrad.report.html.plots import Numbers, Plot, Stepped, literal
from vgrad.report.html.profiles import line
from vgrad.report.html.series import Series
from vgrad.report.html.theme import DASHES
from vgrad.report.selection import evenly

LAYERS = 5  # curves that can still be told apart
HEIGHT = 380


def distributions(histograms: Histograms, series: Series) -> list[Plot]:
    """Of the activations, and of the gradients in units of their own spread: theirs differ by
    orders of magnitude from layer to layer, and the slider's charts above say by how many."""
    places = _nearest(histograms.steps, series.steps[series.positions])
    layers = np.array(evenly(len(histograms.names), LAYERS))
    return [
        _plot(
            "activation", "Activations h", "h", histograms.activation, histograms, places, layers
        ),
        _plot(
            "gradient",
            "Gradients ∂L/∂W",
            "g over its own std",
            histograms.gradient,
            histograms,
            places,
            layers,
            scaled=True,
        ),
    ]


def _nearest(logged: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.intp]:
    """The place of the last logged step that is not after each of those wanted."""
    return np.maximum(np.searchsorted(logged, wanted, side="right") - 1, 0)


def _plot(
    name: str,
    title: str,
    axis: str,
    site: Distribution,
    histograms: Histograms,
    places: NDArray[np.intp],
    layers: NDArray[np.int64],
    *,
    scaled: bool = False,
) -> Plot:
    curves = [_densities(site, places, layer, scaled=scaled) for layer in layers.tolist()]
    data = [
        line(x[-1], y[-1], literal(histograms.names[layer]), dash=dash) | {"mode": "lines"}
        for (x, y), layer, dash in zip(curves, layers.tolist(), DASHES, strict=False)
    ]
    layout: dict[str, Any] = {
        "xaxis": {"title": {"text": axis}},
        "yaxis": {"title": {"text": "density"}, "rangemode": "tozero"},
    }
    shown = ", ".join(literal(histograms.names[layer]) for layer in layers.tolist())
    return Plot(
        name=f"histogram-{name}",
        title=title,
        alt=f"Distribution of {title} at the step of the slider, for {shown}.",
        data=data,
        layout=layout,
        height=HEIGHT,
        stepped=Stepped(
            tuple(range(len(curves))),
            tuple(y for _, y in curves),
            tuple(x for x, _ in curves),
        ),
    )


def _densities(
    site: Distribution, places: NDArray[np.intp], layer: int, *, scaled: bool
) -> tuple[Numbers, Numbers]:
    """The middles of the bins and the density there, (positions, bins) each; with `scaled` of
    what is measured in its own standard deviations."""
    counts = site.counts[places, layer]
    edges = edges_of(site.ranges[places, layer], counts.shape[-1])
    middles, widths = (edges[:, 1:] + edges[:, :-1]) / 2.0, np.diff(edges)
    with np.errstate(all="ignore"):  # of a layer without a finite value there is no density
        share = counts / counts.sum(axis=1, keepdims=True)
        mean = (share * middles).sum(axis=1, keepdims=True)
        std = np.sqrt((share * (middles - mean) ** 2).sum(axis=1, keepdims=True))
        unit = std if scaled else np.ones_like(std)
        return middles / unit, share / widths * unit
