"""Middleware before ours: what they set, delete or encode wins, everything else crosses."""

from __future__ import annotations

import gzip
import json
import threading
from typing import Any

import pytest

from tests.harness.scripted_upstream import DEADLINE, Connection
from tests.traffic.stage import Stage, chunked, on, request

OURS = "samesite_proxy.middleware.SameSiteProxyMiddleware"
HEAD = "HTTP/1.1 200 OK\r\n"


def before(*names: str, **settings: Any) -> dict[str, str]:
    """The environment of a server with these middleware before ours."""
    return {
        "TEST_MIDDLEWARE": json.dumps([*names, OURS]),
        "TEST_SETTINGS": json.dumps(settings),
    }


def answer_of(*lines: str, body: bytes = b"") -> bytes:
    head = "\r\n".join(["HTTP/1.1 200 OK", *lines, f"Content-Length: {len(body)}", "", ""])
    return head.encode() + body


SESSION = before(
    "django.contrib.sessions.middleware.SessionMiddleware",
    "tests.project.middleware.visits_counted",
)
GZIP = before("django.middleware.gzip.GZipMiddleware")
CONDITIONAL = before("django.middleware.http.ConditionalGetMiddleware")
# As Django's documents have them: the one first, the other last.
CACHING = "django.middleware.cache.{}CacheMiddleware"
CACHE = {
    "TEST_MIDDLEWARE": json.dumps([CACHING.format("Update"), OURS, CACHING.format("FetchFrom")])
}
COMMON = before("django.middleware.common.CommonMiddleware")
LOCALE = before("django.middleware.locale.LocaleMiddleware")
SECURITY = before(
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)
EDITS = before("tests.project.middleware.edits")
READS = before("tests.project.middleware.reads_body")
GATES = before("tests.project.middleware.gates")
WHITENOISE = before("whitenoise.middleware.WhiteNoiseMiddleware", STATIC_ROOT="/nonexistent-static")
TOOLBAR = before(
    "debug_toolbar.middleware.DebugToolbarMiddleware",
    INSTALLED_APPS=["django.contrib.staticfiles", "debug_toolbar"],
    INTERNAL_IPS=["127.0.0.1"],
    ROOT_URLCONF="tests.project.toolbar_urls",
)
STANDARD = before(
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)
BOTH = ("runserver", "fastpath", "gthread")


@on(*BOTH, **SESSION)
def test_session_sets_its_cookie_beside_the_frontends(stage: Stage) -> None:
    stage.record(
        answer_of("Set-Cookie: a=1; Path=/", "Vary: Accept", "Set-Cookie: b=2", body=b"ok")
    )
    answer = stage.get("/x")
    cookies = answer.all("Set-Cookie")
    assert (cookies[:2], len(cookies)) == (["a=1; Path=/", "b=2"], 3)
    assert cookies[2].startswith("sessionid=")
    assert (answer.all("Vary"), answer.body) == (["Accept, Cookie"], b"ok")


@on(*BOTH, **GZIP)
def test_gzip_encodes_what_is_plain(stage: Stage) -> None:
    body = b"text " * 1000
    stage.record(answer_of('ETag: "a"', "Vary: Accept", "X-Mark: 1", body=body))
    answer = stage.get("/x", "Accept-Encoding: gzip")
    assert (answer.get("Content-Encoding"), gzip.decompress(answer.body)) == ("gzip", body)
    assert answer.all("ETag") == ['W/"a"']
    assert (answer.all("Vary"), answer.get("X-Mark")) == (["Accept, Accept-Encoding"], "1")
    assert "Content-Length" not in dict(answer.fields)


@on(*BOTH, **GZIP)
def test_gzip_leaves_what_is_encoded(stage: Stage) -> None:
    body = b"\x1f\x8b not really"
    stage.record(answer_of("Content-Encoding: br", 'ETag: "a"', body=body))
    answer = stage.get("/x", "Accept-Encoding: gzip, br")
    assert (answer.all("Content-Encoding"), answer.body) == (["br"], body)
    assert answer.all("Content-Length") == [str(len(body))]


@on(*BOTH, **GZIP)
def test_gzip_leaves_a_part_what_it_is(stage: Stage) -> None:
    """Its bytes are counted, and put behind others that a client has."""
    body = b"text " * 1000
    part = b'HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-4999/9999\r\nETag: "a"\r\n'
    stage.record(part + b"Content-Length: 5000\r\n\r\n" + body)
    answer = stage.get("/x", "Accept-Encoding: gzip", "Range: bytes=0-4999")
    assert (answer.status, answer.body, answer.all("ETag")) == (206, body, ['"a"'])
    assert (answer.all("Content-Encoding"), answer.all("Content-Length")) == ([], ["5000"])


EVENTS = "Content-Type: text/event-stream"
IN_PIECES = {
    "events": [EVENTS],
    "events of a length": [EVENTS.title() + ";charset=utf-8", "Content-Length: 18"],
    "chunked page": ["Content-Type: text/html", "Transfer-Encoding: chunked"],
    "page until the end": ["Content-Type: text/html"],
}


@on(*BOTH, **GZIP)
@pytest.mark.parametrize("lines", IN_PIECES.values(), ids=IN_PIECES)
def test_gzip_holds_nothing_that_comes_in_pieces(stage: Stage, lines: list[str]) -> None:
    is_seen = threading.Event()
    pieces = [b"data: 1\n\n", b"data: 2\n\n"]
    framed = [chunked(pieces[0])[: -len(b"0\r\n\r\n")], chunked(pieces[1])]

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send("\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode())
        first, second = framed if "Transfer-Encoding: chunked" in lines else pieces
        connection.send(first)
        if is_seen.wait(DEADLINE):
            connection.send(second)

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/events", "Accept-Encoding: gzip, br, zstd"))
        assert b"content-encoding" not in client.read_until(pieces[0]).lower()
        is_seen.set()
        client.read_until(pieces[1])


@on(*BOTH, **CONDITIONAL)
def test_conditional_get_answers_304_by_the_frontends_etag(stage: Stage) -> None:
    stage.record(answer_of('ETag: "a"', "Set-Cookie: a=1", body=b"ok"))
    answer = stage.get("/x", 'If-None-Match: "a"')
    assert (answer.status, answer.body, answer.get("ETag")) == (304, b"", '"a"')
    assert stage.get("/x", 'If-None-Match: "b"').body == b"ok"
    stage.record(answer_of(body=b"ok"))
    assert stage.get("/x").get("ETag") is None


@on(*BOTH, **COMMON)
def test_common_redirects_no_frontend_path(stage: Stage) -> None:
    stage.record(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone")
    assert (stage.get("/x").status, stage.get("/api/nothing").status) == (404, 404)
    assert stage.get("/api/hello").status == 301


@on(*BOTH, **LOCALE)
def test_locale_adds_its_fields(stage: Stage) -> None:
    stage.record(answer_of("Vary: Accept-Encoding", body=b"ok"))
    answer = stage.get("/x", "Accept-Language: de")
    assert answer.get("Content-Language") == "de"
    assert answer.all("Vary") == ["Accept-Encoding, Accept-Language"]
    stage.record(answer_of("Content-Language: ko", body=b"ok"))
    assert stage.get("/x", "Accept-Language: de").all("Content-Language") == ["ko"]


@on(*BOTH, **SECURITY)
def test_security_fields_are_added_unless_the_frontend_has_its_own(stage: Stage) -> None:
    stage.record(answer_of("X-Frame-Options: SAMEORIGIN", body=b"ok"))
    answer = stage.get("/x")
    assert answer.all("X-Frame-Options") == ["SAMEORIGIN"]
    assert answer.all("X-Content-Type-Options") == ["nosniff"]


@on(*BOTH, **EDITS)
def test_edits_win_and_everything_else_crosses(stage: Stage) -> None:
    sent = ["X-Set: 1", "Link: <a>", "X-Deleted: 1", "x-SET: 2", "Link: <b>", "Set-Cookie: f=1"]
    stage.record(answer_of(*sent, "X-Deleted: 2", body=b"shout"))
    answer = stage.get("/x")
    assert (answer.all("X-Set"), answer.all("X-Deleted")) == (["by Django"], [])
    assert (answer.all("Link"), answer.all("X-New")) == (["<a>", "<b>"], ["new"])
    assert answer.all("Set-Cookie")[0] == "f=1"
    assert answer.all("Set-Cookie")[1].startswith("django=1")
    assert answer.body == b"SHOUT"


@on(*BOTH, "waitress", "granian", **READS)
def test_body_that_was_read_before_crosses(stage: Stage) -> None:
    recorder = stage.record()
    answer = stage.exchange(request("POST", "/x", "Content-Type: a/b", body=b"12345"))
    assert (answer.get("X-Body-Length"), recorder.next().body) == ("5", b"12345")
    assert stage.works()


@on(*BOTH, **GATES)
def test_gate_holds_for_the_frontend(stage: Stage) -> None:
    assert (stage.get("/x").status, stage.upstream.connections) == (403, [])
    stage.record()
    assert stage.get("/x", "X-Word: please").body == b"ok"


@on(*BOTH, **WHITENOISE)
def test_whitenoise_lets_the_frontend_through(stage: Stage) -> None:
    stage.record(answer_of("Set-Cookie: a=1", "Set-Cookie: b=2", body=b"ok"))
    answer = stage.get("/x")
    assert (answer.all("Set-Cookie"), answer.body) == (["a=1", "b=2"], b"ok")


@on(*BOTH, **TOOLBAR)
def test_debug_toolbar_lets_the_frontend_through(stage: Stage) -> None:
    body = b"<html><body>page</body></html>"
    stage.record(answer_of("Content-Type: text/html", "Set-Cookie: a=1", body=body))
    answer = stage.get("/x")
    assert (answer.status, answer.body, answer.all("Set-Cookie")) == (200, body, ["a=1"])


@on(*BOTH, **STANDARD)
def test_standard_project_with_ours_last_forwards(stage: Stage) -> None:
    recorder = stage.record()
    answer = stage.exchange(request("POST", "/x", "Origin: http://localhost", body=b"form"))
    assert (answer.body, recorder.next().body) == (b"ok", b"form")
