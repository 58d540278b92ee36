"""Visitors: each asks again and again in a name of its own, and judges what it hears."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable

from tests.failing_calls.frontend import Frontend
from tests.failing_calls.identity import CLOSE, TEXT, body, digest, frame, message
from tests.harness.raw_client import Answer, Broken, RawClient
from tests.traffic.stage import chunked, request

DECODE_CHUNKED = ("fastpath", "sync", "gthread", "gevent", "uvicorn front", "hypercorn front")
PIPELINE = ("fastpath", "gthread", "uvicorn front")
# What a failure may look like from outside, besides a connection that breaks off.
REFUSALS = {500, 502, 503, 504}
UPGRADE = (
    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)  # fmt: skip
# http.server takes a head that a FIN has cut for a whole one.
READ_HALF_A_HEAD = ("runserver",)
# Where the frontend breaks an answer off.
STAGES = ("nothing", "head", "between", "body", "end")
FEWEST, PATIENCE = 60, 60.0
SMALL, LARGE = 300, 1_500_000


class Refused(Exception):
    """An answer that says that something went wrong."""


class Tally:
    """What all visitors have met."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._lock = threading.Lock()

    def note(self, outcome: str) -> None:
        with self._lock:
            self.outcomes[outcome] += 1

    def is_thin(self, until: float) -> bool:
        """On a machine that is busy it takes longer until enough has happened."""
        whole = sum(times for name, times in self.outcomes.copy().items() if name.endswith("whole"))
        return whole < FEWEST and time.monotonic() < until + PATIENCE

    def complain(self, what: str) -> None:
        with self._lock:
            self.outcomes["wrong"] += 1
            self.wrong.append(what)


class Visitor:
    """One client, with one connection after the other."""

    refusals = REFUSALS

    def __init__(self, kind: str, port: int, frontend: Frontend, tally: Tally, seed: int) -> None:
        self._kind = kind
        self._port = port
        self._frontend = frontend
        self._tally = tally
        self._random = random.Random(seed)
        self._client: RawClient | None = None
        self._last = ""
        self.visits: list[Callable[[], None]] = [
            self.small, self.small, self.large, self.post, self.events, self.socket,
            self.cut, self.cut, self.cut_upload, self.cut_socket,
        ]  # fmt: skip
        if kind in DECODE_CHUNKED:
            self.visits.append(self.post_chunked)
        if kind in PIPELINE:
            self.visits.append(self.pipelined)

    def _name(self) -> str:
        return f"{self._random.getrandbits(64):016x}"

    def _prefix(self) -> str:
        self._last = self._random.choice(["", "", "/tls"])
        return self._last

    def _connection(self) -> RawClient:
        if self._client is None:
            self._client = RawClient(self._port)
        return self._client

    def leave(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    def _judge(self, answer: Answer, name: str, size: int, sent: bytes = b"") -> None:
        """Raises unless it is a whole answer to just this request."""
        if answer.status in self.refusals and answer.get("X-Name") is None:
            raise Refused(answer.status)
        assert answer.status == 200, f"{answer.status} {answer.body[:200]!r}"
        assert answer.get("X-Name") == name, f"answer of {answer.get('X-Name')}"
        assert answer.get("X-Heard") == digest(sent), "heard other bytes than were sent"
        assert answer.body == body(name, size), f"{len(answer.body)} bytes instead of {size}"

    def _hear(self, name: str, size: int, sent: bytes = b"") -> None:
        answer = self._connection().read_answer()
        self._judge(answer, name, size, sent)
        has_end = answer.get("Content-Length") or answer.get("Transfer-Encoding")
        if not has_end or (answer.get("Connection") or "").lower() == "close":
            self.leave()

    def _get(self, size: int, what: str = "get") -> None:
        name = self._name()
        how = self._random.choice(["length", "chunked", "close"])
        target = f"{self._prefix()}/{what}/{name}?size={size}&how={how}"
        self._connection().send(request("GET", target))
        self._hear(name, size)

    def small(self) -> None:
        self._get(self._random.choice([0, 1, SMALL]))

    def large(self) -> None:
        self._get(LARGE)

    def cut(self) -> None:
        """What the frontend breaks off, at whatever stage, is nobody's whole answer."""
        name, how = self._name(), self._random.choice(["length", "chunked"])
        size, stage = self._random.choice([SMALL, LARGE]), self._random.choice(STAGES)
        target = f"{self._prefix()}/get/{name}?size={size}&how={how}&cut={stage}"
        with contextlib.suppress(Broken, ConnectionError, Refused):
            self._connection().send(request("GET", target))
            self._hear(name, size)
            raise AssertionError(f"whole though it was broken off: {stage}")
        self.leave()

    def cut_upload(self) -> None:
        """The frontend leaves amid the request, or before it answers."""
        name, stage = self._name(), self._random.choice(["unheard", "nothing", "head"])
        sent = body(name, LARGE)
        target = f"{self._prefix()}/post/{name}?size={SMALL}&how=length&sent={LARGE}&cut={stage}"
        with contextlib.suppress(Broken, ConnectionError, Refused):
            with contextlib.suppress(ConnectionError):
                self._connection().send(request("POST", target, body=sent))
            self._hear(name, SMALL, sent)
            raise AssertionError(f"whole though it was broken off: {stage}")
        self.leave()

    def cut_socket(self) -> None:
        """The frontend leaves amid a message."""
        self.leave()
        name, most = self._name(), self._random.choice([0, 1, 3])
        with contextlib.suppress(Broken, ConnectionError, Refused):
            client = self._connection()
            client.send(request("GET", f"{self._prefix()}/socket/{name}?cut={most}", *UPGRADE))
            head = client.read_head()
            if head.status in REFUSALS:
                raise Refused(head.status)
            for _ in range(most + 1):
                client.send(frame(TEXT, body(name, 200), b"mask"))
                opcode, heard = message(client.read_exactly)
                assert opcode == CLOSE or heard == body(name, 200), f"{len(heard)} bytes"
        self.leave()

    def events(self) -> None:
        self._get(3000, "events")

    def _post(self, is_chunked: bool) -> None:
        name, size = self._name(), self._random.choice([1, 5_000, LARGE])
        sent = body(name, size)
        target = f"{self._prefix()}/post/{name}?size={SMALL}&how=length&sent={size}"
        if is_chunked:
            asked = request("POST", target, "Transfer-Encoding: chunked")
            asked += chunked(*filter(None, [sent[:70], sent[70:9_000], sent[9_000:]]))
        else:
            asked = request("POST", target, body=sent)
        with contextlib.suppress(ConnectionError):  # What was said before may still be heard.
            self._connection().send(asked)
        self._hear(name, SMALL, sent)
        assert self._frontend.posts[name] == 1, "answered and not heard once"

    def post(self) -> None:
        self._post(False)

    def post_chunked(self) -> None:
        self._post(True)

    def pipelined(self) -> None:
        names = [self._name() for _ in range(4)]
        asked = (request("GET", f"/get/{name}?size={SMALL}&how=length") for name in names)
        self._connection().send(b"".join(asked))
        for name in names:
            if self._client is None:
                raise Broken("the connection ended behind an answer")
            self._hear(name, SMALL)

    def socket(self) -> None:
        self.leave()
        name = self._name()
        client = self._connection()
        client.send(request("GET", f"{self._prefix()}/socket/{name}", *UPGRADE))
        head = client.read_head()
        if head.status in self.refusals:
            raise Refused(head.status)
        assert head.status == 101, head.status
        for size in (20, 100, 30_000, 200):
            said = body(name, size)
            client.send(frame(TEXT, said, b"mask"))
            opcode, heard = message(client.read_exactly)
            if opcode == CLOSE:
                raise Broken(f"closed by {heard!r}")
            assert (opcode, heard) == (TEXT, said), f"{len(heard)} bytes instead of {size}"
        client.send(frame(CLOSE, b"\x03\xe8", b"mask"))
        opcode, _ = message(client.read_exactly)
        assert opcode == CLOSE, opcode
        self.leave()

    def visit(self, what: Callable[[], None]) -> str:
        """What has become of it, in a word."""
        try:
            what()
        except Refused:
            outcome = "refused"
        except (Broken, ConnectionError):
            outcome = "broken"
        except TimeoutError:
            outcome = "hung"
            self._tally.complain(f"{self._kind} {self._last} {what.__name__}: nothing for too long")
        except (AssertionError, ValueError, IndexError) as error:
            outcome = "wrong"
            self._tally.complain(f"{self._kind} {self._last} {what.__name__}: {error!r}")
        else:
            outcome = "whole"
        if outcome != "whole":
            self.leave()
        self._tally.note(f"{what.__name__} {outcome}")
        return outcome

    def __call__(self, until: float) -> None:
        while time.monotonic() < until or self._tally.is_thin(until):
            self.visit(self._random.choice(self.visits))
        self.leave()


class Leaver(Visitor):
    """Asks as others do, and leaves amid it: before an answer, or inside it."""

    def __init__(self, kind: str, port: int, frontend: Frontend, tally: Tally, seed: int) -> None:
        super().__init__(kind, port, frontend, tally, seed)
        self.visits = [self.ask_and_leave]

    def _asked(self) -> bytes:
        name, prefix = self._name(), self._prefix()
        sent = body(name, LARGE)[: self._random.choice([0, 100, 200_000])]
        posting = f"{prefix}/post/{name}?size={SMALL}&how=length&sent={LARGE}"
        return self._random.choice([
            request("POST", posting, f"Content-Length: {LARGE}") + sent,
            request("GET", f"{prefix}/get/{name}?size={LARGE}&how=length"),
            request("GET", f"{prefix}/events/{name}?size={LARGE}"),
            request("GET", f"{prefix}/socket/{name}", *UPGRADE),
        ])  # fmt: skip

    def _listen(self, client: RawClient) -> None:
        """For nothing, some of the answer, or much of it; a body that is not whole gets none."""
        client.sock.settimeout(0.05)
        with contextlib.suppress(TimeoutError):
            for _ in range(self._random.choice([0, 1, 1, 20])):
                if not client.read_some(20_000):
                    return

    def ask_and_leave(self) -> None:
        asked = self._asked()
        if self._random.random() < 0.3:
            asked = asked[: self._random.randrange(1, len(asked))]
        with RawClient(self._port) as client:
            client.send(asked)
            self._listen(client)
            if b"/socket/" in asked and self._random.random() < 0.5:
                client.send(frame(TEXT, bytes(9000), b"mask")[: self._random.randrange(1, 9000)])
            leave = self._random.choice([client.reset, client.close, client.end])
            if b"\r\n\r\n" not in asked and self._kind in READ_HALF_A_HEAD:
                leave = client.reset
            leave()
            if leave == client.end:
                self._listen(client)
