"""What crosses of an upgrade's request and answer, and what never becomes a tunnel."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from tests.engine.test_tls import Certificate, cut_off, make_certificate, over_tls
from tests.harness.django_servers import serving
from tests.harness.http_requests import OK, Request, RequestReader, recording
from tests.harness.raw_client import DEADLINE, Broken, RawClient, get
from tests.harness.scripted_upstream import Connection, answering_once, scripted
from tests.live.tunnels import (
    ADOPTING,
    SWITCH,
    echo,
    never_answers,
    row_of,
    says_back,
    switch,
    tunnel,
    upgrade,
)
from tests.traffic.stage import CLOSING, Stage, on, request
from tests.traffic.test_failures import NOT_HTTP, is_failure, is_logged_once

OURS = "samesite_proxy.middleware.SameSiteProxyMiddleware"
EDITS_FIRST = f'["tests.project.middleware.edits", "{OURS}"]'


@on(*ADOPTING)
@pytest.mark.parametrize("token", ["websocket", "WebSocket", "tcp", "a/1.0, b"])
def test_any_token_switches_protocols(stage: Stage, token: str) -> None:
    head = SWITCH.replace(b"Upgrade: test", f"Upgrade: {token}".encode())
    stage.play(lambda connection: connection.send(switch(connection, head) + b"over"))
    with stage.client() as client:
        client.send(upgrade(token=token))
        answer = client.read_head()
        assert (answer.status, answer.reason) == (101, "Switching Protocols")
        assert answer.all("Upgrade") == [token]
        assert client.read_to_end() == b"over"


@on(*ADOPTING)
def test_request_head_reaches_the_upstream_as_an_upgrade(stage: Stage) -> None:
    seen: list[Request] = []

    def script(connection: Connection, reader: RequestReader) -> None:
        seen.append(reader.head())
        connection.send(SWITCH)

    stage.play(recording(script))
    with stage.client() as client:
        client.send(
            upgrade(
                "/ws?token=a%20b",
                "Keep-Alive: timeout=5",
                "TE: trailers",
                "Proxy-Authorization: Basic x",
                "X-Nominated: 1",
                "Connection: x-nominated",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Protocol: vite-hmr",
                "Sec-WebSocket-Extensions: permessage-deflate",
                "Cookie: session=1",
            )
        )
        assert client.read_head().status == 101
    [asked] = seen
    assert (asked.method, asked.target) == ("GET", "/ws?token=a%20b")
    assert [value.lower() for value in asked.all("Connection")] == ["upgrade"]
    assert asked.all("Upgrade") == ["test"]
    hops = {"keep-alive", "te", "proxy-authorization", "x-nominated", "transfer-encoding"}
    assert asked.names & (hops | {"content-length", "expect", "accept"}) == set()
    assert asked.get("Sec-WebSocket-Protocol") == "vite-hmr"
    assert asked.get("Sec-WebSocket-Extensions") == "permessage-deflate"
    assert asked.get("Cookie") == "session=1"
    assert asked.get("X-Forwarded-Host") == "localhost"


@on(*ADOPTING)
def test_answer_head_reaches_the_client_in_order(stage: Stage) -> None:
    head = (
        b"HTTP/1.1 101 Go On\r\nX-First: 1\r\nSet-Cookie: a=1; Path=/\r\nUpgrade: test\r\n"
        b'Set-Cookie: b="2"\r\nConnection: Upgrade, x-nominated\r\nX-Nominated: 1\r\n'
        b"Sec-WebSocket-Protocol: p\r\nContent-Length: 9\r\nX-Bytes: caf\xe9\r\n"
        b"X-Odd: a\x01b\r\n\r\n"
    )

    def script(connection: Connection) -> None:
        switch(connection, head)

    stage.play(script)
    with stage.client() as client:
        client.send(upgrade())
        answer = client.read_head()
        assert (answer.status, answer.reason) == (101, "Go On")
        assert [field for field in answer.fields if field[0] not in ("Connection", "Upgrade")] == [
            ("X-First", "1"),
            ("Set-Cookie", "a=1; Path=/"),
            ("Set-Cookie", 'b="2"'),
            ("Sec-WebSocket-Protocol", "p"),
            ("X-Bytes", "caf\xe9"),
            ("X-Odd", "a\x01b" if stage.kind == "fastpath" else "a b"),
        ]
        assert (answer.all("Connection"), answer.all("Upgrade")) == (["Upgrade"], ["test"])
        assert client.read_to_end() == b""


@on(*ADOPTING)
def test_interim_answer_before_the_switch_is_as_the_table_says(stage: Stage) -> None:
    head = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + SWITCH
    stage.play(lambda connection: connection.send(switch(connection, head) + b"over"))
    with stage.client() as client:
        client.send(upgrade())
        if row_of(stage.kind).interim == "crosses":
            hints = client.read_head()
            assert (hints.status, hints.fields) == (103, [("Link", "</x>")])
        answer = client.read_head()
        assert (answer.status, answer.get("Link")) == (101, None)
        assert client.read_to_end() == b"over"


@on(*ADOPTING)
@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_other_methods_with_an_empty_body_may_switch(stage: Stage, method: str) -> None:
    stage.play(echo)
    with stage.client() as client:
        lines = ("Connection: Upgrade", "Upgrade: test", "Content-Length: 0")
        client.send(request(method, "/ws", *lines))
        assert client.read_head().status == 101
        assert says_back(client, b"hello")


@on(*ADOPTING, TEST_MIDDLEWARE=EDITS_FIRST)
def test_middleware_before_ours_adds_to_the_answer_head(stage: Stage) -> None:
    head = SWITCH[:-2] + b"X-Set: by upstream\r\nX-Deleted: 1\r\nSet-Cookie: own=1\r\n\r\n"
    stage.play(lambda connection: connection.send(switch(connection, head) + b"over"))
    with stage.client() as client:
        client.send(upgrade())
        answer = client.read_head()
        assert (answer.status, answer.all("Upgrade")) == (101, ["test"])
        assert (answer.all("X-Set"), answer.all("X-New")) == (["by Django"], ["new"])
        assert answer.all("X-Deleted") == []
        assert answer.all("Set-Cookie") == ["own=1", "django=1; Path=/"]
        assert client.read_to_end() == b"over"


@on(*ADOPTING)
def test_cross_site_origin_crosses_untouched(stage: Stage) -> None:
    seen: list[Request] = []

    def script(connection: Connection, reader: RequestReader) -> None:
        seen.append(reader.head())
        connection.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno.")

    stage.play(recording(script))
    answer = stage.exchange(upgrade("/ws", "Origin: https://evil.example"))
    assert (answer.status, answer.body) == (403, b"no.")
    assert seen[0].all("Origin") == ["https://evil.example"]


@on(*ADOPTING)
def test_refusal_reaches_the_client_and_the_connection_lives_on(stage: Stage) -> None:
    refusal = (
        b"HTTP/1.1 426 Upgrade Required\r\nX-Why: because\r\nUpgrade: other\r\n"
        b"Content-Length: 6\r\n\r\nnot me"
    )

    def script(connection: Connection, reader: RequestReader) -> None:
        while True:
            asked = reader.whole()
            connection.send(refusal if asked.get("Upgrade") else OK)

    stage.play(recording(script))
    with stage.client() as client:
        client.send(upgrade())
        answer = client.read_answer()
        assert (answer.status, answer.reason, answer.body) == (426, "Upgrade Required", b"not me")
        assert answer.get("X-Why") == "because"
        if stage.kind not in CLOSING:
            client.send(request("GET", "/next"))
            assert client.read_answer().body == b"ok"
    assert stage.works()


@on(*ADOPTING)
def test_chunked_refusal_reaches_the_client_whole(stage: Stage) -> None:
    stage.play(
        answering_once(
            b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nwhy\r\n4\r\n not\r\n0\r\n\r\n"
        )
    )
    answer = stage.exchange(upgrade("/ws", "Connection: close"))
    assert (answer.status, answer.body) == (400, b"why not")
    assert stage.works()


@on(*ADOPTING)
@pytest.mark.parametrize("said", NOT_HTTP.values(), ids=NOT_HTTP.keys())
def test_answer_that_is_not_http_is_502_with_a_hint(stage: Stage, said: bytes) -> None:
    stage.play(answering_once(said))
    answer = stage.exchange(upgrade("/ws", "Connection: close"))
    assert is_failure(answer, 502, stage.upstream.url)
    assert is_logged_once(stage, 'SAMESITE_PROXY["FRONTEND"]')
    assert stage.works()


@on(*ADOPTING, settings={"RESPONSE_TIMEOUT": 0.3})
def test_handshake_that_is_never_answered_is_504(stage: Stage) -> None:
    stage.play(never_answers)
    answer = stage.exchange(upgrade())
    assert is_failure(answer, 504, 'SAMESITE_PROXY["RESPONSE_TIMEOUT"]')
    stage.upstream.next_finished()
    assert stage.works()


@on(*ADOPTING, settings={"RESPONSE_TIMEOUT": 0.3, "IDLE_TIMEOUT": 0.3})
def test_tunnel_outlives_the_timeouts(stage: Stage) -> None:
    stage.play(echo)
    with tunnel(stage.port) as client:
        # By the engine's own clock: until another request is late, twice.
        stage.upstream.script = never_answers
        for _ in range(2):
            assert stage.get("/slow").status == 504
        assert says_back(client, b"still here")


@on(*ADOPTING)
@pytest.mark.parametrize("token", ["h2c", "H2C", "h2c, TLS/1.2"])
def test_h2c_is_never_tunnelled(stage: Stage, token: str) -> None:
    recorder = stage.record()
    lines = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {token}", "HTTP2-Settings: AAMA")
    answer = stage.get("/page", *lines)
    assert (answer.status, answer.body) == (200, b"ok")
    assert recorder.next().names & {"upgrade", "connection", "http2-settings"} == set()


@on(*ADOPTING)
def test_upgrade_with_a_body_is_a_request_like_others(stage: Stage) -> None:
    recorder = stage.record()
    lines = ("Connection: Upgrade", "Upgrade: test")
    answer = stage.exchange(request("POST", "/up", *lines, body=b"a body"))
    assert (answer.status, answer.body) == (200, b"ok")
    asked = recorder.next()
    assert (asked.body, asked.names & {"upgrade", "connection"}) == (b"a body", set())


@on(*ADOPTING)
def test_protocol_that_was_not_asked_for_is_502(stage: Stage) -> None:
    stage.play(answering_once(SWITCH.replace(b"Upgrade: test", b"Upgrade: h2c")))
    assert is_failure(stage.exchange(upgrade("/ws", "Connection: close")), 502)
    assert stage.works()


@on(*ADOPTING)
def test_host_that_is_not_allowed_is_refused_before_anything_is_relayed(stage: Stage) -> None:
    stage.play(echo)
    answer = stage.exchange(upgrade("/ws", "Connection: close", host="evil.example"))
    assert is_failure(answer, 400, "ALLOWED_HOSTS")
    assert stage.upstream.connections == []


@on("waitress", "granian")
def test_server_that_hides_its_socket_answers_501(stage: Stage) -> None:
    stage.play(echo)
    answer = stage.exchange(upgrade(token="websocket"))
    assert is_failure(answer, 501, "runserver", "gunicorn", "ASGI")
    assert is_logged_once(stage, "ASGI")
    assert (stage.upstream.connections, stage.works()) == ([], True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.mark.parametrize("kind", ["sync", "gthread", "gevent"])
def test_gunicorn_with_tls_answers_501(kind: str, certificate: Certificate) -> None:
    options = ("--certfile", certificate.path, "--keyfile", certificate.key)
    with scripted(echo) as upstream, serving(kind, {"FRONTEND": upstream.url}, options) as server:
        with RawClient(server.port) as client:
            context = ssl.create_default_context(cafile=certificate.path)
            client.sock = context.wrap_socket(client.sock, server_hostname="localhost")
            client.send(upgrade("/ws", "Connection: close", token="websocket"))
            assert is_failure(client.read_answer(), 501, "gunicorn without TLS")
        assert upstream.connections == []


@pytest.mark.parametrize("kind", ADOPTING)
def test_upstream_may_speak_tls(kind: str, certificate: Certificate) -> None:
    ended = threading.Event()

    def script(connection: Connection) -> None:
        echo(connection)
        ended.set()

    with scripted(over_tls(certificate.context, script)) as upstream:
        frontend = f"https://localhost:{upstream.port}"
        with serving(kind, {"FRONTEND": frontend}) as server, tunnel(server.port, b"early") as own:
            assert own.read_exactly(5) == b"early"
            assert says_back(own, b"x" * 1_000_000)
            own.end()
            assert own.read_to_end() == b""
            assert ended.wait(DEADLINE)


@pytest.mark.parametrize("kind", ADOPTING)
def test_tls_that_is_cut_off_resets_the_tunnel(kind: str, certificate: Certificate) -> None:
    def script(connection: Connection) -> None:
        switch(connection, SWITCH + b"said")
        connection.receive_until(b"cut")
        cut_off(connection)

    with scripted(over_tls(certificate.context, script)) as upstream:
        frontend = f"https://localhost:{upstream.port}"
        with serving(kind, {"FRONTEND": frontend}) as server, tunnel(server.port) as client:
            assert client.read_exactly(4) == b"said"
            client.send(b"cut")
            with pytest.raises(Broken):
                client.read_to_end()


@pytest.mark.parametrize("kind", ADOPTING)
def test_upstream_may_have_a_unix_socket(kind: str, tmp_path: Path) -> None:
    path = str(tmp_path / "frontend.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def accept() -> None:
            sock, _ = listener.accept()
            connection = Connection(sock, 0)
            echo(connection)
            connection.close()

        accepting = threading.Thread(target=accept)
        accepting.start()
        with serving(kind, {"FRONTEND": f"unix:{path}"}) as server:
            with tunnel(server.port, b"early") as client:
                assert client.read_exactly(5) == b"early"
                assert says_back(client, b"x" * 1_000_000)
                client.end()
                assert client.read_to_end() == b""
            assert get(server.port, "/api/hello/").status == 200
        accepting.join(20)


@pytest.mark.parametrize("kind", ["sync", "gthread", "gevent"])
def test_client_may_come_by_a_unix_socket(kind: str, tmp_path: Path) -> None:
    path = str(tmp_path / "site.sock")
    with (
        scripted(echo) as upstream,
        serving(kind, {"FRONTEND": upstream.url}, ("--bind", f"unix:{path}")) as server,
        RawClient(server.port) as client,
    ):
        client.sock.close()
        client.sock = socket.socket(socket.AF_UNIX)
        client.sock.settimeout(20)
        client.sock.connect(path)
        client.send(upgrade() + b"early")
        assert client.read_head().status == 101
        assert client.read_exactly(5) == b"early"
        assert says_back(client, b"x" * 1_000_000)
        client.end()
        assert client.read_to_end() == b""


@on(*ADOPTING)
def test_upgrade_with_a_body_goes_where_its_path_says(stage: Stage) -> None:
    recorder = stage.record()
    lines = ("Connection: Upgrade", "Upgrade: test")
    answer = stage.exchange(request("POST", "/api/hello/", *lines, body=b"a body"))
    assert (answer.status, answer.body) == (200, b"Django answers /api/hello/")
    assert recorder.seen.empty()
