"""For each row of docs/errors.md what makes it happen, and under which servers it can."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from samesite_proxy.conf.frontends import WHEREABOUTS
from samesite_proxy.conf.loop_token import token_of
from samesite_proxy.proxy import errors
from samesite_proxy.proxy.error_page import Form
from samesite_proxy.proxy.errors import BY_CODE, Failure
from tests.asgi.servers import front, plain
from tests.faces.world import MOST, MUCH, Served, hidden
from tests.harness.raw_client import Answer
from tests.process.processes import await_that
from tests.traffic.stage import request

WSGI = ("runserver", "fastpath", "sync", "gthread", "gevent", "waitress", "granian")
ASGI = (*front("uvicorn", "hypercorn", "daphne", "granian"), *plain("uvicorn"))
EVERY = (*WSGI, *ASGI)
# A client's socket is ours to look at.
WITH_SOCKET = ("runserver", "fastpath", "sync", "gthread")
# More than one request at once, and no ceiling below ours on how many.
# Without a reading of their own of such targets, or such heads.
WITH_TARGET = ("runserver", "sync", "gthread", "gevent", "hypercorn front", "daphne front")
WITH_LONG_HEADS = ("runserver", "sync", "gthread", "gevent", "waitress", "uvicorn front")
CONCURRENT = ("runserver", "fastpath", "uvicorn front")
REFUSING = ("uvicorn front", "hypercorn front", "granian front")

WEBSOCKET = (
    *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)

# The answer to a request with these lines, one of which is its Accept.
Ask = Callable[..., Answer]


@dataclass(frozen=True)
class Row:
    """How a failure comes about."""

    ask: Ask
    kinds: tuple[str, ...] = EVERY
    prefix: str = "/"  # of the frontend
    modes: tuple[bool, ...] = (True, False)  # of DEBUG
    has_body: bool = True  # of its answer
    forms: frozenset[Form] = frozenset(Form)  # as its requests can ask for
    is_alone: bool = False  # It needs all connections.
    settings: dict[str, Any] = field(default_factory=dict)  # With these it has its own server.
    environment: dict[str, str] = field(default_factory=dict)


def get(target: str, *more: str, host: str = "localhost") -> Ask:
    return lambda served, *lines: served.get(target, *lines, *more, host=host)


def exchange(method: str, target: str, *more: str, body: bytes = b"") -> Ask:
    def ask(served: Served, *lines: str) -> Answer:
        with served.client() as client:
            with contextlib.suppress(ConnectionError):  # The answer may come amid the body.
                client.send(request(method, target, *lines, *more, body=body))
            return client.read_answer(method)

    return ask


def ended(target: str, *more: str, body: bytes = b"") -> Ask:
    """The client's stream ends behind these bytes."""

    def ask(served: Served, *lines: str) -> Answer:
        assert served.get("/good").body == b"ok"  # Nobody waits for a word on its Host.
        with served.client() as client:
            client.send(request("GET", target, *lines, *more) + body)
            client.end()
            return client.read_answer()

    return ask


def half_a_head(served: Served, *lines: str) -> Answer:
    with served.client() as client:
        head = "\r\n".join(["POST /x HTTP/1.1", "Host: localhost", *lines, ""])
        client.send(head.encode())
        client.end()
        return client.read_answer()


def come_back(served: Served, *lines: str) -> Answer:
    return served.get("/good", *lines, f"CDN-Loop: {token_of(served.addresses['/'])}")


@contextlib.contextmanager
def busy(served: Served) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for _ in range(MOST):
            client = stack.enter_context(served.client())
            client.send(request("GET", "/busy"))
            client.read_until(b"half")
        yield


def one_too_many(served: Served, *lines: str) -> Answer:
    with busy(served):
        return served.get("/good", *lines)


def many_alike(served: Served, *lines: str) -> Answer:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(served.client()) for _ in range(9)]
        for client in clients:
            client.send(request("GET", "/silent/alike", *lines))
        answers = [client.read_answer() for client in clients]
        return answers[0]


def await_elsewhere(served: Served, *lines: str) -> Answer:
    """The first may come before a look has found it."""
    answers: list[Answer] = []

    def is_told() -> bool:
        answers.append(served.get("/down/x", *lines))
        return b"but http" in answers[-1].body

    await_that("the look has found it", is_told)
    return answers[-1]


def given_up(served: Served, *lines: str) -> Answer:
    """Our runserver starts it, and it ends."""
    if served.kind == "fastpath":
        await_that("it is given up", lambda: "Django goes on without it" in served.server.log())
    return served.get("/given-up/x", *lines)


LONG = tuple(f"X-Long-{number}: {'x' * 7_000}" for number in range(10))
ASKING = frozenset({Form.PAGE, Form.JSON})
SCRIPTS = frozenset({Form.JSON, Form.LINE})
FORM = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--b--\r\n'
CHUNKED = "Transfer-Encoding: chunked"

ROWS: dict[Failure, Row] = {
    BY_CODE["connect"]: Row(get("/down/x"), prefix="/down"),
    errors.NOBODY_LISTENS: Row(get("/nobody/x"), prefix="/nobody"),
    BY_CODE["connect-beside"]: Row(get("/beside/x"), prefix="/beside", modes=(True,)),
    BY_CODE["name"]: Row(get("/name/x"), prefix="/name"),
    BY_CODE["tls"]: Row(get("/tls/x"), prefix="/tls"),
    BY_CODE["certificate"]: Row(get("/certificate/x"), prefix="/certificate", modes=(False,)),
    BY_CODE["connect-timeout"]: Row(get("/full/x"), prefix="/full"),
    BY_CODE["response-timeout"]: Row(get("/silent/x")),
    BY_CODE["response-loop"]: Row(many_alike, CONCURRENT, modes=(True,), is_alone=True),
    BY_CODE["loop"]: Row(come_back),
    BY_CODE["idle-timeout"]: Row(exchange("GET", "/stuffed", body=b"x" * MUCH)),
    BY_CODE["request-upstream"]: Row(exchange("GET", "/resets", body=b"x" * MUCH)),
    BY_CODE["response-none"]: Row(get("/closes")),
    BY_CODE["response-head"]: Row(get("/bare")),
    BY_CODE["response-upstream"]: Row(get("/breaks"), ("fastpath",)),
    BY_CODE["too-many"]: Row(one_too_many, CONCURRENT, is_alone=True),
    errors.UPGRADE_REFUSED: Row(get("/x", *WEBSOCKET), ("waitress", "granian")),
    errors.FILE_MISSING: Row(get("/built/none.js"), prefix="/built"),
    errors.NOT_BUILT: Row(
        get("/unbuilt/x", "Accept: text/html;q=0.1"), prefix="/unbuilt", forms=ASKING
    ),
    errors.HANDSHAKE_WRONG: Row(get("/handshake", *WEBSOCKET), REFUSING),
    errors.STATUS_UNKNOWN: Row(get("/odd-status"), ("uvicorn front", "uvicorn plain")),
    errors.BODY_LOST: Row(exchange("GET", "/x", CHUNKED), ("runserver",)),
    errors.BODY_LOST_TO_OFFER: Row(
        exchange("GET", "/x", CHUNKED, "Connection: Upgrade", "Upgrade: other"),
        ("uvicorn front", "uvicorn plain"),
    ),
    errors.METHOD_REFUSED: Row(exchange("TRACE", "/x"), forms=SCRIPTS),
    errors.HOST_REFUSED: Row(get("/x", host="evil.example")),
    errors.TARGET_REFUSED: Row(exchange("GET", "ftp://localhost/x"), WITH_TARGET),
    BY_CODE["request-invalid"]: Row(get("/x", "X-Odd: a\0b"), ("runserver",)),
    BY_CODE["request-long"]: Row(get("/x", *LONG), WITH_LONG_HEADS),
    errors.LENGTH_REFUSED: Row(ended("/x", "Content-Length: +2", body=b"ab"), ("runserver",)),
    errors.FRAMED_TWICE: Row(
        ended("/x", CHUNKED, "Content-Length: 5", body=b"0\r\n\r\n"), ("runserver",)
    ),
    errors.CODING_UNKNOWN: Row(ended("/x", "Transfer-Encoding: gzip"), ("runserver",)),
    errors.BODY_WITH_HEAD: Row(exchange("HEAD", "/x", body=b"a body"), has_body=False),
    BY_CODE["request-client"]: Row(
        ended("/silent/cut", "Content-Length: 9", body=b"x"), WITH_SOCKET
    ),
    errors.BODY_BROKEN: Row(ended("/silent/cut", CHUNKED, body=b"3\r\nab"), ("sync", "gthread")),
    errors.HEAD_BROKEN: Row(half_a_head, ("runserver",), forms=SCRIPTS),
}

# Those that need a server of their own.
MIDDLEWARE = [
    "tests.project.middleware.reads_form",
    "samesite_proxy.middleware.SameSiteProxyMiddleware",
]
ROWS |= {
    errors.ELSEWHERE: Row(
        await_elsewhere,
        ("runserver", "fastpath", "gthread", "uvicorn front", "uvicorn plain"),
        prefix="/down",
        modes=(True,),
        environment={"TEST_DEV_PORTS": "[{elsewhere}]"},
    ),
    errors.AWAITED: Row(
        get("/awaited/x"),
        ("fastpath", "gthread", "uvicorn front"),
        prefix="/awaited",
        settings={"COMMAND": {"/awaited": "sleep 1000"}},
        environment={WHEREABOUTS: '{"/awaited": ""}'},
    ),
    errors.GIVEN_UP: Row(
        given_up,
        ("fastpath", "gthread", "uvicorn front"),
        prefix="/given-up",
        settings={"COMMAND": {"/given-up": "exit 0"}},
        environment={WHEREABOUTS: '{"/given-up": null}'},
    ),
    errors.LIBRARY_MISSING: Row(
        get("/x", *WEBSOCKET),
        ("hypercorn front",),
        environment={"PYTHONPATH": hidden("tests/asgi/without_websockets")},
    ),
    errors.BODY_TAKEN: Row(
        exchange("POST", "/x", "Content-Type: multipart/form-data; boundary=b", body=FORM),
        ("gthread", "uvicorn plain"),
        forms=SCRIPTS,
        environment={"TEST_MIDDLEWARE": json.dumps(MIDDLEWARE)},
    ),
}
# What cannot be brought about at will under a server, or is read by nobody.
ELSEWHERE_TESTED = {
    BY_CODE["shutdown"]: "test_end_of_the_process_has_its_faces",
    errors.FILE_UNREADABLE: "root reads every file; its forms in tests/unit",
    BY_CODE["client-gone"]: "nobody is there",
    BY_CODE["canceled"]: "nobody is there",
    BY_CODE["no-memory"]: "tests/failing_calls/test_allocations.py; its forms in tests/unit",
    BY_CODE["system"]: "tests/failing_calls/test_allocations.py; its forms in tests/unit",
}
