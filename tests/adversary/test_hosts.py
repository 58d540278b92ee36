"""DNS rebinding: a name that Django does not allow reaches no frontend, however it is said."""

from __future__ import annotations

import contextlib

from django.http.request import split_domain_port, validate_host

from tests.adversary.ways import EVERY_WAY
from tests.adversary.witness import Witness
from tests.harness.raw_client import Broken
from tests.traffic.stage import Stage, on

# What Django allows with DEBUG and an empty ALLOWED_HOSTS.
ALLOWED = [".localhost", "127.0.0.1", "[::1]"]

HOSTS = [
    *("localhost", "LOCALHOST", "localhost:8000", "localhost.", "localhost.:8000", "a.localhost"),
    *("127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8000", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]"),
    *("evil.example", "evil.example:8000", "evil.example.", "EVIL.example"),
    *(
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost-evil.example",
        "evillocalhost",
    ),
    *("127.0.0.1.nip.io", "7f000001.rebind.example", "localhost.localdomain"),
    *("127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0.0.0.0", "127.0.0.2", "[::]", "[::2]"),
    *(
        "localhost:80:80",
        "localhost:evil",
        "localhost:-1",
        "localhost:",
        "localhost:80@evil.example",
    ),
    *("evil@localhost", "localhost@evil.example", "localhost#evil.example", "localhost/evil"),
    *("localhost, evil.example", "evil.example, localhost", "evil.example localhost"),
    *("localhost\\evil", "localhost%00.evil.example", "localhost%2eevil.example", "localhost;evil"),
    *("", "*", ".", ".localhost", "..localhost", "localhost..", "-localhost", "_", "_.localhost"),
    *("[::1", "::1", "[::1].evil.example", "[::1]evil", "[evil.example]", "[127.0.0.1]"),
    *(
        "l\xf6calhost",
        "\uff4cocalhost".encode().decode("latin-1"),
        "xn--localhost",
    ),
]
BELIEVED_BY_NOBODY = [
    *("X-Forwarded-Host: localhost", "X-Host: localhost", "X-Forwarded-Server: localhost"),
    *("X-Original-Host: localhost", "X-HTTP-Host-Override: localhost", "Forwarded: host=localhost"),
    *("Origin: http://localhost", "Referer: http://localhost/", ":authority: localhost"),
]
WEBSOCKET = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)


def is_allowed(host: str) -> bool:
    """By Django itself."""
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, ALLOWED)


def reaches(stage: Stage, witness: Witness, *lines: str, target: str = "/page") -> bool:
    head = "\r\n".join([f"GET {target} HTTP/1.1", *lines, "", ""])
    with stage.client() as client, contextlib.suppress(Broken):
        client.send(head.encode("latin-1"))
        client.read_until(b"\r\n\r\n")
    return witness.arrived() != []


def kinds_of(stage: Stage) -> list[tuple[str, ...]]:
    """A page's request and, where the server can, a WebSocket's."""
    has_sockets = stage.kind not in ("waitress", "granian")
    return [("Connection: close",), WEBSOCKET] if has_sockets else [("Connection: close",)]


@on(*EVERY_WAY)
def test_name_that_django_does_not_allow_reaches_no_frontend(stage: Stage) -> None:
    witness = Witness()
    stage.play(witness)
    wrong = []
    for lines in kinds_of(stage):
        assert reaches(stage, witness, "Host: localhost", *lines)
        for host in HOSTS:
            if reaches(stage, witness, f"Host: {host}", *lines) and not is_allowed(host):
                wrong.append((host, lines[0]))
        for field in BELIEVED_BY_NOBODY:
            if reaches(stage, witness, "Host: evil.example", field, *lines):
                wrong.append((field, lines[0]))
    assert wrong == []


@on(*EVERY_WAY)
def test_address_as_the_target_brings_no_other_name_in(stage: Stage) -> None:
    """Either of the two must be allowed; where they differ, servers differ in which counts."""
    witness = Witness()
    stage.play(witness)
    for name in ("evil.example", "localhost@evil.example", "localhost.evil.example", "evil:80"):
        for lines in kinds_of(stage):
            asked = ("Host: evil.example", *lines)
            assert not reaches(stage, witness, *asked, target=f"http://{name}/page"), name
            assert not reaches(stage, witness, *asked, target=f"HTTP://{name}"), name


@on("fastpath", "gthread", "uvicorn front")
def test_refused_name_takes_nothing_from_those_that_are_allowed(stage: Stage) -> None:
    witness = Witness()
    stage.play(witness)
    for number in range(300):
        assert stage.get("/page", host=f"{number}.evil.example").status == 400
    assert witness.arrived() == []
    assert stage.get("/page").body == b"GET /page"
