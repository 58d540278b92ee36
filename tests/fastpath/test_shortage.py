"""The listener when there are too many: clients, descriptors, Host values, slow readers."""

from __future__ import annotations

import contextlib
import resource
import select
from pathlib import Path

import pytest

from tests.fastpath.commands import ask, several
from tests.harness.django_servers import COMMANDS, ENVIRONMENTS, serving
from tests.harness.http_requests import Recorder
from tests.harness.memory import MIB, PeakMemory
from tests.harness.patterns import digest, pattern
from tests.harness.raw_client import RawClient, get
from tests.harness.scripted_upstream import Connection, scripted
from tests.live.tunnels import never_answers, stays_silent, upgrade
from tests.process.processes import await_that, resident_bytes
from tests.traffic.stage import Stage, on, request

LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (72, 72))
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
# Each client may need two descriptors, and 64 are the process's own.
MOST_CLIENTS = 4
COMMANDS["limited-fastpath"] = lambda port: ["-c", LIMITED, *COMMANDS["fastpath"](port)]
ENVIRONMENTS["limited-fastpath"] = ENVIRONMENTS["fastpath"]


def sleeps(pid: int) -> bool:
    """Whether no thread of a process is found at work, however often one looks."""
    stats = list(Path(f"/proc/{pid}/task").glob("*/stat"))
    looks = [stat.read_text().rpartition(")")[2].split()[0] for _ in range(50) for stat in stats]
    return set(looks) == {"S"}


def test_one_client_too_many_waits_until_another_leaves() -> None:
    with (
        scripted(Recorder()) as upstream,
        serving("limited-fastpath", {"FRONTEND": upstream.url}) as server,
        several(MOST_CLIENTS + 1, server.port) as (*clients, late),
    ):
        for client in clients:
            ask(client, "GET", "/x")
            assert client.read_answer().body == b"ok"
        ask(late, "GET", "/late")
        for client in clients:
            ask(client, "GET", "/y")
            assert client.read_answer().body == b"ok"
        await_that("the listener sleeps", lambda: sleeps(server.process.pid))
        clients[0].close()
        assert late.read_answer().body == b"ok"


def test_tunnels_take_the_places_of_clients_until_they_end() -> None:
    with (
        scripted(stays_silent) as upstream,
        serving("limited-fastpath", {"FRONTEND": upstream.url}) as server,
        several(MOST_CLIENTS + 1, server.port) as (*clients, late),
    ):
        for client in clients:
            client.send(upgrade())
            assert client.read_head().status == 101
        ask(late, "GET", "/api/hello/")
        await_that("the listener sleeps", lambda: sleeps(server.process.pid))
        assert select.select([late.sock], [], [], 0.5) == ([], [], [])  # It waits in the backlog.
        clients[0].close()
        assert late.read_answer().status == 200


def test_clients_wait_while_there_is_no_descriptor_for_them() -> None:
    with (
        scripted(Recorder()) as upstream,
        serving("fastpath", {"FRONTEND": upstream.url}) as server,
    ):
        assert get(server.port).body == b"ok"
        pid = server.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        highest = max(int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir())
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 5, limits[1]))
        with several(30, server.port) as clients:
            for client in clients:
                ask(client, "GET", "/x")
            await_that("the listener sleeps", lambda: sleeps(pid))
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
            statuses = [client.read_answer().status for client in clients]
        assert set(statuses) <= {200, 503}
        assert statuses.count(200) > 20
        assert get(server.port).body == b"ok"
        assert get(server.port, "/api/hello/").status == 200


@on("fastpath", TEST_ALLOWED_HOSTS='["*"]')
def test_more_hosts_than_the_listener_has_places_for_are_each_answered(stage: Stage) -> None:
    recorder = stage.record()
    for _ in range(2):
        for number in range(300):
            host = f"host-{number}.example"
            assert stage.get("/x", host=host).body == b"ok"
            assert recorder.next().get("X-Forwarded-Host") == host
    assert stage.get("/x", host="localhost").body == b"ok"


@on("fastpath", TEST_ALLOWED_HOSTS='["localhost"]')
def test_refused_hosts_take_no_place_from_the_allowed_one_that_is_known(stage: Stage) -> None:
    recorder = stage.record()
    assert stage.get("/x").body == b"ok"
    for number in range(300):
        assert stage.get("/x", host=f"evil-{number}.example").status == 400
    assert stage.get("/x").body == b"ok"
    assert recorder.next().target == recorder.next().target == "/x"
    assert recorder.seen.empty()


@on("fastpath", settings={"IDLE_TIMEOUT": 0.3})
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_client_that_reads_slowly_is_not_the_frontends_fault(stage: Stage, framing: str) -> None:
    size = 20_000_000

    def script(connection: Connection) -> None:
        target = connection.receive_head().split(b" ")[1]
        if target == b"/stands-still":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
            connection.receive_to_end()
        chunked = framing == "chunked"
        field = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % size
        connection.send(b"HTTP/1.1 200 OK\r\n" + field + b"\r\n\r\n")
        for piece in pattern(size):
            connection.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        connection.send(b"0\r\n\r\n" if chunked else b"")

    stage.play(script)
    with stage.client() as slow:
        slow.send(request("GET", "/big"))
        for _ in range(3):  # Each takes as long as the frontend may stand still.
            with stage.client() as client:
                client.send(request("GET", "/stands-still"))
                client.read_until(b"half")
                assert client.is_closed()
        assert digest([slow.read_answer().body]) == digest(pattern(size))


@pytest.mark.unsanitized
@on("fastpath")
def test_slow_readers_hold_the_frontend_back_instead_of_filling_memory(stage: Stage) -> None:
    size = 30_000_000

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for piece in pattern(size):
            connection.send(piece)

    assert stage.works()
    before = resident_bytes(stage.server.process.pid)
    stage.play(script)
    with several(30, stage.port) as clients:
        for client in clients:
            client.send(request("GET", "/big"))
            client.read_head()
        assert stage.get("/api/hello/").status == 200
        assert resident_bytes(stage.server.process.pid) - before < 30 * 512 * 1024
        assert digest([clients[0].read_exactly(size)]) == digest(pattern(size))
    assert stage.works()


@pytest.mark.unsanitized
@on("fastpath")
def test_many_slow_readers_share_the_memory_of_what_waits_for_them(stage: Stage) -> None:
    """Their answers' lengths are not known, so no pipe of the kernel's takes them."""
    count, size = 200, 1_000_000
    chunk = b"%x\r\n%b\r\n" % (size // 25, b"x" * (size // 25))

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(25):
            connection.send(chunk)
        connection.send(b"0\r\n\r\n")

    assert stage.works()
    stage.play(script)
    memory = PeakMemory([stage.server.process.pid])
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(RawClient(stage.port, segment=1400)) for _ in range(count)]
        for client in clients:
            client.send(request("GET", "/big"))
        for client in clients:
            assert len(client.read_answer().body) == size
        assert memory.growth() < 4 * MIB + count * 24 * 1024
    assert stage.works()


@pytest.mark.unsanitized
@on("fastpath")
def test_clients_that_are_idle_keep_no_memory_for_what_is_over(stage: Stage) -> None:
    long = f"X-Long: {'x' * 30_000}"
    stage.record(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n%b\r\n\r\n" % long.encode())
    assert stage.get("/x", long).status == 200
    before = resident_bytes(stage.server.process.pid)
    with several(200, stage.port) as clients:
        for client in clients:
            client.send(request("GET", "/x", long))
            assert client.read_answer().status == 200
        assert resident_bytes(stage.server.process.pid) - before < 200 * 8 * 1024


@pytest.mark.unsanitized
@on("fastpath")
def test_client_that_floods_the_listener_behind_its_request_is_held_back(stage: Stage) -> None:
    stage.play(never_answers)
    flood = request("GET", "/flood") * 100
    with stage.client() as client:
        client.send(request("GET", "/first"))
        client.sock.settimeout(0.5)  # As long as it takes until no more is taken.
        before = resident_bytes(stage.server.process.pid)
        with contextlib.suppress(TimeoutError):
            while True:
                client.send(flood)
        assert resident_bytes(stage.server.process.pid) - before < 4 * 1024 * 1024
    assert len(stage.upstream.connections) == 1
    assert stage.works()
