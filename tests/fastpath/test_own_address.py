"""A frontend at the address that runserver itself is to listen on is an error at start."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from samesite_proxy.conf.frontends import parse_frontend
from samesite_proxy.machine import own_address
from tests.fastpath.commands import APPS, runserver
from tests.harness.ports import free_port
from tests.harness.raw_client import get
from tests.process.processes import await_that

WORDS = 'CommandError: SAMESITE_PROXY["FRONTEND"] names {}, where runserver itself is to listen:'

# A frontend, where runserver binds, and by IPv6 or not.
SAME = [
    ("http://localhost:3000", "127.0.0.1", 3000),
    ("http://LOCALHOST.:3000/", "127.0.0.1", 3000),
    ("https://site.localhost:3000", "127.0.0.1", 3000),
    ("http://localhost:3000", "::1", 3000),
    ("http://localhost:3000", "localhost", 3000),
    ("http://127.0.0.1:3000", "0", 3000),
    ("http://127.0.0.1:3000", "0.0.0.0", 3000),
    ("http://127.8.8.8:3000", "0.0.0.0", 3000),
    ("http://0.0.0.0:3000", "127.0.0.1", 3000),
    ("http://0.0.0.0:3000", "0.0.0.0", 3000),
    ("http://127.1:3000", "127.0.0.1", 3000),
    ("http://[::ffff:127.0.0.1]:3000", "127.0.0.1", 3000),
    ("http://[::]:3000", "::1", 3000),
    ("http://[::1%lo]:3000", "::1", 3000),
    ("http://[::1%25lo]:3000", "::", 3000),
    ("http://[::ffff:127.0.0.1%25lo]:3000", "127.0.0.1", 3000),
    ("http://127.0.0.1:3000", "::", 3000),
    ("http://localhost", "127.0.0.1", 80),
    ("https://localhost", "0.0.0.0", 443),
]
OTHER = [
    ("http://localhost:3001", "127.0.0.1", 3000),
    ("http://127.0.0.2:3000", "127.0.0.1", 3000),
    ("http://[::1]:3000", "127.0.0.1", 3000),
    ("http://[::1]:3000", "0.0.0.0", 3000),
    ("http://127.0.0.1:3000", "::1", 3000),
    ("http://[::1%25lo]:3000", "127.0.0.1", 3000),
    ("http://192.0.2.1:3000", "0.0.0.0", 3000),
    ("http://no-such-name.invalid:3000", "0.0.0.0", 3000),
    ("https://localhost", "127.0.0.1", 80),
    ("unix:/run/frontend.sock", "127.0.0.1", 80),
]


@pytest.mark.parametrize(
    ("url", "host", "port", "is_same"),
    [*((*case, True) for case in SAME), *((*case, False) for case in OTHER)],
)
def test_address_is_told_from_others(url: str, host: str, port: int, is_same: bool) -> None:
    other = parse_frontend("/other", "http://no-such-name.invalid:9")
    found = parse_frontend("/", url)
    among = own_address.among([other, found], host, port, ipv6=":" in host)
    assert among is (found if is_same else None)


@pytest.mark.parametrize(
    ("options", "frontend"),
    [
        (["{port}"], "http://localhost:{port}"),
        (["--noreload", "0:{port}"], {"/": "http://localhost:9", "/b": "http://127.1:{port}"}),
        (["--noreload", "--nofastpath", "localhost:{port}"], "http://0.0.0.0:{port}/"),
        (["--nofastpath", "-6", "{port}"], "http://localhost:{port}"),
    ],
)
def test_server_does_not_start_at_its_frontends_address(options: list[str], frontend: Any) -> None:
    port = str(free_port())
    named = json.loads(json.dumps(frontend).replace("{port}", port))
    address = named if isinstance(named, str) else named["/b"]
    given = [option.replace("{port}", port) for option in options]
    with runserver(*given, proxy={"FRONTEND": named}) as server:
        assert server.wait() == 1
        assert WORDS.format(address) in server.log()
        assert "Traceback" not in server.log()


def test_asgi_server_does_not_start_at_its_frontends_address() -> None:
    port = free_port()
    changed = {
        "TEST_INSTALLED_APPS": json.dumps(["samesite_proxy", "daphne", *APPS[1:]]),
        "TEST_SETTINGS": json.dumps({"ASGI_APPLICATION": "tests.project.plain_asgi.application"}),
    }
    proxy = {"FRONTEND": f"http://localhost:{port}"}
    with runserver("--noreload", str(port), proxy=proxy, **changed) as server:
        assert server.wait() == 1
        assert WORDS.format(proxy["FRONTEND"]) in server.log()


def test_saved_address_of_its_own_is_told_and_mended_by_the_next_save(tmp_path: Path) -> None:
    port = free_port()
    settings = tmp_path / "saved_settings.py"
    folders = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    changed = {"PYTHONPATH": os.pathsep.join(folders), "DJANGO_SETTINGS_MODULE": settings.stem}

    def save(address: str) -> None:
        written = f'SAMESITE_PROXY = {{"FRONTEND": "{address}"}}\n'
        settings.write_text(f"from tests.project.settings import *  # noqa: F403\n{written}")

    def says(words: str, address: str) -> None:
        def is_said() -> bool:
            save(address)  # The reloader does not see a change from before its first look.
            return words in server.log()[start:]

        await_that(f"{words!r} in the log", is_said)

    save("http://127.0.0.1:1")
    with runserver(str(port), **changed) as server:
        start = len(server.await_banner())
        says("where runserver itself is to listen", f"http://localhost:{port}")
        start = len(server.log())
        says("deployment/", "http://127.0.0.1:1")
        assert get(port, "/api/hello/").body == b"Django answers /api/hello/"


def test_own_address_that_only_a_request_shows_is_508() -> None:
    """Where the command is Django's, the middleware alone cannot know the port."""
    port = free_port()
    changed = {"TEST_INSTALLED_APPS": "[]"}
    proxy = {"FRONTEND": f"http://localhost:{port}"}
    with runserver("--noreload", f"127.0.0.1:{port}", proxy=proxy, **changed) as server:
        server.await_banner()
        answer = get(port, "/x")
        assert (answer.status, proxy["FRONTEND"] in answer.body.decode()) == (508, True)
        assert answer.all("Cache-Control") == ["no-store"]
