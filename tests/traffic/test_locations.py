"""A redirect to the frontend's own address comes back to the browser's origin."""

from __future__ import annotations

import pytest

from tests.traffic.stage import EVERY, Stage, on

NAMES = {"settings": {"FRONTEND_NAMES": ["frontend.internal", "other.internal:9999"]}}

# {port} is the frontend's.
OWN = [
    ("http://localhost:{port}/next", "/next"),
    ("https://localhost:{port}/next", "/next"),
    ("http://127.0.0.1:{port}/a?b=c#d", "/a?b=c#d"),
    ("http://[::1]:{port}/", "/"),
    ("https://0.0.0.0:{port}/x", "/x"),
    ("http://[::]:{port}/x", "/x"),
    ("//localhost:{port}/x", "/x"),
    ("http://localhost:{port}", "/"),
    ("http://localhost:{port}?q=1", "/?q=1"),
    ("HTTP://LocalHost:{port}/x", "/x"),
    ("http://localhost:{port}//evil.example/", "http://localhost:8000//evil.example/"),
]
FOREIGN = [
    "/relative",
    "relative?x=http://localhost:{port}/",
    "?only=query",
    "https://example.com/x",
    "http://localhost:1/x",
    "http://localhost/x",
    "http://localhost.evil.example:{port}/x",
    "http://localhost:{port}@evil.example/x",
    "//evil.example/x",
    "ftp://localhost:{port}/x",
    "http://[broken/x",
    "http://localhost:99999/x",
    "mailto:x@localhost",
]


def located(stage: Stage, field: str, value: str, host: str = "localhost:8000") -> str | None:
    value = value.format(port=stage.upstream.port)
    head = f"HTTP/1.1 302 Found\r\n{field}: {value}\r\nContent-Length: 0\r\n\r\n"
    stage.record(head.encode("latin-1"))
    answer = stage.get("/x", host=host)
    assert answer.status == 302
    return answer.get(field)


@on(*EVERY)
@pytest.mark.parametrize("field", ["Location", "Content-Location"])
@pytest.mark.parametrize(("value", "seen"), OWN)
def test_own_address_of_the_frontend_comes_back(
    stage: Stage, field: str, value: str, seen: str
) -> None:
    assert located(stage, field, value) == seen


@on("runserver", "fastpath", "gthread", "granian")
@pytest.mark.parametrize("value", FOREIGN)
def test_other_places_are_untouched(stage: Stage, value: str) -> None:
    assert located(stage, "Location", value) == value.format(port=stage.upstream.port)


@on("gthread", **NAMES)
@pytest.mark.parametrize(
    ("value", "seen"),
    [
        ("http://frontend.internal:{port}/x", "/x"),
        ("https://frontend.internal:{port}/x", "/x"),
        ("http://other.internal:9999/x", "/x"),
        ("http://other.internal:1/x", "http://other.internal:1/x"),
    ],
)
def test_configured_names_of_the_frontend_come_back(stage: Stage, value: str, seen: str) -> None:
    assert located(stage, "Location", value) == seen


@on("gthread")
def test_names_in_other_fields_are_untouched(stage: Stage) -> None:
    value = f"http://localhost:{stage.upstream.port}/x"
    assert located(stage, "X-Location", value) == value


# {own} is the frontend's address.
IN_VALUES = [
    ("Refresh", "5; url={own}/next", "5; url=/next"),
    ("Refresh", "0;URL = '{own}/a;b'", "0;URL = '/a;b'"),
    ("Refresh", '1, "{own}"', '1, "/"'),
    ("Refresh", "0 url={own}/next", "0 url=/next"),
    ("Refresh", "0.5 {own}/next", "0.5 /next"),
    ("Refresh", "3", "3"),
    ("Refresh", "3; url=https://example.com/?u={own}/", "3; url=https://example.com/?u={own}/"),
    (
        "Link",
        "<{own}/a.css>; rel=preload, <{own}/b.js>; as=script",
        "</a.css>; rel=preload, </b.js>; as=script",
    ),
    (
        "Link",
        '</c>; title="a <{own}/x> \\" b", <{own}//y>',
        '</c>; title="a <{own}/x> \\" b", <http://localhost:8000//y>',
    ),
    ("Link", "<https://example.com/>; rel=next, <{own}/u", "<https://example.com/>; rel=next, </u"),
    ("link", "<relative>", "<relative>"),
]


@on(*EVERY)
def test_places_inside_refresh_and_link_come_back(stage: Stage) -> None:
    own = f"http://localhost:{stage.upstream.port}"
    for field, value, seen in IN_VALUES:
        sent = value.replace("{own}", own)
        assert located(stage, field, sent.replace("{", "{{")) == seen.replace("{own}", own)
