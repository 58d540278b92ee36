"""A frontend that is away for a moment, in development: what is asked of it waits."""

from __future__ import annotations

import select
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.asgi import servers
from tests.harness.django_servers import COMMANDS, DjangoServer, serving
from tests.harness.ports import free_port
from tests.harness.raw_client import Answer, RawClient, exchange, get
from tests.harness.scripted_upstream import Connection, ScriptedUpstream, scripted
from tests.process.processes import await_that

assert servers.EVERY  # They are among COMMANDS.
COMMANDS["nothreading"] = lambda port: [*COMMANDS["runserver"](port), "--nothreading"]

# How many requests at once they wait with.
ONE, SOME, ANY = ["nothreading", "sync"], ["gthread"], ["fastpath", "runserver", "gevent"]
ASGI = ["uvicorn front", "uvicorn plain"]
HELD_MOST = 32
MORE = 8
# What is held waits longer, what is not is answered sooner; so does a server that ends.
AT_ONCE = 2.0


def echo(connection: Connection) -> None:
    while True:
        start = len(connection.received)
        target = connection.receive_head()[start:].split()[1]
        length = f"Content-Length: {len(target)}".encode()
        connection.send(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n%b" % (length, target))


def asked(upstream: ScriptedUpstream) -> Counter[str]:
    lines = b"".join(each.received for each in upstream.connections).decode().splitlines()
    return Counter(line.split()[1] for line in lines if line.endswith(" HTTP/1.1"))


def post(port: int) -> Answer:
    head = b"POST /posted HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    return exchange(port, head)


def is_answered(client: RawClient, seconds: float) -> bool:
    return bool(select.select([client.sock], [], [], seconds)[0])


def ask(client: RawClient, target: str) -> RawClient:
    client.send(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    return client


def is_ended(server: DjangoServer) -> bool:
    return server.process.poll() is not None


def seen_up(server: DjangoServer, port: int) -> None:
    with scripted(echo, port=port):
        assert get(server.port, "/first").body == b"/first"


@pytest.mark.parametrize("kind", [*ONE, *SOME, *ANY, *ASGI])
def test_request_waits_for_a_frontend_that_is_back_soon(kind: str) -> None:
    port = free_port()
    count = 1 if kind in ONE else 4
    with serving(kind, {"FRONTEND": f"http://127.0.0.1:{port}"}) as server:
        seen_up(server, port)
        began = time.monotonic()
        assert post(server.port).status == 502
        assert time.monotonic() - began < AT_ONCE
        with ThreadPoolExecutor() as browser, ExitStack() as stack:
            held = [browser.submit(get, server.port, f"/{number}") for number in range(count)]
            time.sleep(1)  # As long as it is away.
            upstream = stack.enter_context(scripted(echo, port=port))
            for number, answer in enumerate(held):
                assert answer.result().body == f"/{number}".encode()
                assert asked(upstream)[f"/{number}"] == 1
            assert "/posted" not in asked(upstream)


# wsgiref without threads takes the first Ctrl-C for the end of the request, uvicorn waits for it.
@pytest.mark.parametrize("kind", ["sync", *SOME, *ANY])
def test_server_that_is_interrupted_while_something_waits_ends_at_once(kind: str) -> None:
    port = free_port()
    with serving(kind, {"FRONTEND": f"http://127.0.0.1:{port}"}) as server:
        seen_up(server, port)
        with RawClient(server.port) as client:
            ask(client, "/held")
            assert not is_answered(client, 0.3)
            began = time.monotonic()
            server.signal(signal.SIGINT)
            client.read_to_end()
        await_that("it has ended", lambda: is_ended(server))
        assert time.monotonic() - began < AT_ONCE


@pytest.mark.parametrize("kind", [*ANY, *ASGI])
def test_no_more_than_a_page_waits_and_who_leaves_frees_a_place(kind: str) -> None:
    port = free_port()
    with (
        serving(kind, {"FRONTEND": f"http://127.0.0.1:{port}"}) as server,
        ExitStack() as stack,
    ):
        seen_up(server, port)

        def client(target: str) -> RawClient:
            return ask(stack.enter_context(RawClient(server.port)), target)

        clients = [client(f"/{number}") for number in range(HELD_MOST + MORE)]
        sockets = {each.sock: each for each in clients}
        refused: list[RawClient] = []
        while len(refused) < MORE:
            ready = select.select(list(sockets), [], [], AT_ONCE)[0]
            assert ready
            refused += [sockets.pop(each) for each in ready]
        assert {each.read_answer().status for each in refused} == {502}
        assert len(sockets) == HELD_MOST
        held = list(sockets.values())
        held.pop().close()
        await_that("the place is free", lambda: not is_answered(client("/other"), 0.4))
        with scripted(echo, port=port) as upstream:
            assert {each.read_answer().status for each in held} == {200}
            await_that("the other has come", lambda: asked(upstream)["/other"] == 1)


@pytest.mark.parametrize("kind", [*ONE, *SOME, *ANY, *ASGI])
def test_nothing_waits_without_debug(kind: str) -> None:
    port = free_port()
    proxy = {"FRONTEND": f"http://127.0.0.1:{port}"}
    changes = {"TEST_DEBUG": "0", "TEST_ALLOWED_HOSTS": '["localhost"]'}
    with serving(kind, proxy, **changes) as server:
        seen_up(server, port)
        began = time.monotonic()
        assert get(server.port, "/held").status == 502
        assert time.monotonic() - began < AT_ONCE
