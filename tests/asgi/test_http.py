"""Requests and answers under ASGI servers: the middleware alone, and in front of Django."""

from __future__ import annotations

import json
import threading
from queue import Queue

import pytest

from samesite_proxy.proxy.place import NAME
from tests.asgi.server_table import row_of
from tests.asgi.servers import EVERY, both, front, plain
from tests.harness.http_requests import OK, Request, RequestReader, recording
from tests.harness.memory import MIB, PeakMemory
from tests.harness.patterns import digest, pattern
from tests.harness.scripted_upstream import DEADLINE, Connection, answering
from tests.traffic.stage import Stage, chunked, on, request
from tests.traffic.test_request_fields import nothing_passes_for_another_field

HTTP = b"HTTP/1.1 "
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")
STREAMING = [name for name in EVERY if name != "daphne"]


@on(*both())
def test_django_answers_what_is_its_own(stage: Stage) -> None:
    assert stage.get("/api/hello/").body == b"Django answers /api/hello/"
    assert stage.get("/about").get("Location") == "/about/" or stage.get("/about/").status == 200
    assert stage.upstream.connections == []


@on(*both())
def test_fields_and_target_cross_as_they_came(stage: Stage) -> None:
    recorder = stage.record()
    target = "/a%2Fb//%7E.%C3%A9/../x;y=1?q=%20+&r=%2F&empty="
    stage.get(target, "X-One: 1", "X-Two: a", "x-two: b", "X-Bytes: \xe9", "Cookie: a=1", "TE: x")
    seen = recorder.next()
    assert (seen.method, seen.target) == ("GET", target)
    own = [name.lower() for name, _ in seen.fields if name.lower().startswith("x-")]
    assert own[:4] == ["x-one", "x-two", "x-two", "x-bytes"]
    assert seen.all("X-Two") == ["a", "b"]
    assert seen.get("X-Bytes") == "\xe9"
    assert seen.get("Host") == "localhost"
    assert seen.get("X-Forwarded-Host") == "localhost"
    assert seen.get("X-Forwarded-Proto") == "http"
    assert seen.get("X-Forwarded-For") == "127.0.0.1"
    assert "te" not in seen.names
    assert not {"user-agent", "accept", "expect", "content-type"} & seen.names


@on(*both())
@pytest.mark.parametrize("method", METHODS)
def test_methods_cross(stage: Stage, method: str) -> None:
    recorder = stage.record()
    assert stage.exchange(request(method, "/m")).status == 200
    assert recorder.next().method == method


@on(*both())
@pytest.mark.parametrize("method", ["TRACE"])
def test_methods_that_are_never_forwarded_are_405(stage: Stage, method: str) -> None:
    answer = stage.exchange(request(method, "/m"))
    assert answer.status in (405, 400)
    assert stage.upstream.connections == []


@on(*both())
def test_answer_fields_keep_duplicates_and_bytes(stage: Stage) -> None:
    stage.play(
        answering(
            HTTP + b"203 Odd\r\nX-Odd: \xe9\r\nSet-Cookie: a=1\r\nX-Two: a\r\nX-Two: b\r\n"
            b"Set-Cookie: b=2; Path=/\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\n"
            b"Keep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok"
        )
    )
    answer = stage.get("/")
    assert (answer.status, answer.body) == (203, b"ok")
    assert answer.all("Set-Cookie") == ["a=1", "b=2; Path=/"]
    assert answer.all("X-Two") == ["a", "b"]
    assert answer.get("X-Odd") == "\xe9"
    assert answer.get("X-Hop") is None
    assert answer.get("Keep-Alive") is None
    assert answer.all("Content-Length") == ["2"]
    own = [name.lower() for name, _ in answer.fields]
    expected = ["x-odd", "set-cookie", "x-two", "x-two", "set-cookie", "content-length"]
    assert set(own) - set(expected) <= row_of(stage.kind).adds | {"connection"}
    kept = [name for name in own if name in expected]
    assert (kept == expected) == (row_of(stage.kind).order == "kept")


@on(*both())
def test_spelling_of_answer_field_names_is_the_tables(stage: Stage) -> None:
    stage.play(answering(HTTP + b"200 OK\r\nx-lower: 1\r\nX-UPPER: 2\r\nContent-Length: 0\r\n\r\n"))
    names = {name for name, _ in stage.get("/").fields}
    found = {
        "kept": {"x-lower", "X-UPPER"},
        "lower": {"x-lower", "x-upper"},
        "capitalised": {"X-Lower", "X-Upper"},
    }[row_of(stage.kind).names]
    assert found <= names


@on(*both())
@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body(stage: Stage, status: int) -> None:
    stage.play(answering(HTTP + b"%d None\r\nETag: x\r\n\r\n" % status))
    with stage.client() as client:
        for _ in range(2):
            client.send(request("GET", "/none"))
            answer = client.read_answer()
            assert (answer.status, answer.get("ETag"), answer.body) == (status, "x", b"")
            assert answer.get("Content-Length") is None


@on(*both())
def test_length_of_a_304_is_left_out(stage: Stage) -> None:
    """uvicorn counts the body's bytes against it."""
    stage.play(answering(HTTP + b"304 Not Modified\r\nContent-Length: 77\r\n\r\n"))
    assert stage.get("/").get("Content-Length") is None


@on(*both())
def test_head_has_the_length_and_no_body(stage: Stage) -> None:
    stage.play(answering(HTTP + b"200 OK\r\nContent-Length: 7777\r\n\r\n"))
    with stage.client() as client:
        client.send(request("HEAD", "/h"))
        answer = client.read_answer("HEAD")
    assert (answer.status, answer.get("Content-Length")) == (200, "7777")


def cross_both_ways(stage: Stage, size: int, is_chunked: bool) -> None:
    seen: Queue[tuple[int, str]] = Queue()

    def script(connection: Connection, reader: RequestReader) -> None:
        seen.put(digest(reader.pieces(reader.head())))
        if is_chunked:
            connection.send(HTTP + b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in pattern(size):
                connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            connection.send(b"0\r\n\r\n")
        else:
            connection.send(HTTP + b"200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            for piece in pattern(size):
                connection.send(piece)
        connection.receive_to_end()

    stage.play(recording(script))
    body = b"".join(pattern(size))
    framed = request("PUT", "/b", f"Content-Length: {size}") + body
    if is_chunked:
        framed = request("PUT", "/b", "Transfer-Encoding: chunked") + chunked(body)
        if not body:
            framed = request("PUT", "/b", "Transfer-Encoding: chunked") + b"0\r\n\r\n"
    answer = stage.exchange(framed)
    assert seen.get(timeout=DEADLINE) == digest([body])
    assert digest([answer.body]) == digest([body])


@on(*both())
@pytest.mark.parametrize("size", [0, 1, 65_536, 5_000_000])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
def test_bodies_cross_both_ways(stage: Stage, size: int, is_chunked: bool) -> None:
    cross_both_ways(stage, size, is_chunked)


@pytest.mark.slow
@on(*both())
@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
def test_bodies_of_64_mib_cross_both_ways(stage: Stage, is_chunked: bool) -> None:
    cross_both_ways(stage, 64 * MIB, is_chunked)


def is_heard_while_it_is_sent(stage: Stage) -> None:
    heard: Queue[bytes] = Queue()

    def script(connection: Connection, reader: RequestReader) -> None:
        for piece in reader.pieces(reader.head()):
            heard.put(piece)
        connection.send(OK)

    stage.play(recording(script))
    with stage.client() as client:
        client.send(request("POST", "/up", "Transfer-Encoding: chunked"))
        for word in (b"first", b"second"):
            client.send(b"%x\r\n%b\r\n" % (len(word), word))
            assert heard.get(timeout=DEADLINE) == word
        client.send(b"0\r\n\r\n")
        assert client.read_answer().body == b"ok"


@on(*front(*STREAMING))
def test_upload_reaches_the_frontend_while_it_is_sent(stage: Stage) -> None:
    is_heard_while_it_is_sent(stage)


@on(*front("uvicorn", "hypercorn"), DJANGO_SETTINGS_MODULE="tests.project.tuple_settings")
def test_first_in_a_tuple_of_middleware_is_first(stage: Stage) -> None:
    is_heard_while_it_is_sent(stage)


@on("gunicorn front")
def test_head_waits_for_the_first_byte_where_the_table_says_so(stage: Stage) -> None:
    said = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(HTTP + b"200 OK\r\n\r\n")
        assert said.wait(DEADLINE)
        connection.send(b"first")

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/late"))
        client.sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.read_some(1)
        client.sock.settimeout(DEADLINE)
        said.set()
        assert b"first" in client.read_answer().body


@on(*front(*STREAMING))
def test_full_duplex_echo(stage: Stage) -> None:
    def script(connection: Connection, reader: RequestReader) -> None:
        head = reader.head()
        connection.send(HTTP + b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in reader.pieces(head):
            connection.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        connection.send(b"0\r\n\r\n")

    stage.play(recording(script))
    with stage.client() as client:
        client.send(request("POST", "/echo", "Transfer-Encoding: chunked"))
        for word in (b"one", b"three"):
            client.send(b"%x\r\n%b\r\n" % (len(word), word))
            assert word in client.read_until(word)
        client.send(b"0\r\n\r\n")
        client.read_until(b"0\r\n\r\n")


@pytest.mark.slow
@on("uvicorn front")
def test_upload_of_a_gigabyte_needs_no_memory(stage: Stage) -> None:
    seen: Queue[int] = Queue()

    def script(connection: Connection, reader: RequestReader) -> None:
        seen.put(sum(len(piece) for piece in reader.pieces(reader.head())))
        connection.send(OK)

    stage.play(recording(script))
    stage.get("/api/hello/")
    size = 1024 * MIB
    memory = PeakMemory(stage.server.pids())
    with stage.client() as client:
        client.send(request("PUT", "/big", f"Content-Length: {size}"))
        for piece in pattern(size):
            client.send(piece)
        assert client.read_answer().status == 200
    assert seen.get(timeout=DEADLINE) == size
    assert memory.growth() <= 16 * MIB


GZIP = json.dumps(["django.middleware.gzip.GZipMiddleware", NAME])


@on(*both("uvicorn", "hypercorn"), TEST_MIDDLEWARE=GZIP)
@pytest.mark.parametrize("content_type", ["text/event-stream", "text/html"])
def test_compression_before_ours_holds_no_piece(stage: Stage, content_type: str) -> None:
    is_seen = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n\r\none".encode())
        if is_seen.wait(DEADLINE):
            connection.send(b"two")

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/events", "Accept-Encoding: gzip"))
        assert b"content-encoding" not in client.read_until(b"one").lower()
        is_seen.set()
        client.read_until(b"two")


@on(*both())
def test_each_event_arrives_when_it_was_sent_and_the_head_at_once(stage: Stage) -> None:
    said: Queue[bytes] = Queue()

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(HTTP + b"200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        while event := said.get(timeout=DEADLINE):
            connection.send(event)

    stage.play(script)
    events = [b"data: %d\n\n" % number for number in range(5)]
    with stage.client() as client:
        client.send(request("GET", "/events"))
        if row_of(stage.kind).answer_stream == "with the first byte":
            said.put(events[0])
        assert client.read_head().get("Content-Type") == "text/event-stream"
        if row_of(stage.kind).answer_stream == "at once":
            said.put(events[0])
        client.read_until(events[0])
        for event in events[1:]:
            said.put(event)
            client.read_until(event)
        said.put(b"")


@on(*both())
def test_host_that_is_not_allowed_is_400_and_nothing_is_relayed(stage: Stage) -> None:
    assert stage.get("/", host="evil.example").status == 400
    assert stage.upstream.connections == []


@on(*both("uvicorn"), settings={"FRONTEND": None})
def test_proxy_that_is_off_leaves_all_to_django(stage: Stage) -> None:
    assert stage.get("/").status == 404
    assert stage.get("/api/hello/").status == 200


BEFORE = '["tests.project.middleware.gates", "samesite_proxy.middleware.SameSiteProxyMiddleware"]'


@on(*front("uvicorn", "gunicorn"), TEST_MIDDLEWARE=BEFORE)
def test_middleware_before_ours_sees_every_request(stage: Stage) -> None:
    recorder = stage.record()
    assert stage.get("/secret").status == 403
    assert stage.get("/secret", "X-Word: please").status == 200
    assert isinstance(recorder.next(), Request)


@on(*front("uvicorn", "hypercorn"))
def test_body_with_head_is_refused(stage: Stage) -> None:
    with stage.client() as client:
        client.send(request("HEAD", "/h", body=b"body"))
        assert client.read_answer("HEAD").status == 400


@on(*plain())
def test_body_that_a_view_of_django_would_read_is_whole(stage: Stage) -> None:
    answer = stage.exchange(request("POST", "/api/echo/", body=b"to Django"))
    assert b"to Django" in answer.body


@on(*both())
def test_no_name_with_an_underscore_passes_for_another_field(stage: Stage) -> None:
    nothing_passes_for_another_field(stage)


@on(*both())
def test_repeated_cookies_and_underscores_are_as_the_table_says(stage: Stage) -> None:
    recorder = stage.record()
    stage.get("/c", "Cookie: a=1", "Cookie: b=2", "X_Under: 1")
    seen = recorder.next()
    joined = row_of(stage.kind).cookies
    assert seen.all("Cookie") == (["a=1", "b=2"] if joined == "kept" else [f"a=1{joined}b=2"])
    assert ("x_under" in seen.names) == (row_of(stage.kind).underscore == "kept")


# daphne itself takes no head of more than 16 KiB.
@on(*both(*[name for name in EVERY if name != "daphne"]))
def test_head_over_the_ceiling_is_431(stage: Stage) -> None:
    recorder = stage.record()
    long = [f"X-Long-{number}: {'x' * 7_000}" for number in range(10)]
    answers = [stage.get("/x", *long), stage.get("/y", *long[:5])]
    assert [answer.status for answer in answers] == [431, 200]
    # hypercorn has the same limit itself.
    assert b"64 KiB" in answers[0].body or stage.kind.startswith("hypercorn")
    assert recorder.next().target == "/y"
