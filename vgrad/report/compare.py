"""Several runs side by side, as plain data: what differs in their configs, what they came to, and
their gradients layer by layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vgrad.config.dumping import flatten_plain
from vgrad.errors import Problem, RequestError, nearest
from vgrad.records import STATISTICS
from vgrad.report.content import StoredRun
from vgrad.report.layers import layer_label
from vgrad.report.measures import MEASURES
from vgrad.store.reading import as_number

FEWEST, MOST = 2, len(ascii_uppercase)
POINTS = 11  # of relative depth: the first layer, every tenth of the way, the last
TEXTS = ("status", "verdict")
HIDDEN = ("name",)  # keys of a config that change nothing

Rows = NDArray[np.void]


@dataclass(frozen=True, eq=False)
class Gradients:
    """A statistic of the layers of each run at one of its logged steps: a value per label, nan
    where a run has none. `steps` has None for a run that logged none."""

    steps: tuple[int | None, ...]
    labels: tuple[str, ...]
    values: NDArray[np.float64]  # (labels, runs)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs side by side, each called by a letter. `config` has the keys that differ, with a value
    per run, None where a run has no such key; `texts` and `numbers` what each came to."""

    letters: tuple[str, ...]
    ids: tuple[str, ...]
    config: Mapping[str, tuple[object, ...]]
    texts: Mapping[str, tuple[str, ...]]
    numbers: Mapping[str, tuple[float, ...]]
    statistic: str
    aligned_by: Literal["layer", "relative depth"]
    first: Gradients
    last: Gradients


def compare(runs: Sequence[StoredRun], statistic: str = "grad_norm") -> Comparison:
    """The comparison of `runs`, layer by layer in a column of `layers.csv`.

    Networks of one depth are aligned layer by layer; of different depths at eleven points of
    relative depth, each by the layer nearest to it, so that first stands by first and output by
    output.

    Raises:
        RequestError: there are fewer than two runs, or too many; or no such statistic.
        RunError: one of them cannot be read.
    """
    if not FEWEST <= len(runs) <= MOST:
        raise RequestError(Problem("compares runs", "", f"from {FEWEST} to {MOST} of them"))
    if statistic not in STATISTICS:
        near = nearest(statistic, list(STATISTICS))
        allowed = f"one of {', '.join(STATISTICS)}"
        raise RequestError(Problem(f"no statistic is called {statistic!r}", "", allowed, near))
    depths = {size for run in runs if (size := _at(run, 0).size)}
    return Comparison(
        letters=tuple(ascii_uppercase[: len(runs)]),
        ids=tuple(run.id for run in runs),
        config=_differences([flatten_plain(run.config) for run in runs]),
        texts={
            "status": tuple(run.status for run in runs),
            "verdict": tuple(str(run.summary.get("verdict") or "") for run in runs),
        },
        numbers={name: tuple(_number(run.summary, name) for run in runs) for name in MEASURES},
        statistic=statistic,
        aligned_by="layer" if len(depths) <= 1 else "relative depth",
        first=_gradients(runs, 0, statistic, len(depths) <= 1),
        last=_gradients(runs, -1, statistic, len(depths) <= 1),
    )


def _differences(configs: Sequence[Mapping[str, object]]) -> dict[str, tuple[object, ...]]:
    """The keys, in their order, whose values are not the same in all."""
    keys = dict.fromkeys(key for config in configs for key in config if key not in HIDDEN)
    found = {key: tuple(config.get(key) for config in configs) for key in keys}
    return {key: values for key, values in found.items() if any(v != values[0] for v in values)}


def _number(summary: Mapping[str, object], name: str) -> float:
    """A number of a summary, of its last metrics or its own."""
    final = summary.get("final")
    facts = {**summary, **(final if isinstance(final, Mapping) else {})}
    return as_number(facts.get(name))


def _at(run: StoredRun, place: Literal[0, -1]) -> Rows:
    """The layers at the first or the last logged step; none where nothing was logged."""
    steps = run.layers["step"]
    return run.layers[steps == steps[place]] if steps.size else run.layers


def _gradients(
    runs: Sequence[StoredRun], place: Literal[0, -1], statistic: str, alike: bool
) -> Gradients:
    tables = [_at(run, place) for run in runs]
    longest = max(tables, key=len)
    count = len(longest) if alike else POINTS
    shares = np.linspace(0.0, 1.0, count)
    values = np.full((count, len(runs)), np.nan)
    for column, table in enumerate(tables):
        if table.size:
            values[:, column] = table[statistic][(shares * (table.size - 1)).round().astype(int)]
    labels = [layer_label(row) for row in longest] if alike else [f"{s:.0%}" for s in shares]
    steps = tuple(int(table["step"][0]) if table.size else None for table in tables)
    return Gradients(steps, tuple(labels), values)
