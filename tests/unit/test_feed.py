"""Who may look at the feed, and what of several processes' positions is one's own."""

from __future__ import annotations

import os
from types import ModuleType

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import path, re_path

from samesite_proxy.conf import Settings
from samesite_proxy.feed import page, rows
from samesite_proxy.feed.page import JSON
from samesite_proxy.proxy.rules import FEED

OPENED = {"SEC_FETCH_MODE": "navigate"}
IN_DEBUG = Settings((), debug=True, in_tests=True)


def view(request: HttpRequest) -> HttpResponse:
    raise AssertionError


def asked(peer: str = "127.0.0.1", **fields: str) -> HttpRequest:
    return RequestFactory().get(f"{FEED}{JSON}", REMOTE_ADDR=peer, HTTP_HOST="localhost", **fields)


@pytest.mark.parametrize(
    ("peer", "may_look"),
    [
        *[(peer, True) for peer in ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1")],
        *[(peer, False) for peer in ("10.0.0.1", "::ffff:10.0.0.1", "fe80::1", "", "localhost")],
    ],
)
def test_peer_decides_who_may_look(peer: str, may_look: bool) -> None:
    assert (page.answering(asked(peer), IN_DEBUG) is not None) == may_look


@pytest.mark.parametrize(
    "name",
    [
        *["X_FORWARDED_FOR", "X_FORWARDED_HOST", "X_FORWARDED_PROTO", "FORWARDED", "VIA"],
        *["X_REAL_IP", "X_CLIENT_IP", "TRUE_CLIENT_IP", "CF_CONNECTING_IP", "CDN_LOOP"],
    ],
)
def test_what_has_come_through_somebody_is_not_from_here(name: str) -> None:
    assert page.answering(asked(**{f"HTTP_{name}": ""}), IN_DEBUG) is None


@pytest.mark.parametrize(
    ("pattern", "is_projects"),
    [
        (path("__samesite__/feed.json", view), True),
        (re_path("^__samesite__/", view), True),
        (re_path("^(?P<any>.*)$", view), False),
        (path("<path:any>", view), False),
        (path("other/", view), False),
    ],
    ids=str,
)
def test_projects_own_url_wins_and_one_for_any_path_does_not(
    pattern: object, is_projects: bool
) -> None:
    urlconf = ModuleType("urls_of_a_test")
    urlconf.urlpatterns = [pattern]  # type: ignore[attr-defined]
    request = asked()
    request.urlconf = urlconf  # type: ignore[attr-defined]
    assert (page.answering(request, IN_DEBUG) is None) == is_projects


@pytest.mark.parametrize(
    ("after", "known"),
    [
        *[
            (f"{text}{{own}}:7.5{more}", (7, 5))
            for text in ("", "1.2:3.1,")
            for more in ("", ",4:5.6")
        ],
        ("{own}:0.0", (0, 0)),
        *[(text, None) for text in ("", "1.2:3.4", "{own}", "{own}:", "{own}:7", "{own}:7.", ":.")],
        *[
            ("{own}:" + text, None)
            for text in ("-1.1", "1.-1", "x.1", "1.²", "1.1.1", " 1.1", "1.0x1")
        ],
        ("{own}:" + "9" * 40 + ".1", None),
        ("," * 5000, None),
    ],
)
def test_position_is_that_of_the_process(after: str, known: tuple[int, int] | None) -> None:
    own = f"{os.getpid()}.{rows.STARTED}"
    assert rows.known_in(after.format(own=own), own) == known


@pytest.mark.parametrize(
    ("fields", "may_look"),
    [
        ({}, True),
        ({"SEC_FETCH_SITE": "same-origin", "SEC_FETCH_MODE": "cors"}, True),
        ({"SEC_FETCH_SITE": "none", "SEC_FETCH_MODE": "navigate"}, True),
        ({"SEC_FETCH_SITE": "cross-site", **OPENED, "SEC_FETCH_DEST": "document"}, True),
        ({"SEC_FETCH_SITE": "cross-site", **OPENED, "SEC_FETCH_DEST": "iframe"}, False),
        ({"SEC_FETCH_SITE": "cross-site", "SEC_FETCH_MODE": "cors"}, False),
        ({"SEC_FETCH_SITE": "same-site", "SEC_FETCH_DEST": "script"}, False),
        ({"SEC_FETCH_SITE": ""}, False),
        ({"ORIGIN": "http://localhost"}, True),
        *[
            ({"ORIGIN": text}, False)
            for text in ("null", "", "https://localhost", "http://a.example")
        ],
    ],
    ids=str,
)
def test_page_of_another_origin_may_not_look(fields: dict[str, str], may_look: bool) -> None:
    given = {f"HTTP_{name}": value for name, value in fields.items()}
    assert (page.answering(asked(**given), IN_DEBUG) is not None) == may_look
