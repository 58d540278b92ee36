"""What a browser is told of a failure: whose it is, in words that HTML does not take for markup."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from samesite_proxy.conf import Settings
from samesite_proxy.conf.frontends import parse_frontend
from samesite_proxy.proxy import errors
from samesite_proxy.proxy.error_page import Form, form_for, page_of, told
from samesite_proxy.proxy.errors import BY_CODE, Failure

FRONTEND = parse_frontend("/", "http://localhost:3000")
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


EVERY: set[Failure] = {
    *BY_CODE.values(),
    *(one for one in vars(errors).values() if isinstance(one, Failure)),
}


@pytest.mark.parametrize(
    ("method", "accept", "form"),
    [
        ("GET", BROWSER, Form.PAGE),
        ("HEAD", "TEXT/HTML", Form.PAGE),
        ("GET", "*/*", Form.LINE),
        ("GET", "", Form.LINE),
        ("GET", "text/html;q=0", Form.LINE),
        ("GET", "text/htmlx", Form.LINE),
        ("POST", BROWSER, Form.LINE),  # A reload would send it again.
        (None, BROWSER, Form.LINE),
        ("GET", "application/json", Form.JSON),
        ("POST", "application/json, text/plain, */*", Form.JSON),
        ("GET", "application/json, text/html", Form.PAGE),
        ("GET", "text/html; q=0.5, Application/JSON;q=0.6", Form.JSON),
        ("GET", "text/html;q=0.6, application/json;q=0.5", Form.PAGE),
        ("GET", "application/json;q=0, */*", Form.LINE),
        ("GET", "application/json;q=x", Form.JSON),
    ],
)
def test_form_is_what_the_client_names_with_the_greatest_q(
    method: str | None, accept: str, form: Form
) -> None:
    assert form_for(method, accept) == form


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


DEBUG = Settings((FRONTEND,), debug=True)
PRODUCTION = Settings((FRONTEND,))
WITH_PAGE = Settings((FRONTEND,), own_page="<h1>Back soon</h1>")


@pytest.mark.parametrize("failure", sorted(EVERY, key=lambda one: (one.status, one.text)))
def test_every_failure_has_its_page_its_json_and_its_line(failure: Failure) -> None:
    page, data, line = (told(failure, FRONTEND, form, DEBUG)[1].decode() for form in Form)
    sentence = failure.sentence(FRONTEND)
    assert page.startswith("<!doctype html>")
    assert json.loads(data) == {"detail": sentence}
    assert line == f"samesite_proxy: {sentence}\n"


@pytest.mark.parametrize("failure", sorted(EVERY, key=lambda one: (one.status, one.text)))
def test_no_failure_tells_a_visitor_what_the_log_says(failure: Failure) -> None:
    named = replace(failure, detail="the log's words")
    for settings in (PRODUCTION, WITH_PAGE):
        for form in Form:
            fields, said = told(named, FRONTEND, form, settings)
            text = said.decode()
            assert ("Cache-Control", "no-store") in fields
            assert text.strip()
            told_here = ("samesite_proxy", "SAMESITE", "localhost", "the log's", failure.text)
            assert [word for word in told_here if word in text] == []
            is_page = settings is WITH_PAGE and form is Form.PAGE and failure.status >= 500
            assert (text == WITH_PAGE.own_page) == is_page
            assert (fields[0][1] == Form.PAGE.value) == is_page


def test_refused_host_is_named_in_debug_and_in_the_log_whatever_is_in_it() -> None:
    refused = replace(errors.HOST_REFUSED, detail="Invalid HTTP_HOST header: '{x}'")
    assert "'{x}'" in refused.line(FRONTEND)
    assert "&#x27;{x}&#x27;" in page_of(refused, FRONTEND)
    assert refused.logged(FRONTEND).count("'{x}'") == 1
