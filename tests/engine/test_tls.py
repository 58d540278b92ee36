"""Upstreams that speak TLS: trust, breaks and reuse as without it."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from samesite_proxy._engine import EngineError, Upstream
from tests.engine.exchanges import (
    HOST,
    OK,
    answer_of,
    ask,
    code_of_body,
    code_of_head,
    pieces_of,
    post,
    stay,
    upstream_at,
)
from tests.harness.patterns import digest, pattern
from tests.harness.scripted_upstream import Connection, answering, scripted
from tests.harness.tls import (
    Certificate,
    folders_may_be_listed,
    make_certificate,
    over_tls,
    rehashed,
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), "localhost")


def cut_off(connection: Connection, *, reset: bool = False) -> None:
    """The end of the TCP stream without a word of TLS."""
    fd = connection.sock.detach()
    connection.sock = socket.socket(fileno=fd)
    if reset:
        connection.reset()
    else:
        connection.close()


def upstream_of(port: int, certificate: Certificate) -> Upstream:
    return upstream_at(f"https://localhost:{port}", ca_file=certificate.path)


def test_request_and_answer_cross_and_the_connection_is_used_again(
    certificate: Certificate,
) -> None:
    with scripted(over_tls(certificate.context, answering(OK))) as upstream:
        at = upstream_of(upstream.port, certificate)
        for _ in range(3):
            assert ask(at).body == b"ok"
        head = b"GET / HTTP/1.1\r\nHost: site.example\r\n\r\n"
        assert [connection.received for connection in upstream.connections] == [head * 3]


def test_unknown_certificate_is_refused(certificate: Certificate) -> None:
    with scripted(over_tls(certificate.context, answering(OK))) as upstream:
        with pytest.raises(EngineError, match="certificate") as caught:
            ask(upstream_at(f"https://localhost:{upstream.port}"))
        assert (caught.value.code, caught.value.status) == ("certificate", 502)
        assert upstream.connections[0].received == b""


def test_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    other = make_certificate(tmp_path, "other.example")
    with (
        scripted(over_tls(other.context, answering(OK))) as upstream,
        pytest.raises(EngineError, match=r"(?i)certificate"),
    ):
        ask(upstream_of(upstream.port, other))


def test_unverified_certificate_is_taken_where_it_is_said_so(certificate: Certificate) -> None:
    with scripted(over_tls(certificate.context, answering(OK))) as upstream:
        at = upstream_at(f"https://localhost:{upstream.port}", verify=False)
        assert ask(at).body == b"ok"


def test_trust_of_one_upstream_is_not_anothers(certificate: Certificate) -> None:
    """Also over the same handle of libcurl's and to the same address."""
    with scripted(over_tls(certificate.context, answering(OK))) as upstream:
        url = f"https://localhost:{upstream.port}"
        trusting = upstream_of(upstream.port, certificate)
        blind = upstream_at(url, verify=False)
        strict = upstream_at(url)
        for _ in range(3):
            assert ask(trusting).body == b"ok"
            with pytest.raises(EngineError, match="certificate"):
                ask(strict)
            assert ask(blind).body == b"ok"
            with pytest.raises(EngineError, match="certificate"):
                ask(strict)


def test_authorities_of_a_folder_and_of_a_file_count_together(
    certificate: Certificate, tmp_path: Path
) -> None:
    """Each upstream's its own, over the same handle of libcurl's."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    folder = rehashed(tmp_path, certificate)
    other = make_certificate(tmp_path / "other", "other.example").path
    with scripted(over_tls(certificate.context, answering(OK))) as upstream:
        url = f"https://localhost:{upstream.port}"
        in_folder = upstream_at(url, ca_path=folder)
        in_one_of_two = upstream_at(url, ca_path=f"{tmp_path / 'empty'}:{folder}", ca_file=other)
        in_file = upstream_at(url, ca_path=str(tmp_path / "empty"), ca_file=certificate.path)
        trusted = [in_folder, in_file]
        nowhere = [upstream_at(url), upstream_at(url, ca_path=str(tmp_path / "empty"))]
        (trusted if folders_may_be_listed() else nowhere).append(in_one_of_two)
        for trusting in trusted:
            assert ask(trusting).body == b"ok"
            for strict in nowhere:
                with pytest.raises(EngineError, match="certificate"):
                    ask(strict)


def test_missing_ca_file_is_said(certificate: Certificate) -> None:
    with scripted(over_tls(certificate.context, answering(OK))) as upstream:
        at = upstream_at(f"https://localhost:{upstream.port}", ca_file="/nonexistent.pem")
        with pytest.raises(EngineError, match="nonexistent") as caught:
            ask(at)
        assert caught.value.code == "certificate"


def test_plain_upstream_is_no_tls_upstream() -> None:
    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

    with scripted(script) as upstream:
        at = upstream_at(f"https://localhost:{upstream.port}", verify=False)
        assert code_of_head(at.request("GET", "/", HOST)) == "tls"


def test_tls_upstream_is_no_plain_upstream(certificate: Certificate) -> None:
    with scripted(over_tls(certificate.context, answering(OK))) as upstream:
        exchange = upstream_at(f"http://localhost:{upstream.port}").request("GET", "/", HOST)
        assert code_of_head(exchange) in ("response-head", "response-none")


def test_upstream_that_never_shakes_hands_is_given_up() -> None:
    with scripted(stay) as upstream:
        at = upstream_at(f"https://127.0.0.1:{upstream.port}", verify=False, timeouts=(0.2, 10, 10))
        with pytest.raises(EngineError) as caught:
            ask(at)
        assert (caught.value.code, caught.value.status) == ("connect-timeout", 504)


def test_large_bodies_cross_both_ways(certificate: Certificate) -> None:
    size = 5_000_000

    def script(connection: Connection) -> None:
        whole = connection.receive_head().index(b"\r\n\r\n") + 4 + size
        while len(connection.received) < whole:
            connection.receive(1 << 20)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for piece in pattern(size):
            connection.send(piece)
        connection.receive_to_end()

    with scripted(over_tls(certificate.context, script)) as upstream:
        exchange = upstream_of(upstream.port, certificate).request("POST", "/", HOST, size)
        for piece in pattern(size):
            assert exchange.send(piece)
        exchange.end()
        exchange.head()
        assert digest(pieces_of(exchange)) == digest(pattern(size))
        received = upstream.connections[0].received.split(b"\r\n\r\n", 1)[1]
        assert digest([received]) == digest(pattern(size))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("end", ["goodbye", "fin", "rst"])
def test_close_delimited_answer_is_whole_only_with_a_goodbye(
    tmp_path: Path, version: ssl.TLSVersion, end: str
) -> None:
    certificate = make_certificate(tmp_path, "localhost")
    certificate.context.maximum_version = version

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
        connection.send(b"hello")
        if end != "goodbye":
            cut_off(connection, reset=end == "rst")

    with scripted(over_tls(certificate.context, script)) as upstream:
        exchange = upstream_of(upstream.port, certificate).request("GET", "/", HOST)
        if end == "goodbye":
            assert answer_of(exchange).body == b"hello"
        else:
            assert code_of_body(exchange) == "response-upstream"


@pytest.mark.parametrize(
    "raw", [OK, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"]
)
def test_answer_with_a_length_needs_no_goodbye(certificate: Certificate, raw: bytes) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(raw)
        cut_off(connection)

    with scripted(over_tls(certificate.context, script)) as upstream:
        assert ask(upstream_of(upstream.port, certificate)).body == b"ok"


@pytest.mark.parametrize("goodbye", [False, True])
def test_answer_cut_at_every_byte_is_broken(certificate: Certificate, goodbye: bool) -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    position = 0

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(raw[:position])
        if not goodbye:
            cut_off(connection)

    with scripted(over_tls(certificate.context, script)) as upstream:
        at = upstream_of(upstream.port, certificate)
        while position < len(raw) - 1:
            with pytest.raises(EngineError):
                ask(at)
            position += 1


@pytest.mark.parametrize("left", [b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned", b"x"])
@pytest.mark.parametrize("together", [False, True], ids=["apart", "together"])
@pytest.mark.parametrize("by_post", [False, True], ids=["get", "post"])
def test_bytes_on_an_idle_connection_never_become_the_next_answer(
    certificate: Certificate, left: bytes, together: bool, by_post: bool
) -> None:
    idle = threading.Event()
    poisoned = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(OK + (left if together and connection.index == 0 else b""))
        if connection.index == 0:
            assert idle.wait(10)
            if not together:
                connection.send(left)
            poisoned.set()
        connection.receive_to_end()

    with scripted(over_tls(certificate.context, script)) as upstream:
        at = upstream_of(upstream.port, certificate)
        ask(at)
        idle.set()
        assert poisoned.wait(10)
        assert (post(at) if by_post else ask(at)).body == b"ok"
        assert len(upstream.connections) == 2


def test_idle_connection_that_ended_is_replaced(certificate: Certificate) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(OK)

    with scripted(over_tls(certificate.context, script)) as upstream:
        at = upstream_of(upstream.port, certificate)
        ask(at)
        upstream.next_finished()
        assert post(at).body == b"ok"
        assert len(upstream.connections) == 2
