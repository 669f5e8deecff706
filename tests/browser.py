"""A headless Chromium for tests of pages; it remembers what a page complained of and asked for."""

import shutil
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
    "--use-angle=swiftshader",
    "--host-resolver-rules=MAP *.rebound.test 127.0.0.1",
)
"""Without a GPU WebGL is drawn in software; nothing but the page itself uses the network. Names that end in
rebound.test mean this machine, as those of an attacker may."""


@contextmanager
def open_browser():
    """Playwright's browser; skips the test, with the reason, where there is no Chromium."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=list(OPTIONS))
        yield browser
        browser.close()


class Visit:
    """A page that was opened. page: Playwright's. errors: of the console, and uncaught ones. requests: URLs asked
    for."""

    def __init__(self, browser, url: str, width: int = 1400, height: int = 900):
        self.errors, self.requests = [], []
        self.page = browser.new_page(viewport={"width": width, "height": height})
        self.page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.page.close()
