"""An upstream that breaks off at any byte: the client never takes the answer for a whole one."""

from __future__ import annotations

import contextlib

import pytest

from tests.harness.raw_client import Broken
from tests.harness.scripted_upstream import Connection
from tests.traffic.server_table import TABLE
from tests.traffic.stage import EVERY, WITH_SOCKET, Stage, chunked, on, request

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
LENGTH = HEAD + b"Content-Length: 20\r\n\r\n" + b"01234567890123456789"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"0123456789", b"0123456789")
UNTIL_END = HEAD + b"\r\n" + b"01234567890123456789"
CASES = {
    "length-fin": (LENGTH, Connection.close),
    "length-rst": (LENGTH, Connection.reset),
    "chunked-fin": (CHUNKED, Connection.close),
    "chunked-rst": (CHUNKED, Connection.reset),
    "until-end-rst": (UNTIL_END, Connection.reset),
}


def whole_answers(stage: Stage, answer: bytes, name: str) -> list[int]:
    """The cuts after which the client took what came for a whole answer of the frontend."""
    cut = 0
    break_off = CASES[name][1]

    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(answer[:cut])
        break_off(connection)

    stage.play(script)
    whole = []
    for cut in range(len(answer) + (answer is UNTIL_END)):
        with stage.client() as client:
            client.send(request("GET", f"/cut/{cut}"))
            try:
                seen = client.read_answer()
            except Broken:
                continue
        if seen.status == 200:
            whole.append(cut)
        else:
            assert seen.status == 502
    return whole


@on(*WITH_SOCKET)
@pytest.mark.parametrize("name", CASES)
def test_answer_cut_at_any_byte_is_never_whole(stage: Stage, name: str) -> None:
    assert whole_answers(stage, CASES[name][0], name) == []
    assert stage.works()


@on("waitress", "granian")
@pytest.mark.parametrize("name", CASES)
def test_answer_cut_at_any_byte_without_a_socket_is_as_the_table_says(
    stage: Stage, name: str
) -> None:
    answer = CASES[name][0]
    whole = whole_answers(stage, answer, name)
    seems_whole = TABLE[stage.kind].broken_answer == "chunked seems whole"
    assert (whole != []) is (seems_whole and answer is not LENGTH)
    assert stage.works()


@on(*EVERY)
def test_long_answer_cut_in_the_middle_is_broken(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(HEAD + b"Content-Length: 5000000\r\n\r\n" + b"x" * 3_000_000)

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/long"))
        with pytest.raises(Broken):
            client.read_answer()
    assert stage.works()


@on(*WITH_SOCKET)
@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\nok\r\n0\r\n\r\n",
        b"2\r\nokk\r\n0\r\n\r\n",
        b"-2\r\nok\r\n0\r\n\r\n",
        b"fffffffffffffffffff\r\n",
    ],
    ids=["no-number", "too-long", "negative", "overflow"],
)
def test_broken_chunks_are_never_a_whole_answer(stage: Stage, chunks: bytes) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"2\r\nok\r\n" + chunks)

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/x"))
        with contextlib.suppress(Broken):
            assert client.read_answer().status == 502  # nothing had been sent yet
    assert stage.works()


@on(*WITH_SOCKET)
def test_broken_answer_is_logged_in_one_line(stage: Stage) -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()
        connection.send(LENGTH[:-5])

    stage.play(script)
    with stage.client() as client:
        client.send(request("GET", "/broken"))
        with pytest.raises(Broken):
            client.read_answer()
    lines = [line for line in stage.await_log("broke off").splitlines() if "broke off" in line]
    assert (len(lines), "/broken" in lines[0]) == (1, True)
