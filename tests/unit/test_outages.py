"""How often it is said that a frontend is down."""

from __future__ import annotations

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
