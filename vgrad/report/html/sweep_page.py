"""The page of a sweep."""

from vgrad.report.html.libraries import as_json
from vgrad.report.html.marginals import marginal_plots
from vgrad.report.html.matrices import choices, chosen_measures, colour_scales
from vgrad.report.html.page import Head, render
from vgrad.report.html.parallel import parallel
from vgrad.report.html.run_table import run_table
from vgrad.report.measures import MEASURES
from vgrad.report.runs_by_key import RunsByKey
from vgrad.report.sweep_content import SweepReport, build_sweep_report
from vgrad.report.sweep_tables import header_phrases, ranking_title
from vgrad.store import Sweep


def sweep_page(sweep: Sweep, metric: str | None = None) -> str:
    """The page of `sweep` as it is now, its runs ranked by `metric`, or by its own. One HTML
    document that needs nothing else.

    Raises:
        RequestError: there is no such metric, or a library that draws is not installed.
        RunError: the sweep cannot be read.
    """
    report = build_sweep_report(sweep, metric=metric)
    table = RunsByKey(sweep)
    matrices = None
    if report.ranked:
        known = [name for name in MEASURES if _has(report, name)]
        matrices = choices(table, report.keys, chosen_measures(report.measure, known))
    runs = run_table(report)
    return render(
        "sweep.html",
        tables=True,
        head=_head(report),
        id=report.id,
        measure=report.measure,
        matrices=matrices,
        drawings=as_json({"drawings": matrices.drawings, "scales": colour_scales()})
        if matrices
        else "",
        parallel=parallel(report.ranked, report.keys, report.measure),
        marginals=marginal_plots(report, table, report.keys) if report.ranked else (),
        ranking=ranking_title(report),
        failed=len(report.failed),
        table=as_json({"columns": runs.columns, "rows": runs.rows, "keys": report.keys}),
        count=report.ended,
    )


def _has(report: SweepReport, name: str) -> bool:
    return any(run.numbers[name] == run.numbers[name] for run in report.ranked)


def _head(report: SweepReport) -> Head:
    facts = {title: " · ".join(phrases) for title, phrases in header_phrases(report).items()}
    facts.pop("name", None)
    sentence = "" if report.ended else "No run has ended yet."
    return Head(report.name, "sweep", report.id, report.status, sentence=sentence, facts=facts)
