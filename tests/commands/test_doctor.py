"""`samesite_proxy doctor`: each thing that it tells is there when it is, and not when it is not."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from samesite_proxy.machine import sockets
from samesite_proxy.management.commands.samesite_proxy import Command
from samesite_proxy.proxy.place import NAME
from tests.commands.asked import project
from tests.harness.http_requests import Recorder
from tests.harness.ports import free_port
from tests.harness.scripted_upstream import ScriptedUpstream, scripted
from tests.unit.path_cases import SITES


@pytest.fixture(autouse=True)
def folder_of_frontends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They run in this process, and are as if they had been started in the project."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def frontend() -> Iterator[ScriptedUpstream]:
    with scripted(Recorder()) as running:
        yield running


def examine(
    folder: Path, url: str | None = None, **settings: Any
) -> tuple[dict[str, Any], set[str], set[str]]:
    """All that is told, with the ids of what is wrong and of what is noted."""
    said = io.StringIO()
    code = 0
    given = {"BASE_DIR": folder, "MIDDLEWARE": [NAME], "ALLOWED_HOSTS": ["localhost"], **settings}
    with project(SITES[1], {"/": url} if url else {}, **given):
        try:
            call_command(Command(), "doctor", "--json", stdout=said)
        except CommandError as error:
            code = error.returncode
    told = json.loads(said.getvalue())
    is_well = told["is_well"]
    assert code == (0 if is_well else 1)
    states = {
        state: {each["id"] for each in told["findings"] if each["state"] == state}
        for state in ("wrong", "note")
    }
    assert is_well is not bool(states["wrong"])
    assert all(each["fix"] for each in told["findings"] if each["state"] == "wrong")
    return told, states["wrong"], states["note"]


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_project_in_order_is_well(tmp_path: Path, frontend: ScriptedUpstream) -> None:
    write(tmp_path, "front/vite.config.js", "// server: { proxy: {} }\nexport default {}\n")
    write(tmp_path, "front/package.json", '{"name": "x"}')
    write(tmp_path, "front/node_modules/a/vite.config.js", "export default {proxy: {}}")
    told, wrong, notes = examine(tmp_path, frontend.url, DEBUG=True)
    assert (wrong, notes) == (set(), set())
    assert set(told["versions"]) == {"samesite_proxy", "Django", "Python", "libcurl", "system"}
    port = frontend.port
    (here,) = [each for each in told["listening"] if each["port"] == port]
    assert (here["addresses"], here["folder"]) == (["127.0.0.1"], str(Path.cwd()))


@pytest.mark.parametrize(
    ("name", "text", "id", "is_wrong"),
    [
        (
            "web/vite.config.ts",
            "export default { server: { proxy: { '/api': 'http://localhost:8000' } } }",
            "dev-server-proxy",
            True,
        ),
        (
            "vite.config.mjs",
            "export default { server: { proxy } , proxy: x }",
            "dev-server-proxy",
            False,
        ),
        (
            "next.config.js",
            "module.exports = { async rewrites() { return 'http://127.0.0.1:8000/x' } }",
            "dev-server-proxy",
            True,
        ),
        ("web/package.json", '{"proxy": "http://localhost:8000"}', "package-proxy", True),
    ],
)
def test_leftover_of_a_dev_server_is_found(
    tmp_path: Path, frontend: ScriptedUpstream, name: str, text: str, id: str, is_wrong: bool
) -> None:
    write(tmp_path, name, text)
    told, wrong, notes = examine(tmp_path, frontend.url)
    assert (wrong, notes) == (({id}, set()) if is_wrong else (set(), {id}))
    (finding,) = [each for each in told["findings"] if each["id"] == id]
    assert str(tmp_path / name) in finding["fix"]


@pytest.mark.parametrize(
    ("settings", "wrong", "notes"),
    [
        ({"SESSION_COOKIE_SAMESITE": "None"}, {"cookie-samesite"}, set()),
        ({"CSRF_COOKIE_SAMESITE": False}, {"cookie-samesite"}, set()),
        ({"SESSION_COOKIE_SAMESITE": "Strict"}, set(), set()),
        ({"CORS_ALLOWED_ORIGINS": ["http://localhost:3000"]}, set(), {"cors"}),
        (
            {
                "MIDDLEWARE": [NAME, "corsheaders.nowhere.CorsMiddleware"],
                "CORS_ALLOW_ALL_ORIGINS": True,
                "CORS_ALLOW_CREDENTIALS": True,
            },
            {"cors-open"},
            {"fast-path"},  # There is no such module.
        ),
        ({"CSRF_TRUSTED_ORIGINS": ["https://www.example.com"]}, set(), set()),
        ({"ALLOWED_HOSTS": [], "DEBUG": False}, {"hosts"}, set()),
        ({"ALLOWED_HOSTS": [], "DEBUG": True}, set(), set()),
        ({"ALLOWED_HOSTS": ["*"], "DEBUG": True}, set(), {"hosts"}),
        ({"ALLOWED_HOSTS": ["example.com"], "DEBUG": True}, set(), {"hosts"}),
        ({"USE_X_FORWARDED_HOST": True}, set(), {"fast-path"}),
        ({"MIDDLEWARE": []}, set(), {"fast-path", "samesite_proxy.I002"}),
    ],
)
def test_setting_is_told_of(
    tmp_path: Path,
    frontend: ScriptedUpstream,
    settings: dict[str, Any],
    wrong: set[str],
    notes: set[str],
) -> None:
    assert examine(tmp_path, frontend.url, **settings)[1:] == (wrong, notes)


def test_frontends_own_origin_need_not_be_trusted(
    tmp_path: Path, frontend: ScriptedUpstream
) -> None:
    trusted = {"CSRF_TRUSTED_ORIGINS": [frontend.url]}
    assert examine(tmp_path, frontend.url, **trusted)[1:] == (set(), {"csrf-origin"})


def test_frontend_that_is_elsewhere_is_found(
    tmp_path: Path, frontend: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "DEV_PORTS", (frontend.port,))
    told, wrong, _ = examine(tmp_path, f"http://localhost:{free_port()}")
    assert wrong == {"frontend-down"}
    (fix,) = [each["fix"] for each in told["findings"] if each["id"] == "frontend-down"]
    assert f'{{"FRONTEND": "http://localhost:{frontend.port}"}}' in fix
    assert str(Path.cwd()) in fix


def test_frontend_of_the_other_family_is_told_of(tmp_path: Path) -> None:
    port = free_port()
    with socket.create_server(("::1", port), family=socket.AF_INET6):
        told, wrong, _ = examine(tmp_path, f"http://127.0.0.1:{port}")
    assert wrong == {"frontend-family"}
    assert f'"http://localhost:{port}"' in str(told["findings"])


def test_frontend_that_speaks_no_http_is_told_of(tmp_path: Path) -> None:
    with scripted(lambda connection: connection.send(b"hello\r\n")) as other:
        assert examine(tmp_path, other.url)[1] == {"frontend-answer"}


def test_folder_is_well_once_it_is_built(tmp_path: Path) -> None:
    assert examine(tmp_path, str(tmp_path))[1] == {"samesite_proxy.W009"}
    write(tmp_path, "index.html", "<!doctype html>")
    assert examine(tmp_path, str(tmp_path))[1] == set()


def test_wrong_settings_are_told_in_the_checks_words(tmp_path: Path) -> None:
    assert examine(tmp_path, "nowhere")[1] == {"samesite_proxy.E003"}


def test_people_read_what_to_do(tmp_path: Path, frontend: ScriptedUpstream) -> None:
    said = io.StringIO()
    write(tmp_path, "package.json", '{"proxy": "http://localhost:8000"}')
    with (
        project(SITES[1], {"/": frontend.url}, BASE_DIR=tmp_path, ALLOWED_HOSTS=["localhost"]),
        override_settings(MIDDLEWARE=[NAME]),
        pytest.raises(CommandError, match="Something is wrong"),
    ):
        call_command(Command(), "doctor", stdout=said, no_color=True)
    text = said.getvalue()
    assert f"wrong  {tmp_path}/package.json has" in text
    assert f'package-proxy  Delete "proxy" in {tmp_path}/package.json' in text
    assert "FOLDER" in text
