"""What the soak's own parts see, each on its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.scripted_upstream import Connection, answering_once, scripted
from tests.soak.client import PLACES, Answer, Client, Request
from tests.soak.figures import MIB, MOST_MEMORY, Look, Rest, lines_of, slope
from tests.soak.identity import FRONTEND, event_of, seen_by
from tests.soak.journal import Journal
from tests.soak.streams import events_in
from tests.soak.verdict import GRACE, Verdict, Windows
from tests.soak.work import Page, judge

SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour"
NO_LAST_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n"
INSIDE_THE_HEAD = b"HTTP/1.1 200 OK\r\nContent-"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour"


def asked(port: int, leaves: str = "") -> Answer:
    async def ask() -> Answer:
        client = Client(port)
        try:
            return await client.ask(Request("POST", "/", "", b"x" * 100, leaves=leaves), 20)
        finally:
            client.close()
            await asyncio.sleep(0)  # Until it is done.

    return asyncio.run(ask())


@pytest.mark.parametrize("answer", [SHORT, NO_LAST_CHUNK, INSIDE_THE_HEAD, b""])
def test_answer_that_breaks_off_is_never_whole(answer: bytes) -> None:
    with scripted(answering_once(answer)) as server:
        found = asked(server.port)
    assert (found.is_whole, found.has_left) == (False, False)
    assert found.broken


def test_reset_breaks_an_answer() -> None:
    def reset(connection: Connection) -> None:
        connection.receive_head()
        connection.send(SHORT)
        connection.reset()

    with scripted(reset) as server:
        assert asked(server.port).broken


@pytest.mark.parametrize("place", PLACES)
def test_client_leaves_where_it_is_told(place: str) -> None:
    with scripted(answering_once(WHOLE)) as server:
        found = asked(server.port, place)
    assert (found.has_left, found.is_whole) == (True, False)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def verdict(journal: Path) -> Iterator[Verdict]:
    made = Verdict(Journal(journal))
    yield made
    made.close()


def page_of(verdict: Verdict, cut: int = 0) -> Page:
    number = verdict.next_number(is_repeatable=False)
    return Page(number, FRONTEND, "POST", "alice", 100, False, b"body", False, cut)


def answer_of(page: Page) -> Answer:
    fields = {**page.fields(), "set-cookie": f"seen={seen_by(page.user, page.number)}; Path=/"}
    return Answer(200, fields, bytearray(page.body()), is_whole=True)


def test_right_answer_is_whole(verdict: Verdict, journal: Path) -> None:
    page = page_of(verdict)
    judge(verdict, page, answer_of(page), time.monotonic())
    journal.write_text(f"{page.number}\n")
    verdict.settle()
    assert (verdict.done["whole"], dict(verdict.wrong)) == (1, {})


@pytest.mark.parametrize("what", ["another's", "shorter", "status", "cookie", "uncut"])
def test_answer_that_differs_is_seen(verdict: Verdict, what: str) -> None:
    page, other = page_of(verdict, 50 if what == "uncut" else 0), page_of(verdict)
    answer = answer_of(other if what == "another's" else page)
    if what == "shorter":
        del answer.body[40:60]
    if what == "status":
        answer.status = 502
    if what == "cookie":
        answer.fields["set-cookie"] = f"seen={seen_by('bob', page.number)}; Path=/"
    judge(verdict, page, answer, time.monotonic())
    assert dict(verdict.wrong) == {"lost" if what == "status" else "wrong": 1}


@pytest.mark.parametrize("repeatable", [False, True])
def test_second_asking_is_wrong_where_it_is_not_repeatable(
    verdict: Verdict, journal: Path, repeatable: bool
) -> None:
    number = verdict.next_number(is_repeatable=repeatable)
    journal.write_text(f"{number}\n{number}\n")
    verdict.read_journal()
    assert dict(verdict.wrong) == ({} if repeatable else {"doubled": 1})


def test_answer_of_nobody_is_seen(verdict: Verdict) -> None:
    page = page_of(verdict)
    judge(verdict, page, answer_of(page), time.monotonic())
    verdict.settle()
    assert dict(verdict.wrong) == {"wrong": 1}


def test_restart_explains_what_met_it_and_nothing_else() -> None:
    now = time.monotonic()
    windows = Windows([now - 100, now - 10], [now - 95 + GRACE, now - 5 + GRACE])
    assert windows.touch(now - 7)
    assert not windows.touch(now - 1)
    assert Windows([now], []).touch(now + 1)


def test_events_are_counted_up_to_the_first_odd_one() -> None:
    events = [event_of(7, index) for index in range(4)]
    assert events_in(b"".join(events), 7) == 4
    assert events_in(b"".join(events)[:-1], 7) == 3
    assert events_in(b"".join(events[:1] + events[2:]), 7) == -1


def rest_of(requests: int, memory: int, descriptors: int) -> Rest:
    return Rest(
        requests / 10,
        requests,
        {"server": Look(1, memory, descriptors, 3, 0)},
        {"server": 0.0},
        2.0,
    )


def test_what_rises_is_seen_and_what_varies_is_not() -> None:
    flat = [rest_of(1000 * n, 50 * MIB + n % 2 * MIB, 20 + n % 2) for n in range(8)]
    assert all(line.is_flat for line in lines_of(flat))
    leaks = [rest_of(1000 * n, 50 * MIB + n * MOST_MEMORY // 4, 20 + n) for n in range(8)]
    rising = {line.name for line in lines_of(leaks) if not line.is_flat}
    assert rising == {"descriptors", "memory"}
    assert slope([(0, 1), (1, 2), (2, 3), (3, 40), (4, 5)]) == 1
