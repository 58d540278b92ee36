"""What the listener has answered, in Python's logging."""

from __future__ import annotations

import json
import logging
import re

import pytest

from samesite_proxy.fastpath.access_log import AccessLog, Record
from tests.fastpath.commands import APPS, MIDDLEWARE, ask, runserver
from tests.frontend_process.terminal import Terminal
from tests.harness.http_requests import Recorder
from tests.harness.ports import free_port
from tests.harness.raw_client import RawClient, exchange, get
from tests.harness.scripted_upstream import Connection, scripted

AT_INFO = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"samesite_proxy.access": {"level": "INFO"}},
}
TIME = r"\[\d\d/[A-Z][a-z]{2}/\d{4} \d\d:\d\d:\d\d\] "  # Django's server's.
GOOD: Record = ("127.0.0.1", "GET", "/x?y", 200, 5120, 12.4, 11.2, "", 0, "")


@pytest.mark.parametrize("options", [[], ["--noreload"]], ids=["reloading", "alone"])
def test_logger_at_info_has_a_line_for_each_answer(options: list[str]) -> None:
    settings = {"TEST_SETTINGS": json.dumps({"LOGGING": AT_INFO})}
    with (
        scripted(Recorder()) as upstream,
        runserver(*options, "0", proxy={"FRONTEND": upstream.url}, **settings) as server,
        RawClient(server.port) as client,
    ):
        for index in range(20):
            ask(client, "GET", f"/page/{index}")
            assert client.read_answer().body == b"ok"
        log = server.await_log('"GET /page/19"')
        line = TIME + r'127\.0\.0\.1 "GET /page/(\d+)" 200 2 bytes \d+ ms \(upstream \d+ ms\)'
        assert re.findall(line, log) == [str(index) for index in range(20)]


def test_failures_alone_are_logged_by_default() -> None:
    with (
        scripted(Recorder()) as upstream,
        runserver("--noreload", "0", proxy={"FRONTEND": upstream.url}) as server,
    ):
        assert get(server.port, "/good").status == 200
        upstream.close()
        assert get(server.port, "/bad").status == 502
        log = server.await_log('127.0.0.1 "GET /bad" 502')
        assert "cannot be reached" in log
        assert "/good" not in log


@pytest.mark.parametrize(
    ("colors", "begin", "end"),
    [("dark;http_server_error=cyan", "\x1b[36m", "\x1b[0m"), ("nocolor", "", "")],
)
def test_terminal_shows_a_failure_as_djangos_server_would(
    colors: str, begin: str, end: str
) -> None:
    port = free_port()
    environment = {
        "DJANGO_COLORS": colors,
        "SAMESITE_PROXY": json.dumps({"FRONTEND": f"http://127.0.0.1:{free_port()}"}),
        "TEST_INSTALLED_APPS": json.dumps(APPS),
        "TEST_MIDDLEWARE": json.dumps(MIDDLEWARE),
        "TEST_URLCONF": "tests.fastpath.urls",
    }
    with Terminal(["runserver", "--noreload", str(port)], environment) as terminal:
        terminal.await_words("deployment/")
        assert get(port, "/bad").status == 502
        terminal.await_words("::1] alone." + end)
    line = TIME + re.escape(begin) + r'127\.0\.0\.1 "GET /bad" 502 \d+ bytes'
    assert re.search(line, terminal.shown)


def test_size_is_that_of_the_body_that_the_client_gets() -> None:
    def script(connection: Connection) -> None:
        connection.receive_head()

    asked = [("GET", "*/*"), ("GET", "text/html"), ("GET", "application/json"), ("HEAD", "*/*")]
    with (
        scripted(script) as upstream,
        runserver("--noreload", "0", proxy={"FRONTEND": upstream.url}) as server,
    ):
        sizes = []
        for method, accept in asked:
            lines = f"{method} /down HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n"
            sizes.append(len(exchange(server.port, lines.encode()).body))
        sizes.append(len(exchange(server.port, b"GET /down HTTP/1.1\r\nHost : x\r\n\r\n").body))
        log = server.await_log('"GET /down" 400')
        assert re.findall(r'/down" \d+ (\d+) bytes', log) == [str(size) for size in sizes]
        assert sizes.count(0) == 1


def written(caplog: pytest.LogCaptureFixture, record: Record) -> list[logging.LogRecord]:
    log = AccessLog()
    log.know({"/": {"connect": "cannot be reached."}})
    with caplog.at_level(logging.INFO, "samesite_proxy.access"):
        log.write(record)
    return caplog.records


def test_record_has_what_the_line_says(caplog: pytest.LogCaptureFixture) -> None:
    (record,) = written(caplog, GOOD)
    assert record.getMessage() == '127.0.0.1 "GET /x?y" 200 5120 bytes 12 ms (upstream 11 ms)'
    extra = vars(record)
    assert (extra["client"], extra["method"], extra["target"]) == GOOD[:3]
    assert (extra["status_code"], extra["size"], extra["failure"]) == (200, 5120, "")
    assert (extra["milliseconds"], extra["upstream_milliseconds"]) == (12.4, 11.2)


@pytest.mark.parametrize(
    ("status", "code", "frontend", "level"),
    [
        (200, "", 0, logging.INFO),
        (404, "", 0, logging.INFO),
        (502, "connect", 0, logging.WARNING),
        (499, "client-gone", 0, logging.INFO),
        (200, "response-upstream", 0, logging.WARNING),
        (431, "", -1, logging.WARNING),
    ],
)
def test_level_tells_failures_from_answers(
    caplog: pytest.LogCaptureFixture, status: int, code: str, frontend: int, level: int
) -> None:
    (record,) = written(caplog, (*GOOD[:3], status, 0, 1.0, -1.0, code, frontend, ""))
    assert record.levelno == level
    assert "upstream" not in record.getMessage() or code == "response-upstream"


def test_failure_says_its_sentence(caplog: pytest.LogCaptureFixture) -> None:
    (record,) = written(caplog, (*GOOD[:3], 502, 0, 1.0, -1.0, "connect", 0, "refused"))
    assert record.getMessage().endswith("1 ms: cannot be reached.")


def test_control_characters_of_a_target_do_not_reach_the_terminal(
    caplog: pytest.LogCaptureFixture,
) -> None:
    (record,) = written(caplog, ("::1", "GET", "/\x9b31m\xe9", *GOOD[3:]))
    assert record.getMessage().startswith(r'::1 "GET /\x9b31m\xe9" 200')


def test_failure_that_lasts_is_a_warning_once_and_then_a_line_like_any_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = AccessLog()
    log.know({"/": {"connect": "cannot be reached.", "is-back": "is back."}})
    failed: Record = (*GOOD[:3], 502, 0, 1.0, -1.0, "connect", 0, "")
    with caplog.at_level(logging.INFO, "samesite_proxy.access"):
        for record in (failed, failed, (*failed[:8], -1, ""), GOOD, GOOD, failed):
            log.write(record)
    info, warning = logging.INFO, logging.WARNING
    levels = [record.levelno for record in caplog.records]
    assert levels == [warning, info, warning, warning, info, info, warning]
    assert caplog.records[3].getMessage() == "samesite_proxy: is back."


def words_of(port: int) -> dict[str, str]:
    return {"connect": f"{port} cannot be reached.", "is-back": f"{port} is back."}


def test_outage_is_told_once_across_tables_and_ends_where_the_frontend_is_then(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = AccessLog()
    failed: Record = (*GOOD[:3], 502, 0, 1.0, -1.0, "connect", 0, "")
    tables = [
        ({"/": words_of(1)}, failed),
        ({"/": words_of(1), "/shop": words_of(2)}, failed),  # Saved while it is down.
        ({"/shop": words_of(2), "/": words_of(1)}, GOOD),  # Another's first answer.
        ({"/": words_of(3)}, failed),
        ({"/": words_of(4)}, GOOD),
        ({"/": words_of(4)}, GOOD),
    ]
    with caplog.at_level(logging.WARNING, "samesite_proxy.access"):
        for known, record in tables:
            log.know(known)
            log.write(record)
    said = [record.getMessage().removeprefix("samesite_proxy: ") for record in caplog.records]
    assert [re.sub(r".* ms: ", "", text) for text in said] == [
        "1 cannot be reached.",
        "3 cannot be reached.",
        "4 is back.",
    ]
