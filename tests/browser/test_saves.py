"""Vite and Next in Chromium while a file of the Django project is saved: nothing is lost."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.live import APPS, DevTools, Frontend
from tests.browser.programs import save, wait_until
from tests.fastpath.commands import Runserver, runserver
from tests.fastpath.test_reload import Load
from tests.harness.groups import grouped
from tests.harness.raw_client import get

pytestmark = pytest.mark.browser

SCRIPT = re.compile(rb'<script [^>]*src="(/[^"]+)"')

URLCONF = """
from django.http import HttpResponse
from django.urls import include, path

def hello(request):
    return HttpResponse("hello")

def version(request):
    return HttpResponse("{version}")

urlpatterns = [path("api/", include([path("hello/", hello), path("version/", version)]))]
"""

BANNER = "deployment/"  # its last line

FETCH = "target => fetch(target, {cache: 'no-store'}).then(answer => answer.text())"
FETCH_LATER = f"""target => {{
    window.answered = null;
    ({FETCH})(target).then(text => {{ window.answered = text; }});
}}"""


class Project:
    """A URLconf of its own, outside of the repository, that is saved again and again."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "urls_that_change.py"
        self._aside = folder / "urls_that_change.saved"
        self.save("first")
        folders = [str(folder), os.environ.get("PYTHONPATH")]
        self.environment = {
            "PYTHONPATH": os.pathsep.join(filter(None, folders)),
            "PYTHONDONTWRITEBYTECODE": "1",  # Two saves within a second look alike to its cache.
            "TEST_URLCONF": self._file.stem,
        }

    def save(self, version: str) -> None:
        save(self._file, URLCONF.format(version=version), self._aside)

    def break_it(self) -> None:
        save(self._file, "def hello(request:\n", self._aside)


class Visit:
    """A page of a dev server's whose component has a state, and what goes on beside it."""

    def __init__(self, page: Page, server: Runserver, frontend: Frontend, project: Project) -> None:
        self.page = page
        self.server = server
        self.frontend = frontend
        self.project = project
        self.devtools = DevTools(page)
        page.goto(f"http://localhost:{server.port}")
        page.click("#counter")  # It is enabled once React has taken over.
        page.click("#counter")
        expect(page.locator("#counter")).to_have_text("2")
        self.devtools.wait_for_live_socket()
        page.evaluate("window.wasNotReloaded = true")

    def fetch(self, target: str) -> str:
        """What the page itself is answered."""
        return str(self.page.evaluate(FETCH, target))

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(condition, what, lambda: self.page.wait_for_timeout(20))

    def save(self, version: str) -> None:
        """Until Django answers with it. A change from before the reloader's first look at the
        files goes unnoticed, so it may take more than one."""

        def is_served() -> bool:
            self.project.save(version)
            return self.fetch("/api/version/") == version

        self.wait_until(is_served, f"{version} is served")

    def mend(self, version: str) -> None:
        """Until a new process is there, which the page need not be asked about."""
        banners = self.server.log().count(BANNER)

        def is_back() -> bool:
            self.project.save(version)
            return self.server.log().count(BANNER) > banners

        self.wait_until(is_back, "Django is back")

    def assert_unmoved(self) -> None:
        assert self.page.evaluate("window.wasNotReloaded") is True
        expect(self.page.locator("#counter")).to_have_text("2")
        self.devtools.assert_one_open_socket()

    def edit(self, heading: str) -> None:
        """A change of the component arrives, and leaves its state alone."""
        self.frontend.edit(heading)
        expect(self.page.locator("h1")).to_have_text(heading)
        self.assert_unmoved()


@pytest.fixture(scope="module", params=grouped("saves", APPS))
def frontend(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Frontend]:
    app = APPS[request.param]
    running = Frontend(app, tmp_path_factory.mktemp("frontends") / app.name)
    yield running
    running.stop()


@pytest.fixture
def visit(page: Page, frontend: Frontend, tmp_path: Path) -> Iterator[Visit]:
    project = Project(tmp_path)
    proxy = {"FRONTEND": f"http://localhost:{frontend.port}"}
    with runserver("0", proxy=proxy, **project.environment) as server:
        yield Visit(page, server, frontend, project)


def first_script(port: int) -> tuple[str, bytes]:
    """A module of the dev server's own, which no edited component changes."""
    found = SCRIPT.search(get(port, "/").body)
    assert found is not None
    target = found[1].decode()
    answer = get(port, target)
    assert answer.status == 200
    return target, answer.body


@contextmanager
def loading(port: int) -> Iterator[tuple[Load, str]]:
    """Other clients, on connections kept alive and on new ones; each answer is looked at."""
    load = Load(port)
    script, body = first_script(port)
    try:
        for kept in (True, False):
            load.add(script, body, kept=kept)
            load.add("/api/hello/", b"hello", kept=kept)
        load.await_more(script, "/api/hello/")
        yield load, script
    finally:
        load.stop()
    assert load.wrong == []


def check_saves(visit: Visit, count: int) -> None:
    with loading(visit.server.port) as (load, script):
        for number in range(count):
            visit.save(f"version {number}")
            load.await_more(script, "/api/hello/")
            visit.assert_unmoved()
    visit.edit(f"after {count} saves")
    visit.devtools.assert_only(f"localhost:{visit.server.port}")
    visit.devtools.assert_no_failure()
    assert "Traceback" not in visit.server.log()


def test_saves_leave_page_state_and_socket_alone(visit: Visit) -> None:
    check_saves(visit, 5)


@pytest.mark.slow
def test_fifty_saves_leave_page_state_and_socket_alone(visit: Visit) -> None:
    check_saves(visit, 50)


def test_syntax_error_lets_djangos_requests_wait_and_the_frontend_go_on(visit: Visit) -> None:
    with loading(visit.server.port) as (load, script):

        def is_broken() -> bool:
            visit.project.break_it()
            return "SyntaxError" in visit.server.log()

        visit.wait_until(is_broken, "the error is noticed")
        visit.page.evaluate(FETCH_LATER, "/api/version/")
        for _ in range(5):
            load.await_more(script)
            assert visit.fetch(script)
        visit.edit("edited while Django is away")
        assert visit.page.evaluate("window.answered") is None
        visit.mend("mended")
        visit.page.wait_for_function("window.answered !== null")
        assert visit.page.evaluate("window.answered") == "mended"
        load.await_more(script, "/api/hello/")
        visit.assert_unmoved()
    visit.edit("edited after the mend")
    visit.devtools.assert_only(f"localhost:{visit.server.port}")
    visit.devtools.assert_no_failure()
