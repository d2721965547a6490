"""A weight layer's products: each way of taking them gives the same gradient."""

from typing import Any

import numpy as np
import pytest
from drawn_graphs import NORMS, WIRINGS, fill, graph_of, network_of

from vgrad.nn.operations import linear

EVERY = 10**9
PATHS = [(0, 0), (EVERY, 0), (0, EVERY), (EVERY, EVERY)]
"""Elements up to which δ is copied transposed, and up to which W is taken whole."""


@pytest.mark.parametrize("batch", [1, 33])
@pytest.mark.parametrize("norm", NORMS, ids=str)
@pytest.mark.parametrize("wiring", WIRINGS, ids=str)
def test_a_gradient_does_not_depend_on_how_its_products_are_taken(
    wiring: tuple[str, dict[str, Any]],
    norm: tuple[str, dict[str, Any]],
    batch: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch += norm[0] == "batch"  # which needs two examples
    graph = graph_of(wiring, norm, features=4, widths=(5,) * 4, outputs=3, dropout=0.0)
    grads = []
    for transposed, whole in PATHS:
        monkeypatch.setattr(linear, "TRANSPOSED_UP_TO", transposed)
        monkeypatch.setattr(linear, "WHOLE_UP_TO", whole)
        network = network_of(graph, dtype=np.float64)
        plan = network.plan(batch)
        fill(plan, 0)
        network.differentiate(plan)
        grads.append(network.grads.copy())
    largest = np.abs(grads[0]).max()
    assert largest > 0.0
    for other in grads[1:]:
        rounding = 1e-12 * largest  # products that add up in another order
        np.testing.assert_allclose(other, grads[0], rtol=0.0, atol=rounding)
