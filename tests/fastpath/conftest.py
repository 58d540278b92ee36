"""One runserver, with and without the reloader, and the scripted upstream behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fastpath.commands import Runserver, runserver
from tests.harness.groups import grouped
from tests.harness.http_requests import Recorder, Request
from tests.harness.scripted_upstream import ScriptedUpstream, scripted


def named(request: Request) -> bytes:
    """Says the request's method, target and body back."""
    said = f"{request.method} {request.target} ".encode() + request.body
    body = b"" if request.method == "HEAD" else said
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(said), body)


@pytest.fixture(scope="session")
def frontend() -> Iterator[ScriptedUpstream]:
    with scripted(Recorder(named)) as upstream:
        yield upstream


@pytest.fixture(scope="session", params=grouped("fast path", ("reloading", "alone")))
def server(request: pytest.FixtureRequest, frontend: ScriptedUpstream) -> Iterator[Runserver]:
    options = ["--noreload"] if request.param == "alone" else []
    with runserver(*options, "0", proxy={"FRONTEND": frontend.url}) as started:
        started.await_banner()
        yield started
        log = started.log()
        as_they_should = log.count("ValueError: as it should") + log.count("\nSystemExit")
        assert log.count("Traceback") == as_they_should, log
