"""What the frontend sees of a page's own address, through real servers, by HOST_HEADER."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.http_requests import Request
from tests.traffic.stage import Stage, on

SERVERS = ("runserver", "fastpath", "gthread")
NAMED: dict[str, Any] = {
    "TEST_ALLOWED_HOSTS": '["site.example", "localhost", "127.0.0.1", "[::1]"]'
}
ANY: dict[str, Any] = {"TEST_ALLOWED_HOSTS": '["*"]'}
PRODUCTION: dict[str, Any] = {"TEST_DEBUG": "0"}
TLS_IN_FRONT: dict[str, Any] = {
    "TEST_SETTINGS": '{"SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"]}'
}
UPGRADE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
NAMES = ["site.example:8000", "site.example"]
ADDRESSES = ["127.0.0.1:8000", "[::1]:8000"]
LOCAL = ["localhost:8000", "localhost", "app.localhost:8000"]
UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def view(seen: Request) -> dict[str, str]:
    """What a frontend compares with each other."""
    names = ("Host", "Origin", "Referer", "X-Forwarded-Host", "X-Forwarded-Proto")
    assert [name for name in names if len(seen.all(name)) > 1] == []
    return {name: value for name in names if (value := seen.get(name)) is not None}


def asked(
    stage: Stage, host: str, *more: str, scheme: str = "http", target: str = "/page"
) -> dict[str, str]:
    """How the frontend sees a request of a page of the site's own."""
    own = f"{scheme}://{host}"
    recorder = stage.record()
    answer = stage.get(target, f"Origin: {own}", f"Referer: {own}/from?x", *more, host=host)
    assert answer.body == b"ok"
    return view(recorder.next())


def upgraded(stage: Stage, host: str, *more: str, target: str = "/hmr") -> dict[str, str]:
    """The same of an upgrade, which the frontend accepts."""
    recorder = stage.record(UPGRADED)
    head = "\r\n".join([f"GET {target} HTTP/1.1", f"Host: {host}", *UPGRADE, *more])
    with stage.client() as client:
        client.send(f"{head}\r\n\r\n".encode("latin-1"))
        assert client.read_head().status == 101
    return view(recorder.next())


def as_it_is(host: str, scheme: str = "http") -> dict[str, str]:
    own = f"{scheme}://{host}"
    forwarded = {"X-Forwarded-Host": host, "X-Forwarded-Proto": scheme}
    return {"Host": host, "Origin": own, "Referer": f"{own}/from?x", **forwarded}


def alias_of(host: str) -> str:
    return f"localhost{host.removeprefix('site.example')}"


@on(*SERVERS)
@pytest.mark.parametrize("host", [*LOCAL, *ADDRESSES])
def test_localhost_and_addresses_are_kept(stage: Stage, host: str) -> None:
    assert asked(stage, host) == as_it_is(host)


@on(*SERVERS, **NAMED)
@pytest.mark.parametrize("host", NAMES)
def test_name_is_an_alias_everywhere(stage: Stage, host: str) -> None:
    assert asked(stage, host) == as_it_is(alias_of(host))


@on(*SERVERS, **ANY)
@pytest.mark.parametrize("host", [*NAMES, *ADDRESSES, *LOCAL])
def test_host_is_kept_where_any_is_allowed(stage: Stage, host: str) -> None:
    assert asked(stage, host) == as_it_is(host)


@on(*SERVERS, **NAMED, **PRODUCTION)
@pytest.mark.parametrize("host", [*NAMES, "127.0.0.1:8000", "localhost:8000"])
def test_host_is_kept_in_production(stage: Stage, host: str) -> None:
    assert asked(stage, host, target="/_next/x") == as_it_is(host)


@on(*SERVERS)
@pytest.mark.parametrize("host", ADDRESSES)
@pytest.mark.parametrize("target", ["/_next/static/chunk.js", "/__nextjs_original-stack-frames"])
def test_nexts_dev_endpoints_see_another_origin_under_an_address(
    stage: Stage, host: str, target: str
) -> None:
    expected = {**as_it_is(host), "Origin": "http://localhost:8000"}
    assert asked(stage, host, target=target) == expected


@on(*SERVERS)
@pytest.mark.parametrize("host", ADDRESSES)
def test_upgrade_under_an_address_sees_the_alias(stage: Stage, host: str) -> None:
    assert upgraded(stage, host, f"Origin: http://{host}") == {
        "Host": "localhost:8000",
        "Origin": "http://localhost:8000",
        "X-Forwarded-Host": host,
        "X-Forwarded-Proto": "http",
    }


@on(*SERVERS, **NAMED)
def test_upgrade_under_a_name_sees_the_alias(stage: Stage) -> None:
    seen = upgraded(stage, "site.example:8000", "Origin: http://site.example:8000")
    assert seen == {
        "Host": "localhost:8000",
        "Origin": "http://localhost:8000",
        "X-Forwarded-Host": "localhost:8000",
        "X-Forwarded-Proto": "http",
    }


@on(*SERVERS, **ANY)
def test_upgrade_under_any_name_is_the_frontends_to_judge(stage: Stage) -> None:
    seen = upgraded(stage, "rebound.example:8000", "Origin: http://rebound.example:8000")
    assert (seen["Host"], seen["Origin"]) == ("rebound.example:8000", "http://rebound.example:8000")


@on(*SERVERS, **NAMED)
@pytest.mark.parametrize("host", ["site.example:8000", "127.0.0.1:8000", "localhost:8000"])
@pytest.mark.parametrize(
    "foreign", ["http://evil.example", "http://site.example:8001", "http://localhost:3000", "null"]
)
def test_foreign_origin_is_untouched(stage: Stage, host: str, foreign: str) -> None:
    recorder = stage.record()
    assert stage.get("/_next/x", f"Origin: {foreign}", f"Referer: {foreign}", host=host).body
    seen = view(recorder.next())
    assert (seen["Origin"], seen["Referer"]) == (foreign, foreign)
    assert upgraded(stage, host, f"Origin: {foreign}")["Origin"] == foreign


@on(*SERVERS, **NAMED)
@pytest.mark.parametrize("asked_for", ["an answer", "an upgrade"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "site.example.evil"])
def test_refused_host_reaches_no_frontend(stage: Stage, host: str, asked_for: str) -> None:
    recorder = stage.record()
    answer = stage.get("/x", *(UPGRADE if asked_for == "an upgrade" else ()), host=host)
    assert (answer.status, recorder.seen.qsize()) == (400, 0)
    assert b"ALLOWED_HOSTS" in answer.body


@on(*SERVERS, **NAMED)
@pytest.mark.parametrize("field", ["Location", "Content-Location"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_redirect_to_the_alias_comes_back(stage: Stage, field: str, scheme: str) -> None:
    head = f"HTTP/1.1 307 Here\r\n{field}: {scheme}://localhost:8000/next?x#y\r\n"
    stage.record(f"{head}Content-Length: 0\r\n\r\n".encode())
    assert stage.get("/x", host="site.example:8000").get(field) == "/next?x#y"
    # Under localhost:8000 itself there is no alias, and it leads where it should.
    there = f"{scheme}://localhost:8000/next?x#y"
    assert stage.get("/x", host="localhost:8000").get(field) == there


@on(*SERVERS)
def test_redirect_of_a_refused_upgrade_comes_back(stage: Stage) -> None:
    stage.record(
        b"HTTP/1.1 302 Found\r\nLocation: http://localhost:8000/login\r\nContent-Length: 0\r\n\r\n"
    )
    answer = stage.get("/hmr", *UPGRADE, host="127.0.0.1:8000")
    assert (answer.status, answer.get("Location")) == (302, "/login")


@on(*SERVERS, **NAMED, **TLS_IN_FRONT)
@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("site.example", as_it_is("localhost")),
        ("site.example:8443", as_it_is("localhost:8443")),
        ("localhost:8443", as_it_is("localhost:8443", "https")),
        ("127.0.0.1:8443", as_it_is("127.0.0.1:8443", "https")),
    ],
)
def test_tls_in_front_is_one_scheme_everywhere(
    stage: Stage, host: str, expected: dict[str, str]
) -> None:
    assert asked(stage, host, "X-Forwarded-Proto: https", scheme="https") == expected


@on(*SERVERS, **NAMED, **TLS_IN_FRONT, **PRODUCTION)
def test_tls_in_front_in_production_is_what_the_browser_has(stage: Stage) -> None:
    seen = asked(stage, "site.example", "X-Forwarded-Proto: https", scheme="https")
    assert seen == as_it_is("site.example", "https")


@on(*SERVERS, **NAMED, **TLS_IN_FRONT)
def test_tls_in_front_is_kept_in_a_redirect(stage: Stage) -> None:
    stage.record(
        b"HTTP/1.1 302 Found\r\nLocation: http://localhost//two\r\nContent-Length: 0\r\n\r\n"
    )
    answer = stage.get("/x", "X-Forwarded-Proto: https", host="site.example")
    assert answer.get("Location") == "https://site.example//two"


@on(*SERVERS, settings={"HOST_HEADER": "preserve"}, **NAMED)
@pytest.mark.parametrize("host", [*NAMES, *ADDRESSES])
def test_preserve_keeps_all(stage: Stage, host: str) -> None:
    assert asked(stage, host) == as_it_is(host)
    assert upgraded(stage, host)["Host"] == host


@on(*SERVERS, settings={"HOST_HEADER": "frontend"}, **NAMED)
@pytest.mark.parametrize("host", [*NAMES, "localhost:8000"])
def test_frontend_sees_its_own_address(stage: Stage, host: str) -> None:
    own = f"127.0.0.1:{stage.upstream.port}"
    assert asked(stage, host) == {**as_it_is(host), "Host": own}
    assert upgraded(stage, host)["Host"] == own


@on(*SERVERS, settings={"HOST_HEADER": "given.example:80"}, **NAMED)
@pytest.mark.parametrize("host", [*NAMES, "localhost:8000"])
def test_given_host_is_sent_and_comes_back(stage: Stage, host: str) -> None:
    assert asked(stage, host) == {**as_it_is(host), "Host": "given.example:80"}
    stage.record(
        b"HTTP/1.1 302 Found\r\nLocation: http://given.example/x\r\nContent-Length: 0\r\n\r\n"
    )
    assert stage.get("/", host=host).get("Location") == "/x"
