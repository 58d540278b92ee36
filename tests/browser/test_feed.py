"""The page over the feed, in Chromium, beside a page of Vite's with a thousand modules."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.programs import DEADLINE, EXAMPLE, free_ports
from tests.browser.sites import Start
from tests.fastpath.commands import runserver
from tests.harness.raw_client import exchange

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("feed")]

MODULES = 1000
CHILDREN = 4
VITE = EXAMPLE / "frontend-vite" / "node_modules" / "vite" / "bin" / "vite.js"
PAGE = '<!doctype html><title>modules</title><script type="module" src="/module0.js"></script>'


# What is refused is shown as it came; of what is copied a shell can make nothing else.
HOSTILE: dict[bytes, str | None] = {
    b"GET @evil.example/ HTTP/1.1": "curl --request-target '@evil.example/' '{origin}/'",
    b"GET /<img/src=x/onerror=isTaken=1>' HTTP/1.1\r\nX Y: 1": (
        r"curl '{origin}/<img/src=x/onerror=isTaken=1>'\''"
    )
    + "'",
    b"GET /\x1b[201~\x03;id\r\x85 HTTP/1.1": "curl --globoff '{origin}/%1b[201~%03;id%0d%85'",
    b"$(id) / HTTP/1.1": None,
}


def module(number: int) -> str:
    first = number * CHILDREN + 1
    children = range(first, min(first + CHILDREN, MODULES))
    imports = [f'import {{ total as t{child} }} from "./module{child}.js";' for child in children]
    total = " + ".join(["1", *(f"t{child}" for child in children)])
    end = "window.loaded = total;" if number == 0 else ""
    return "\n".join([*imports, f"export const total = {total};", end])


@pytest.fixture
def vite(start: Start, tmp_path: Path, vite_installed: None) -> str:
    """The address of its server, with a page that is an entry and a tree of modules below it."""
    (tmp_path / "index.html").write_text(PAGE)
    for number in range(MODULES):
        (tmp_path / f"module{number}.js").write_text(module(number))
    (port,) = free_ports(1)
    node = [sys.executable, str(EXAMPLE / "node.py"), "node", str(VITE)]
    start([*node, "--port", str(port), "--strictPort", str(tmp_path)]).wait_for("ready in")
    return f"http://localhost:{port}"


def load_modules(browser: Browser, origin: str) -> None:
    context = browser.new_context()
    context.set_default_timeout(DEADLINE * 1000)
    page = context.new_page()
    page.goto(f"{origin}/")
    page.wait_for_function(f"window.loaded === {MODULES}")
    context.close()


def is_visible_in_the_waterfall(page: Page, line: str) -> bool:
    widths: list[float] = (
        page.locator(line)
        .locator(".line i")
        .evaluate_all("bars => bars.map(bar => bar.getBoundingClientRect().width)")
    )
    return sum(widths) > 0


def test_page_shows_who_answers_while_a_thousand_modules_load(
    browser: Browser, page: Page, vite: str
) -> None:
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    with runserver("--noreload", "0", proxy={"FRONTEND": vite}) as server:
        origin = f"http://localhost:{server.port}"
        page.goto(f"{origin}/__samesite__/")
        expect(page.locator("#state")).to_contain_text("all requests")
        load_modules(browser, origin)
        modules = page.locator("#rows tr", has_text="/module")
        last = page.locator("#rows tr", has_text=re.compile("/module999.js"))
        expect(last).to_have_count(1)
        assert modules.count() > MODULES / 2  # The ring holds half; a slow look may miss some.
        expect(last.locator("td").nth(2)).to_have_text("200")
        expect(last.locator("td").nth(3)).to_have_text(vite)
        expect(last.locator("td").nth(5)).to_have_text(re.compile(r"^\d+ ms$"))
        assert is_visible_in_the_waterfall(page, "#rows tr:last-child")

        page.evaluate("fetch('/api/no-such/?a=[1]', {method: 'POST'})")
        line = page.locator("#rows tr", has_text="/api/no-such/")
        expect(line.locator("td").nth(3)).to_have_text("Django")
        page.locator("#text").fill("no-such")
        expect(page.locator("#rows tr:not([hidden])")).to_have_count(1)
        page.locator("#who").select_option(vite)
        expect(page.locator("#rows tr:not([hidden])")).to_have_count(0)
        page.locator("#who").select_option("Django")
        page.locator("#kind").select_option("failed")
        expect(page.locator("#rows tr:not([hidden])")).to_have_count(1)

        page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=origin)
        line.locator("button").click()
        expect(line.locator("button")).to_have_text("copied")
        assert page.evaluate("navigator.clipboard.readText()") == (
            f"curl --request 'POST' --globoff '{origin}/api/no-such/?a=[1]'"
        )
        page.locator("#text").fill("")
        page.locator("#who").select_option("")
        page.locator("#kind").select_option("")
        page.locator("#clear").click()
        for line, copied in HOSTILE.items():
            exchange(server.port, line + b"\r\nHost: localhost\r\n\r\n")
            expect(page.locator("#rows tr")).to_have_count(1)
            row = page.locator("#rows tr")
            expect(row.locator("td").nth(2)).to_have_text("400")
            if copied is None:
                expect(row.locator("button")).to_be_disabled()
            else:
                row.locator("button").click()
                expect(row.locator("button")).to_have_text("copied")
                text = page.evaluate("navigator.clipboard.readText()")
                assert text == copied.format(origin=origin)
            page.locator("#clear").click()
            expect(page.locator("#rows tr")).to_have_count(0)
        assert page.evaluate("window.isTaken") is None
        is_failed_fetch = [text for text in complaints if "403" in text or "404" in text]
        assert complaints == is_failed_fetch
