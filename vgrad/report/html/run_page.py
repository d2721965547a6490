"""The page of a run."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import yaml

from vgrad.errors import RunError
from vgrad.records import Histograms
from vgrad.report.content import Report, StoredRun, build_report
from vgrad.report.html.curves import curves
from vgrad.report.html.distributions import distributions
from vgrad.report.html.heat_map import heat_map
from vgrad.report.html.page import Head, render
from vgrad.report.html.plots import Plot
from vgrad.report.html.profiles import PANELS, profile
from vgrad.report.html.series import Series
from vgrad.report.html.theory_lines import expectations
from vgrad.report.layers import layer_columns
from vgrad.report.settings import settings_of
from vgrad.report.tables import result_phrases, when


class DrawnRun(StoredRun, Protocol):
    """What a page reads of a run, beyond what a report does."""

    @property
    def environment(self) -> Mapping[str, Any]:
        """`environment.json`."""

    @property
    def histograms(self) -> Histograms | None:
        """Where they were logged."""


@dataclass(frozen=True, eq=False)
class Slider:
    """The steps that it stops at, of so many that were logged, and the place where it stands at
    first."""

    steps: tuple[int, ...]
    of: int
    at: int

    @property
    def last(self) -> int:
        """Its last place."""
        return len(self.steps) - 1


def run_page(run: DrawnRun, step: int | Literal["last"] = "last") -> str:
    """The page of `run` as it is now: finished, failed, or still going on; about `step` at first.
    One HTML document that needs nothing else.

    Raises:
        RequestError: this step was not logged, or a library that draws is not installed.
        RunError: the run cannot be read.
    """
    series = Series.of(run)
    logged = series.steps.size > 0
    report = build_report(run, step) if logged or step != "last" else None
    return render(
        "run.html",
        head=_head(run, report),
        report=report,
        slider=_slider(series, report.step) if report else None,
        heat_map=heat_map(series, expectations(run, series).get("grad_norm")) if logged else None,
        profiles=_profiles(run, series) if logged else (),
        histograms=_histograms(run, series) if logged else (),
        curves=curves(run) if logged else (),
        layers=layer_columns(report.layers, report.shown) if report else (),
        layers_at=when(report) if report else "",
        config=yaml.safe_dump(dict(run.config), sort_keys=False, allow_unicode=True),
        environment=_environment(run),
        command=repeat_command(run),
    )


def _head(run: DrawnRun, report: Report | None) -> Head:
    verdict = report.verdict if report else None
    return Head(
        title=run.name,
        kind="run",
        id=run.id,
        status=run.status,
        verdict=verdict.kind if verdict else "",
        sentence=verdict.sentence if verdict else "Nothing was logged yet.",
        error=str(run.summary.get("error") or ""),
        facts={
            "result": " · ".join(result_phrases(report)) if report else "none yet",
            **settings_of(run.config),
            **({"plugins": " · ".join(map(str, run.plugins))} if run.plugins else {}),
        },
    )


def _slider(series: Series, step: int) -> Slider:
    steps = series.steps[series.positions]
    at = int(np.abs(steps - step).argmin())
    return Slider(tuple(steps.tolist()), series.steps.size, at)


def _profiles(run: DrawnRun, series: Series) -> list[Plot]:
    expected = expectations(run, series)
    return [profile(panel, series, expected.get(panel.statistic)) for panel in PANELS]


def _histograms(run: DrawnRun, series: Series) -> list[Plot]:
    histograms = run.histograms
    if histograms is None or not histograms.steps.size:
        return []
    return distributions(histograms, series)


ENVIRONMENT = {
    "versions": "versions",
    "platform": "platform",
    "cpu_count": "cores",
    "blas": "BLAS",
    "git_commit": "git commit",
    "start_time": "began",
    "end_time": "ended",
    "command": "command",
}
"""What the page says of `environment.json`, and how it calls it. The machine's name and folders
are the reader's own business: a page is mailed."""


def _environment(run: DrawnRun) -> dict[str, str]:
    try:
        known = run.environment
    except RunError:
        return {}
    found = {title: known.get(key) for key, title in ENVIRONMENT.items()}
    return {title: _fact(value) for title, value in found.items() if value}


def _fact(value: Any) -> str:
    match value:
        case Mapping():
            return " · ".join(f"{name} {version}" for name, version in value.items())
        case [Mapping(), *_]:
            return " · ".join(" ".join(map(str, one.values())) for one in value)
        case list():
            return shlex.join(map(str, value))
        case _:
            return str(value)


def repeat_command(run: StoredRun) -> str:
    """What repeats the run, from the folder that holds it."""
    plugins = [part for plugin in run.plugins for part in ("--plugin", plugin.path)]
    return shlex.join(["vgrad", "run", "config.yaml", *plugins])
