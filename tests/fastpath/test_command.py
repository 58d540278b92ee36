"""The runserver command: its options, its banner, and its end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.fastpath.commands import APPS, MIDDLEWARE, Runserver, ask, runserver
from tests.harness.ports import free_port
from tests.harness.raw_client import RawClient, exchange, get
from tests.process.processes import await_that

OFF = "The fast path is off:"
HELLO = b"Django answers /api/hello/"
RELOADING = pytest.param([], id="reloading")
ALONE = pytest.param(["--noreload"], id="alone")


def changed(**settings: object) -> dict[str, str]:
    return {"TEST_SETTINGS": json.dumps(settings)}


REASONS = {
    "asked": (["--nofastpath"], {}, "--nofastpath."),
    "host": ([], changed(USE_X_FORWARDED_HOST=True), "USE_X_FORWARDED_HOST is set"),
    "scheme": (
        [],
        changed(SECURE_PROXY_SSL_HEADER=["HTTP_X_FORWARDED_PROTO", "https"]),
        "SECURE_PROXY_SSL_HEADER is set",
    ),
    "trusted": (
        [],
        changed(SAMESITE_PROXY={"TRUSTED_PROXIES": ["127.0.0.1"]}),
        'SAMESITE_PROXY["TRUSTED_PROXIES"] is set',
    ),
    "none": ([], changed(SAMESITE_PROXY={"FRONTEND": None}), 'SAMESITE_PROXY["FRONTEND"] is None'),
    "late": (
        [],
        changed(MIDDLEWARE=MIDDLEWARE[::-1]),
        f"{MIDDLEWARE[1]}, before SameSiteProxyMiddleware",
    ),
    "absent": ([], changed(MIDDLEWARE=[]), "SameSiteProxyMiddleware is not in MIDDLEWARE"),
    "wrapped": (
        [],
        changed(WSGI_APPLICATION="tests.fastpath.around.application"),
        "WSGI_APPLICATION is more than Django's handler",
    ),
    "asgi": (
        [],
        changed(
            INSTALLED_APPS=["samesite_proxy", "daphne"],
            ASGI_APPLICATION="tests.project.plain_asgi.application",
        ),
        "this is an ASGI server",
    ),
}


@pytest.mark.parametrize("how", [RELOADING, ALONE])
@pytest.mark.parametrize(("options", "changes", "words"), REASONS.values(), ids=REASONS)
def test_reason_against_the_fast_path_is_in_the_banner(
    how: list[str], options: list[str], changes: dict[str, str], words: str
) -> None:
    port = free_port()
    with runserver(*how, *options, f"127.0.0.1:{port}", **changes) as server:
        log = server.await_log(OFF)
        assert f"{OFF} {words}" in log
        assert log.count(OFF) == 1

        def answers() -> bool:
            try:
                return get(port, "/api/hello/").body == HELLO
            except OSError:  # Daphne listens after its banner.
                return False

        await_that("an answer of Django's", answers)
        assert "Traceback" not in server.log()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="plain"),
        pytest.param(changed(WSGI_APPLICATION="tests.project.wsgi.application"), id="wsgi"),
        pytest.param(changed(WSGI_APPLICATION="tests.project.wrapped_wsgi.application"), id="ours"),
        pytest.param(changed(INSTALLED_APPS=["samesite_proxy"]), id="no staticfiles"),
        pytest.param(changed(INSTALLED_APPS=["whitenoise.runserver_nostatic", *APPS]), id="below"),
        pytest.param(changed(INSTALLED_APPS=[*APPS, "whitenoise.runserver_nostatic"]), id="above"),
    ],
)
def test_fast_path_is_on_in_usual_projects(changes: dict[str, str]) -> None:
    with runserver("--noreload", "0", **changes) as server:
        assert get(server.port, "/api/hello/").body == HELLO
        assert get(server.port, "/frontend").status == 502
        server.await_log('127.0.0.1 "GET /frontend" 502')
        assert OFF not in server.log()


def test_wsgi_server_of_daphnes_command_has_the_fast_path() -> None:
    apps = changed(INSTALLED_APPS=["samesite_proxy", "daphne"], ASGI_APPLICATION="x.y")
    with runserver("--noreload", "--noasgi", "0", **apps) as server:
        assert get(server.port, "/api/hello/").body == HELLO
        assert OFF not in server.log()


ELSEWHERE = "This is no ASGI server: WebSockets go to the frontend"
CHANNELS = {"ASGI_APPLICATION": "tests.project.channels_asgi.application"}


@pytest.mark.parametrize(
    ("options", "settings", "is_said"),
    [
        pytest.param([], CHANNELS, True, id="channels alone"),
        pytest.param(
            *(["--noasgi"], {**CHANNELS, "INSTALLED_APPS": ["samesite_proxy", "daphne"]}, True),
            id="daphne",
        ),
        pytest.param(["--nofastpath"], CHANNELS, True, id="no fast path"),
        pytest.param([], {**CHANNELS, "MIDDLEWARE": []}, False, id="without our middleware"),
        pytest.param([], {**CHANNELS, "SAMESITE_PROXY": {"FRONTEND": None}}, False, id="off"),
        pytest.param(
            [], {"ASGI_APPLICATION": "tests.project.asgi.application"}, False, id="no routes"
        ),
        pytest.param([], {"ASGI_APPLICATION": "tests.fastpath.none"}, False, id="not there"),
    ],
)
def test_banner_says_where_the_websockets_of_an_asgi_application_go(
    options: list[str], settings: dict[str, object], is_said: bool
) -> None:
    with runserver("--noreload", "0", *options, **changed(**settings)) as server:
        assert get(server.port, "/api/hello/").body == HELLO
        assert server.log().count(ELSEWHERE) == is_said


@pytest.mark.parametrize("how", [RELOADING, ALONE])
@pytest.mark.parametrize(
    ("address", "client", "named"),
    [
        ("{port}", "127.0.0.1", "localhost:{port}"),
        ("127.0.0.1:{port}", "127.0.0.1", "127.0.0.1:{port}"),
        ("0:{port}", "127.0.0.1", "0.0.0.0:{port}"),
        ("localhost:{port}", "127.0.0.1", "localhost:{port}"),
        ("[::1]:{port}", "::1", "[::1]:{port}"),
    ],
)
def test_address_is_listened_on_and_named(
    how: list[str], address: str, client: str, named: str
) -> None:
    port = free_port()
    with runserver(*how, address.format(port=port), **changed(ALLOWED_HOSTS=["*"])) as server:
        log = server.await_banner()
        assert f"server at http://{named.format(port=port)}/\n" in log
        assert exchange(
            port, b"GET /api/hello/ HTTP/1.1\r\nHost: localhost\r\n\r\n", client
        ).body == (HELLO)


def test_option_6_listens_on_the_other_loopback() -> None:
    port = free_port()
    with runserver("--noreload", "-6", str(port)) as server:
        assert f"server at http://localhost:{port}/\n" in server.await_banner()
        assert exchange(port, b"GET /api/who/ HTTP/1.1\r\nHost: localhost\r\n\r\n", "::1").status


@pytest.mark.parametrize(
    ("address", "settings", "page"),
    [
        ("0", {}, "http://localhost:{port}/__samesite__/"),
        ("0.0.0.0:0", {}, "http://localhost:{port}/__samesite__/"),
        ("127.0.0.1:0", {"ALLOWED_HOSTS": ["127.0.0.1"]}, "http://127.0.0.1:{port}/__samesite__/"),
        ("0", {"ALLOWED_HOSTS": ["app.example"]}, None),
        ("0", {"DEBUG": False, "ALLOWED_HOSTS": ["localhost"]}, None),
    ],
)
def test_banner_names_the_page_that_shows_who_answers(
    address: str, settings: dict[str, object], page: str | None
) -> None:
    with runserver("--noreload", address, **changed(**settings)) as server:
        server.await_log("Frontend: ")
        if page is not None:
            server.await_log(f"Who answers: {page.format(port=server.port)}\n")
        assert server.interrupt() == 0
        assert server.log().count("Who answers") == (page is not None)


def test_name_that_is_not_allowed_is_not_in_the_banner() -> None:
    with runserver("--noreload", "0", **changed(ALLOWED_HOSTS=["127.0.0.1"])) as server:
        assert "server at http://127.0.0.1:" in server.await_banner()


@pytest.mark.parametrize("how", [RELOADING, ALONE])
def test_port_zero_is_a_free_port(how: list[str]) -> None:
    with runserver(*how, "0", **changed(ALLOWED_HOSTS=["*"])) as server:
        assert server.port > 0
        assert get(server.port, "/api/hello/").body == HELLO


@pytest.mark.parametrize("how", [RELOADING, ALONE])
def test_taken_port_is_djangos_own_error(how: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with runserver(*how, f"127.0.0.1:{port}") as server:
            assert server.wait() == 1
            assert "Error: That port is already in use.\n" in server.log()
            assert "Traceback" not in server.log()


@pytest.mark.parametrize("how", [RELOADING, ALONE])
def test_port_beyond_all_is_told_in_a_line(how: list[str]) -> None:
    with runserver(*how, "99999") as server:
        assert server.wait() == 1
        (line,) = server.log().splitlines()
        assert line.startswith("Error: ")
        assert line.endswith("port must be 0-65535.")


@pytest.mark.parametrize("how", [RELOADING, ALONE])
def test_foreign_address_is_djangos_own_error(how: list[str]) -> None:
    with runserver(*how, "192.0.2.1:0") as server:
        assert server.wait() == 1
        assert "Error: That IP address can't be assigned to.\n" in server.log()


def test_nothreading_answers_one_after_the_other_and_closes() -> None:
    with runserver("--noreload", "--nothreading", "0") as server:
        for _ in range(3):
            with RawClient(server.port) as client:
                ask(client, "GET", "/api/who/")
                answer = client.read_answer()
                assert json.loads(answer.body)["thread"] == "MainThread"
                assert answer.get("Connection") == "close"
                assert client.is_closed()


def test_djangos_requests_are_logged_as_ever() -> None:
    with runserver("--noreload", "0") as server:
        get(server.port, "/api/hello/?a=1")
        server.await_log('"GET /api/hello/?a=1 HTTP/1.1" 200 26')
        get(server.port, "/api/nothing/")
        server.await_log("Not Found: /api/nothing/")


def test_checks_are_made_or_skipped_by_the_option() -> None:
    with runserver("--noreload", "0") as server:
        assert "System check identified no issues" in server.await_banner()
    with runserver("--noreload", "--skip-checks", "0") as server:
        assert "System check" not in server.await_banner()
        assert get(server.port, "/api/hello/").body == HELLO


@pytest.mark.parametrize("how", [RELOADING, ALONE])
def test_interrupt_ends_it_quietly(how: list[str]) -> None:
    with runserver(*how, "0") as server:
        assert get(server.port, "/api/hello/").body == HELLO
        assert server.interrupt() == 0
        server.await_end()
        assert "Traceback" not in server.log()


@pytest.mark.parametrize("how", [[], ["--nofastpath"]], ids=["fast path", "Django's own"])
def test_interrupt_of_a_view_in_the_main_thread_is_its_error(
    how: list[str], tmp_path: Path
) -> None:
    begun, port = tmp_path / "begun", free_port()
    with runserver("--noreload", "--nothreading", *how, str(port)) as server:
        server.await_listener(port)
        with RawClient(port) as client:
            ask(client, "GET", f"/api/waits/?begun={begun}&until=never")
            await_that("the view has begun", begun.exists)
            os.killpg(server.process.pid, signal.SIGINT)
            assert client.read_answer().status == 500

        def is_ended_by_another() -> bool:
            """One that comes while the connection is closed is the handler's again."""
            os.killpg(server.process.pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                return server.process.wait(2) == 0
            return False

        await_that("Ctrl-C ends it", is_ended_by_another)


def test_sigterm_ends_parent_and_child() -> None:
    with runserver("0") as server:
        assert get(server.port, "/api/hello/").body == HELLO
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        server.await_end()
        assert "Traceback" not in server.log()


def test_sigterm_ends_it_without_the_reloader() -> None:
    with runserver("--noreload", "0") as server:
        assert get(server.port, "/api/hello/").body == HELLO
        server.signal(signal.SIGTERM)
        assert server.wait() == -signal.SIGTERM


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 0)]
)
def test_signal_that_comes_to_a_views_thread_ends_it(number: signal.Signals, code: int) -> None:
    with runserver("--noreload", "0") as server, RawClient(server.port) as client:
        ask(client, "GET", f"/api/signals_itself/?number={number:d}")
        assert server.wait() == code
        assert "Traceback" not in server.log()


def test_killed_parent_leaves_no_orphan() -> None:
    with runserver("0") as server:
        assert get(server.port, "/api/hello/").body == HELLO
        server.signal(signal.SIGKILL)
        server.await_end()
        assert "Traceback" not in server.log()


def test_help_names_the_options_of_both() -> None:
    with runserver("--help") as server:
        assert isinstance(server, Runserver)
        assert server.wait() == 0
        assert "--nofastpath" in server.log()
        assert "--nostatic" in server.log()
