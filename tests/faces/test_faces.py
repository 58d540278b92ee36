"""Each failure's page, JSON, line, words for visitors and line in the log, under every server where
it can happen.
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path

import pytest

from samesite_proxy.proxy.error_page import Form
from samesite_proxy.proxy.errors import BY_CODE, Failure
from tests.faces.rows import ELSEWHERE_TESTED, EVERY, ROWS, Row, get
from tests.faces.world import OWN_PAGE, Served, World, frontends, served
from tests.harness.django_servers import DjangoServer
from tests.harness.raw_client import Answer
from tests.process.processes import await_that
from tests.traffic.stage import request

ERRORS = Path(__file__).parents[2] / "docs" / "errors.md"
ACCEPTS = {
    Form.PAGE: "Accept: text/html,application/xhtml+xml,*/*;q=0.8",
    Form.JSON: "Accept: application/json, text/html;q=0.5",
    Form.LINE: "Accept: */*",
}
DEADLINE = 2.0  # s, for a line of the log
# What no visitor may read.
OURS = re.compile(r"127\.0\.0\.1|localhost|samesite|\[::1\]|invalid|DEBUG|[Ss]tart it|/dist|/none")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with frontends(tmp_path_factory.mktemp("faces")) as made:
        yield made


def sentence_of(failure: Failure, row: Row, served: Served) -> str:
    """The beginning of it, where the rest hangs on the machine."""
    told = failure.sentence(served.frontend(row.prefix))
    return told.partition(" (")[0] if failure.shows_detail else told


def form_of(failure: Failure, form: Form, served: Served) -> Form:
    has_page = served.is_debug or failure.status >= 500
    return Form.LINE if form is Form.PAGE and not has_page else form


def faults_in(
    answer: Answer, failure: Failure, row: Row, form: Form, served: Served
) -> Iterator[str]:
    """What is not as it should be."""
    said = answer.body.decode()
    form = form_of(failure, form, served)
    if answer.status != failure.status:
        yield f"status {answer.status}: {said[:200]}"
        return
    if answer.all("Cache-Control") != ["no-store"] or answer.get("Content-Type") != form.value:
        yield f"fields {answer.fields}"
    if not row.has_body:
        return
    words = sentence_of(failure, row, served) if served.is_debug else failure.for_visitors
    if form is Form.JSON:
        (key, detail), *more = json.loads(said).items()
        if key != "detail" or more or not detail.startswith(words):
            yield f"JSON {said}"
    elif form is Form.PAGE:
        page = escape(words[0].upper() + words[1:]) if served.is_debug else OWN_PAGE
        if page not in said or (not served.is_debug and said != page):
            yield f"page {said}"
    elif not said.startswith(f"samesite_proxy: {words}" if served.is_debug else f"{words}\n"):
        yield f"line {said}"
    if not served.is_debug and OURS.search(f"{said} {answer.fields}"):
        yield f"words of ours: {said} {answer.fields}"


def check_forms(served: Served, failure: Failure, row: Row) -> list[str]:
    forms = [form for form in Form if form in row.forms]
    at_once = 1 if row.is_alone or served.kind == "sync" else len(forms)

    def ask(form: Form) -> list[str]:
        try:
            answer = row.ask(served, ACCEPTS[form])
        except Exception as error:
            return [f"{form.name}: {error!r}"]
        return [f"{form.name}: {fault}" for fault in faults_in(answer, failure, row, form, served)]

    with ThreadPoolExecutor(at_once) as pool:
        return [fault for faults in pool.map(ask, forms) for fault in faults]


def await_log(server: DjangoServer, words: str) -> None:
    """The listener logs late."""
    until = time.monotonic() + DEADLINE
    while words not in server.log() and time.monotonic() < until:
        time.sleep(0.02)  # Between looks, until the deadline.


def check_log(served: Served, failure: Failure, row: Row) -> list[str]:
    words = sentence_of(failure, row, served)
    if failure.is_logged:
        await_log(served.server, words)
        return [] if words in served.server.log() else ["it is not logged"]
    if served.kind != "fastpath" and words in served.server.log():
        return ["it is logged"]
    return []


def check(served: Served, rows: dict[Failure, Row]) -> None:
    faults = {
        failure.text: found
        for failure, row in rows.items()
        if served.is_debug in row.modes
        if (found := check_forms(served, failure, row) + check_log(served, failure, row))
    }
    assert not faults, json.dumps(faults, indent=1)
    assert "Traceback" not in served.server.log()


def rows_of(kind: str) -> dict[Failure, Row]:
    """Those that meet on one server."""
    return {
        failure: row for failure, row in ROWS.items() if kind in row.kinds and not row.environment
    }


MODES = pytest.mark.parametrize("is_debug", [True, False], ids=["debug", "production"])


@MODES
@pytest.mark.parametrize("kind", EVERY)
def test_every_failure_has_its_faces(world: World, kind: str, is_debug: bool) -> None:
    with served(kind, world, is_debug=is_debug) as server:
        check(server, rows_of(kind))


OF_THEIR_OWN = [
    pytest.param(failure, kind, is_debug, id=f"{failure.text[:30]} {kind} {is_debug}")
    for failure, row in ROWS.items()
    if row.environment
    for kind in row.kinds
    for is_debug in row.modes
]


@pytest.mark.parametrize(("failure", "kind", "is_debug"), OF_THEIR_OWN)
def test_failure_that_needs_a_server_of_its_own_has_its_faces(
    world: World, failure: Failure, kind: str, is_debug: bool
) -> None:
    row = ROWS[failure]
    with served(kind, world, is_debug=is_debug, more=row.settings, **row.environment) as server:
        check(server, {failure: row})


@MODES
def test_end_of_the_process_has_its_faces(world: World, is_debug: bool) -> None:
    failure, row = BY_CODE["shutdown"], Row(get("/silent"))
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(served("fastpath", world, is_debug=is_debug))
        assert server.get("/good").body == b"ok"
        clients = {form: stack.enter_context(server.client()) for form in Form}
        before = len(world.upstream.connections)
        for form, client in clients.items():
            client.send(request("GET", "/silent", ACCEPTS[form]))
        await_that("all are asked", lambda: len(world.upstream.connections) == before + 3)
        server.server.signal(signal.SIGINT)
        for form, client in clients.items():
            assert list(faults_in(client.read_answer(), failure, row, form, server)) == []


def test_each_documented_failure_is_brought_about() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `([^`]+)` \| .+ \|$", ERRORS.read_text(), re.MULTILINE)
    brought = {*ROWS, *ELSEWHERE_TESTED}
    assert {(str(one.status), one.text) for one in brought} == set(rows)
    assert not set(ROWS) & set(ELSEWHERE_TESTED)
    assert {kind for row in ROWS.values() for kind in row.kinds} <= set(EVERY)
