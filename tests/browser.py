"""A headless Chromium for tests of pages, from the machine's own package."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def browser() -> Iterator[Browser]:
    """A running Chromium; skips the test where none is installed."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: install the package chromium (looked for {', '.join(NAMES)})")
    with sync_playwright() as playwright:
        # --no-sandbox: Chromium refuses to start as root, as in a container, with its sandbox
        started = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        started.close()


class Opened:
    """A page in the browser, with what it complained of and asked for meanwhile."""

    def __init__(self, browser: Browser, address: str | Path, **options: object):
        self.page: Page = browser.new_page(**options)  # type: ignore[arg-type]
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        url = address.as_uri() if isinstance(address, Path) else address
        self.page.goto(url)
