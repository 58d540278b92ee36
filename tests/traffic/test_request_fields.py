"""Request fields cross as environ holds them; hop-by-hop ones stay, and nothing is invented."""

from __future__ import annotations

import pytest

from tests.harness.http_requests import Request
from tests.traffic.server_table import TABLE
from tests.traffic.stage import EVERY, Stage, on, request

OURS = {"host", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "cdn-loop"}


@on(*EVERY)
def test_bare_request_crosses_with_nothing_invented(stage: Stage) -> None:
    recorder = stage.record()
    stage.get("/x")
    assert recorder.next().names == OURS


@on(*EVERY)
def test_body_crosses_with_no_type_invented_but_by_the_server(stage: Stage) -> None:
    recorder = stage.record()
    stage.exchange(request("POST", "/x", body=b"1"))
    seen = recorder.next()
    assert seen.get("Content-Type") == (TABLE[stage.kind].invented_type or None)
    assert seen.names - {"content-type"} == OURS | {"content-length"}


@on(*EVERY)
@pytest.mark.parametrize("value", ["text/plain", "multipart/form-data; boundary=x", 'a/b;c="d"'])
def test_content_type_of_a_body_crosses(stage: Stage, value: str) -> None:
    recorder = stage.record()
    stage.exchange(request("POST", "/x", f"Content-Type: {value}", body=b"1"))
    assert recorder.next().all("Content-Type") == [value]


@on(*EVERY)
def test_fields_cross_with_their_values(stage: Stage) -> None:
    sent = [
        ("Accept", "text/html,*/*;q=0.8"),
        ("Accept-Encoding", "gzip, deflate, br, zstd"),
        ("User-Agent", "tests/1 (x; y)"),
        ("Cookie", 'sessionid=a; csrftoken="b c"; d=1,2'),
        ("Authorization", "Basic dTpw"),
        ("Origin", "http://localhost"),
        ("Referer", "http://localhost/y"),
        ("If-None-Match", 'W/"a", "b"'),
        ("Sec-Fetch-Mode", "cors"),
        ("X-Empty", ""),
        ("X-CSRFToken", "c"),
        ("RSC", "1"),
    ]
    recorder = stage.record()
    stage.get("/x", *(f"{name}: {value}" for name, value in sent))
    seen = recorder.next()
    assert [(name, seen.all(name)) for name, _ in sent] == [(n, [value]) for n, value in sent]
    assert seen.names == OURS | {name.lower() for name, _ in sent}


@on(*EVERY)
def test_bytes_above_127_cross_as_the_table_says(stage: Stage) -> None:
    recorder = stage.record()
    stage.get("/x", "X-Latin: caf\xe9 \xff")
    kept = TABLE[stage.kind].request_bytes == "kept"
    assert recorder.next().get("X-Latin") == ("caf\xe9 \xff" if kept else "")


@on(*EVERY)
def test_repeated_fields_arrive_as_the_table_says(stage: Stage) -> None:
    recorder = stage.record()
    stage.get("/x", "X-Two: 1", "Cookie: a=1", "x-two: 2", "Cookie: b=2")
    seen, row = recorder.next(), TABLE[stage.kind]
    apart = row.repeated == "kept apart"
    assert seen.all("X-Two") == (["1", "2"] if apart else [f"1{row.repeated}2"])
    apart = row.cookies == "kept apart"
    assert seen.all("Cookie") == (["a=1", "b=2"] if apart else [f"a=1{row.cookies}b=2"])


@on(*EVERY)
def test_underscore_in_a_name_is_as_the_table_says(stage: Stage) -> None:
    recorder = stage.record()
    stage.get("/x", "X_Under: 1")
    seen, row = recorder.next(), TABLE[stage.kind]
    assert (seen.get("X_Under") == "1") == (row.underscore == "kept")
    assert (seen.get("X-Under") == "1") == (row.underscore == "as a hyphen")


# What a frontend that takes `_` for `-` would read as fields that are ours or that we drop.
DISGUISED = [
    *("X_Forwarded_For: 6.6.6.6", "x-forwarded_host: evil.example", "X_Forwarded-Port: 6"),
    *("X-Real_IP: 6.6.6.6", "X-Middleware_Subrequest: middleware", "Content_Length: 5"),
    *("Proxy_Authorization: Basic x", "Keep_Alive: timeout=5", "X_Nominated: 1"),
    "Connection: x-nominated",
]


def names_as_cgi_reads_them(seen: Request) -> list[str]:
    return [name.lower().replace("_", "-") for name, _ in seen.fields]


def nothing_passes_for_another_field(stage: Stage) -> None:
    recorder = stage.record()
    for method, body in (("GET", b""), ("POST", b"body")):
        names = []
        for lines in ([], DISGUISED):
            assert stage.exchange(request(method, "/x", *lines, body=body)).body == b"ok"
            names.append(names_as_cgi_reads_them(recorder.next()))
        assert sorted(names[0]) == sorted(names[1])


@on(*EVERY)
def test_no_name_with_an_underscore_passes_for_another_field(stage: Stage) -> None:
    nothing_passes_for_another_field(stage)


@on(*EVERY)
def test_hop_by_hop_fields_stay_behind(stage: Stage) -> None:
    recorder = stage.record()
    stage.get(
        "/x",
        "Connection: keep-alive, X-Nominated, close",
        "X-Nominated: 1",
        "Keep-Alive: timeout=5",
        "TE: trailers",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: Basic dTpw",
        "Upgrade: h2c",
        "X-Stays: 1",
    )
    assert recorder.next().names == OURS | {"x-stays"}


@on(*EVERY)
def test_expectation_is_met_by_the_server_and_stays_behind(stage: Stage) -> None:
    recorder = stage.record()
    with stage.client() as client:
        client.send(request("POST", "/x", "Expect: 100-continue", "Content-Length: 4"))
        assert client.read_head().status == 100
        client.send(b"body")
        assert client.read_answer().body == b"ok"
    seen = recorder.next()
    assert (seen.body, seen.get("Expect")) == (b"body", None)


@on(*EVERY)
def test_fields_that_must_arrive_cannot_be_nominated(stage: Stage) -> None:
    recorder = stage.record()
    stage.get(
        "/x",
        "Connection: Host, Cookie, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, close",
        "Cookie: a=1",
    )
    seen = recorder.next()
    assert seen.names == OURS | {"cookie"}
    assert seen.get("Cookie") == "a=1"


@on(*EVERY)
def test_middleware_subrequest_field_is_dropped(stage: Stage) -> None:
    recorder = stage.record()
    stage.get("/x", "X-Middleware-Subrequest: middleware:middleware", "X-Middleware-Other: 1")
    assert recorder.next().names == OURS | {"x-middleware-other"}


@on(*EVERY)
def test_large_fields_cross(stage: Stage) -> None:
    values = {f"X-Large-{number}": "v" * 7000 for number in range(6)}
    recorder = stage.record()
    stage.get("/x", *(f"{name}: {value}" for name, value in values.items()))
    seen = recorder.next()
    assert {name: seen.get(name) for name in values} == values
