"""Connection names fields that end here (RFC 9110, 7.6.1): none that somebody is known by."""

from __future__ import annotations

from tests.adversary.ways import EVERY_WAY
from tests.harness.http_requests import Request
from tests.traffic.stage import Stage, on, request

# By which a frontend knows whose request this is, where it came from, and that it came before.
KEPT = {
    "Host": "localhost",
    "Cookie": "session=1",
    "CDN-Loop": "another",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Host": "localhost",
    "X-Forwarded-Proto": "http",
}
SENT = ("Cookie: session=1", "CDN-Loop: another")
# For one hop, whether Connection names them or not.
ENDING_HERE = {
    "Connection": "X-Nominated",
    "Keep-Alive": "timeout=5",
    "Proxy-Connection": "keep-alive",
    "Proxy-Authorization": "Basic dTpw",
    "Proxy-Authenticate": "Basic",
    "TE": "gzip",
    "Trailer": "Cookie",
    "X-Nominated": "1",
}
LISTS = [
    "{}",
    "close, {}",
    "{},close",
    ",{},",
    " \t{}\t ",
    "x,,{} , y",
    "{0},{0}",
    "{0}, close, {0}",
]
CASES = (str, str.upper, str.lower, str.swapcase)


def missing(seen: Request) -> set[str]:
    """What a frontend is not told of KEPT."""
    return {name for name, value in KEPT.items() if value not in ", ".join(seen.all(name))}


@on(*EVERY_WAY)
def test_nominated_field_that_matters_arrives_all_the_same(stage: Stage) -> None:
    recorder = stage.record()
    wrong = {}
    for name in KEPT:
        for written in {case(name) for case in CASES}:
            for pattern in LISTS:
                nominating = f"Connection: {pattern.format(written)}"
                assert stage.get("/x", *SENT, nominating).body == b"ok"
                if lost := missing(recorder.next()):
                    wrong[nominating] = lost
    assert wrong == {}


@on(*EVERY_WAY)
def test_framing_cannot_be_nominated_away(stage: Stage) -> None:
    recorder = stage.record()
    for nominated in ("Content-Length", "Transfer-Encoding", "Content-Length, Transfer-Encoding"):
        sent = request("POST", "/x", f"Connection: {nominated}", body=b"GET /y HTTP/1.1\r\n\r\n")
        assert stage.exchange(sent).body == b"ok"
        assert recorder.next().body == b"GET /y HTTP/1.1\r\n\r\n"
    assert recorder.seen.empty()


@on(*EVERY_WAY)
def test_fields_for_one_hop_end_here(stage: Stage) -> None:
    recorder = stage.record()
    assert stage.get("/x", *(f"{n}: {v}" for n, v in ENDING_HERE.items())).body == b"ok"
    assert recorder.next().names.isdisjoint(map(str.lower, ENDING_HERE))


@on(*EVERY_WAY)
def test_answer_that_nominates_its_framing_is_whole(stage: Stage) -> None:
    """And what it nominates else stays behind, a cookie too, as it asks for."""
    nominating = b"Connection: Content-Length, Transfer-Encoding, X-Secret\r\nX-Secret: 1\r\n"
    for framing, body in (
        (b"Content-Length: 3\r\n\r\n", b"own"),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"3\r\nown\r\n0\r\n\r\n"),
    ):
        stage.record(b"HTTP/1.1 200 OK\r\n" + nominating + framing + body)
        answer = stage.get("/x")
        assert (answer.body, answer.get("X-Secret")) == (b"own", None)
