"""Tunnels that carry much pass through pipes of the kernel's where there are any, each way: as
exactly as those that are copied, and only for as long as they carry much."""

from __future__ import annotations

import contextlib
import itertools
import threading
from pathlib import Path
from queue import Queue

import pytest

from tests.harness.django_servers import serving
from tests.harness.kernel_pipes import KEPT_PIPES, MOST_PIPES, PIPE, WORTH, keep_little, pipes
from tests.harness.long_bodies import BIG, Sender
from tests.harness.patterns import digest, pattern
from tests.harness.raw_client import DEADLINE
from tests.harness.scripted_upstream import Connection, scripted
from tests.harness.tls import make_certificate, over_tls
from tests.live.test_tunnel_bytes import client_to_end, to_end
from tests.live.tunnels import echo, says_back, switch, tunnel
from tests.process.processes import await_that
from tests.traffic.stage import Stage, on

# More than the buffers on the way hold between two ends that keep little.
MUCH = 16_000_000
KINDS = ("fastpath", "gthread", "runserver")


class Upstream:
    """Sends so much to each tunnel, and hears a part of what comes, and the rest once it may."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.may_hear = threading.Event()
        self.heard: Queue[tuple[int, str]] = Queue()

    def __call__(self, connection: Connection) -> None:
        switch(connection)
        keep_little(connection)
        pieces = to_end(connection)
        begun = [next(pieces)]  # Nothing moves before the client has spoken.
        sender = Sender(connection, pattern(self._size))
        while sum(map(len, begun)) < 4 * PIPE:
            begun.append(next(pieces))
        assert self.may_hear.wait(DEADLINE)
        arrived = digest(itertools.chain(begun, pieces))
        sender.end()
        self.heard.put(arrived)


@pytest.mark.parametrize("kind", KINDS)
def test_streams_that_nobody_reads_stand_in_a_pipe_each_way_and_are_whole(kind: str) -> None:
    frontend = Upstream(MUCH)
    with (
        scripted(frontend) as upstream,
        serving(kind, {"FRONTEND": upstream.url}) as server,
        tunnel(server.port) as client,
    ):
        keep_little(client)
        pids = server.pids()
        before = pipes(*pids)
        sender = Sender(client, pattern(MUCH))
        each_way = 2 if MOST_PIPES else 0
        begun = client.read_exactly(4 * PIPE)
        await_that("pipes are in use", lambda: pipes(*pids) == before + 2 * each_way)
        frontend.may_hear.set()
        assert digest([begun, client.read_exactly(MUCH - 4 * PIPE)]) == digest(pattern(MUCH))
        sender.end()
        client.end()
        assert frontend.heard.get(timeout=DEADLINE) == digest(pattern(MUCH))


@on(*KINDS)
@pytest.mark.parametrize("size", [WORTH, PIPE + 1, 3 * PIPE, BIG])
def test_each_half_ends_behind_its_last_byte_and_the_other_goes_on(stage: Stage, size: int) -> None:
    heard: Queue[tuple[int, str]] = Queue()

    def script(connection: Connection) -> None:
        switch(connection)
        heard.put(digest(to_end(connection)))
        for piece in pattern(size):
            connection.send(piece)
        connection.send(b"last")

    stage.play(script)
    with tunnel(stage.port) as client:
        for piece in pattern(size):
            client.send(piece)
        client.end()
        assert heard.get(timeout=DEADLINE) == digest(pattern(size))
        assert digest([client.read_exactly(size)]) == digest(pattern(size))
        assert client.read_to_end() == b"last"
    stage.upstream.next_finished()

    def ends_first(connection: Connection) -> None:
        switch(connection)
        for piece in pattern(size):
            connection.send(piece)
        connection.sock.shutdown(1)
        heard.put(digest(to_end(connection)))

    stage.play(ends_first)
    with tunnel(stage.port) as client:
        assert digest(client_to_end(client)) == digest(pattern(size))
        for piece in pattern(size):
            client.send(piece)
        client.end()
        assert heard.get(timeout=DEADLINE) == digest(pattern(size))
    assert stage.works()


@on("fastpath")
def test_tunnel_that_is_quiet_again_says_every_word_at_once(stage: Stage) -> None:
    stage.play(echo)
    pids = stage.server.pids()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(tunnel(stage.port)) for _ in range(8)]
        before = pipes(*pids)
        for client in clients:
            assert says_back(client, b"".join(pattern(BIG)))
        assert pipes(*pids) <= before + 2 * KEPT_PIPES
        for number, client in itertools.product(range(100), clients):
            client.send(b"%d;" % number)
            assert client.read_exactly(len(b"%d;" % number)) == b"%d;" % number
        for client in clients:
            assert says_back(client, b"".join(pattern(BIG)))


@on("fastpath", "gthread")
@pytest.mark.parametrize("speaker", ["client", "upstream"])
@pytest.mark.parametrize("leaver", ["client", "upstream"])
def test_reset_amid_a_stream_resets_the_other_side(stage: Stage, speaker: str, leaver: str) -> None:
    connections: Queue[Connection] = Queue()
    ended = threading.Event()

    def script(connection: Connection) -> None:
        switch(connection)
        connections.put(connection)
        assert ended.wait(DEADLINE)

    stage.play(script)
    with tunnel(stage.port) as client:
        connection = connections.get(timeout=DEADLINE)
        sender = Sender(client if speaker == "client" else connection, pattern(MUCH))
        if speaker == "client":
            connection.sock.recv(PIPE)
        else:
            client.read_exactly(PIPE)
        (client if leaver == "client" else connection).reset()
        with contextlib.suppress(ConnectionError):
            if leaver == "client":
                assert digest(to_end(connection))[0] < MUCH
            elif digest(client.sock.recv(PIPE) for _ in range(1))[0]:
                while client.sock.recv(PIPE):
                    pass
        sender.end()
        ended.set()
    assert stage.works()


def test_nobodys_words_are_anybody_elses() -> None:
    """Each tunnel says a byte of its own, both ways; half of them are reset while it stands."""
    foreign: Queue[int] = Queue()
    may_hear = threading.Event()
    size = MUCH // 65536 * 65536

    def script(connection: Connection) -> None:
        keep_little(connection)
        own = switch(connection) or connection.receive(1)
        sender = Sender(connection, itertools.repeat(own * 65536, size // 65536))
        may_hear.wait(DEADLINE)
        count = 0
        with contextlib.suppress(ConnectionError):
            for piece in to_end(connection):
                count += len(piece) - piece.count(own)
        sender.end()
        foreign.put(count)

    with (
        scripted(script) as upstream,
        serving("fastpath", {"FRONTEND": upstream.url}) as server,
        contextlib.ExitStack() as stack,
    ):
        pid = server.process.pid
        before = pipes(pid)
        clients = [stack.enter_context(tunnel(server.port, bytes([n]))) for n in range(24)]
        for client in clients:
            keep_little(client)
        senders = [
            Sender(client, itertools.repeat(bytes([user]) * 65536, size // 65536))
            for user, client in enumerate(clients)
        ]
        await_that("pipes are in use", lambda: pipes(pid) == before + 2 * MOST_PIPES)
        for client in clients[::2]:
            client.reset()
        may_hear.set()
        for user, client in enumerate(clients):
            if user % 2:
                assert client.read_exactly(size) == bytes([user]) * size
                senders[user].end()
                client.end()
                assert client.read_to_end() == b""
        for _ in clients:
            assert foreign.get(timeout=DEADLINE) == 0
        await_that("pipes are closed", lambda: pipes(pid) <= before + 2 * KEPT_PIPES)


def test_tunnel_over_tls_is_copied(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "localhost")
    with scripted(over_tls(certificate.context, echo)) as upstream:
        url = f"https://localhost:{upstream.port}"
        settings = {"FRONTEND": url, "CA_FILE": certificate.path}
        with serving("fastpath", settings) as server, tunnel(server.port) as client:
            before = pipes(server.process.pid)
            assert says_back(client, b"".join(pattern(BIG)))
            assert pipes(server.process.pid) == before
