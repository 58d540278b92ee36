"""X-Forwarded-*, Forwarded and Host say who asked, and only the trusted are believed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.traffic.server_table import TABLE
from tests.traffic.stage import EVERY, Stage, on

# A scheme is asked of Django, and so of the server: see its own test.
SPOOFED = [
    "X-Forwarded-For: 6.6.6.6",
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Port: 6",
    "X-Forwarded-Server: evil",
    "Forwarded: for=6.6.6.6;host=evil.example",
    "X-Real-IP: 6.6.6.6",
]
UNDERSCORED = ["X_Forwarded_For: 6.6.6.6", "X_Real_IP: 6.6.6.6"]
DJANGO_TRUSTS = {
    "TEST_SETTINGS": '{"USE_X_FORWARDED_HOST": true,'
    ' "SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"]}',
    "TEST_ALLOWED_HOSTS": '["site.example", "localhost"]',
}


TRUSTED: dict[str, Any] = {"settings": {"TRUSTED_PROXIES": ["127.0.0.1"]}}


def forwarding_fields(stage: Stage, *lines: str, host: str = "localhost") -> dict[str, list[str]]:
    recorder = stage.record()
    assert stage.get("/x", *lines, host=host).body == b"ok"
    seen = recorder.next()
    names = [
        n for n in seen.names if n.startswith("x-forwarded") or n in ("forwarded", "x-real-ip")
    ]
    return {"host": seen.all("Host"), **{name: seen.all(name) for name in names}}


@on(*EVERY)
@pytest.mark.parametrize(
    "lines", [[], SPOOFED, UNDERSCORED], ids=["none", "spoofed", "underscored"]
)
def test_clients_own_word_is_replaced(stage: Stage, lines: list[str]) -> None:
    assert forwarding_fields(stage, *lines, host="localhost:8000") == {
        "host": ["localhost:8000"],
        "x-forwarded-for": ["127.0.0.1"],
        "x-forwarded-host": ["localhost:8000"],
        "x-forwarded-proto": ["http"],
    }


@on(*EVERY)
def test_scheme_is_the_servers_word(stage: Stage) -> None:
    """gunicorn believes loopback peers by default (its forwarded_allow_ips)."""
    seen = forwarding_fields(stage, "X-Forwarded-Proto: https")
    believed = TABLE[stage.kind].scheme == "believed"
    assert seen["x-forwarded-proto"] == ["https" if believed else "http"]


@on("runserver", "fastpath", "gthread", settings={"TRUSTED_PROXIES": ["127.0.0.0/8"]})
def test_trusted_proxys_addresses_are_kept_before_its_own(stage: Stage) -> None:
    assert forwarding_fields(stage, *SPOOFED) == {
        "host": ["localhost"],
        "x-forwarded-for": ["6.6.6.6, 127.0.0.1"],
        "x-forwarded-host": ["localhost"],
        "x-forwarded-proto": ["http"],
        "x-forwarded-port": ["6"],
        "x-forwarded-server": ["evil"],
        "forwarded": ["for=6.6.6.6;host=evil.example, for=127.0.0.1"],
        "x-real-ip": ["6.6.6.6"],
    }


@on("runserver", "fastpath", "gthread", settings={"TRUSTED_PROXIES": ["10.0.0.0/8", "::1", "unix"]})
def test_peer_outside_the_trusted_networks_is_not_believed(stage: Stage) -> None:
    assert forwarding_fields(stage, *SPOOFED)["x-forwarded-for"] == ["127.0.0.1"]


@on("runserver", "fastpath", "gthread", TEST_DEBUG="0", **TRUSTED, **DJANGO_TRUSTS)
def test_host_and_scheme_are_what_django_takes_them_for(stage: Stage) -> None:
    lines = ["X-Forwarded-Host: site.example", "X-Forwarded-Proto: https"]
    assert forwarding_fields(stage, *lines) == {
        "host": ["localhost"],
        "x-forwarded-for": ["127.0.0.1"],
        "x-forwarded-host": ["site.example"],
        "x-forwarded-proto": ["https"],
    }


@on("runserver", "fastpath", "gthread", **TRUSTED, **DJANGO_TRUSTS)
def test_host_and_scheme_are_the_alias_of_the_name_that_django_takes_them_for(stage: Stage) -> None:
    lines = ["X-Forwarded-Host: site.example", "X-Forwarded-Proto: https", "X-Forwarded-Port: 443"]
    assert forwarding_fields(stage, *lines) == {
        "host": ["localhost"],
        "x-forwarded-for": ["127.0.0.1"],
        "x-forwarded-host": ["localhost"],
        "x-forwarded-proto": ["http"],
    }


@on(*EVERY)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "app.localhost"])
def test_host_is_kept(stage: Stage, host: str) -> None:
    seen = forwarding_fields(stage, host=host)
    assert (seen["host"], seen["x-forwarded-host"]) == ([host], [host])


@on("gthread", settings={"HOST_HEADER": "frontend"})
def test_host_of_the_frontend_is_sent_when_asked_for(stage: Stage) -> None:
    seen = forwarding_fields(stage, host="localhost:8000")
    assert seen["host"] == [f"127.0.0.1:{stage.upstream.port}"]
    assert seen["x-forwarded-host"] == ["localhost:8000"]


@on("gthread", settings={"HOST_HEADER": "given.example:80"})
def test_given_host_is_sent(stage: Stage) -> None:
    assert forwarding_fields(stage)["host"] == ["given.example:80"]
