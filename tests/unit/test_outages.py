"""How often it is said that a frontend is down."""

from __future__ import annotations

import pytest

from samesite_proxy.conf.frontends import NOWHERE, Frontend
from samesite_proxy.proxy.errors import AWAITED, NOBODY_LISTENS
from samesite_proxy.proxy.failures import log_failure, note_answer
from samesite_proxy.proxy.outages import SECONDS, Outages


def test_same_failure_is_said_once_and_each_minute_with_how_often_it_was() -> None:
    outages = Outages()
    assert outages.words_on("a", "refused", 100) == ""
    said = [outages.words_on("a", "refused", 100 + second) for second in range(SECONDS)]
    assert said == [None] * SECONDS
    assert outages.words_on("a", "refused", 100 + SECONDS) == f" ({SECONDS} more since)"
    assert outages.words_on("a", "refused", 101 + SECONDS) is None
    assert outages.words_on("a", "refused", 500) == " (1 more since)"
    assert outages.words_on("a", "refused", 600) == ""


def test_each_frontend_and_failure_is_said_by_itself() -> None:
    outages = Outages()
    pairs = [("a", "refused"), ("a", "no TLS"), ("b", "refused")]
    assert [outages.words_on(*pair, 0) for pair in pairs] == [""] * 3
    assert [outages.words_on(*pair, 1) for pair in pairs] == [None] * 3


def test_answer_ends_all_that_was_said_of_its_frontend_alone() -> None:
    outages = Outages()
    assert not outages.end("a")
    for name in ("a", "b"):
        outages.words_on(name, "refused", 0)
    outages.words_on("a", "no TLS", 0)
    assert (outages.end("a"), outages.end("a")) == (True, False)
    assert outages.words_on("a", "refused", 1) == ""
    assert outages.words_on("b", "refused", 1) is None


def test_frontend_that_comes_back_elsewhere_is_said_to_be_back_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    awaited = Frontend(
        "/", "http://localhost/", "COMMAND's", unix_socket=NOWHERE, is_commanded=True
    )
    urls = (f"http://localhost:{port}/" for port in (1, 2))
    first, second = (Frontend("/", url, url, is_commanded=True) for url in urls)
    for frontend, failure in ((awaited, AWAITED), (first, NOBODY_LISTENS), (first, NOBODY_LISTENS)):
        log_failure("GET /", failure, frontend)
    for _ in range(2):
        note_answer(second)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 3
    assert "is starting" in said[0]
    assert "http://localhost:1/ cannot" in said[1]
    assert said[2] == "samesite_proxy: the frontend at http://localhost:2/ is back."
