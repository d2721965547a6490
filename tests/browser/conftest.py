"""A real browser, headless, without a network; screenshots go where VGRAD_SCREENSHOTS says."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox",  # the tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser; tests that need it say so where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("Chromium is not installed, in which to look at the pages")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page in the browser, and all that went wrong in it."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def value(self, script: str) -> Any:
        """What a script comes to."""
        return self.page.evaluate(script)

    def drawn(self) -> dict[str, bool]:
        """Of each chart whether anything is to be seen in it: lines, points or a map."""
        found: dict[str, bool] = self.value(
            """Object.fromEntries([...document.querySelectorAll("figure.plot")].map((one) => [
                one.id,
                one.querySelectorAll(".scatterlayer .trace path, .hm image").length > 0,
            ]))"""
        )
        return found

    def check(self) -> None:
        """Nothing was complained about and nothing asked for."""
        assert self.complaints == []
        assert self.requests == []
        assert self.value("document.documentElement.scrollWidth <= innerWidth")


@dataclass
class Desk:
    """Opens pages."""

    browser: Any
    folder: Path
    screenshots: Path

    def open(self, html: str, name: str, width: int = 1280, scheme: str = "light") -> Opened:
        """A page in a window so wide, once it is drawn; with a screenshot of it."""
        path = self.folder / f"{name}.html"
        path.write_text(html, encoding="utf-8")
        context = self.browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        opened = Opened(context.new_page())
        page = opened.page
        page.on("console", lambda said: opened.complaints.append(said.text))
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        page.on("dialog", lambda dialog: opened.complaints.append(dialog.message))
        page.on("request", lambda asked: opened.requests.append(asked.url))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-drawn]")
        mine = (path.as_uri(), "blob:", "data:")
        opened.requests = [url for url in opened.requests if not url.startswith(mine)]
        page.screenshot(path=self.screenshots / f"{name}-{width}-{scheme}.png", full_page=True)
        return opened


@pytest.fixture
def desk(chromium: Any, tmp_path: Path) -> Iterator[Desk]:
    """Where pages are opened; all are closed afterwards."""
    screenshots = Path(os.environ.get("VGRAD_SCREENSHOTS") or tmp_path)
    screenshots.mkdir(parents=True, exist_ok=True)
    yield Desk(chromium, tmp_path, screenshots)
    for context in chromium.contexts:
        context.close()
