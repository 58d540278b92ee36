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


@pytest.mark.parametrize("name", ["X_FORWARDED_FOR", "FORWARDED", "X_REAL_IP", "VIA"])
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
    ("after", "count"),
    [
        *[("{own}.7", 7), ("1.2.3,{own}.7,4.5.6", 7), ("{own}.0", 0)],
        *[(text, 0) for text in ("", "1.2.3", "{own}", "{own}.", "{own}.-1", "{own}.x", "{own}.²")],
        ("{own}." + "9" * 40, 0),
    ],
)
def test_position_is_that_of_the_process(after: str, count: int) -> None:
    own = f"{os.getpid()}.{rows.STARTED}"
    assert rows._count_in(after.format(own=own), own) == count
