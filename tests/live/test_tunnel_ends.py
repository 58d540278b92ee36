"""How tunnels end: each half for itself, by a reset at once, with the server; nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Queue

import pytest

from tests.harness.django_servers import serving
from tests.harness.raw_client import DEADLINE, Broken, RawClient, get
from tests.harness.scripted_upstream import Connection, answering, scripted
from tests.live.tunnels import ADOPTING, echo, says_back, stays_silent, switch, tunnel, upgrade
from tests.process.processes import await_that, descriptors
from tests.traffic.stage import Stage, on
from tests.traffic.test_failures import is_failure

UPGRADES = 1000


@on(*ADOPTING)
def test_client_that_ends_its_half_still_hears_the_upstream(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        switch(connection)
        assert connection.sock.recv(100) == b"question"
        assert connection.sock.recv(100) == b""
        connection.send(b"answer")

    stage.play(script)
    with tunnel(stage.port) as client:
        client.send(b"question")
        client.end()
        assert client.read_to_end() == b"answer"
    stage.upstream.next_finished()


@on(*ADOPTING)
def test_upstream_that_ends_its_half_still_hears_the_client(stage: Stage) -> None:
    heard: Queue[bytes] = Queue()

    def script(connection: Connection) -> None:
        switch(connection)
        connection.send(b"question")
        connection.sock.shutdown(1)
        heard.put(b"".join(iter(lambda: connection.sock.recv(65536), b"")))

    stage.play(script)
    with tunnel(stage.port) as client:
        assert client.read_to_end() == b"question"
        client.send(b"answer" * 50_000)
        client.end()
        assert heard.get(timeout=DEADLINE) == b"answer" * 50_000
    stage.upstream.next_finished()


@on(*ADOPTING)
def test_idle_client_sees_the_upstreams_end(stage: Stage) -> None:
    go_on = threading.Event()

    def script(connection: Connection) -> None:
        switch(connection)
        assert go_on.wait(DEADLINE)

    stage.play(script)
    with tunnel(stage.port) as client:
        go_on.set()
        assert client.read_to_end() == b""


@on(*ADOPTING)
def test_reset_by_the_upstream_resets_the_idle_client(stage: Stage) -> None:
    go_on = threading.Event()

    def script(connection: Connection) -> None:
        switch(connection)
        assert go_on.wait(DEADLINE)
        connection.reset()

    stage.play(script)
    with tunnel(stage.port) as client:
        go_on.set()
        with pytest.raises(Broken):
            client.read_to_end()


@on(*ADOPTING)
@pytest.mark.parametrize("leave", [RawClient.reset, RawClient.close], ids=["rst", "fin"])
def test_client_that_leaves_ends_the_idle_upstream(
    stage: Stage, leave: Callable[[RawClient], None]
) -> None:
    stage.play(stays_silent)
    with tunnel(stage.port) as client:
        leave(client)
        stage.upstream.next_finished()
    assert stage.works()


@on(*ADOPTING)
def test_client_that_resets_while_the_upstream_sends_ends_it(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        switch(connection)
        while True:
            connection.send(b"x" * 65536)

    stage.play(script)
    with tunnel(stage.port) as client:
        client.read_exactly(1_000_000)
        client.reset()
        stage.upstream.next_finished()
    assert stage.works()


PEER = """
import socket, sys, time
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sock.sendall(sys.argv[2].encode().decode("unicode_escape").encode())
head = b""
while b"\\r\\n\\r\\n" not in head:
    head += sock.recv(1)
print("open", flush=True)
time.sleep(60)
"""


@on(*ADOPTING)
def test_upstream_notices_a_client_that_is_killed(stage: Stage) -> None:
    stage.play(stays_silent)
    words = upgrade().decode().replace("\r\n", "\\r\\n")
    command = [sys.executable, "-c", PEER, str(stage.port), words]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as peer:
        assert peer.stdout is not None
        assert peer.stdout.readline() == b"open\n"
        peer.kill()
        stage.upstream.next_finished()


UPSTREAM = """
import socket, time
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    sock, _ = listener.accept()
    sock.recv(65536)
    sock.sendall(b"HTTP/1.1 101 Go\\r\\nUpgrade: test\\r\\nConnection: Upgrade\\r\\n\\r\\n")
    time.sleep(60)
"""


@pytest.mark.parametrize("kind", ADOPTING)
def test_client_notices_an_upstream_that_is_killed(kind: str) -> None:
    with subprocess.Popen([sys.executable, "-c", UPSTREAM], stdout=subprocess.PIPE) as peer:
        assert peer.stdout is not None
        url = f"http://127.0.0.1:{int(peer.stdout.readline())}"
        with serving(kind, {"FRONTEND": url}) as server, tunnel(server.port) as client:
            peer.kill()
            assert client.is_closed()


@pytest.mark.parametrize("kind", ADOPTING)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["int", "term"])
def test_server_that_is_stopped_ends_its_tunnels(kind: str, number: int) -> None:
    with (
        scripted(echo) as upstream,
        serving(kind, {"FRONTEND": upstream.url}) as server,
        tunnel(server.port) as first,
        tunnel(server.port) as second,
    ):
        assert says_back(first, b"one")
        assert says_back(second, b"two")
        server.signal(number)
        server.wait()
        assert first.is_closed()
        assert second.is_closed()
        upstream.next_finished()
        upstream.next_finished()


@pytest.mark.parametrize("kind", ADOPTING)
def test_no_descriptor_is_left_after_many_upgrades(kind: str) -> None:
    with scripted(echo) as upstream, serving(kind, {"FRONTEND": upstream.url}) as server:

        def count() -> int:
            return sum(len(descriptors(pid)) for pid in server.pids())

        def open_and_close(number: int) -> None:
            with tunnel(server.port) as client:
                assert says_back(client, b"%d" % number)
                client.reset() if number % 2 else client.end()
            upstream.next_finished()

        open_and_close(0)
        get(server.port, "/api/hello/")
        before = count()
        for number in range(UPGRADES):
            open_and_close(number)
        await_that("as many descriptors as before", lambda: count() <= before + 1)


@on(*ADOPTING, settings={"MAX_CONNECTIONS": 2, "CONNECT_TIMEOUT": 0.3})
def test_tunnels_count_as_connections(stage: Stage) -> None:
    stage.play(echo)
    with tunnel(stage.port) as first, tunnel(stage.port) as second:
        assert is_failure(stage.get("/x"), 503, 'SAMESITE_PROXY["MAX_CONNECTIONS"]')
        assert is_failure(stage.exchange(upgrade()), 503)
        first.end()
        assert first.read_to_end() == b""
        with tunnel(stage.port) as third:
            assert says_back(second, b"two")
            assert says_back(third, b"three")
    assert stage.works()


def cpu_ticks(pids: list[int]) -> int:
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks


@on("sync")
@pytest.mark.parametrize("side", ["neither", "client", "upstream"])
def test_tunnel_with_one_half_or_none_ended_burns_no_time(stage: Stage, side: str) -> None:
    """Measured in the processor's time while the clients' clock runs for a second."""
    half = threading.Event()

    def script(connection: Connection) -> None:
        switch(connection)
        if side == "upstream":
            connection.sock.shutdown(1)
        half.set()
        connection.receive_to_end()
        connection.sock.settimeout(5)
        assert over.wait(DEADLINE)

    over = threading.Event()
    stage.play(script)
    with tunnel(stage.port) as client:
        if side == "client":
            client.end()
        assert half.wait(DEADLINE)
        before = cpu_ticks(stage.server.pids())
        client.sock.settimeout(1)
        if side == "upstream":
            assert client.read_to_end() == b""
            assert not threading.Event().wait(1)
        else:
            with pytest.raises(TimeoutError):
                client.read_to_end()
        assert cpu_ticks(stage.server.pids()) - before < os.sysconf("SC_CLK_TCK") // 4
        over.set()


def test_forked_child_closes_its_copies_of_a_tunnel() -> None:
    """As where a view starts a process of its own: the child lives on, the tunnel ends."""
    environment = {"TEST_URLCONF": "tests.live.urls"}
    with (
        scripted(echo) as upstream,
        serving("gthread", {"FRONTEND": upstream.url}, **environment) as server,
        tunnel(server.port) as client,
    ):
        assert says_back(client, b"before")
        child = int(get(server.port, "/api/fork/").body)
        assert says_back(client, b"after")
        client.end()
        assert client.read_to_end() == b""
        upstream.next_finished()
        os.kill(child, signal.SIGKILL)  # It was there all the time.


def test_answers_go_on_beside_a_broken_tunnel() -> None:
    with scripted(echo) as upstream, serving("gthread", {"FRONTEND": upstream.url}) as server:
        with tunnel(server.port) as client:
            client.reset()
        upstream.next_finished()
        upstream.play(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
        assert get(server.port, "/x").body == b"ok"
