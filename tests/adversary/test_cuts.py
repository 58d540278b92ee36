"""A frontend that is cut, or reset, at any stage: no client takes half for the whole."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from tests.adversary.ways import EVERY_WAY, Heard, say, victim_is_answered_right
from tests.adversary.witness import VICTIM, Witness
from tests.harness.scripted_upstream import Connection
from tests.traffic.stage import Stage, on, request

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
LENGTH = OK + b"Content-Length: 10\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

# What it has said until then.
STAGES = {
    "nothing": b"",
    "half a status line": b"HTTP/1.1 2",
    "a status line": b"HTTP/1.1 200 OK\r\n",
    "half a field": b"HTTP/1.1 200 OK\r\nContent-Le",
    "fields without a blank line": OK + b"Content-Length: 0\r\n",
    "half a blank line": OK + b"Content-Length: 0\r\n\r",
    "an interim answer": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
    "half an interim answer": b"HTTP/1.1 103 Early Hints\r\nLink",
    "a head with a length": LENGTH,
    "half a body": LENGTH + b"01234",
    "a body but for a byte": LENGTH + b"012345678",
    "a head of chunks": CHUNKED,
    "half a chunk's size": CHUNKED + b"a",
    "a chunk's size": CHUNKED + b"a\r\n",
    "half a chunk": CHUNKED + b"a\r\n01234",
    "a chunk without its line end": CHUNKED + b"a\r\n0123456789",
    "a chunk": CHUNKED + b"a\r\n0123456789\r\n",
    "half a last chunk": CHUNKED + b"a\r\n0123456789\r\n0",
    "a last chunk without its end": CHUNKED + b"a\r\n0123456789\r\n0\r\n",
    "half a trailer": CHUNKED + b"a\r\n0123456789\r\n0\r\nX: y",
    "a trailer": CHUNKED + b"a\r\n0123456789\r\n0\r\nX: y\r\n",
}
# Its end by a FIN would be the answer's.
ONLY_RESET = {"a head without a length": OK + b"\r\n", "a body without a length": OK + b"\r\n01234"}
ENDS: dict[str, Callable[[Connection], None]] = {"cut": Connection.close, "reset": Connection.reset}


def cutting(connection: Connection) -> None:
    """By the target: /END/STAGE; of others it is a witness."""
    target = connection.receive_head().split(b" ")[1].decode()
    if target.startswith(VICTIM):
        connection.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nGET %b"
            % (len(target) + 4, target.encode())
        )
        return
    _, end, number = target.split("/")
    connection.send(list((STAGES | ONLY_RESET).values())[int(number)])
    ENDS[end](connection)


def seems_whole(heard: Heard) -> bool:
    return any(answer.status < 500 for answer in heard.answers)


@on(*EVERY_WAY)
def test_answer_that_is_cut_at_any_stage_is_never_whole(stage: Stage) -> None:
    stage.play(cutting)
    ends_chunks_well = stage.kind == "granian"  # docs/servers.md
    wrong = []
    for number, name in enumerate(STAGES | ONLY_RESET):
        for end in ENDS:
            if (end == "cut" and name in ONLY_RESET) or (ends_chunks_well and number >= 11):
                continue
            heard = say(stage, request("GET", f"/{end}/{number}", "Connection: close"))
            if seems_whole(heard):
                wrong.append((name, end, heard))
    assert wrong == []
    assert victim_is_answered_right(stage)


@on(*EVERY_WAY)
def test_clients_beside_one_that_is_cut_have_their_own_answers(stage: Stage) -> None:
    """Those of connections that are used again, and one that dies resting among them."""
    stage.play(Witness())
    for connection_dies in (Connection.end, Connection.reset):
        assert all(victim_is_answered_right(stage) for _ in range(5))
        for connection in stage.upstream.connections:
            with contextlib.suppress(OSError):  # It is closed already.
                connection_dies(connection)
        assert all(victim_is_answered_right(stage) for _ in range(5))
