"""What a thread holds of the engine's, its own or shared with others, and what it does with it."""

from __future__ import annotations

import contextlib
import itertools
import random
import select
import socket
from collections.abc import Callable

from samesite_proxy import _engine
from samesite_proxy._engine import (
    CHUNKED,
    PREFIX,
    TUNNEL,
    EngineError,
    Exchange,
    Listener,
    Notifier,
    OwnAddresses,
    Routes,
    Upstream,
)
from tests.free_threads.frontend import expected

HOST = "site.example"
FAILED = (502, "line\n", "<p>page</p>", "{}")
VIEW = ("frontend.example", HOST, "http", HOST, "http://frontend.example", False, "")
PIECE = b"piece" * 2000
numbers = itertools.count()


def opened(listening: socket.socket) -> Listener:
    return Listener([listening.fileno()], 64, -1)


class Handles:
    def __init__(self, url: str) -> None:
        self.url = url
        self.at = self.upstream()
        self.notifier = Notifier()
        self.routes = Routes([("/", PREFIX, 2), ("/own", PREFIX, 0)])
        self.own_addresses = OwnAddresses("http", ("localhost",), (), 0)
        self.fields = [("Host", HOST), ("X-Long", "x" * 300)]
        self.failures = {"connect": FAILED}
        self.held: list[Exchange] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listener = opened(self.listening)
        self.spare_socket = socket.create_server(("127.0.0.1", 0))
        self.spare = opened(self.spare_socket)
        self.table()

    def upstream(self) -> Upstream:
        return Upstream(self.url + "/", None, None, True, (10, 20, 20), 256)

    def request(self, target: str, length: int = -2, notifier: Notifier | None = None) -> Exchange:
        method = "GET" if length in (-2, TUNNEL) else "POST"
        return self.at.request(method, target, self.fields, length, -1, notifier)

    # What follows is each done by itself, whatever others do with the same handles.

    def ask(self) -> None:
        target = f"/{next(numbers)}"
        assert whole(self.request(target)) == expected(target)

    def ask_for_much(self) -> None:
        target = f"/big/{next(numbers)}"
        assert whole(self.request(target)) == expected(target)

    def send(self) -> None:
        target = f"/sent/{next(numbers)}"
        pieces = [PIECE] * 10 + [b"end"]
        length = random.choice([CHUNKED, sum(map(len, pieces))])
        exchange = self.request(target, length)
        for piece in pieces:
            assert exchange.send(piece)
        exchange.end()
        assert whole(exchange) == expected(target)

    def abort(self) -> None:
        exchange = self.request("/big/aborted", CHUNKED)
        if random.random() < 0.5:
            exchange.offer(PIECE)
        else:
            exchange.read(False)
        if random.random() < 0.5:
            exchange.cancel()

    def be_cut(self) -> None:
        with contextlib.suppress(EngineError):
            whole(self.request(random.choice(["/half", "/reset"])))
            raise AssertionError("a broken answer was whole")

    def be_notified(self) -> None:
        target = f"/notified/{next(numbers)}"
        notifier = self.notifier
        exchange = self.request(target, notifier=notifier)
        notifier.begin()
        descriptor = notifier.fileno()
        if descriptor >= 0:
            with contextlib.suppress(OSError, ValueError):  # Another thread may close it.
                select.select([descriptor], [], [], 0.02)
        assert isinstance(notifier.answer(), list)
        assert isinstance(exchange.key, int)
        assert whole(exchange) == expected(target)

    def renew_notifier(self) -> None:
        before, self.notifier = self.notifier, Notifier()
        before.close()

    def tunnel(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.settimeout(30)
            fields = [*self.fields, ("Connection", "Upgrade"), ("Upgrade", "test")]
            exchange = self.at.request("GET", "/tunnel", fields, TUNNEL)
            assert exchange.head()[0] == 101
            exchange.relay(ours.detach(), b"head", b"early")
            theirs.sendall(PIECE)
            heard = b""
            while random.random() < 0.9 and len(heard) < len(PIECE) + 9:
                heard += theirs.recv(65536)
            assert (b"headearly" + PIECE).startswith(heard)

    def hold(self) -> None:
        self.held.append(self.request(random.choice(["/big/held", "/stay"]), CHUNKED))
        if len(self.held) > 8:
            with contextlib.suppress(IndexError):
                self.held.pop(0).cancel()

    def use_held(self) -> None:
        """One exchange in the hands of all."""
        with contextlib.suppress(EngineError, IndexError, RuntimeError):
            exchange = random.choice(self.held)
            for use in random.sample(HALVES, 3):
                use(exchange)

    def cancel_held(self) -> None:
        with contextlib.suppress(IndexError):
            random.choice(self.held).cancel()

    def table(self) -> None:
        at = self.upstream()
        frontend = (at, self.own_addresses, self.failures, "")
        self.listener.set_table(self.routes, self.routes, ["/special"], [frontend], True)
        self.listener.add_host(HOST, f"http://{HOST}", [(VIEW, VIEW, VIEW)])
        self.at.leave(at)
        self.at = at

    def say_words(self) -> None:
        self.listener.set_words({"ended": FAILED}, {400: "no", 431: "less"}, False)

    def visit(self) -> None:
        target = f"/visit/{next(numbers)}"
        with socket.create_connection(self.listening.getsockname(), 30) as client:
            client.sendall(
                f"GET {target} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
            )
            said = b"".join(iter(lambda: client.recv(65536), b""))
        head, _, body = said.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        assert body == expected(target)

    def look_at_listener(self) -> None:
        listener = random.choice([self.listener, self.spare])
        listener.log_everything(True)
        with contextlib.suppress(EngineError):
            assert listener.fileno() >= 0
            assert isinstance(listener.records(), list)

    def close_spare(self) -> None:
        before, self.spare = self.spare, opened(self.spare_socket)
        before.close()

    def look_up(self) -> None:
        assert self.routes.match("/x") == 2
        assert self.routes.match("/own/\N{SNOWMAN}") == 0
        moved = self.own_addresses.rewrite("Location", "http://localhost/x", f"http://{HOST}", "")
        assert moved == "/x"

    def change_arguments(self) -> None:
        """What others give to the engine meanwhile."""
        self.fields.append(("X-More", "y" * random.randrange(90)))
        self.failures[random.choice(["connect", "tls", "name"])] = FAILED
        with contextlib.suppress(IndexError):
            while len(self.fields) > 20:
                self.fields.pop()

    def feed(self) -> None:
        _engine.keep_feed(random.choice([_engine.FEED_PROCESS, _engine.FEED_DOOR]))
        number = _engine.open_row("GET", f"/{next(numbers)}", 1)
        _engine.answer_row(number, 200)
        _engine.end_row(number, 5)
        assert _engine.feed_rows(0)


HALVES: list[Callable[[Exchange], object]] = [
    lambda exchange: exchange.send(b"some"),
    lambda exchange: exchange.offer(memoryview(PIECE)),
    lambda exchange: exchange.head(False),
    lambda exchange: exchange.read(False),
    lambda exchange: exchange.key,
    lambda exchange: exchange.end(),
]
USES: list[Callable[[Handles], None]] = [
    use
    for name, use in vars(Handles).items()
    if callable(use) and name not in ("__init__", "upstream", "request")
]


def whole(exchange: Exchange) -> bytes:
    exchange.head()
    return b"".join(iter(lambda: exchange.read() or b"", b""))
