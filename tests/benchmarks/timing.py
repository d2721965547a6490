"""Timing that holds on a noisy machine: peers take turns, and medians of ratios are quoted."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

Work = Callable[[], object]
Within = Callable[[], AbstractContextManager[object]]


def interleaved(
    works: Mapping[str, Work],
    rounds: int,
    repeats: int,
    within: Mapping[str, Within] | None = None,
) -> dict[str, list[float]]:
    """Seconds per call of each work, one figure per round; the works take turns within a round,
    each `within` a context of its own where it has one."""
    contexts = {name: (within or {}).get(name, nullcontext) for name in works}
    for name, work in works.items():
        with contexts[name]():
            work()
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            with contexts[name]():
                begun = time.perf_counter()
                for _ in range(repeats):
                    work()
                times[name].append((time.perf_counter() - begun) / repeats)
    return times


def ratio(a: Sequence[float], b: Sequence[float]) -> float:
    """The median of a/b, round by round."""
    return statistics.median(x / y for x, y in zip(a, b, strict=True))


def milliseconds(times: Sequence[float]) -> str:
    """The median, for a table."""
    return f"{statistics.median(times) * 1e3:.3f} ms"
