"""What a browser is told of a failure: whose it is, in words that HTML does not take for markup."""

from __future__ import annotations

import pytest

from samesite_proxy.conf import parse_frontend
from samesite_proxy.proxy import errors
from samesite_proxy.proxy.error_page import is_wanted, page_of, told
from samesite_proxy.proxy.errors import BY_CODE, Failure

FRONTEND = parse_frontend("/", "http://localhost:3000")
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("method", "accept", "wanted"),
    [
        ("GET", BROWSER, True),
        ("HEAD", "TEXT/HTML", True),
        ("GET", "*/*", False),
        ("GET", "", False),
        ("GET", "application/json", False),
        ("POST", BROWSER, False),  # A reload would send it again.
        (None, BROWSER, False),
    ],
)
def test_page_is_for_who_asks_for_one(method: str | None, accept: str, wanted: bool) -> None:
    assert is_wanted(method, accept) == wanted


@pytest.mark.parametrize(
    ("failure", "title"),
    [
        (BY_CODE["connect"], "The frontend does not answer"),
        (BY_CODE["response-timeout"], "The frontend does not answer"),
        (BY_CODE["loop"], "The frontend sends the request back to Django"),
        (BY_CODE["too-many"], "This server cannot forward"),
        (errors.BODY_TAKEN, "This server cannot forward"),
        (errors.HOST_REFUSED, "This request cannot be forwarded"),
    ],
)
def test_page_says_which_side_failed(failure: Failure, title: str) -> None:
    assert f"<h1>{title}" in page_of(failure, FRONTEND)


def test_page_waits_for_what_may_pass() -> None:
    assert "location.reload()" in page_of(BY_CODE["connect"], FRONTEND)
    assert "answer.status !== 504" in page_of(BY_CODE["response-timeout"], FRONTEND)
    assert "<script>" not in page_of(errors.HOST_REFUSED, FRONTEND)


def test_sentence_is_text() -> None:
    page = page_of(Failure(502, "<b>{address}</b> & $status"), FRONTEND)
    assert "&lt;b&gt;http://localhost:3000&lt;/b&gt; &amp; $status" in page


def test_every_failure_has_a_page_and_a_line() -> None:
    for failure in BY_CODE.values():
        assert told(failure, FRONTEND, as_page=True)[1].startswith(b"<!doctype html>")
        assert told(failure, FRONTEND, as_page=False)[1].startswith(b"samesite_proxy: ")
