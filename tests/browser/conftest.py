"""Fixtures of the browser tests: Chromium, and the example project in each of its variants."""

import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.programs import DEADLINE, EXAMPLE, Program
from tests.browser.sites import (
    Site,
    Start,
    started_programs,
    through_nginx,
    through_runserver,
)

CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def launched() -> Iterator[Callable[[list[str]], Browser]]:
    """Start Debian's Chromium, without a window and with more options.

    While playwright runs it has an event loop in this thread, where other tests run their own.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, names)), None)
    assert chromium, "no Chromium on the PATH: apt install chromium"
    expect.set_options(timeout=DEADLINE * 1000)
    with sync_playwright() as playwright, ExitStack() as stack:

        def launch(options: list[str]) -> Browser:
            arguments = [*CHROMIUM_OPTIONS, *options]
            browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
            stack.callback(browser.close)
            return browser

        yield launch


@pytest.fixture(scope="module")
def browser(launched: Callable[[list[str]], Browser]) -> Browser:
    """Chromium, free to go anywhere."""
    return launched([])


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a browser without cookies."""
    context = browser.new_context(locale="en-US", viewport={"width": 1100, "height": 900})
    context.set_default_timeout(DEADLINE * 1000)
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start programs that end with the test."""
    yield from started_programs(tmp_path)


@pytest.fixture(scope="session")
def vite_installed(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Vite and React as the lock file names them: once, for all of the suite's processes."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / "vite-installed").open("a") as done:
        fcntl.flock(done, fcntl.LOCK_EX)
        if os.fstat(done.fileno()).st_size:
            return
        npm_ci = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        program = Program([sys.executable, "../node.py", *npm_ci], EXAMPLE / "frontend-vite", {})
        assert program.wait() == 0, "\n".join(program.lines)
        done.write("yes")


# As make demo starts it; or what differs.
RUNSERVERS: dict[str, tuple[dict[str, str], list[str]]] = {
    "": ({}, []),
    "noreload": ({}, ["--noreload"]),
    "DJANGO_PATHS": ({"DEMO_DJANGO_PATHS": "1"}, ["--noreload"]),
    "middleware": ({"DEMO_WITHOUT_FASTPATH": "1"}, ["--noreload"]),
}
SITES = (
    *("static", "static noreload", "static DJANGO_PATHS", "static middleware", "static nginx"),
    *("vite", "vite middleware", "vite nginx", "static printed nginx"),
)


@pytest.fixture(scope="module")
def sites(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Site]]:
    """Give the site of a name; each is started when it is first asked for, and lives on."""
    running: dict[str, Site] = {}
    with ExitStack() as stack:

        def site(name: str) -> Site:
            if name not in running:
                folder = tmp_path_factory.mktemp("site")
                start = stack.enter_context(contextmanager(started_programs)(folder))
                frontend, _, way = name.partition(" ")
                if frontend == "vite":
                    request.getfixturevalue("vite_installed")
                if way.endswith("nginx"):
                    is_printed = way == "printed nginx"
                    found = through_nginx(start, frontend, folder, is_printed=is_printed)
                    running[name] = found
                else:
                    running[name] = through_runserver(start, frontend, *RUNSERVERS[way])
            return running[name]

        yield site


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest, sites: Callable[[str], Site]) -> Site:
    """The example project: its two frontends, through the fast path, our middleware or nginx."""
    return sites(request.param)
