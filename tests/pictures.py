"""Makes the pictures of the README from a real run: `python -m tests.pictures`.

Needs `pip install -e '.[plot,browser]'` and Debian's chromium.
"""

import io
import shutil
import tempfile
from pathlib import Path

from rich.console import Console

import vgrad
from vgrad.report.content import build_report
from vgrad.report.html import run_page
from vgrad.report.tables import report_view

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
CONFIG = ROOT / "configs" / "quickstart.yaml"
WIDTH = 84  # columns: the table with its bars
WINDOW = {"width": 1200, "height": 1150}


def draw_terminal(run: vgrad.Run, path: Path) -> None:
    """The report as a terminal shows it, as SVG."""
    console = Console(record=True, file=io.StringIO(), width=WIDTH, force_terminal=True)
    console.print(report_view(build_report(run)))
    console.save_svg(str(path), title="vgrad run configs/quickstart.yaml")


def draw_page(run: vgrad.Run, path: Path, folder: Path) -> None:
    """The upper part of the page, as PNG."""
    from playwright.sync_api import sync_playwright

    page_file = folder / "page.html"
    page_file.write_text(run_page(run), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport=WINDOW)
        page.goto(page_file.as_uri())
        page.wait_for_selector("html[data-drawn]")
        page.screenshot(path=path)
        browser.close()


if __name__ == "__main__":
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        stored = vgrad.run(CONFIG, runs_dir=folder)
        draw_terminal(stored, PICTURES / "terminal.svg")
        draw_page(stored, PICTURES / "page.png", Path(folder))
