"""Frontends that ask Django for what Django has asked them."""

from __future__ import annotations

import threading

from tests.harness.http_requests import Request, RequestReader
from tests.harness.raw_client import Answer, RawClient
from tests.harness.scripted_upstream import Connection

# Where nobody ends the loop, this does.
MOST_PASSES = 20

END = Answer(200, "OK", [], b"it would go on for ever")


def _request(request: Request) -> bytes:
    """Without its own Connection, and with repeated fields as one, as Node's proxies send it; with
    a word of its own in CDN-Loop."""
    joined: dict[str, str] = {}
    for name, value in request.fields:
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    if "upgrade" not in joined:
        joined["connection"] = "close"
    lines = [f"{request.method} {request.target} HTTP/1.1"]
    if "cdn-loop" in joined:
        joined["cdn-loop"] += ', proxy.example;v="1"'
    lines += [f"{name}: {value}" for name, value in joined.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + request.body


def _answer(answer: Answer) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
    lines += [
        f"{name}: {value}"
        for name, value in answer.fields
        if name.lower() not in ("connection", "transfer-encoding", "content-length")
    ]
    lines += [f"Content-Length: {len(answer.body)}", "Connection: close"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body


class ProxyingFrontend:
    """A script, with the requests that it has passed on to the server at `port`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = threading.Lock()
        self.passed: list[Request] = []

    def _pass_on(self, request: Request) -> Answer:
        with self._lock:
            self.passed.append(request)
            if len(self.passed) > MOST_PASSES:
                return END
        with RawClient(self._port) as client:
            client.send(_request(request))
            return client.read_answer(request.method)

    def __call__(self, connection: Connection) -> None:
        connection.send(_answer(self._pass_on(RequestReader(connection).whole())))


class FetchingFrontend:
    """A script whose own code asks for the page that it is making, and sends no field of it on."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._lock = threading.Lock()
        self._depth = 0

    def _is_deep_enough(self) -> bool:
        with self._lock:
            self._depth += 1
            return self._depth == MOST_PASSES

    def __call__(self, connection: Connection) -> None:
        asked = RequestReader(connection).whole()
        if self._is_deep_enough():
            connection.receive_to_end()
            return
        with RawClient(self._port) as client:
            client.send(
                f"{asked.method} {asked.target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
            )
            connection.send(_answer(client.read_answer(asked.method)))
