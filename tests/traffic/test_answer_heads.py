"""The head of an answer: status, reason and fields cross but for what the server's row says."""

from __future__ import annotations

import pytest

from tests.harness.raw_client import Answer
from tests.traffic.server_table import TABLE
from tests.traffic.stage import EVERY, Stage, on, request

Fields = list[tuple[str, str]]


def head(status_line: str, fields: Fields, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status_line}", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def as_seen_through(kind: str, fields: Fields) -> Fields:
    """The fields in the order and spelling that this server gives them."""
    row = TABLE[kind]
    if row.names == "lower":
        fields = [(name.lower(), value) for name, value in fields]
    elif row.names == "capitalised":
        fields = [("-".join(p.capitalize() for p in name.split("-")), v) for name, v in fields]
    if row.answer_bytes == "utf-8":
        fields = [(name, value.encode().decode("latin-1")) for name, value in fields]
    if row.order == "sorted":
        return sorted(fields)
    if row.order == "grouped":
        places = [name for name, _ in fields]
        return sorted(fields, key=lambda item: places.index(item[0]))
    return fields


def crossed(kind: str, answer: Answer, sent: Fields) -> Fields:
    """The answer's fields without those that the server added of its own."""
    own = TABLE[kind].adds - {name.lower() for name, _ in sent}
    return [(name, value) for name, value in answer.fields if name.lower() not in own]


@on(*EVERY)
def test_fields_cross_in_order_with_their_bytes(stage: Stage) -> None:
    sent = [
        ("X-Zebra", "1"),
        ("Content-Type", "text/html; charset=UTF-8"),
        ("Set-Cookie", "a=1; Expires=Mon, 01 Jan 2035 00:00:00 GMT; Path=/"),
        ("ETag", 'W/"abc"'),
        ("Content-Length", "2"),
        ("Set-Cookie", 'b="x, y"; HttpOnly'),
        ("Link", "</a.css>; rel=preload"),
        ("x-lower", "kept as it is,  inside"),
        ("Link", "</b.js>; rel=preload"),
        ("X-Latin", "caf\xe9 \xff"),
        ("X-Empty", ""),
        ("Set-Cookie", "c=3"),
    ]
    stage.record(head("200 OK", sent, b"ok"))
    answer = stage.get("/x")
    assert answer.body == b"ok"
    assert crossed(stage.kind, answer, sent) == as_seen_through(stage.kind, sent)


@on(*EVERY)
def test_server_and_date_of_the_frontend_are_kept_or_replaced_as_the_table_says(
    stage: Stage,
) -> None:
    sent = [("Server", "the frontend"), ("Date", "Mon, 01 Jan 2001 00:00:00 GMT")]
    stage.record(head("200 OK", [*sent, ("Content-Length", "2")], b"ok"))
    answer = stage.get("/x")
    for name, value in sent:
        assert (answer.all(name) == [value]) is (name.lower() not in TABLE[stage.kind].replaces)
        assert len(answer.all(name)) == 1


@on(*EVERY)
@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        ("200 All is well", 200, "All is well"),
        ("200 ", 200, ""),
        ("404 ", 404, ""),
        ("404 Not Found", 404, "Not Found"),
        ("418 I'm a teapot", 418, "I'm a teapot"),
        ("500 Caf\xe9", 500, "Caf\xe9"),
        ("599 Never Heard Of", 599, "Never Heard Of"),
        ("600 ", 600, ""),
        ("999 Request Denied", 999, "Request Denied"),
    ],
)
def test_status_and_reason_cross(stage: Stage, line: str, status: int, reason: str) -> None:
    stage.record(head(line, [("Content-Length", "2")], b"ok"))
    answer = stage.get("/x")
    assert (answer.status, answer.body) == (status, b"ok")
    if TABLE[stage.kind].reason == "kept":
        assert answer.reason == reason


# Sent, and with a space for what a server would refuse.
CONTROL = [
    ("a=1\x01; Path=/\x1f", "a=1 ; Path=/"),
    ("\x0bfirst \x7f\x7f last", "first    last"),
    ("tab\tand caf\xe9", "tab\tand caf\xe9"),
    ("\x02", ""),
]


@on(*EVERY)
def test_control_characters_cross_as_the_table_says(stage: Stage) -> None:
    sent = [(f"X-Odd-{number}", value) for number, (value, _) in enumerate(CONTROL)]
    stage.record(head("200 All\x01 is\x7f well\x1b", [*sent, ("Content-Length", "2")], b"ok"))
    answer = stage.get("/x")
    kept = TABLE[stage.kind].control == "kept"
    seen = [
        (name, value if kept else spaced)
        for (name, value), (_, spaced) in zip(sent, CONTROL, strict=True)
    ]
    both = [*seen, ("Content-Length", "2")]
    assert (answer.status, answer.body) == (200, b"ok")
    assert crossed(stage.kind, answer, both) == as_seen_through(stage.kind, both)
    if TABLE[stage.kind].reason == "kept":
        assert answer.reason == ("All\x01 is\x7f well\x1b" if kept else "All  is  well")
    assert stage.works()


@on(*EVERY)
@pytest.mark.parametrize("byte", ["\0", "a\rb"], ids=["NUL", "CR"])
def test_bytes_that_end_a_line_for_somebody_are_refused(stage: Stage, byte: str) -> None:
    stage.record(head("200 OK", [("X-Odd", byte), ("Content-Length", "2")], b"ok"))
    assert stage.get("/x").status == 502
    assert stage.works()


@on(*EVERY)
@pytest.mark.parametrize("length", ["0", "5"])
def test_content_length_of_a_204_stays_behind(stage: Stage, length: str) -> None:
    stage.record(head("204 No Content", [("X-Mark", "1"), ("Content-Length", length)]))
    answer = stage.get("/x")
    zero = ["0"] if TABLE[stage.kind].length_of_304 == "zero added" else []
    assert (answer.status, answer.all("Content-Length")) == (204, zero)
    assert answer.get("X-Mark") == "1"
    assert stage.works()


@on(*EVERY)
@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answer_without_body_crosses_and_invents_no_length(stage: Stage, status: str) -> None:
    sent = [("ETag", '"a"'), ("X-Mark", "1")]
    stage.record(head(status, sent))
    answer = stage.get("/x")
    assert answer.status == int(status[:3])
    zero = ["0"] if TABLE[stage.kind].length_of_304 == "zero added" else []
    assert answer.all("Content-Length") == zero
    assert crossed(stage.kind, answer, sent) == as_seen_through(stage.kind, sent)
    assert stage.works()


@on(*EVERY)
def test_content_length_of_a_304_is_kept_as_the_table_says(stage: Stage) -> None:
    stage.record(head("304 Not Modified", [("Content-Length", "5"), ("ETag", '"a"')]))
    answer = stage.get("/x")
    expected = [] if TABLE[stage.kind].length_of_304 == "dropped" else ["5"]
    assert (answer.status, answer.all("Content-Length")) == (304, expected)


@on(*EVERY)
def test_head_keeps_content_length_and_has_no_body(stage: Stage) -> None:
    stage.record(head("200 OK", [("Content-Length", "12345"), ("Content-Type", "x/y")]))
    answer = stage.exchange(request("HEAD", "/x"))
    assert (answer.status, answer.all("Content-Length")) == (200, ["12345"])
    assert answer.get("Content-Type") == "x/y"
    assert stage.works()


@on(*EVERY)
def test_range_crosses_both_ways(stage: Stage) -> None:
    sent = [("Content-Range", "bytes 2-4/10"), ("Content-Length", "3"), ("Accept-Ranges", "bytes")]
    recorder = stage.record(head("206 Partial Content", sent, b"cde"))
    answer = stage.get("/x", "Range: bytes=2-4", 'If-Range: "a"')
    seen = recorder.next()
    assert (seen.get("Range"), seen.get("If-Range")) == ("bytes=2-4", '"a"')
    assert (answer.status, answer.body) == (206, b"cde")
    assert crossed(stage.kind, answer, sent) == as_seen_through(stage.kind, sent)


@on(*EVERY)
@pytest.mark.parametrize("interim", ["100 Continue", "103 Early Hints"])
def test_interim_answer_does_not_disturb_the_final_one(stage: Stage, interim: str) -> None:
    before = head(interim, [("Link", "</a.css>; rel=preload"), ("X-Interim", "1")])
    stage.record(before * 2 + head("200 OK", [("Content-Length", "2"), ("X-Final", "1")], b"ok"))
    answer = stage.get("/x")
    assert (answer.status, answer.body, answer.get("X-Final")) == (200, b"ok", "1")
    assert (answer.get("X-Interim"), answer.get("Link")) == (None, None)
    assert set(answer.interim) <= {103}
    assert stage.works()


@on(*EVERY)
def test_hop_by_hop_fields_of_the_answer_stay_behind(stage: Stage) -> None:
    sent = [
        ("Connection", "keep-alive, X-Nominated"),
        ("Keep-Alive", "timeout=5"),
        ("X-Nominated", "1"),
        ("Proxy-Connection", "keep-alive"),
        ("Proxy-Authenticate", "Basic"),
        ("TE", "trailers"),
        ("Upgrade", "h2c"),
        ("X-Stays", "1"),
        ("Content-Length", "2"),
    ]
    stage.record(head("200 OK", sent, b"ok"))
    answer = stage.get("/x")
    names = {name.lower() for name, _ in answer.fields}
    assert not names & {"keep-alive", "x-nominated", "proxy-connection", "te", "upgrade"}
    assert "X-Nominated" not in str(answer.all("Connection"))
    assert (answer.get("X-Stays"), answer.body) == ("1", b"ok")


@on(*EVERY)
def test_trailers_stay_behind(stage: Stage) -> None:
    chunks = b"2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n"
    stage.record(head("200 OK", [("Transfer-Encoding", "chunked"), ("Trailer", "X-T")], chunks))
    answer = stage.get("/x")
    assert (answer.status, answer.body, answer.get("X-Trailer")) == (200, b"ok", None)
    assert stage.works()


# What a frontend's head breaks, and what the log says of it.
BROKEN = [
    ("HTTP/1.1 200 OK\r\nX-Odd: a\rb\r\n\r\n", "CR or NUL in it"),
    ("HTTP/1.1 200 OK\r\n: nameless\r\n\r\n", "a line is no field"),
    ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", "is there twice"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\n\r\n", "Transfer-Encoding"),
    ("HTTP/1.1 200 OK\r\n" + "a: b\r\n" * 1001 + "\r\n", "it has more than 1000 fields"),
    (
        "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
        "it is a 101, and no such upgrade was asked for",
    ),
]


@on(*EVERY)
def test_log_says_which_rule_a_refused_head_broke(stage: Stage) -> None:
    for number, (raw, rule) in enumerate(BROKEN):
        stage.record(raw.encode("latin-1"))
        answer = stage.get(f"/broken-{number}")
        assert answer.status == 502
        assert rule.encode() not in answer.body
        stage.await_log(f"/broken-{number}")
        (line,) = [
            line
            for line in stage.log().splitlines()
            if f"/broken-{number}" in line and "(" in line and "HTTP/1.1, or can be read" in line
        ]
        assert rule in line
