"""The frontend or Django is down: what a browser shows meanwhile, and that it goes on by itself."""

import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.programs import free_ports
from tests.browser.sites import Start
from tests.fastpath.commands import save
from tests.fastpath.test_broken import GOOD
from tests.fastpath.test_never_started import BROKEN, never_started

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("failure page")]


@pytest.mark.parametrize(
    "variant", [{}, {"DEMO_WITHOUT_FASTPATH": "1"}], ids=["fastpath", "middleware"]
)
def test_page_reloads_itself_when_the_frontend_is_up(
    start: Start, page: Page, tmp_path: Path, variant: dict[str, str]
) -> None:
    port, frontend_port = map(str, free_ports(2))
    variables = {
        "DJANGO_SETTINGS_MODULE": "config.variants",
        "DEMO_FRONTEND_PORT": frontend_port,
        "DEMO_VAR": str(tmp_path),
        **variant,
    }
    command = [sys.executable, "manage.py", "runserver", "--noreload", port]
    start(command, variables=variables).wait_for("Starting development server")

    answer = page.goto(f"http://localhost:{port}/csr-api-call.html?by=browser#there")
    assert answer is not None
    assert answer.status == 502
    expect(page.locator("h1")).to_have_text("The frontend does not answer as it should")
    sentence = f"at http://localhost:{frontend_port}"  # Another may answer on this machine.
    expect(page.locator("p").first).to_contain_text(sentence)

    start([sys.executable, "frontend/serve.py", "--port", frontend_port])
    expect(page.locator("h1")).not_to_have_text("The frontend does not answer as it should")
    expect(page.locator("nav.bar .brand")).to_have_text("One origin")
    assert page.url == f"http://localhost:{port}/csr-api-call.html?by=browser#there"


def test_page_reloads_itself_when_django_has_started(page: Page, tmp_path: Path) -> None:
    with never_started(tmp_path, BROKEN["name"]) as (server, port, module):
        server.await_log("has ended")
        address = f"http://localhost:{port}/api/hello/?by=browser#there"
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 503
        expect(page.locator("h1")).to_have_text("Django has not started")
        save(module, GOOD)
        expect(page.locator("body")).to_have_text("Django answers /api/hello/", timeout=30_000)
        assert page.url == address
