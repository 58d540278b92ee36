"""Every failure is one line of text that names the guilty side, and the server goes on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asgi.servers import front, plain
from tests.engine.test_tls import make_certificate, over_tls
from tests.harness.http_requests import OK, RequestReader
from tests.harness.raw_client import Answer
from tests.harness.scripted_upstream import Connection, answering, answering_once, scripted
from tests.traffic.stage import EVERY, WITH_SOCKET, Stage, Stages, chunked, on, request

HEAD = b"HTTP/1.1 200 OK\r\n"
NOT_HTTP = {
    "another-protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "bare-words": b"hello, I am no web server\n\n",
    "tls-alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "http-2-version": b"HTTP/2 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "no-colon": HEAD + b"no colon here\r\nContent-Length: 2\r\n\r\nok",
    "nul-in-field": HEAD + b"X-Nul: a\0b\r\nContent-Length: 2\r\n\r\nok",
    "no-status": b"HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\nok",
    "end-inside-head": HEAD + b"Content-Length: 2\r\n",
}
AMBIGUOUS = {
    "two-lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "length-list": HEAD + b"Content-Length: 2, 3\r\n\r\nok",
    "negative-length": HEAD + b"Content-Length: -2\r\n\r\nok",
    "length-of-words": HEAD + b"Content-Length: two\r\n\r\nok",
    "length-and-chunked": HEAD
    + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "unknown-coding": HEAD + b"Transfer-Encoding: cheese\r\n\r\nok",
    "space-before-colon": HEAD + b"Content-Length : 2\r\n\r\nok",
}


def is_failure(answer: Answer, status: int, *words: str) -> bool:
    """One line of text, for nobody's cache, with these words in it."""
    line = answer.body.decode()
    assert (answer.status, line.count("\n"), line[-1:]) == (status, 1, "\n"), answer
    assert answer.get("Content-Type") == "text/plain; charset=utf-8"
    assert answer.all("Cache-Control") == ["no-store"]
    assert [word for word in words if word not in line] == []
    return True


def is_logged_once(stage: Stage, words: str) -> bool:
    lines = [line for line in stage.await_log(words).splitlines() if words in line]
    assert len(lines) == 1, lines
    return True


BROWSER = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"


@on(*EVERY, settings={"FRONTEND": "http://127.0.0.1:1"})
def test_browser_gets_a_page_in_debug_and_scripts_the_line(stage: Stage) -> None:
    answer = stage.get("/some/page", BROWSER)
    page = answer.body.decode()
    assert answer.status == 502
    assert answer.get("Content-Type") == "text/html; charset=utf-8"
    assert answer.all("Cache-Control") == ["no-store"]
    assert "The frontend at http://127.0.0.1:1 cannot be reached. Start it" in page
    assert page.startswith("<!doctype html>")
    assert page.endswith("</footer>\n")
    assert is_failure(stage.get("/api.json", "Accept: */*"), 502, "cannot be reached")
    posted = request("POST", "/form", BROWSER, "Content-Length: 2") + b"ab"
    assert is_failure(stage.exchange(posted), 502, "cannot be reached")
    head = stage.exchange(request("HEAD", "/some/page", BROWSER))
    assert (head.status, head.body) == (502, b"")


@on(
    *("runserver", "fastpath", "gthread"),
    settings={"FRONTEND": "http://127.0.0.1:1"},
    TEST_DEBUG="0",
    TEST_ALLOWED_HOSTS='["localhost"]',
)
def test_visitor_gets_a_neutral_line_without_debug_and_the_log_says_why(stage: Stage) -> None:
    answer = stage.get("/some/page", BROWSER)
    assert is_failure(answer, 502, "Bad Gateway. The site cannot answer at the moment")
    assert b"127.0.0.1" not in answer.body
    assert b"SAMESITE" not in answer.body
    stage.await_log("http://127.0.0.1:1")


@on(*EVERY, settings={"FRONTEND": "http://no-such-name.invalid:3000"})
def test_unknown_name_of_frontend_is_502(stage: Stage) -> None:
    words = ("http://no-such-name.invalid:3000", 'SAMESITE_PROXY["FRONTEND"]', "has no address")
    assert is_failure(stage.get("/"), 502, *words)


@pytest.mark.parametrize("kind", EVERY)
def test_frontend_on_the_other_address_of_localhost_is_told(stages: Stages, kind: str) -> None:
    def script(connection: Connection) -> None:
        if connection.receive():
            connection.send(OK)

    with scripted(script, "::1") as six, scripted(script) as four:
        frontends = {
            "/six": f"http://127.0.0.1:{six.port}",
            "/four": f"http://[::1]:{four.port}",
            "/both": f"http://localhost:{six.port}",
            "/": "http://127.0.0.1:1",
        }
        stage = stages.get(kind, {"FRONTEND": frontends}, {})
        stage.begin()
        for prefix, port in (("/six", six.port), ("/four", four.port)):
            line = f'Write http://localhost:{port} in SAMESITE_PROXY["FRONTEND"]'
            for _ in range(2):  # The second is not looked for again.
                assert is_failure(stage.get(prefix), 502, frontends[prefix], line)
            stage.await_log(line)
        assert stage.get("/both").body == b"ok"
        assert is_failure(stage.get("/x"), 502, "cannot be reached")
        stage.finish()


NO_DEBUG = {"TEST_DEBUG": "0", "TEST_ALLOWED_HOSTS": '["localhost"]'}


@pytest.mark.parametrize("kind", ["runserver", "fastpath", "gthread"])
def test_frontend_without_tls_or_trust_is_502_and_the_log_says_why(
    stages: Stages, kind: str, tmp_path: Path
) -> None:

    def plain(connection: Connection) -> None:
        connection.receive()
        connection.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

    unknown = make_certificate(tmp_path, "localhost").context
    for script, sentence, why in (
        (plain, "there is no TLS", ""),
        (over_tls(unknown, answering(OK)), "the certificate", "ertificate"),
    ):
        with scripted(script) as upstream:
            url = f"https://localhost:{upstream.port}"
            stage = stages.get(kind, {"FRONTEND": url}, NO_DEBUG)
            stage.begin()
            assert is_failure(stage.get("/x"), 502, "Bad Gateway.")
            (line,) = [line for line in stage.await_log(sentence).splitlines() if sentence in line]
            assert why in line.partition(" (")[2]
            assert line.endswith(")")
            stage.finish()


@pytest.fixture
def full_backlog() -> Iterator[int]:
    """A port on which the kernel neither accepts nor refuses."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for client in waiting:
            client.close()


@pytest.mark.parametrize("kind", ["runserver", "fastpath", "gthread"])
def test_frontend_that_does_not_accept_is_504(stages: Stages, kind: str, full_backlog: int) -> None:
    address = f"http://127.0.0.1:{full_backlog}"
    stage = stages.get(kind, {"FRONTEND": address, "CONNECT_TIMEOUT": 0.3}, {})
    stage.begin()
    words = (address, 'SAMESITE_PROXY["FRONTEND"]', "5173")
    assert is_failure(stage.get("/"), 504, *words)
    stage.finish()


@on(*EVERY, settings={"RESPONSE_TIMEOUT": 0.3})
def test_no_head_in_time_is_504(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.receive_to_end()

    stage.play(script)
    words = (stage.upstream.url, 'SAMESITE_PROXY["RESPONSE_TIMEOUT"]')
    assert is_failure(stage.get("/slow"), 504, *words)
    assert is_logged_once(stage, "RESPONSE_TIMEOUT")
    assert stage.works()


@on(*WITH_SOCKET)
@pytest.mark.parametrize("said", NOT_HTTP.values(), ids=NOT_HTTP.keys())
def test_head_that_is_not_http_is_502(stage: Stage, said: bytes) -> None:
    stage.play(answering_once(said))
    assert is_failure(stage.get("/x"), 502, stage.upstream.url)
    assert is_logged_once(stage, stage.upstream.url)
    assert stage.works()


@on(*WITH_SOCKET)
@pytest.mark.parametrize("said", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_ambiguous_length_is_502(stage: Stage, said: bytes) -> None:
    stage.play(answering_once(said))
    assert is_failure(stage.get("/x"), 502, stage.upstream.url)
    assert stage.works()


@on(*EVERY)
def test_end_before_any_byte_is_502(stage: Stage) -> None:
    stage.play(lambda connection: connection.receive_head() and None)
    assert is_failure(stage.get("/x"), 502, stage.upstream.url, "without an answer")
    assert is_logged_once(stage, "without an answer")
    assert stage.works()


@on(*EVERY)
def test_reset_before_any_byte_is_502(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.reset()

    stage.play(script)
    assert is_failure(stage.get("/x"), 502, stage.upstream.url)
    assert stage.works()


@on(*EVERY)
def test_switching_protocols_unasked_is_502(stage: Stage) -> None:
    stage.play(answering_once(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"))
    assert is_failure(stage.get("/x"), 502, stage.upstream.url)
    assert stage.works()


@on(*WITH_SOCKET)
def test_request_body_that_ends_early_is_400(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        reader = RequestReader(connection)
        sent = reader.head()
        assert b"".join(reader.pieces(sent)) == b"never whole"

    assert stage.works()  # from now on nobody waits for a word on its Host
    stage.play(script)
    with stage.client() as client:
        client.send(request("POST", "/x", "Content-Length: 100") + b"short")
        client.end()
        assert is_failure(client.read_answer(), 400, "broke off")
    assert stage.works()


@on("runserver", "fastpath")
def test_chunked_body_under_runserver_is_411_and_the_connection_closed(stage: Stage) -> None:
    with stage.client() as client:
        smuggled = request("GET", "/smuggled")
        head = request("POST", "/x", "Transfer-Encoding: chunked")
        client.send(head + chunked(smuggled) + smuggled)
        answer = client.read_answer()
        assert is_failure(answer, 411, "Content-Length")
        assert client.is_closed()
    assert (stage.upstream.connections, stage.works()) == ([], True)


@on("runserver", "fastpath")
def test_411_is_heard_by_a_client_that_is_still_sending(stage: Stage) -> None:
    with stage.client() as client:
        client.send(request("POST", "/x", "Transfer-Encoding: chunked"))
        client.send(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
        assert is_failure(client.read_answer(), 411)
    assert stage.works()


@on("waitress", "granian")
def test_upgrade_is_501(stage: Stage) -> None:
    lines = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x")
    answer = stage.get("/?token=x", *lines)
    assert is_failure(answer, 501)
    assert (stage.upstream.connections, stage.works()) == ([], True)


@on(
    "runserver",
    "fastpath",
    "gthread",
    "waitress",
    settings={"MAX_CONNECTIONS": 1, "CONNECT_TIMEOUT": 0.3},
)
def test_one_connection_too_many_is_503(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(HEAD + b"Content-Length: 9\r\n\r\nhalf")
        connection.receive_to_end()

    stage.play(script)
    with stage.client() as busy:
        busy.send(request("GET", "/busy"))
        assert busy.read_until(b"half")
        words = (stage.upstream.url, 'SAMESITE_PROXY["MAX_CONNECTIONS"]', "ulimit")
        assert is_failure(stage.get("/x"), 503, *words)
        stage.upstream.connections[0].send(b"whole")
        assert busy.read_exactly(5) == b"whole"
    assert stage.works()


@on(*EVERY)
@pytest.mark.parametrize("host", ["evil.example", "localhost:x", "a b", ""])
def test_host_that_is_not_allowed_is_400(stage: Stage, host: str) -> None:
    answer = stage.get("/x", host=host)
    assert answer.status == 400
    if host == "evil.example":
        assert is_failure(answer, 400, "ALLOWED_HOSTS")
    assert stage.upstream.connections == []


@on(*EVERY)
@pytest.mark.parametrize(("method", "target"), [("TRACE", "/x"), ("CONNECT", "localhost:80")])
def test_method_that_is_never_forwarded_is_405(stage: Stage, method: str, target: str) -> None:
    answer = stage.exchange(request(method, target))
    assert is_failure(answer, 405)
    assert "GET" in (answer.get("Allow") or "")
    assert stage.upstream.connections == []


@on(*EVERY)
def test_head_with_body_is_400(stage: Stage) -> None:
    with stage.client() as client:
        client.send(request("HEAD", "/x", body=b"a body"))
        answer = client.read_answer("HEAD")
    assert (answer.status, answer.all("Cache-Control")) == (400, ["no-store"])
    assert (stage.upstream.connections, stage.works()) == ([], True)


@on("runserver", "fastpath", "sync", "gthread", "waitress", settings={"IDLE_TIMEOUT": 0.3})
def test_answer_that_stands_still_is_broken_off(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(HEAD + b"Content-Length: 9\r\n\r\nhalf")
        connection.receive_to_end()

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/x"))
        client.read_until(b"half")
        assert client.is_closed()
    assert stage.works()


# Each of them is short enough for every server, and all together they pass our ceiling.
LONG = [f"X-Long-{number}: {'x' * 7_000}" for number in range(10)]


@on(*EVERY)
def test_head_over_the_ceiling_is_431(stage: Stage) -> None:
    answer = stage.get("/x", *LONG[:9])
    assert (answer.status, stage.upstream.connections != []) == (502, True)
    answer = stage.get("/x", *LONG)
    assert (answer.status, b"64 KiB" in answer.body) == (431, True)
    assert len(stage.upstream.connections) == 1
    assert stage.works()


# Servers that let so many pass.
@on("fastpath", "waitress", *front("uvicorn"), *plain("uvicorn"))
def test_thousand_fields_reach_the_frontend_and_one_more_is_431(stage: Stage) -> None:
    recorder = stage.record()
    many = [f"X-{number}: a" for number in range(999)]
    assert stage.get("/x", *many).status == 200
    sent = [name for name in recorder.next().names if not name.startswith("x-forwarded-")]
    assert len(sent) == 1000 + ("cdn-loop" in sent)
    answer = stage.get("/x", *many, "X-More: a")
    assert is_failure(answer, 431)
    assert recorder.seen.empty()


@on("runserver", "sync", "gthread")
def test_upgrade_over_the_ceiling_is_431(stage: Stage) -> None:
    answer = stage.get("/x", *LONG, "Connection: Upgrade", "Upgrade: websocket")
    assert is_failure(answer, 431, "64 KiB")
    assert stage.upstream.connections == []
