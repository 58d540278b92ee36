"""Where the upstream is: by either family of localhost, a Unix socket, and nothing between."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from samesite_proxy._engine import EngineError, Exchange
from tests.engine.exchanges import HOST, OK, answer_of, ask, code_of_head, post, upstream_at
from tests.harness.ports import free_port
from tests.harness.scripted_upstream import (
    Connection,
    Script,
    answering,
    answering_once,
    scripted,
)


@contextlib.contextmanager
def listening_at(path: Path, script: Script) -> Iterator[list[Connection]]:
    """A Unix socket whose connections play `script`."""
    connections: list[Connection] = []
    threads: list[threading.Thread] = []

    def play(connection: Connection) -> None:
        with contextlib.suppress(EOFError, OSError), connection.sock:
            script(connection)

    def accept(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                sock.settimeout(20)
                connections.append(Connection(sock, len(connections)))
                threads.append(threading.Thread(target=play, args=(connections[-1],), daemon=True))
                threads[-1].start()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(64)
        accepting = threading.Thread(target=accept, args=(listener,), daemon=True)
        accepting.start()
        try:
            yield connections
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join(20)
            for connection in connections:
                connection.end()
            for thread in threads:
                thread.join(20)


def test_unix_socket_is_spoken_to(tmp_path: Path) -> None:
    path = tmp_path / "upstream.sock"
    with listening_at(path, answering(OK)) as connections:
        at = upstream_at("http://localhost", unix_socket=str(path))
        assert ask(at).body == b"ok"
        assert ask(at, "POST", "/x").body == b"ok"
        assert connections[0].received.endswith(
            b"\r\n\r\nPOST /x HTTP/1.1\r\nHost: site.example\r\n\r\n"
        )


def test_unix_sockets_at_once_stay_apart(tmp_path: Path) -> None:
    """Each answer is larger than its pipe, so that each connection is held back and let go on."""

    def script(connection: Connection) -> None:
        target = connection.receive_head().split(b" ")[1]
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + target * 1_000_000)

    path = tmp_path / "upstream.sock"
    with listening_at(path, script):
        at = upstream_at("http://localhost", unix_socket=str(path))
        exchanges = {f"/{i}": at.request("GET", f"/{i}", HOST) for i in range(8)}
        for exchange in exchanges.values():
            exchange.head()
        for target, exchange in exchanges.items():
            assert answer_of(exchange).body == target.encode() * 1_000_000


def socket_at(path: Path, *, how: str) -> None:
    """What a path may lead to that nobody can connect to."""
    if how == "a file":
        path.touch()
    elif how == "left behind":
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(path))


@pytest.mark.parametrize("how", ["nothing", "a file", "left behind"])
def test_unix_socket_where_nobody_listens_is_refused(tmp_path: Path, how: str) -> None:
    path = tmp_path / "none.sock"
    socket_at(path, how=how)
    assert code_of_head(start(path)) == "connect"


def test_path_that_no_unix_socket_has_names_nothing(tmp_path: Path) -> None:
    assert code_of_head(start(tmp_path / ("long" * 40))) == "name"


def start(path: Path, connecting: float = 10) -> Exchange:
    at = upstream_at("http://localhost", unix_socket=str(path), timeouts=(connecting, 10, 10))
    return at.request("GET", "/", HOST)


@contextlib.contextmanager
def crowded_at(path: Path) -> Iterator[socket.socket]:
    """A listening Unix socket that has room for nobody until one is accepted."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(path))
        listener.listen(0)
        listener.settimeout(20)
        waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
        waiting.connect(str(path))
        another = stack.enter_context(socket.socket(socket.AF_UNIX))
        another.setblocking(False)
        assert another.connect_ex(str(path)) == errno.EAGAIN
        yield listener


def test_unix_socket_without_room_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "crowded.sock"
    with crowded_at(path) as listener:
        exchange = start(path)
        listener.accept()[0].close()
        with listener.accept()[0] as sock:
            assert Connection(sock, 0).receive_head().startswith(b"GET / ")
            sock.sendall(OK)
            assert answer_of(exchange).body == b"ok"


def test_unix_socket_without_room_is_not_waited_for_longer(tmp_path: Path) -> None:
    path = tmp_path / "crowded.sock"
    with crowded_at(path):
        assert code_of_head(start(path, 0.3)) == "connect-timeout"


def test_wait_for_a_unix_socket_can_be_given_up(tmp_path: Path) -> None:
    path = tmp_path / "crowded.sock"
    with crowded_at(path) as listener:
        given_up, waiting = start(path), start(path)
        given_up.cancel()
        assert code_of_head(given_up) == "canceled"
        listener.accept()[0].close()
        with listener.accept()[0] as sock:
            assert Connection(sock, 0).receive_head().startswith(b"GET / ")
            sock.sendall(OK)
            assert answer_of(waiting).body == b"ok"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_localhost_is_found_on_either_family(host: str) -> None:
    # One that nobody has in the other family.
    with scripted(answering(OK), host, free_port()) as upstream:
        at = upstream_at(f"http://localhost:{upstream.port}")
        for _ in range(3):
            assert ask(at).body == b"ok"
            assert post(at, b"").body == b"ok"
        assert len(upstream.connections) == 1


def test_localhost_moves_between_families() -> None:
    """A dev server that is started again may bind the other one: nothing stays "down"."""
    port = free_port()
    at = upstream_at(f"http://localhost:{port}")
    with scripted(answering(OK), "127.0.0.1", port):
        assert ask(at).body == b"ok"
    with pytest.raises(Exception, match=str(port)):
        ask(at)
    with scripted(answering(OK), "::1", port):
        assert ask(at).body == b"ok"
    with scripted(answering(OK), "127.0.0.1", port):
        assert ask(at).body == b"ok"


def test_numeric_addresses_are_connected_to() -> None:
    with scripted(answering(OK), "::1") as upstream:
        assert ask(upstream_at(f"http://[::1]:{upstream.port}")).body == b"ok"


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(answering(OK)) as upstream, scripted(answering(OK)) as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert ask(upstream_at(upstream.url)).body == b"ok"
        assert proxy.connections == []


def test_netrc_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    with scripted(answering(OK)) as upstream:
        ask(upstream_at(upstream.url))
        sent = upstream.connections[0].received
        assert sent == b"GET / HTTP/1.1\r\nHost: site.example\r\n\r\n"


@pytest.mark.parametrize("scheme", ["ftp", "file", "gopher", "dict"])
def test_other_schemes_are_refused(scheme: str) -> None:
    with pytest.raises(Exception, match=r"(?i)protocol"):
        ask(upstream_at(f"{scheme}://127.0.0.1"))


def test_redirect_is_the_clients_to_follow() -> None:
    with scripted(answering(OK)) as other:
        location = f"Location: {other.url}/\r\nContent-Length: 0\r\n\r\n".encode()
        with scripted(answering(b"HTTP/1.1 302 Found\r\n" + location)) as upstream:
            answer = ask(upstream_at(upstream.url))
        assert (answer.status, other.connections) == (302, [])


def test_cookies_and_promises_are_not_kept() -> None:
    raw = OK.replace(
        b"\r\n\r\n",
        b'\r\nSet-Cookie: a=1; Path=/\r\nAlt-Svc: h2=":1"; ma=99\r\n'
        b"Strict-Transport-Security: max-age=99\r\n\r\n",
    )
    with scripted(answering(raw)) as upstream:
        at = upstream_at(upstream.url)
        ask(at)
        ask(at)
        head = b"GET / HTTP/1.1\r\nHost: site.example\r\n\r\n"
        assert upstream.connections[0].received == head * 2


def test_upstream_nobody_listens_at_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    exchange = upstream_at(f"http://127.0.0.1:{port}").request("GET", "/", HOST)
    with pytest.raises(EngineError) as caught:
        exchange.head()
    assert (caught.value.code, caught.value.status) == ("connect", 502)
    assert str(port) in str(caught.value)


def test_body_is_whole_where_its_frontend_has_moved() -> None:
    """What was found a moment ago is asked first, and nothing of the request is lost by that."""
    port = free_port()
    at = upstream_at(f"http://localhost:{port}")

    def script(connection: Connection) -> None:
        connection.receive_until(b"the end")
        connection.send(OK)

    with scripted(answering_once(OK), "127.0.0.1", port):
        assert ask(at).body == b"ok"
    with scripted(script, "::1", port) as moved:
        body = b"x" * 300_000 + b"the end"
        assert post(at, body).body == b"ok"
        assert [connection.received.endswith(body) for connection in moved.connections] == [True]


def test_answer_that_takes_longer_than_connecting_may_is_whole() -> None:
    """The second connection goes where the first one was found, and libcurl does not time it."""
    going_on = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_head()
        if connection.index == 0:
            connection.send(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            return
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsl")
        going_on.wait(0.8)
        connection.send(b"ow")

    with scripted(script) as upstream:
        at = upstream_at(upstream.url, timeouts=(0.3, 10, 10))
        assert ask(at).body == b"ok"
        assert ask(at).body == b"slow"
