"""A client that sees exactly what came: h11 frames, and a broken answer is never a whole one."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from dataclasses import dataclass, field

import h11

PIECE = 16 * 1024
RESET = struct.pack("ii", 1, 0)

# Where a client may leave: amid its head or its body, while it waits, amid the answer.
PLACES = ("head", "body", "waiting", "answer")


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    cookie: str
    body: bytes | None = None
    is_chunked: bool = False
    leaves: str = ""  # One of PLACES.


@dataclass
class Answer:
    """As far as it came. `broken` says how it ended where it is not whole."""

    status: int = 0
    fields: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    is_whole: bool = False
    has_left: bool = False
    broken: str = ""


class Left(Exception):
    """The client leaves here, as it was told to."""


class Client:
    """One connection after the other, each kept alive as long as it lasts."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._writer: asyncio.StreamWriter | None = None

    async def _open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._http = h11.Connection(h11.CLIENT)

    def close(self, *, by_reset: bool = False) -> None:
        if self._writer is None:
            return
        if by_reset:
            found = self._writer.get_extra_info("socket")
            with contextlib.suppress(OSError):  # It is closed already.
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._writer.transport.abort()
        self._writer = None

    async def _write(self, data: bytes | None) -> None:
        assert self._writer is not None
        self._writer.write(data or b"")
        await self._writer.drain()

    async def _send(self, request: Request) -> None:
        fields = [("Host", f"localhost:{self._port}"), ("Cookie", request.cookie)]
        if request.body is not None:
            framing = ("Transfer-Encoding", "chunked")
            if not request.is_chunked:
                framing = ("Content-Length", str(len(request.body)))
            fields.append(framing)
        head = self._http.send(
            h11.Request(method=request.method, target=request.target, headers=fields)
        )
        assert head is not None
        if request.leaves == "head":
            await self._write(head[: random.randrange(1, len(head))])
            raise Left
        await self._write(head)
        await self._send_body(request)
        await self._write(self._http.send(h11.EndOfMessage()))
        if request.leaves == "waiting":
            await asyncio.sleep(random.uniform(0, 0.02))
            raise Left

    async def _send_body(self, request: Request) -> None:
        body = request.body or b""
        stop = random.randrange(len(body)) if request.leaves == "body" and body else len(body)
        for at in range(0, stop, PIECE):
            await self._write(self._http.send(h11.Data(body[at : min(at + PIECE, stop)])))
        if request.leaves == "body":
            raise Left

    async def _next_event(self) -> h11.Event | type[h11.PAUSED]:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            self._http.receive_data(await self._reader.read(64 * 1024))

    async def _receive(self, answer: Answer, leaves: str) -> None:
        while not answer.is_whole:
            event = await self._next_event()
            if isinstance(event, h11.Response):
                answer.status = event.status_code
                answer.fields = {name.decode(): value.decode() for name, value in event.headers}
            elif isinstance(event, h11.Data):
                answer.body += event.data
                if leaves == "answer":
                    raise Left
            elif isinstance(event, h11.EndOfMessage):
                answer.is_whole = True
            elif isinstance(event, h11.ConnectionClosed) or event is h11.PAUSED:
                raise ConnectionError("no answer")

    async def ask(self, request: Request, seconds: float) -> Answer:
        """What came within so many seconds; whatever is wrong with it is in `broken`."""
        answer = Answer()
        try:
            async with asyncio.timeout(seconds):
                if self._writer is None:
                    await self._open()
                await self._send(request)
                await self._receive(answer, request.leaves)
        except Left:
            answer.has_left = True
            self.close(by_reset=random.random() < 0.5)
        except (OSError, h11.RemoteProtocolError) as error:  # A TimeoutError is the former.
            answer.broken = f"{type(error).__name__}: {error}"
            self.close()
        if answer.is_whole:
            self._go_on(request, answer)
        return answer

    def _go_on(self, request: Request, answer: Answer) -> None:
        """Not behind a refused upload: gunicorn reads 64 KiB of it, and closes without a word."""
        is_over = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        if is_over and (answer.status < 500 or request.body is None):
            self._http.start_next_cycle()
        else:
            self.close()

    async def follow(self, request: Request, answer: Answer) -> None:
        """The same for an event stream, whose answer grows while others look at it."""
        try:
            await self._open()
            await self._send(request)
            await self._receive(answer, "")
        except (OSError, h11.RemoteProtocolError) as error:
            answer.broken = f"{type(error).__name__}: {error}"
        finally:
            self.close(by_reset=random.random() < 0.5)
