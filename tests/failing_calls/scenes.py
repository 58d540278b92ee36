"""Visits, each with allocations of its own in the engine, that are made again and again."""

from __future__ import annotations

import contextlib
import itertools
import select
from collections.abc import Callable

from tests.failing_calls.frontend import Frontend
from tests.failing_calls.identity import CLOSE, TEXT, body, frame, message
from tests.failing_calls.visits import LARGE, REFUSALS, SMALL, UPGRADE, Refused, Tally, Visitor
from tests.harness.calls import Calls
from tests.harness.raw_client import RawClient
from tests.harness.scripted_upstream import scripted
from tests.process.processes import await_that
from tests.traffic.stage import chunked, request

# More than a buffer has at first.
FIELDS = tuple(f"X-{number}: {'x' * 90}" for number in range(12))
ECHOED = 60_000
HELLO = b"Django answers /api/hello/"


def has_bytes(client: RawClient) -> bool:
    return bool(select.select([client.sock], [], [], 0)[0])


class Scenes(Visitor):
    """One client, which says what it wants. What memory is short for is told at once."""

    refusals = REFUSALS - {504}

    def __init__(
        self, port: int, frontend: Frontend, tally: Tally, calls: Calls, held: int
    ) -> None:
        super().__init__("fastpath", port, frontend, tally, seed=1)
        self._calls = calls
        self._held_port = held
        self._numbers = itertools.count()
        self.scenes: dict[str, Callable[[], None]] = {
            "get": lambda: self._ask("GET", "", how="length"),
            "whole address": lambda: self._ask("GET", "http://localhost", how="length"),
            "nominating": lambda: self._ask(
                "GET", "", "Connection: x-1", "Connection: x-2", how="close"
            ),
            "chunks": lambda: self._ask("GET", "", how="chunked"),
            "events": lambda: self._ask("GET", "", what="events", how="chunked"),
            "tls": lambda: self._ask("GET", "/tls", how="close"),
            "unix": lambda: self._ask("GET", "/unix", how="close"),
            "large": lambda: self._ask("GET", "", how="length", size=LARGE),
            "large tls": lambda: self._ask("GET", "/tls", how="chunked", size=LARGE),
            "upload": lambda: self._ask("POST", "", sent=LARGE),
            "upload unix": lambda: self._ask("POST", "/unix", sent=LARGE, how="close"),
            "chunked upload": lambda: self._ask("POST", "", sent=LARGE, is_chunked=True),
            "socket": lambda: self._talk("", 1),
            "tls socket": lambda: self._talk("/tls", 1),
            "unix tunnel": lambda: self._talk("/unix", 20),
            "tunnel": lambda: self._talk("", 20),
            "refusal": lambda: self._refused("Content-Length: 1", "Content-Length: 2"),
            "too much": lambda: self._refused(*("X-Much: " + "x" * 6000,) * 12),
            "new host": self.new_host,
            "refused host": self.refused_host,
            "django": self.django,
            "django upload": self.django_upload,
            "held": self.held,
            "feed": self.feed,
        }

    def _name(self) -> str:
        return f"{next(self._numbers):016x}"

    def _ask(
        self,
        method: str,
        prefix: str,
        *fields: str,
        what: str = "get",
        how: str = "length",
        size: int = SMALL,
        sent: int = 0,
        is_chunked: bool = False,
    ) -> None:
        name = self._name()
        if "://" in prefix:
            prefix = f"{prefix}:{self._port}"
        target = f"{prefix}/{what}/{name}?size={size}&how={how}&sent={sent}"
        said = body(name, sent)
        if is_chunked:
            asked = request(method, target, *FIELDS, "Transfer-Encoding: chunked")
            asked += chunked(said[:70], said[70:9_000], said[9_000:])[:-2] + b"X-Behind: it\r\n\r\n"
        else:
            asked = request(method, target, *FIELDS, *fields, body=said)
        with contextlib.suppress(ConnectionError):  # What was said before may still be heard.
            self._connection().send(asked)
        self._hear(name, size, said)
        if method == "POST":
            assert self._frontend.posts[name] == 1, "answered and not heard once"

    def _talk(self, prefix: str, times: int) -> None:
        self.leave()
        name = self._name()
        client = self._connection()
        client.send(request("GET", f"{prefix}/socket/{name}", *FIELDS, *UPGRADE))
        head = client.read_head()
        if head.status in self.refusals:
            raise Refused(head.status)
        assert head.status == 101, head.status
        said = body(name, ECHOED)
        for _ in range(times):
            client.send(frame(TEXT, said, b"mask"))
            opcode, heard = message(client.read_exactly)
            assert (opcode, heard) == (TEXT, said), f"{len(heard)} bytes instead of {ECHOED}"
        client.send(frame(CLOSE, b"\x03\xe8", b"mask"))
        opcode, _ = message(client.read_exactly)
        assert opcode == CLOSE, opcode
        self.leave()

    def _answered(self, status: int, said: bytes, asked: bytes) -> None:
        self._connection().send(asked)
        answer = self._connection().read_answer()
        if answer.get("Connection") == "close":
            self.leave()
        if status != answer.status and answer.status in self.refusals:
            raise Refused(answer.status)
        assert answer.status == status, answer.status
        assert said in answer.body, answer.body

    def _refused(self, *fields: str) -> None:
        status = 400 if len(fields) == 2 else 431
        self._answered(status, b"", request("GET", "/x", *fields))

    def new_host(self) -> None:
        name = self._name()
        target = f"/get/{name}?size={SMALL}&how=length"
        self._connection().send(request("GET", target, host=f"h{name}.localhost"))
        self._hear(name, SMALL)

    def refused_host(self) -> None:
        asked = request("GET", "/x", host=f"h{self._name()}.example")
        self._answered(400, b"", asked)

    def django(self) -> None:
        self._answered(200, HELLO, request("GET", "/api/hello/", *FIELDS))

    def django_upload(self) -> None:
        said = body(self._name(), 9000)
        self._answered(200, said, request("POST", "/api/echo/", *FIELDS, body=said))

    def held(self) -> None:
        """Its frontend is there only after the first attempt to connect."""
        before = self._calls.called["connect"]
        name = self._name()
        target = f"/held/get/{name}?size={SMALL}&how=close"
        client = self._connection()
        client.send(request("GET", target))
        await_that(
            "an attempt, or an answer",
            lambda: self._calls.called["connect"] > before or has_bytes(client),
        )
        with scripted(self._frontend, port=self._held_port):
            self._hear(name, SMALL)

    def feed(self) -> None:
        self._answered(200, b'"rows"', request("GET", "/__samesite__/feed.json"))

    def first(self) -> None:
        """What waits for a frontend has heard it before."""
        self._ask("GET", "/held", how="close")

    def ask(self, scene: str) -> str:
        """What has become of it, in a word."""
        return self.visit(self.scenes[scene])
