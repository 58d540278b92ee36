"""Smuggling and splitting: no frontend sees a request that its client has not framed as one."""

from __future__ import annotations

from tests.adversary.framings import AFTER, HIDDEN, LEGAL, REFUSED, Attack
from tests.adversary.lenient import READ_BY
from tests.adversary.ways import EVERY_WAY, Heard, hear_bytes, say, victim_is_answered_right
from tests.adversary.witness import Witness
from tests.harness.http_requests import Request
from tests.traffic.stage import Stage, on, request
from tests.unit.odd_requests import ODD_REQUESTS

BEFORE = request("GET", "/before")


def attacked(stage: Stage, witness: Witness, sent: bytes, method: str) -> tuple[Heard, set[str]]:
    """What the client has heard, and whose requests have reached the frontend whole."""
    heard = say(stage, sent, method)
    assert victim_is_answered_right(stage)
    return heard, {seen.target for seen in witness.arrived()}


def faults_of(stage: Stage, attacks: list[Attack]) -> set[str]:
    """The attacks by which a frontend sees the second request, or a client another's answer."""
    witness = Witness()
    stage.play(witness)
    found = set()
    for attack in attacks:
        heard, targets = attacked(stage, witness, attack.sent + AFTER, attack.method)
        if HIDDEN in targets or f"GET {HIDDEN}".encode() in heard.forwarded:
            found.add(attack.name)
    return found


@on(*EVERY_WAY)
def test_second_request_is_seen_by_no_frontend(stage: Stage) -> None:
    known = READ_BY[stage.kind.split()[0]]
    assert faults_of(stage, [*REFUSED, *LEGAL]) - known == set()


@on("fastpath")
def test_ambiguous_request_is_refused_and_its_connection_ends(stage: Stage) -> None:
    witness = Witness()
    stage.play(witness)
    wrong = {}
    for attack in REFUSED:
        heard, targets = attacked(stage, witness, BEFORE + attack.sent + AFTER, "GET")
        told = (heard.statuses, heard.is_cut, heard.was_waited_for, targets)
        if told != ([200, attack.refused], False, False, {"/before"}):
            wrong[attack.name] = told
    assert wrong == {}


@on("fastpath")
def test_odd_but_legal_request_is_one_and_so_is_the_next(stage: Stage) -> None:
    witness = Witness()
    stage.play(witness)
    wrong = {}
    for attack in LEGAL:
        heard, targets = attacked(stage, witness, BEFORE + attack.sent + AFTER, "GET")
        own = [b"GET /before", f"{attack.method} /own".encode(), b"GET /after"]
        if (heard.forwarded, targets) != (own, {"/before", "/own", "/after"}):
            wrong[attack.name] = heard, targets
    assert wrong == {}


def is_own(seen: Request) -> bool:
    return seen.target not in ("/b", HIDDEN)


@on(*EVERY_WAY)
def test_odd_request_is_never_two(stage: Stage) -> None:
    """Those of the head's reader, of which some hold a second request for /b."""
    witness = Witness()
    stage.play(witness)
    is_crashing = stage.kind.startswith("hypercorn")  # By settings of h2 that are none.
    odd = [sent for name, sent in ODD_REQUESTS.items() if not (is_crashing and "h2c" in name)]
    for number, sent in enumerate(odd):
        hear_bytes(stage, sent + AFTER)
        if number % 20 == 0:
            assert victim_is_answered_right(stage)
    assert victim_is_answered_right(stage)
    assert all(is_own(seen) for seen in witness.arrived())
