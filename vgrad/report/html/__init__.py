"""Pages for a browser: a run, a sweep, several runs side by side, each in one file that works
offline and can be mailed. plotly draws, DataTables sorts, Jinja escapes; all of it is inlined."""

from vgrad.report.html.comparison_page import comparison_page
from vgrad.report.html.run_page import run_page
from vgrad.report.html.sweep_page import sweep_page

__all__ = ["comparison_page", "run_page", "sweep_page"]
