"""The README's recipes for production, as they are printed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.django_servers import COMMANDS, DjangoServer, free_port, serving
from tests.harness.http_requests import Recorder
from tests.harness.nginx import running
from tests.harness.raw_client import Answer, exchange, get
from tests.harness.scripted_upstream import ScriptedUpstream, scripted
from tests.process.processes import await_that
from tests.recipes.projects import block_with, make_project

pytestmark = pytest.mark.xdist_group("recipe for production")

INDEX = b"<!doctype html><title>The frontend</title>"
SCRIPT = "/assets/index-DkB2fK3Z.js"
PAGE = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"
YEAR = 31536000


@contextlib.contextmanager
def gunicorn(folder: Path) -> Iterator[DjangoServer]:
    COMMANDS["recipe"] = lambda port: [
        *("-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--chdir", str(folder)),
        *("--threads", "8", "--no-control-socket", "config.wsgi"),
    ]
    with serving("recipe", {}, DJANGO_SETTINGS_MODULE="config.production") as server:
        yield server


def is_frontends(answer: Answer) -> bool:
    return answer.status == 200 and answer.body == INDEX


def build(folder: Path) -> None:
    """What a bundler leaves behind."""
    (folder / "frontend/dist/assets").mkdir(parents=True)
    (folder / "frontend/dist/index.html").write_bytes(INDEX)
    (folder / f"frontend/dist{SCRIPT}").write_text("export {}")
    (folder / "frontend/dist/.vite").mkdir()
    manifest = {"index.html": {"file": SCRIPT.removeprefix("/")}}
    (folder / "frontend/dist/.vite/manifest.json").write_text(json.dumps(manifest))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DjangoServer]:
    folder = tmp_path_factory.mktemp("built")
    build(folder)
    make_project(folder, block_with('BASE_DIR / "frontend/dist"'))
    with gunicorn(folder) as server:
        yield server
        assert "Traceback" not in server.log()


@pytest.fixture(scope="module")
def nginx(built: DjangoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Its port, in front of the same project."""
    folder = tmp_path_factory.mktemp("nginx")
    build(folder)
    port = free_port()
    text = block_with("try_files", "nginx")
    for printed, own in {
        "listen 80;": f"listen 127.0.0.1:{port};",
        "/srv/site/frontend/dist": str(folder / "frontend/dist"),
        "127.0.0.1:8000": f"127.0.0.1:{built.port}",
    }.items():
        assert printed in text
        text = text.replace(printed, own)
    with running(folder, text, port):
        yield port


@pytest.fixture(params=["folder", "nginx"])
def port(request: pytest.FixtureRequest, built: DjangoServer) -> int:
    if request.param == "nginx":
        number: int = request.getfixturevalue("nginx")
        return number
    return built.port


def test_deep_links_are_the_frontends_page(port: int) -> None:
    for path in ("/", "/dashboard", "/users/7/", "/a/b.c/d?x=1"):
        assert is_frontends(get(port, path, PAGE)), path
    answer = exchange(port, f"HEAD /users/7 HTTP/1.1\r\nHost: localhost\r\n{PAGE}\r\n\r\n".encode())
    assert answer.status == 200
    assert "no-cache" in get(port, "/users/7", PAGE).all("Cache-Control")


def test_what_is_djangos_stays_djangos(port: int) -> None:
    assert get(port, "/api/hello/", PAGE).body == b"Django answers"
    assert get(port, "/api/missing/", PAGE).status == 404
    assert get(port, "/api/nothing/", "Accept: */*").status == 404
    assert get(port, "/admin", PAGE).get("Location") == "/admin/"
    assert get(port, "/admin/", PAGE).status == 302


def test_only_pages_get_the_page(built: DjangoServer) -> None:
    assert get(built.port, "/users/7", PAGE).get("X-Frame-Options") == "DENY"
    for lines in ([], ["Accept: */*"], ["Accept: application/json"]):
        assert get(built.port, "/nothing", *lines).status == 404
    post = f"POST /nothing HTTP/1.1\r\nHost: localhost\r\n{PAGE}\r\nContent-Length: 0\r\n\r\n"
    assert exchange(built.port, post.encode()).status in (403, 404)


def test_hashed_files_are_kept_and_missing_ones_are_missing(port: int) -> None:
    answer = get(port, SCRIPT)
    assert (answer.status, answer.body) == (200, b"export {}")
    await_that(
        "what was just written is kept",
        lambda: "immutable" in (get(port, SCRIPT).get("Cache-Control") or ""),
    )
    (control,) = get(port, SCRIPT).all("Cache-Control")
    seconds = int(control.split("max-age=")[1].split(",")[0])
    assert seconds >= YEAR
    assert get(port, "/assets/none-1.js", "Accept: */*").status == 404


def test_admin_has_its_styles(port: int) -> None:
    answer = get(port, "/static/admin/css/base.css")
    assert (answer.status, answer.get("Content-Type")) == (200, 'text/css; charset="utf-8"')


def test_admin_has_its_styles_beside_a_frontend_server(tmp_path: Path) -> None:
    with scripted(Recorder()) as frontend:
        make_project(tmp_path, frontend_settings(frontend))
        with gunicorn(tmp_path) as server:
            assert get(server.port, "/static/admin/css/base.css").status == 200
            assert get(server.port, "/static/none.css").status == 404
            assert get(server.port, "/page").body == b"ok"


def frontend_settings(frontend: ScriptedUpstream) -> str:
    recipe = block_with(
        '= [\n    "samesite_proxy.middleware.SameSiteProxyMiddleware",\n    "whitenoise'
    )
    ours = f"SAMESITE_PROXY = {json.dumps({'FRONTEND': frontend.url})}\n"
    return f"from config.settings import *\nDEBUG = False\n{ours}{recipe}"
