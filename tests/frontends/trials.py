"""What each frontend has to do in Chromium, through Django: as a dev server, and as a build."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Request, expect

from tests.browser.live import WITH_NODE, DevTools
from tests.browser.programs import DEADLINE, Program, free_ports, save
from tests.frontends.apps import App
from tests.harness.django_servers import ROOT

HEADING = "main h1"  # A dev server's own tools in the page have some, too.
BEFORE, AFTER = "as committed", "It follows"
NAME = "Ada"
QUIET = {
    **{"NO_COLOR": "1", "NEXT_TELEMETRY_DISABLED": "1", "NUXT_TELEMETRY_DISABLED": "1"},
    **{"ASTRO_TELEMETRY_DISABLED": "1", "NG_CLI_ANALYTICS": "false"},
}
RUNSERVER, GUNICORN = "runserver", "gunicorn"

LOGIN = """async name => {
    const me = async () => (await (await fetch("/api/me/")).json()).user;
    const enter = headers => fetch(
        "/api/login/", {method: "POST", body: new URLSearchParams({name}), headers});
    const before = await me();
    const refused = (await enter({})).status;
    const token = document.cookie.match(/csrftoken=([^;]+)/)[1];
    const accepted = (await enter({"X-CSRFToken": token})).status;
    return [before, refused, accepted, await me()];
}"""
SCRIPTS = """[...document.querySelectorAll("script[src], link[rel=modulepreload]")]
    .map(one => one.src || one.href)"""
KEPT = """async urls => Promise.all(urls.map(async url => {
    const answer = await fetch(url);
    return [answer.status, answer.headers.get("Cache-Control")];
}))"""


def npm(folder: Path, *arguments: str, **environment: str) -> None:
    """What it says is shown where it fails."""
    program = Program([*WITH_NODE, "npm", *arguments], folder, {**QUIET, **environment})
    code = program.process.wait(10 * DEADLINE)
    program.stop()
    assert code == 0, "\n".join(program.lines[-20:])


@contextmanager
def served(folder: Path, proxy: Mapping[str, object], server: str) -> Iterator[tuple[str, Program]]:
    """The origin, and Django."""
    (port,) = free_ports(1)
    own = {
        **QUIET,
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "tests.frontends.site_settings",
        "SITE_FOLDER": str(folder),
        "SITE_DEBUG": "1" if server == RUNSERVER else "0",
        "SITE_PROXY": json.dumps(proxy),
    }
    django = [sys.executable, "-m", "django"]
    assert Program([*django, "migrate", "-v0"], folder, own).wait() == 0
    command, is_up = [*django, "runserver", str(port)], "Quit the server with"
    if server == GUNICORN:
        options = ["--threads", "8", "--bind", f"127.0.0.1:{port}", "--no-control-socket"]
        command = [sys.executable, "-m", "gunicorn", *options, "tests.project.wsgi"]
        is_up = "Booting worker"
    program = Program(command, folder, own)
    try:
        program.wait_for(is_up)
        yield f"http://localhost:{port}", program
        assert not program.matching("Traceback"), "\n".join(program.lines)
    finally:
        program.stop()


@contextmanager
def opened(browser: Browser, own: str | None = None) -> Iterator[tuple[Page, DevTools]]:
    """A page without cookies, and what it has met; no script of its own may have failed, but by an
    error that is the frontend's own."""
    context = browser.new_context(locale="en-US")
    context.set_default_timeout(DEADLINE * 1000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        yield page, DevTools(page)
        strange = [error for error in errors if own is None or not error.startswith(own)]
        assert strange == [], strange
    finally:
        context.close()


def _failures_of(page: Page) -> list[str]:
    """Of its requests, as they come; those that the page gives up itself, as Next's does by HEAD
    with every server, are none."""
    found: list[str] = []

    def note(failure: object, request: Request) -> None:
        if failure and failure != "net::ERR_ABORTED":
            found.append(f"{failure}: {request.method} {request.url}")

    page.on("requestfailed", lambda request: note(request.failure, request))
    page.on("response", lambda answer: note(answer.status // 400 * answer.status, answer.request))
    return found


def _follows(app: App, folder: Path, page: Page) -> None:
    page.evaluate("window.survives = true")
    file = folder / app.heading
    text = file.read_text()
    assert text.count(BEFORE) == 1
    save(file, text.replace(BEFORE, AFTER), folder.parent / f"{folder.name}.saved")
    expect(page.locator(HEADING)).to_have_text(AFTER)
    is_loaded_anew = page.evaluate("window.survives === undefined")
    assert is_loaded_anew is app.is_reloaded, "the page was loaded anew, or was not"


def try_dev_server(app: App, folder: Path, browser: Browser) -> None:
    """`npm run dev` by COMMAND, behind runserver."""
    (port,) = free_ports(1)
    command = {"run": [*WITH_NODE, "npm", "run", "dev"], "folder": folder.name}
    proxy = {"COMMAND": command, "FRONTEND": f"http://localhost:{port}"}
    with served(folder.parent, proxy, RUNSERVER) as (origin, django):
        django.wait_for("frontend: up at ")
        with opened(browser) as (page, devtools):
            # Until then some have the server's page, without a script that could follow.
            page.goto(origin, wait_until="networkidle")
            expect(page.locator(HEADING)).to_have_text(BEFORE)
            devtools.wait_for_live_socket()
            entered = page.evaluate(LOGIN, NAME)
            assert entered == ["", 403, 200, NAME], entered
            _follows(app, folder, page)
            if app.is_rendered:
                html = page.evaluate("fetch('/').then(answer => answer.text())")
                assert NAME in html, html
                page.goto(origin)
                expect(page.locator("#user")).to_have_text(NAME)
            devtools.assert_only(urlsplit(origin).netloc)
        # As Django prints its address.
        origin = origin.replace("localhost", "127.0.0.1")
        with opened(browser) as (page, devtools):
            page.goto(origin, wait_until="networkidle")
            expect(page.locator(HEADING)).to_have_text(AFTER)
            devtools.wait_for_live_socket()
            devtools.assert_only(urlsplit(origin).netloc)


def _is_kept(app: App, page: Page) -> None:
    """The page is asked for each time; its scripts are not, where their names are known to change
    with them."""
    found = page.evaluate(SCRIPTS)
    scripts = [url for url in found if app.unnamed is None or app.unnamed not in url]
    assert scripts
    answers = page.evaluate(KEPT, ["/", "/no/such.js", *scripts])
    assert answers[0] == [200, "no-cache"], answers[0]
    assert answers[1][0] == 404, answers[1]
    wanted = "public, max-age=31536000, immutable" if app.is_hashed else "no-cache"
    assert all(answer == [200, wanted] for answer in answers[2:]), answers


def try_build(app: App, folder: Path, browser: Browser, server: str) -> None:
    """What `npm run build` has left, as FRONTEND."""
    with served(folder.parent, {"FRONTEND": str(folder / app.dist)}, server) as (origin, _):
        with opened(browser, app.own_error) as (page, _):
            failures = _failures_of(page)
            page.goto(origin, wait_until="networkidle")
            expect(page.locator(HEADING)).to_have_text(BEFORE)
            for path in app.pages:
                page.click("#about")
                page.wait_for_url(f"{origin}{path}**")
                expect(page.locator("h1")).to_have_text("about")
                page.goto(f"{origin}{path}", wait_until="networkidle")
                expect(page.locator("h1")).to_have_text("about")
            assert failures == [], failures
            page.goto(origin)
            _is_kept(app, page)
        with opened(browser) as (page, devtools):
            status, heading = app.deep_link
            answer = page.goto(f"{origin}/users/7", wait_until="networkidle")
            assert answer is not None
            assert answer.status == status, answer.status
            expect(page.locator("h1").first).to_have_text(heading)
            devtools.assert_only(urlsplit(origin).netloc)
