"""Vite and Next behind each of Django's servers: hot reload, forms and streams in Chromium."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.live import APPS, KINDS, DevTools, Frontend
from tests.browser.programs import DEADLINE
from tests.harness.django_servers import DjangoServer, serving
from tests.harness.groups import grouped

pytestmark = pytest.mark.browser

ADDRESSES = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Site:
    """A frontend behind one of Django's servers, at one of the machine's names."""

    frontend: Frontend
    authority: str

    @property
    def origin(self) -> str:
        return f"http://{self.authority}"


@pytest.fixture(scope="module", params=grouped("hot reload of", APPS))
def frontend(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Frontend]:
    """One of tests/frontends; all tests edit the same copy."""
    app = APPS[request.param]
    running = Frontend(app, tmp_path_factory.mktemp("frontends") / app.name)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def djangos(frontend: Frontend) -> Iterator[Callable[[str], DjangoServer]]:
    """Give the server of a kind; each is started when it is first asked for."""
    running: dict[str, DjangoServer] = {}
    with ExitStack() as stack:

        def django(kind: str) -> DjangoServer:
            if kind not in running:
                settings = {"FRONTEND": f"http://localhost:{frontend.port}"}
                running[kind] = stack.enter_context(serving(kind, settings))
            return running[kind]

        yield django


@pytest.fixture(scope="module")
def barred_browser(launched: Callable[[list[str]], Browser], frontend: Frontend) -> Browser:
    """A browser that cannot connect to the frontend's own port, by whatever name."""
    return launched([f"--host-resolver-rules=MAP *:{frontend.port} ~NOTFOUND"])


@pytest.fixture
def page(barred_browser: Browser) -> Iterator[Page]:
    """A page of a browser without cookies."""
    context = barred_browser.new_context(locale="en-US")
    context.set_default_timeout(DEADLINE * 1000)
    yield context.new_page()
    context.close()


@pytest.fixture
def devtools(page: Page) -> DevTools:
    """An account of the page's traffic from its first request on."""
    return DevTools(page)


@pytest.fixture(params=ADDRESSES)
def address(request: pytest.FixtureRequest) -> str:
    """The name in the browser's address bar."""
    return str(request.param)


@pytest.fixture(params=KINDS)
def site(
    request: pytest.FixtureRequest,
    address: str,
    frontend: Frontend,
    djangos: Callable[[str], DjangoServer],
) -> Site:
    """The frontend behind one of Django's servers."""
    return Site(frontend, f"{address}:{djangos(request.param).port}")


def test_edited_component_updates_and_keeps_its_state(
    site: Site, page: Page, devtools: DevTools
) -> None:
    page.goto(site.origin)
    page.click("#counter")  # It is enabled once React has taken over.
    expect(page.locator("#counter")).to_have_text("1")
    devtools.wait_for_live_socket()
    page.evaluate("window.wasNotReloaded = true")
    heading = f"edited {uuid.uuid4()}"
    site.frontend.edit(heading)
    expect(page.locator("h1")).to_have_text(heading)
    expect(page.locator("#counter")).to_have_text("1")
    assert page.evaluate("window.wasNotReloaded") is True
    page.click("#counter")
    expect(page.locator("#counter")).to_have_text("2")
    devtools.assert_only(site.authority)


def test_form_post_is_answered(site: Site, page: Page, devtools: DevTools) -> None:
    page.goto(site.origin)
    expect(page.locator("#counter")).to_be_enabled()
    page.fill("input[name=word]", "grüße")
    page.click("#submit")
    if site.frontend.app.name == "next":
        expect(page.locator("#answer")).to_have_text("The action has read: grüße")
    else:
        page.wait_for_url(f"{site.origin}/api/echo/")
        answer = '{"method": "POST", "body": "word=gr%C3%BC%C3%9Fe"}'
        expect(page.locator("body")).to_have_text(answer)
    devtools.assert_only(site.authority)


def test_first_part_of_a_streamed_page_does_not_wait_for_the_rest(
    site: Site, page: Page, devtools: DevTools
) -> None:
    held = str(uuid.uuid4())
    page.goto(f"{site.origin}/stream?id={held}", wait_until="commit")
    expect(page.locator("#first")).to_be_visible()
    expect(page.locator("#late")).to_have_count(0)
    site.frontend.release(held)
    expect(page.locator("#late")).to_be_visible()
    devtools.assert_only(site.authority)


REACHES = """port => Promise.all(["localhost", "127.0.0.1", "[::1]"].flatMap(name => [
    fetch(`http://${name}:${port}/`, {mode: "no-cors"}).then(() => true, () => false),
    new Promise(resolve => {
        const socket = new WebSocket(`ws://${name}:${port}/`, "vite-hmr");
        socket.onopen = () => resolve(true);
        socket.onerror = () => resolve(false);
    }),
]))"""


def test_bar_before_the_frontends_port_is_effective(
    page: Page, frontend: Frontend, djangos: Callable[[str], DjangoServer]
) -> None:
    page.goto(f"http://localhost:{djangos(KINDS[0]).port}/about/")
    assert page.evaluate(REACHES, frontend.port) == [False] * 6
