"""Requests cut by their clients and answers cut by the frontend: never whole, never mixed."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable
from queue import Queue

import pytest

from tests.fastpath.commands import several
from tests.harness.http_requests import OK, Recorder, Request, RequestReader, recording
from tests.harness.raw_client import DEADLINE, Broken, RawClient
from tests.harness.scripted_upstream import Connection
from tests.traffic.stage import Stage, chunked, on, request

UPLOADS = {
    "length": request("POST", "/cut", body=b"0123456789"),
    "chunked": request("POST", "/cut", "Transfer-Encoding: chunked")
    + b"5;x=y\r\n01234\r\n5\r\n56789\r\n0\r\nX-Trailer: 1\r\n\r\n",
}
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
LEAVING = {"fin": RawClient.end, "close": RawClient.close, "rst": RawClient.reset}
HEAD = b"HTTP/1.1 200 OK\r\nX-Long: field\r\n"
ANSWERS = {
    "length": HEAD + b"Content-Length: 10\r\n\r\n0123456789",
    "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"01234", b"56789"),
    "trailers": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + chunked(b"0123456789")[:-2]
    + b"X-Sum: 1\r\n\r\n",
}


@on("fastpath")
@pytest.mark.parametrize("leave", LEAVING.values(), ids=LEAVING)
@pytest.mark.parametrize("name", UPLOADS)
def test_request_cut_at_any_byte_is_never_whole(
    stage: Stage, name: str, leave: Callable[[RawClient], None]
) -> None:
    whole: list[Request] = []

    def script(_: Connection, reader: RequestReader) -> None:
        while True:
            whole.append(reader.whole())

    stage.play(recording(script))
    upload = UPLOADS[name]
    for cut in range(len(upload)):
        client = stage.client()
        client.send(upload[:cut])
        leave(client)
        if leave is RawClient.end:  # It hears that it broke off, or nothing.
            with contextlib.suppress(Broken):
                assert client.read_answer().status == 400
            client.close()
    assert stage.works()
    assert whole == []


@on("fastpath")
@pytest.mark.parametrize("name", UPLOADS)
def test_request_in_two_parts_is_the_same_wherever_it_is_parted(stage: Stage, name: str) -> None:
    recorder = stage.record()
    upload = UPLOADS[name]
    with stage.client() as client:
        for cut in range(1, len(upload)):
            client.send(upload[:cut])
            client.send(upload[cut:])
            assert client.read_answer().body == b"ok"
            assert recorder.next().body == b"0123456789"


@on("fastpath")
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
@pytest.mark.parametrize("break_off", [Connection.close, Connection.reset], ids=["fin", "rst"])
@pytest.mark.parametrize("name", ANSWERS)
def test_answer_cut_at_any_byte_ends_the_clients_connection(
    stage: Stage, name: str, break_off: Callable[[Connection], None], version: bytes
) -> None:
    """Also for HTTP/1.0, whose bodies end with the connection: by a reset then."""
    answer, cut = ANSWERS[name], 0

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(answer[:cut])
        break_off(connection)

    stage.play(script)
    ask = b"GET /cut HTTP/" + version + b"\r\nHost: localhost\r\n\r\n"
    for cut in range(len(answer) - 1):
        with stage.client() as client:
            client.send(ask)
            try:
                seen = client.read_answer()
            except Broken:
                continue
            assert seen.status == 502, cut
            assert client.is_closed()
    assert stage.works()


def send_until_nothing_is_taken(client: RawClient) -> None:
    while select.select([], [client.sock], [], 0.2)[1]:
        client.sock.send(bytes(65536))


@on("fastpath")
@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: 99999999\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n5f5e0ff\r\n"],
    ids=["length", "chunked"],
)
@pytest.mark.parametrize("is_whole", [False, True], ids=["reset", "end"])
def test_answer_that_a_reset_ends_amid_an_upload_is_not_whole(
    stage: Stage, framing: bytes, is_whole: bool
) -> None:
    """The system tells of a reset once: where the sending hears it, the reading hears an end."""
    is_full = threading.Event()

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(HEAD + b"\r\nsaid")
        assert is_full.wait(DEADLINE)
        if is_whole:
            connection.sock.shutdown(socket.SHUT_WR)
        connection.reset()

    stage.play(script)
    with stage.client() as client:
        client.send(b"POST /x HTTP/1.1\r\nHost: localhost\r\n" + framing)
        assert client.read_until(b"said\r\n")
        send_until_nothing_is_taken(client)
        is_full.set()
        if is_whole:
            assert client.read_exactly(5) == b"0\r\n\r\n"
        else:
            with pytest.raises(Broken, match="reset"):
                client.read_to_end()
    assert stage.works()


@on("fastpath")
@pytest.mark.parametrize("framing", ANSWERS)
@pytest.mark.parametrize("extra", [POISON, b"\r\n", b"x"], ids=["answer", "line", "byte"])
def test_bytes_behind_an_answer_reach_no_other_client(
    stage: Stage, framing: str, extra: bytes
) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(ANSWERS[framing] + extra)
        connection.receive_to_end()

    for _ in range(5):
        stage.play(script)
        with stage.client() as client:
            client.send(request("GET", "/x"))
            assert client.read_answer().body == b"0123456789"
            stage.record(OK)
            client.send(request("GET", "/y"))
            assert client.read_answer().body == b"ok"
        assert stage.get("/z").body == b"ok"


@on("fastpath")
@pytest.mark.parametrize(("method", "body"), [("POST", b""), ("PATCH", b""), ("PUT", b"body")])
def test_request_that_changes_something_is_sent_once(
    stage: Stage, method: str, body: bytes
) -> None:
    """The frontend ends each kept connection at the second request on it, without an answer."""
    seen: Queue[bytes] = Queue()

    def script(connection: Connection, reader: RequestReader) -> None:
        reader.whole()
        connection.send(OK)
        seen.put(reader.whole().body)

    for _ in range(5):
        stage.play(recording(script))
        with stage.client() as client:
            client.send(request("GET", "/first"))
            assert client.read_answer().body == b"ok"
            client.send(request(method, "/x", f"Content-Length: {len(body)}") + body)
            assert client.read_answer().status == 502
        assert seen.get(timeout=DEADLINE) == body
    assert seen.empty()


@on("fastpath")
def test_nothing_of_a_cut_request_leaks_into_the_next(stage: Stage) -> None:
    """One client's body stops half-way while others ask, and then goes on."""
    recorder = Recorder(lambda asked: OK[:-2] + asked.target[-2:].encode())
    stage.play(recorder)
    with several(20, stage.port) as clients:
        halves = [(client, f"/{10 + index}") for index, client in enumerate(clients)]
        for client, target in halves:
            client.send(request("POST", target, "Content-Length: 10") + target.encode())
        for _ in range(20):
            assert stage.get("/99").body == b"99"
        for client in clients[::2]:
            client.reset()
        for client, target in halves[1::2]:
            client.send(b"x" * (10 - len(target)))
            assert client.read_answer().body == target[-2:].encode()
    bodies = [asked.body[:3].decode() for asked in list(recorder.seen.queue) if asked.body]
    assert sorted(bodies) == [target for _, target in halves[1::2]]
