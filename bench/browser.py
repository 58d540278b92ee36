"""The client that loads pages: Debian's Chromium, driven by Playwright."""

import contextlib
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, Error, sync_playwright

from bench.load import LoadFailed
from bench.servers import Server
from bench.vite import MODULES

OPTIONS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
TIMEOUT_MS = 120_000


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium on the load's core, without a window."""
    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        with contextlib.closing(browser):
            yield browser


def load_seconds(browser: Browser, server: Server, url: str) -> float:
    """Load the generated page with an empty cache; the time until its last module has run."""
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        try:
            # Module scripts run before the load event.
            page.goto(url, wait_until="load", timeout=TIMEOUT_MS)
            loaded = page.evaluate("window.loaded")
        except Error as error:
            raise LoadFailed(f"{server.name}: {error}\n{server.log_tail()}") from error
    # The entry module counts the others, not itself.
    if loaded is None or loaded["modules"] != MODULES - 1:
        raise LoadFailed(f"{server.name}: the page ran as {loaded}\n{server.log_tail()}")
    return float(loaded["milliseconds"]) / 1e3
