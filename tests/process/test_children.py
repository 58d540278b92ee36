"""Views that make processes, on every way in: what is the engine's is not the child's, what is not
stays, and both go on forwarding.
"""

from __future__ import annotations

import json
import select
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.asgi.servers import front
from tests.engine.connect_programs import full_backlog
from tests.harness.ports import free_port
from tests.harness.raw_client import RawClient
from tests.harness.scripted_upstream import ScriptedUpstream, scripted
from tests.process.children import WAYS
from tests.process.numbers import asked, body_of, loading, numbered
from tests.process.processes import await_that
from tests.process.servers import running

WSGI = ["fastpath", "reloading-fastpath", "runserver", "sync", "gthread"]
KINDS = [*WSGI, *front("uvicorn", "granian")]
SYN_SENT = "02"
# Whichever address is tried first, one of them loses.
HALF_DEAF = {"/half-deaf": ("127.0.0.1", "::1"), "/deaf-half": ("::1", "127.0.0.1")}


class Site:
    """A server, a frontend that answers, one that lets nobody in, and those that do at one of
    their two addresses only.
    """

    def __init__(self, kind: str, upstream: ScriptedUpstream, stack: ExitStack) -> None:
        self.clients = 1 if kind == "sync" else 4
        deaf = stack.enter_context(full_backlog())
        self._deaf = int(deaf.rpartition(":")[2])
        frontends = {"/": upstream.url, "/deaf": deaf}
        for name, (answering, other) in HALF_DEAF.items():
            port = free_port()
            stack.enter_context(scripted(numbered, answering, port))
            stack.enter_context(full_backlog(other, port))
            frontends[name] = f"http://localhost:{port}"
        self.server = stack.enter_context(running(kind, frontends, {"CONNECT_TIMEOUT": 1}))
        self.port = self.server.port

    def ask_all(self, target: str) -> set[int]:
        with ThreadPoolExecutor(self.clients) as pool:
            answers = pool.map(lambda _: asked(self.port, target), range(self.clients))
            return {answer.status for answer in answers}

    def knocking(self) -> int:
        """How many wait to be let in by the frontend that lets nobody in."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        to_deaf = f":{self._deaf:04X}"
        return sum(row[2].endswith(to_deaf) and row[3] == SYN_SENT for row in rows)


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    with scripted(numbered) as running:
        yield running


@pytest.fixture(scope="module", params=KINDS)
def site(request: pytest.FixtureRequest, upstream: ScriptedUpstream) -> Iterator[Site]:
    with ExitStack() as stack:
        yield (started := Site(request.param, upstream, stack))
        assert "Traceback" not in started.server.log()


def check_children(site: Site, view: str = "children") -> None:
    right = f"200 {body_of('asked').decode()}"
    child = json.dumps({"files": "whole", "forwards": right, "awaits": right})
    for way in WAYS:
        answer = asked(site.port, f"/api/{view}/?name=asked&way={way}")
        assert answer.status == 200, site.server.log()
        assert json.loads(answer.body) == {"child": child, "parent": f"whole {right}"}, way


@pytest.mark.parametrize("view", ["children", "children-of-a-loop"])
def test_views_of_a_process_that_has_the_engine_twice_fork(site: Site, view: str) -> None:
    with loading(site.port, site.clients) as load:
        for how in ("reloaded", "imported_again", "executed_again", "copied"):
            load.await_right(5)
            assert asked(site.port, f"/api/again/?how={how}").status == 200
        check_children(site, view)
        load.await_right(5)
    assert set(load.outcomes) == {"right"}


def time_out(site: Site) -> None:
    assert site.ask_all("/deaf/asked") == {504}


def leave(site: Site) -> None:
    before = site.knocking()
    with ExitStack() as stack:
        clients = [stack.enter_context(RawClient(site.port)) for _ in range(site.clients)]
        for client in clients:
            client.send(b"GET /deaf/left HTTP/1.1\r\nHost: localhost\r\n\r\n")
            stack.callback(client.reset)

        def is_under_way() -> bool:
            """Or has timed out already."""
            answered, _, _ = select.select([client.sock for client in clients], [], [], 0)
            return site.knocking() > before or bool(answered)

        await_that("a connection begins", is_under_way)
    await_that("all connections end", lambda: site.knocking() <= before)


def lose_the_race(site: Site) -> None:
    for name in HALF_DEAF:
        assert site.ask_all(f"{name}/asked") == {200}


@pytest.mark.parametrize("lose", [time_out, leave, lose_the_race])
def test_children_keep_files_with_the_numbers_of_lost_sockets(
    site: Site, lose: Callable[[Site], None]
) -> None:
    lose(site)
    check_children(site)
