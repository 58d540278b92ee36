"""Whole processes with an engine of their own: python -m tests.engine.programs NAME ARGUMENT...

Each says on its standard output what its test wants to know, one line at a time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable

from samesite_proxy import _engine
from samesite_proxy._engine import CHUNKED, TUNNEL, EngineError, Exchange, Upstream
from tests.harness.clock import let_wall_be_ahead
from tests.harness.sends import follow

HOST = [("Host", "site.example")]


def upstream_at(url: str, connect_timeout: float = 10, timeout: float = 20) -> Upstream:
    return Upstream(url + "/", None, None, True, (connect_timeout, timeout, timeout), 256)


def start(upstream: Upstream, target: str = "/", length: int = -2) -> Exchange:
    return upstream.request("GET" if length == -2 else "POST", target, HOST, length)


def body_of(exchange: Exchange) -> bytes:
    exchange.head()
    return b"".join(iter(lambda: exchange.read() or b"", b""))


def outcome(exchange: Callable[[], Exchange]) -> str:
    try:
        return body_of(exchange()).decode()
    except EngineError as error:
        return f"{error.code} {error.status}"


def say(*words: object) -> None:
    """In one piece, whatever other threads say; and without the lock of sys.stdout, which a thread
    that is left behind may hold at the interpreter's end.
    """
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def stop_at_exit() -> None:
    """As the middleware does."""
    import concurrent.futures.thread  # noqa: F401

    threading._register_atexit(_engine.stop)  # type: ignore[attr-defined]


def descriptors() -> set[int]:
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(int(name), fcntl.F_GETFD)
            found.add(int(name))
    return found


def close_on_exec(url: str) -> None:
    """Names each descriptor of the engine's, and of a busy one, that would leak."""
    before = descriptors()
    at = upstream_at(url)
    exchanges = [start(at) for _ in range(3)]
    for exchange in exchanges:
        exchange.head()
    opened = descriptors() - before
    say(len(opened))
    for fd in opened:
        if not fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC:
            say(fd, os.readlink(f"/proc/self/fd/{fd}"))


def take_all_descriptors(limit: int) -> list[int]:
    """All that are left below `limit`."""
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (limit, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    )
    taken = []
    with contextlib.suppress(OSError):
        while True:
            taken.append(os.dup(0))
    return taken


def give_back(taken: list[int]) -> None:
    for fd in taken:
        os.close(fd)


def relayed_slowly(url: str, port: str) -> None:
    """A tunnel whose client takes only the beginning of what it is given, then a request."""
    at = upstream_at(url)
    fields = [*HOST, ("Connection", "Upgrade"), ("Upgrade", "test")]
    exchange = at.request("GET", "/", fields, TUNNEL)
    exchange.head()
    client = socket.create_connection(("127.0.0.1", int(port)), 10)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    exchange.relay(client.detach(), bytes(900_000), b"")
    say("relayed")
    sys.stdin.readline()
    say(outcome(lambda: start(at)))


def stopped_while_one_waits(busy: str, url: str) -> None:
    """The one connection that its upstream may have is another's, and one of its own rests."""
    at = Upstream(url + "/", None, None, True, (10, 20, 20), 1)
    say(outcome(lambda: start(at)))
    has_it = start(upstream_at(busy))
    sys.stdin.readline()
    waits = start(at, length=0)
    _engine.stop()
    say(outcome(lambda: has_it))
    say(outcome(lambda: waits))


def without_descriptors(url: str) -> None:
    """A warm engine that cannot open a connection, and then can again."""
    at = upstream_at(url)
    say(outcome(lambda: start(at)))
    busy = start(at, "/stay")
    taken = take_all_descriptors(128)
    say(outcome(lambda: start(at)))  # The idle connection still serves, or none is free.
    hold = [start(at, "/stay") for _ in range(2)]
    say(outcome(lambda: hold[1]))
    say(outcome(lambda: start(upstream_at(url.replace("127.0.0.1", "localhost")))))
    give_back(taken)
    say(outcome(lambda: start(at)))
    busy.cancel()


def start_without_descriptors(url: str) -> None:
    """An engine that cannot be started, and then can."""
    at = upstream_at(url)
    taken = take_all_descriptors(64)
    for spare in range(6):
        say(outcome(lambda: start(at)))
        if taken:
            os.close(taken.pop())
        del spare
    give_back(taken)
    say(outcome(lambda: start(at)))


def wait_for_client(at: Upstream) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        exchange = at.request("POST", "/stay", HOST, CHUNKED, ours.fileno())
        say("left", exchange.await_client())


def wait_in(at: Upstream, how: str) -> None:
    """Waits for a stalled upstream, which hears of one request, in one of the ways there are."""
    try:
        if how == "await_client":
            wait_for_client(at)
        elif how == "head":
            start(at, "/stay").head()
        elif how == "read":
            exchange = start(at, "/half")
            exchange.head()
            exchange.read()
            exchange.read()
        else:
            exchange = start(at, "/stay", CHUNKED)
            while exchange.send(b"x" * 65536):
                pass
            say("unwanted")
            exchange.head()
    except EngineError as error:
        say(error.code, error.status)


def stopped(url: str) -> None:
    """Each way to wait, ended by stop()."""
    at = upstream_at(url)
    ways = ["head", "read", "send", "await_client"]
    threads = [threading.Thread(target=wait_in, args=(at, how)) for how in ways]
    for thread in threads:
        thread.start()
    say("started")
    sys.stdin.readline()
    _engine.stop()
    for thread in threads:
        thread.join()
    say(outcome(lambda: start(at)))
    _engine.stop()
    say("ended")


def exits(url: str, how: str, daemon: str) -> None:
    """The end of the interpreter with threads that wait for a stalled upstream."""
    stop_at_exit()
    at = upstream_at(url)
    for _ in range(4):
        threading.Thread(target=wait_in, args=(at, how), daemon=daemon == "daemon").start()
    say("started")
    sys.stdin.readline()


def exits_from_a_pool(url: str) -> None:
    """As servers with thread pools end: the pool's own hook waits for its threads."""
    from concurrent.futures import ThreadPoolExecutor

    stop_at_exit()
    at = upstream_at(url)
    pool = ThreadPoolExecutor(4)
    for _ in range(4):
        pool.submit(wait_in, at, "head")
    say("started")
    sys.stdin.readline()


def interrupted(url: str, how: str, ahead: str = "") -> None:
    """Ctrl-C while the main thread waits; by a wall clock that is so many seconds ahead."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Ignored in a background job.
    if ahead:
        let_wall_be_ahead(int(ahead))
    try:
        wait_in(upstream_at(url, timeout=60), how)
    except KeyboardInterrupt:
        say("interrupted")
    raise SystemExit(0)


def exits_while_resolving(name: str) -> None:
    """The end of the interpreter while getaddrinfo hangs, and before it a cancel.

    The getaddrinfo in use writes the names to descriptor 98.
    """
    stop_at_exit()
    names, asked = os.pipe()
    os.dup2(asked, 98)
    canceled = start(upstream_at(f"http://{name}:80"))
    os.read(names, 512)
    canceled.cancel()
    say(outcome(lambda: canceled))
    say(outcome(lambda: start(upstream_at(f"http://other.{name}:80", 0.3))))
    threading.Thread(target=wait_in, args=(upstream_at(f"http://third.{name}:80"), "head")).start()
    while b"third" not in os.read(names, 512):
        pass
    say("resolving")


def run_in_child(work: Callable[[], None]) -> bool:
    """Whether a forked child did `work` without a complaint."""
    pid = os.fork()
    if pid == 0:
        try:
            signal.alarm(20)
            work()
            os._exit(0)
        except BaseException as error:
            os.write(1, f"child: {error!r}\n".encode())
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def ask_for(at: Upstream, name: str, count: int = 3) -> None:
    """Answers that name their request, on as many connections."""
    exchanges = [start(at, f"/{name}-{number}") for number in range(count)]
    for number, exchange in enumerate(exchanges):
        assert body_of(exchange) == f"/{name}-{number}".encode()


def forks(url: str) -> None:
    """A hundred children of a parent with a warm pool and exchanges in flight."""
    before = descriptors()
    at = upstream_at(url)
    ask_for(at, "warm", 8)
    waiting = [start(at, "/stay") for _ in range(2)]
    half = start(at, "/half")
    half.head()
    assert half.read() == b"half"
    libcurls = 2  # The pair of sockets that an old libcurl has to itself.
    good = 0
    for number in range(100):

        def work(number: int = number) -> None:
            left = descriptors() - before
            assert len(left) <= libcurls, left
            for exchange in (*waiting, half):
                for call in (exchange.head, exchange.read, exchange.end):
                    try:
                        call()
                    except RuntimeError as error:
                        assert "parent" in str(error)  # noqa: PT017
                    else:
                        raise AssertionError("the parent's exchange worked in the child")
                exchange.cancel()
            waiting.clear()
            ask_for(at, f"child-{number}")

        inflight = [start(at, f"/parent-{number}-{i}") for i in range(3)]
        good += run_in_child(work)
        for i, exchange in enumerate(inflight):
            assert body_of(exchange) == f"/parent-{number}-{i}".encode()
    say(good)
    say(half.read(False), len(waiting))
    waiting[0].cancel()
    half.cancel()


def forked_connection_ends(url: str) -> None:
    """A child that never asks for anything must not keep the parent's connections open."""
    exchange = start(upstream_at(url), "/stay")
    sys.stdin.readline()
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        signal.pause()
    exchange.cancel()
    say("canceled")
    sys.stdin.readline()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def forks_twice(url: str) -> None:
    """A child's child."""
    at = upstream_at(url)
    ask_for(at, "parent")

    def child() -> None:
        ask_for(at, "child")
        assert run_in_child(lambda: ask_for(at, "grandchild"))
        ask_for(at, "child-again")

    say(run_in_child(child))
    ask_for(at, "parent-again")


def forks_in_the_middle_of_stops(url: str) -> None:
    """A child of a stopped engine starts its own."""
    at = upstream_at(url)
    ask_for(at, "parent")
    _engine.stop()
    say(outcome(lambda: start(at)))
    say(run_in_child(lambda: ask_for(at, "child")))


# Every byte of a small request, and of one in TLS.
PLACES = range(1, 160)
RESTS = ("a .", "a", "a a 1 i", "i 3 a")
SHAPES = ("none", "empty", "length", "chunked", "early", "tunnel")


def send_in_pieces(at: Upstream, shape: str, target: str) -> bytes:
    """What the upstream says to one request; of an "early" one before it has the body."""
    lengths = {"none": -2, "empty": 0, "length": 10, "tunnel": TUNNEL}
    fields = [*HOST, ("Upgrade", "x"), ("Connection", "Upgrade")] if shape == "tunnel" else HOST
    method = "POST" if shape in ("empty", "length", "chunked", "early") else "GET"
    exchange = at.request(method, target, fields, lengths.get(shape, CHUNKED))
    if shape == "tunnel":
        status = exchange.head()[0]
        exchange.cancel()
        return str(status).encode()
    if shape == "early":
        exchange.head()
    if shape in ("length", "chunked", "early"):
        for piece in (b"five5", b"more5"):
            exchange.send(piece)
        exchange.end()
    return body_of(exchange)


def cut_sends(url: str, ca_file: str) -> None:
    """Requests of every shape, whose sends are cut, refused and interrupted at every place."""
    at = Upstream(url + "/", None, ca_file or None, True, (10, 10, 10), 256)
    count = 0
    for shape in SHAPES:
        body = b"five5more5" if shape in ("length", "chunked", "early") else b""
        rests = RESTS if shape not in ("early", "tunnel") else RESTS[:1]
        for schedule in (f"{cut} {rest}" for rest in rests for cut in PLACES[:: 1 if body else 3]):
            target = f"/{shape}/{count}"
            method = b"GET" if shape in ("none", "tunnel") else b"POST"
            follow(schedule)
            try:
                said = send_in_pieces(at, shape, target)
            except EngineError as error:
                said = error.code.encode()
            count += 1
            if said != {"tunnel": b"101", "early": body}.get(
                shape, method + f" {target} ".encode() + body
            ):
                say(shape, schedule, said)
    say("sent", count)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
