"""What goes upstream is framed and whole, or broken off, whatever each send of ours takes: no
client's body is ever another request."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from queue import Queue

import pytest

from tests.asgi import servers
from tests.harness.django_servers import DjangoServer, serving
from tests.harness.groups import grouped
from tests.harness.http_requests import Request, RequestReader
from tests.harness.preload import preloaded
from tests.harness.raw_client import RawClient, exchange
from tests.harness.scripted_upstream import Connection, scripted
from tests.harness.tls import make_certificate, over_tls
from tests.traffic.stage import chunked, request

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="preloads a library")

KINDS = ("runserver", "fastpath", "gthread", *servers.front("uvicorn"), *servers.plain("granian"))
# Under ASGI a WebSocket is messages.
UPGRADING = ("runserver", "fastpath", "gthread")
# The whole ones are cut by the kernel, which keeps so little.
SCHEDULE = "1 a 7 i 64 a a 3 . . . 500 a 2 . i ."
BUFFER = "4096"

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
BODIES = (SMUGGLED, SMUGGLED * 500, b"0\r\n\r\n" + SMUGGLED)
HEADS = ([], [f"X-Long-{number}: {'x' * 7_000}" for number in range(8)])


class Frontend:
    """Keeps each request, says what it was, and says back what comes after an upgrade."""

    def __init__(self) -> None:
        self.seen: Queue[tuple[str, bytes]] = Queue()

    def __call__(self, connection: Connection) -> None:
        reader = RequestReader(connection)
        while True:
            asked = reader.head()
            if asked.get("Upgrade"):
                self.switch(connection)
                return
            asked.body = b"".join(reader.pieces(asked))
            self.seen.put((asked.target, asked.body))
            connection.send(self.answer(asked))

    @staticmethod
    def answer(asked: Request) -> bytes:
        said = asked.target.encode() + b" " + asked.body
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said)

    @staticmethod
    def switch(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        while piece := connection.receive():
            connection.send(piece)


@pytest.fixture(scope="module")
def frontend() -> Frontend:
    return Frontend()


@pytest.fixture(scope="module", params=grouped("sends", KINDS))
def server(
    request: pytest.FixtureRequest, frontend: Frontend, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DjangoServer]:
    certificate = make_certificate(tmp_path_factory.mktemp("tls"), "localhost")
    with (
        scripted(frontend) as plain,
        scripted(over_tls(certificate.context, frontend)) as encrypted,
    ):
        frontends = {"/": plain.url, "/tls": f"https://localhost:{encrypted.port}"}
        settings = {"FRONTEND": frontends, "CA_FILE": certificate.path}
        preload = {"LD_PRELOAD": preloaded("sends"), "SENDS": SCHEDULE, "SENDS_BUFFER": BUFFER}
        with serving(request.param, settings, **preload) as started:
            yield started
            assert "Traceback" not in started.log()


@pytest.mark.parametrize("prefix", ["/", "/tls/"])
def test_body_is_never_another_request(
    server: DjangoServer, frontend: Frontend, prefix: str
) -> None:
    for number, (body, lines) in enumerate(itertools.product(BODIES, HEADS)):
        target = f"{prefix}attack-{number}"
        attacks = [request("POST", target, *lines, body=body)]
        if server.kind != "runserver":
            pieces = (body[:40], body[40:])
            attacks.append(
                request("POST", target, *lines, "Transfer-Encoding: chunked") + chunked(*pieces)
            )
        for attack in attacks:
            answer = exchange(server.port, attack)
            assert (answer.status, answer.body) == (200, target.encode() + b" " + body)
            assert frontend.seen.get(timeout=20) == (target, body)
        victim = exchange(server.port, request("GET", f"{prefix}victim", *lines))
        assert (victim.status, victim.body) == (200, f"{prefix}victim ".encode())
        assert frontend.seen.get(timeout=20) == (f"{prefix}victim", b"")
    assert frontend.seen.empty()


@pytest.mark.parametrize("server", grouped("sends", UPGRADING), indirect=True)
@pytest.mark.parametrize("prefix", ["/", "/tls/"])
def test_upgraded_connection_loses_nothing(server: DjangoServer, prefix: str) -> None:
    with RawClient(server.port) as client:
        client.send(request("GET", f"{prefix}socket", "Connection: Upgrade", "Upgrade: websocket"))
        assert client.read_head().status == 101
        for size in (1, 100, 30_000):
            client.send(SMUGGLED * size)
            assert client.read_exactly(len(SMUGGLED) * size) == SMUGGLED * size


def test_django_has_its_requests_whole(server: DjangoServer) -> None:
    """At the listener they go through the channel, whose sends are cut too."""
    for count in (0, 1, 8) * 3:
        lines = [f"X-Long-{number}: {'x' * 7_000}" for number in range(count)]
        answer = exchange(server.port, request("GET", "/api/hello/", *lines))
        assert answer.body == b"Django answers /api/hello/"
