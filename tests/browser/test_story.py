"""What a person does with the example, in Chromium."""

import io

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.programs import wait_until
from tests.browser.sites import Site

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("story")]

ABSOLUTE = "/api/me/?by=address"


def log_in(page: Page, site: Site, then: str) -> None:
    """Log in on Django's page, which leads to the given one."""
    page.goto(f"{site.origin}/dj/login/?next={then}")
    page.fill("input[name=username]", "demo")
    page.fill("input[name=password]", "demo")
    page.click("#login")
    page.wait_for_url(f"{site.origin}{then}")


def test_relative_call_and_form_succeed_where_absolute_call_is_refused(
    site: Site, page: Page
) -> None:
    with page.expect_console_message(
        lambda message: "blocked by CORS policy" in message.text
    ) as refusal:
        log_in(page, site, "/csr-api-call.html")
    other = site.origin.replace("localhost", "127.0.0.1")
    assert f"'{other}{ABSOLUTE}' from origin '{site.origin}'" in refusal.value.text
    expect(page.locator("#absolute-result")).to_have_attribute("data-state", "refused")
    expect(page.locator("#relative-result")).to_have_text("Django answered: you are demo.")
    site.django.wait_for_request(ABSOLUTE, 200)
    site.django.wait_for_request("/api/me/", 200)

    picture = io.BytesIO()
    Image.new("RGB", (321, 123), "teal").save(picture, "PNG")
    upload: FilePayload = {
        "name": "teal.png",
        "mimeType": "image/png",
        "buffer": picture.getvalue(),
    }
    page.fill("#post-title", "A teal picture")
    page.set_input_files("#post-image", upload)
    page.click("#post-submit")
    expect(page.locator("#post-result")).to_have_attribute("data-state", "ok")
    expect(page.locator("#post-picture")).to_have_attribute("src", "/media/posts/teal.png")
    page.wait_for_function("document.querySelector('#post-picture').naturalWidth === 321")
    assert page.request.get(f"{site.origin}/media/posts/teal.png").body() == picture.getvalue()

    page.goto(f"{site.origin}/blog/")
    expect(page.locator("article h2").first).to_have_text("A teal picture")
    site.django.wait_for_request("/blog/", 200)
    site.frontend.wait_for_request("/csr-api-call.html", 200)
    assert site.django.has_request("/csr-api-call.html") == site.django_sees_every_request
    assert not site.frontend.has_request("/api/me/")
    assert not site.frontend.has_request("/blog/")


def test_paths_that_only_begin_like_djangos_are_the_frontends(site: Site, page: Page) -> None:
    page.request.get(f"{site.origin}/apix?from=test")
    page.request.get(f"{site.origin}/api/nothing?from=test")
    page.request.get(f"{site.origin}/api?from=test", max_redirects=0)
    wait_until(lambda: site.frontend.has_request("/apix?from=test"), "the frontend saw no /apix")
    wait_until(lambda: site.django.has_request("/api?from=test"), "Django saw no /api")
    assert not site.frontend.has_request("/api/nothing?from=test")
    assert not site.frontend.has_request("/api?from=test")


def test_no_answer_carries_a_cors_field(site: Site, page: Page) -> None:
    elsewhere = {"Origin": "http://elsewhere.example"}
    answer = page.request.get(f"{site.origin}/api/me/", headers=elsewhere)
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_logging_out_on_the_frontends_page_ends_the_session(site: Site, page: Page) -> None:
    log_in(page, site, "/")
    expect(page.locator("#username")).to_have_text("demo")
    page.click("#logout-form button")
    expect(page.locator("#login-link")).to_be_visible()
    assert page.request.get(f"{site.origin}/api/me/").json() == {"username": None}
