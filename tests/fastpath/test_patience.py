"""Who is waited for at the listener, and how long; by a clock that the tests advance."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from queue import Empty, Queue

import pytest

from tests.harness.clock import Clock
from tests.harness.django_servers import DjangoServer, serving
from tests.harness.http_requests import Request, RequestReader
from tests.harness.raw_client import DEADLINE, Broken, RawClient
from tests.harness.scripted_upstream import Connection, ScriptedUpstream, scripted
from tests.live.tunnels import SWITCH, upgrade
from tests.traffic.stage import request

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="preloads a library"),
    pytest.mark.xdist_group("patience"),
]

# Seconds: a client may stand still for as long, and a little less is not too long.
STILL = 301
NEARLY = 250
# More than all buffers on the way hold.
MUCH = 60_000_000
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BIG = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % MUCH
EVENT_STREAM = b"Content-Type: text/event-stream\r\n\r\n"


class Frontend:
    """Does what the target says, and tells of each piece that comes."""

    def __init__(self) -> None:
        self.asked: Queue[str] = Queue()
        self.pieces: Queue[bytes] = Queue()
        self.go_on = threading.Event()

    def __call__(self, connection: Connection) -> None:
        reader = RequestReader(connection)
        while True:
            asked = reader.head()
            self.asked.put(asked.target)
            self.answer(asked, reader.pieces(asked), connection)

    def answer(self, asked: Request, pieces: Iterator[bytes], connection: Connection) -> None:
        if asked.target.startswith("/late"):
            assert self.go_on.wait(DEADLINE)
        match asked.target:
            case "/much":
                connection.send(BIG + b"\r\n" + bytes(MUCH))
            case "/much-events":
                connection.send(BIG + EVENT_STREAM + bytes(MUCH))
            case "/much-socket":
                connection.send(SWITCH + bytes(MUCH))
                connection.receive_to_end()
            case "/socket":
                connection.send(SWITCH)
                while piece := connection.receive():
                    connection.send(piece)
            case "/events":
                connection.send(OK[:17] + EVENT_STREAM)
                assert self.go_on.wait(DEADLINE)
                connection.send(b"data: 1\n\n")
                connection.receive_to_end()
            case _:
                for piece in pieces:
                    self.pieces.put(piece)
                connection.send(OK)


@pytest.fixture(scope="module")
def clock() -> Iterator[Clock]:
    with contextlib.closing(Clock()) as clock:
        yield clock


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with scripted(lambda _: None) as started:
        yield started


@pytest.fixture(scope="module")
def server(clock: Clock, upstream: ScriptedUpstream) -> Iterator[DjangoServer]:
    never = {"RESPONSE_TIMEOUT": 36000, "IDLE_TIMEOUT": 36000}
    with serving("fastpath", {"FRONTEND": upstream.url, **never}, **clock.environment) as started:
        yield started
        assert "Traceback" not in started.log()


@pytest.fixture
def frontend(upstream: ScriptedUpstream) -> Frontend:
    frontend = Frontend()
    upstream.play(frontend)
    return frontend


@pytest.fixture
def client(server: DjangoServer, frontend: Frontend) -> Iterator[RawClient]:
    assert frontend.asked.empty()
    with RawClient(server.port) as connected:
        yield connected


def let_pass(seconds: float, server: DjangoServer, clock: Clock) -> None:
    """More than a minute, until another client, who asks nothing more, is told that it was."""
    with RawClient(server.port) as idle, RawClient(server.port) as last:
        for each in (idle, last):  # With the last one's answer the engine is done with the others.
            each.send(request("GET", "/other"))
            assert each.read_answer().body == b"ok"
        clock.pass_by(seconds)
        assert idle.read_to_end() == b""


def begin_upload(frontend: Frontend, client: RawClient) -> None:
    client.send(request("POST", "/upload", "Content-Length: 100") + b"half")
    assert frontend.pieces.get(timeout=DEADLINE) == b"half"


def begin_long_upload(frontend: Frontend, client: RawClient) -> None:
    client.send(request("POST", "/upload", f"Content-Length: {MUCH}") + bytes(1_000_000))
    arrived = 0
    while arrived < 1_000_000:
        arrived += len(frontend.pieces.get(timeout=DEADLINE))


def begin_chunked_upload(frontend: Frontend, client: RawClient) -> None:
    client.send(request("POST", "/upload", "Transfer-Encoding: chunked") + b"4\r\nhalf\r\n")
    assert frontend.pieces.get(timeout=DEADLINE) == b"half"


def begin_body(_: Frontend, client: RawClient) -> None:
    client.send(request("POST", "/upload", "Content-Length: 100"))


def begin_download(_: Frontend, client: RawClient) -> None:
    client.send(request("GET", "/much"))
    client.read_head()


def begin_events(_: Frontend, client: RawClient) -> None:
    client.send(request("GET", "/much-events"))
    client.read_head()


def begin_tunnel(_: Frontend, client: RawClient) -> None:
    client.send(upgrade("/much-socket"))
    assert client.read_head().status == 101


@pytest.mark.parametrize(
    "begin",
    [
        begin_upload,
        begin_long_upload,
        begin_chunked_upload,
        begin_body,
        begin_download,
        begin_events,
        begin_tunnel,
    ],
)
def test_client_that_stands_still_is_reset_and_its_frontend_let_go(
    clock: Clock,
    upstream: ScriptedUpstream,
    frontend: Frontend,
    client: RawClient,
    begin: Callable[[Frontend, RawClient], None],
) -> None:
    begin(frontend, client)
    for _ in range(20):
        clock.pass_by(STILL)  # Perhaps before all buffers are full.
        with contextlib.suppress(Empty):
            upstream.finished.get(timeout=0.5)
            break
    else:
        raise AssertionError("the frontend's connection does not end")
    with pytest.raises(Broken, match="reset"):
        client.read_to_end()


def test_client_that_sends_now_and_then_is_waited_for(
    server: DjangoServer, clock: Clock, frontend: Frontend, client: RawClient
) -> None:
    client.send(request("POST", "/upload", "Content-Length: 7"))
    for piece in (b"a", b"b", b"c", b"d", b"end"):
        client.send(piece)
        assert frontend.pieces.get(timeout=DEADLINE) == piece
        let_pass(NEARLY, server, clock)
    assert client.read_answer().body == b"ok"


def test_client_that_reads_now_and_then_is_waited_for(
    server: DjangoServer, clock: Clock, client: RawClient
) -> None:
    client.send(request("GET", "/much"))
    client.read_head()
    for _ in range(4):
        client.read_exactly(MUCH // 4)
        let_pass(NEARLY, server, clock)


def test_client_that_waits_for_the_frontend_is_not_timed(
    server: DjangoServer, clock: Clock, frontend: Frontend, client: RawClient
) -> None:
    client.send(request("GET", "/late"))
    assert frontend.asked.get(timeout=DEADLINE) == "/late"
    let_pass(2 * STILL, server, clock)
    frontend.go_on.set()
    assert client.read_answer().body == b"ok"


def test_client_whose_body_the_frontend_does_not_take_is_not_timed(
    server: DjangoServer, clock: Clock, frontend: Frontend, client: RawClient
) -> None:
    body = memoryview(bytes(MUCH))
    client.send(request("POST", "/late-upload", f"Content-Length: {MUCH}"))
    client.sock.settimeout(0.5)  # As long as it takes until no more is taken.
    with contextlib.suppress(TimeoutError):
        while body:
            body = body[client.sock.send(body) :]
    assert body
    let_pass(2 * STILL, server, clock)
    frontend.go_on.set()
    client.sock.settimeout(DEADLINE)
    client.send(bytes(body))
    assert client.read_answer().body == b"ok"


def test_tunnel_that_is_silent_is_not_timed(
    server: DjangoServer, clock: Clock, client: RawClient
) -> None:
    client.send(upgrade("/socket"))
    assert client.read_head().status == 101
    let_pass(2 * STILL, server, clock)
    client.send(b"still here")
    assert client.read_exactly(10) == b"still here"


def test_event_stream_that_is_silent_is_not_timed(
    server: DjangoServer, clock: Clock, frontend: Frontend, client: RawClient
) -> None:
    client.send(request("GET", "/events"))
    client.read_head()
    let_pass(2 * STILL, server, clock)
    frontend.go_on.set()
    assert b"data: 1" in client.read_until(b"\n\n")


def test_head_that_drips_has_half_a_minute(
    server: DjangoServer, clock: Clock, client: RawClient
) -> None:
    client.send(b"GET / HTTP/1.1\r\n")
    let_pass(76, server, clock)
    assert client.read_answer().status == 408
