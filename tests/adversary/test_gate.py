"""Whoever reads a target, one login gate holds, and one answers: door, WSGI, ASGI, Django agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from django.core.handlers.wsgi import get_path_info
from django.urls import Resolver404, URLResolver, get_resolver

from tests.adversary.targets import left, spelled
from tests.adversary.ways import hear_bytes
from tests.harness.scripted_upstream import answering
from tests.traffic.stage import Stage, on, request

PRIVATE = b"of the frontend, private"
MIDDLEWARE = ["tests.adversary.gated.gate", "samesite_proxy.middleware.SameSiteProxyMiddleware"]
GATED = {"TEST_URLCONF": "tests.adversary.gated", "TEST_MIDDLEWARE": json.dumps(MIDDLEWARE)}
IN_FRONT = ("fastpath", "gthread", "waitress", "granian")
UNDER_ASGI = ("uvicorn front", "daphne front", "granian front")

ODD_LINES = [
    b"OPTIONS * HTTP/1.1",
    b"CONNECT localhost:80 HTTP/1.1",
    b"CONNECT /private HTTP/1.1",
    b"get /private HTTP/1.1",
    b"GET /private HTTP/1.0",
    b"GET /private",
    b"GET /login/ /private HTTP/1.1",
    b"GET /login/\t/private HTTP/1.1",
    b"GET http://localhost HTTP/1.1",
    b"GET http://localhost?/login/ HTTP/1.1",
    b"GET http:///login/private HTTP/1.1",
    b"GET http:/login/ HTTP/1.1",
    b"GET http://login/private HTTP/1.1",
    b"GET //login/private HTTP/1.1",
    b"GET login/private HTTP/1.1",
    b"GET ?/login/ HTTP/1.1",
    b"GET /login/#/../private HTTP/1.1",
    b"GET #/login/ HTTP/1.1",
]
ODD_FIELDS = [
    b"X-Original-URL: /login/",
    b"X-Rewrite-URL: /login/",
    b"X-Forwarded-Prefix: /login",
    b"X-Script-Name: /login",
    b"Script-Name: /login",
    b"X-HTTP-Method-Override: OPTIONS",
    b"Path-Info: /login/",
    b"Path_Info: /login/",
    b"X-Forwarded-Host: login",
    b"Cookie : session=1",
    b"X: y\rCookie: session=1",
]
HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)
ENDING = b"\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def asked() -> Iterator[bytes]:
    for target in [*left("login", "private"), *spelled("login"), *spelled("private")]:
        yield b"GET " + target.encode("latin-1") + b" HTTP/1.1" + ENDING
    yield from (line + ENDING for line in ODD_LINES)
    for field in ODD_FIELDS:
        yield b"GET /private HTTP/1.1\r\n" + field + ENDING


@on(*IN_FRONT, *UNDER_ASGI, **GATED)
def test_no_target_leads_past_the_gate(stage: Stage) -> None:
    stage.play(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n" + PRIVATE))
    assert stage.get("/private", "Cookie: session=1").body == PRIVATE
    requests = list(asked())
    assert len(requests) > 200
    leaks = [sent for sent in requests if PRIVATE in hear_bytes(stage, sent)]
    assert leaks == []


@on(*IN_FRONT, *UNDER_ASGI, **GATED)
def test_gate_holds_for_websockets_under_wsgi_alone(stage: Stage) -> None:
    stage.play(answering(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n"))
    assert stage.exchange(request("GET", "/private", *HANDSHAKE)).status in (403, 426)
    assert bool(stage.upstream.connections) is (stage.kind in UNDER_ASGI)


def is_djangos(path_info: str) -> bool:
    """By Django's resolver: it has a view, or has one behind a slash, or is below an include()."""
    resolver = get_resolver()
    for path in (path_info, f"{path_info}/"):
        try:
            resolver.resolve(path)
        except Resolver404 as error:
            tried = error.args[0]["tried"]
            if any(
                len(patterns) > 1 and isinstance(patterns[0], URLResolver) for patterns in tried
            ):
                return True
        else:
            return True
    return False


def path_of(target: str) -> str:
    """As Django has it of a target in origin form, or in absolute form."""
    path = target.partition("?")[0]
    if "://" in path:
        path = "/" + path.split("/", 3)[3]
    raw = unquote_to_bytes(path.encode("latin-1"))
    return get_path_info({"PATH_INFO": raw.decode("latin-1")})


FRONTEND = b"of the frontend"
TARGETS = [
    *left("api", "page"),
    *left("about", "api/hello/"),
    *spelled("api"),
    *spelled("about"),
]
AGREEING = ("fastpath", "runserver", "gthread", "waitress", "granian", *UNDER_ASGI, "uvicorn plain")


@on(*AGREEING)
def test_who_answers_is_whom_djangos_resolver_says(stage: Stage) -> None:
    stage.play(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n" + FRONTEND))
    targets = [
        *left("api", "page"),
        *left("about", "api/hello/"),
        *spelled("api"),
        *spelled("about"),
    ]
    wrong = {}
    for target in targets:
        line = b"GET " + target.encode("latin-1") + b" HTTP/1.1"
        heard = hear_bytes(stage, line + ENDING)
        is_refused = heard.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400")) or not heard
        answered = FRONTEND not in heard
        if not is_refused and answered != is_djangos(path_of(target)):
            wrong[target] = heard[:200]
    assert wrong == {}
