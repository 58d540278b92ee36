"""A frontend that says too much or too little: nobody hears another's answer, nor half of his."""

from __future__ import annotations

import contextlib

from tests.adversary.poisons import AMBIGUOUS, BROKEN_CHUNKS, FOLLOWED, Poison
from tests.adversary.ways import EVERY_WAY, Heard, say, victim_is_answered_right
from tests.adversary.witness import Witness, answer_of
from tests.harness.http_requests import Request, RequestReader
from tests.harness.scripted_upstream import Connection
from tests.traffic.stage import Stage, on, request

BY_TARGET = {
    f"/poison-{number}": poison
    for number, poison in enumerate([*AMBIGUOUS, *FOLLOWED, *BROKEN_CHUNKS])
}


SOON = 0.5  # seconds


def poisoning(request: Request) -> bytes:
    poison = BY_TARGET.get(request.target)
    return poison.said if poison else answer_of(request)


def is_told(stage: Stage, poison: Poison, heard: Heard) -> bool:
    if poison in BROKEN_CHUNKS:  # What has begun before the fault was seen is cut.
        ends_chunks_well = stage.kind == "granian"  # docs/servers.md
        return ends_chunks_well or not heard.answers or heard.statuses[0] >= 500
    ((status, body),) = [(answer.status, answer.body) for answer in heard.answers]
    return status == 502 if poison.status == 502 else (status, body) == (poison.status, poison.body)


@on(*EVERY_WAY)
def test_answer_is_its_own_or_none(stage: Stage) -> None:
    stage.play(Witness(poisoning))
    wrong = {}
    for target, poison in BY_TARGET.items():
        heard = say(stage, request(poison.method, target, "Connection: close"), poison.method)
        is_right = is_told(stage, poison, heard)
        if not is_right or not all(victim_is_answered_right(stage) for _ in range(3)):
            wrong[poison.name] = heard
    assert wrong == {}


def deaf(connection: Connection) -> None:
    """Answers at the head, and takes what comes behind it for the next request, if it is one. Both
    answers go at once, unless nothing comes: of a later one nobody could tell whose it is.
    """
    reader = RequestReader(connection)
    with contextlib.suppress(AssertionError, ValueError):
        while True:
            request = reader.head()
            said = answer_of(request)
            if request.target == "/own" and reader.has_more(SOON):
                said += answer_of(reader.head())
            connection.send(said)


HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"


@on(*EVERY_WAY)
def test_frontend_that_takes_a_body_for_a_request_answers_nobody_else(stage: Stage) -> None:
    """CL.0, and 0.CL by an expectation: it answers before it has read the body."""
    stage.play(deaf)
    for fields in ((), ("Expect: 100-continue",), ("Expect: y 100-continue",)):
        for method in ("POST", "GET", "OPTIONS"):
            say(stage, request(method, "/own", *fields, "Connection: close", body=HIDDEN), method)
            assert all(victim_is_answered_right(stage) for _ in range(3)), (method, fields)
