"""Location and Content-Location, brought back from a frontend's own address."""

from __future__ import annotations

import pytest
from django.test import override_settings

from samesite_proxy import conf
from samesite_proxy.proxy.redirects import Relocation


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://localhost:3000/a?b=c#d", "/a?b=c#d"),
        ("https://localhost:3000/a", "/a"),
        ("http://127.0.0.1:3000/a", "/a"),
        ("http://[::1]:3000/a", "/a"),
        ("http://0.0.0.0:3000/a", "/a"),
        ("http://[::]:3000/a", "/a"),
        ("HTTP://LOCALHOST:3000", "/"),
        ("http://localhost:3000?x", "/?x"),
        ("//localhost:3000/a", "/a"),
        ("http://frontend.internal:3000/a", "/a"),
        ("http://alias.internal:9999/a", "/a"),
        ("http://localhost:3000//evil.com/x", "http://localhost:8000//evil.com/x"),
        ("http://localhost:3001/a", "http://localhost:3001/a"),
        ("http://localhost/a", "http://localhost/a"),
        ("http://evil.com:3000/a", "http://evil.com:3000/a"),
        ("http://localhost:3000@evil.com/a", "http://localhost:3000@evil.com/a"),
        ("http://evil.com/http://localhost:3000/", "http://evil.com/http://localhost:3000/"),
        ("/a//b", "/a//b"),
        ("a?u=http://localhost:3000/", "a?u=http://localhost:3000/"),
        ("ftp://localhost:3000/a", "ftp://localhost:3000/a"),
        ("http://[broken", "http://[broken"),
        ("http://[fd00::1]:3000/a", "/a"),
        ("http://[fd00::2]:3000/a", "/a"),
        ("http://localhost:port/a", "http://localhost:port/a"),
    ],
)
def test_location_of_the_frontend_comes_back_to_the_browsers_origin(
    location: str, expected: str
) -> None:
    names = ["frontend.internal", "alias.internal:9999", "[FD00::1]", "fd00::2"]
    with override_settings(SAMESITE_PROXY={"FRONTEND_NAMES": names}):
        settings, _ = conf.read()
    assert settings is not None
    fields = [("Location", location), ("X-Location", location), ("content-location", location)]
    (frontend,) = settings.frontends
    rewritten = Relocation(settings).fields(fields, frontend, "http://localhost:8000")
    assert [value for _, value in rewritten] == [expected, location, expected]
