"""A folder as FRONTEND beside servers, behind a gate, and while it is built anew."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.test import AsyncRequestFactory, RequestFactory, override_settings

from samesite_proxy import conf
from samesite_proxy.aio.built import BuiltFrontend as AsyncBuiltFrontend
from samesite_proxy.built import files
from samesite_proxy.built.files import IMMUTABLE
from samesite_proxy.proxy.errors import Refused
from samesite_proxy.sync.built import BuiltFrontend
from tests.asgi import servers as asgi_servers
from tests.built.test_folder import INDEX, LARGE, PAGE, ask, make_build
from tests.harness.django_servers import DjangoServer, serving
from tests.harness.groups import grouped
from tests.harness.http_requests import Recorder
from tests.harness.scripted_upstream import scripted
from tests.traffic.test_wsgi_application import wrapped

KINDS = ("fastpath", "gthread", wrapped("gthread"), *asgi_servers.front("uvicorn"))
OFFER = (
    *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


@pytest.fixture(params=grouped("built beside a server", KINDS))
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DjangoServer]:
    """`/` is a folder that is a symbolic link, `/docs` another one, `/live` a server's."""
    make_build(tmp_path)
    (tmp_path / "now").symlink_to("dist")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.html").write_bytes(b"the manual")
    with scripted(Recorder(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlive")) as upstream:
        folders = {"/": str(tmp_path / "now"), "/docs": str(tmp_path / "docs")}
        settings = {"FRONTEND": {**folders, "/live": upstream.url}}
        with serving(request.param, settings) as started:
            yield started
            assert "Traceback" not in started.log()


def test_folders_and_servers_stand_beside_each_other(server: DjangoServer, tmp_path: Path) -> None:
    port = server.port
    assert ask(port, "/").body == INDEX
    assert ask(port, "/live/x").body == b"live"
    assert ask(port, "/docs/").body == ask(port, "/docs/a/b", PAGE).body == b"the manual"
    bare = ask(port, "/docs")
    assert (bare.status, bare.get("Location")) == (302, "./docs/")
    assert ask(port, "/docs/about").status == 404
    assert ask(port, "/", *OFFER).status == 404
    assert ask(port, "/", "Upgrade: h2c", "Connection: Upgrade").body == INDEX
    # Another build takes the place of the first one, by one rename.
    (tmp_path / "new").mkdir()
    (tmp_path / "new/index.html").write_bytes(INDEX.upper())
    os.utime(tmp_path / "new/index.html", (1, 1))
    known = ask(port, "/")
    (tmp_path / "next").symlink_to("new")
    (tmp_path / "next").replace(tmp_path / "now")
    answer = ask(port, "/", f"If-None-Match: {known.get('ETag')}")
    assert (answer.status, answer.body) == (200, INDEX.upper())
    assert ask(port, "/large.bin").status == 404
    # And now there is none, until there is one.
    (tmp_path / "new/index.html").rename(tmp_path / "new/other.html")
    answer = ask(port, "/users/7", PAGE)
    assert answer.status == 503
    assert b"npm run build" in answer.body
    (tmp_path / "new/other.html").rename(tmp_path / "new/index.html")
    assert ask(port, "/users/7", PAGE).body == INDEX.upper()


@pytest.mark.parametrize("kind", ["runserver", "fastpath", "waitress", "gthread", "uvicorn front"])
def test_slash_too_many_is_another_path_under_every_server(kind: str, tmp_path: Path) -> None:
    with serving(kind, {"FRONTEND": str(make_build(tmp_path))}) as server:
        targets = ("/large.bin", "//large.bin", "///large.bin", "//static/known.txt")
        statuses = [ask(server.port, target).status for target in targets]
    assert statuses == [200, 404, 404, 404]


GATE = json.dumps(["tests.built.gate.gate", "samesite_proxy.middleware.SameSiteProxyMiddleware"])


@pytest.mark.parametrize("kind", ["fastpath", wrapped("gthread"), "uvicorn front"])
def test_gate_before_ours_holds_for_files(kind: str, tmp_path: Path) -> None:
    settings = {"FRONTEND": str(make_build(tmp_path))}
    with serving(kind, settings, TEST_MIDDLEWARE=GATE) as server:
        assert ask(server.port, "/large.bin").status == 403
        answer = ask(server.port, "/large.bin", "Cookie: key=1")
        assert (answer.status, answer.body) == (200, LARGE)
        assert answer.get("X-Gate") == "open"


def read(response: Any) -> bytes:
    return b"".join(response)


def folder(path: Path) -> conf.Frontend:
    with override_settings(SAMESITE_PROXY={"FRONTEND": path, "COMMAND": "npm run dev"}):
        settings, problems = conf.read()
    assert settings is not None, problems
    assert settings.commands == ()
    (frontend,) = settings.frontends
    assert not frontend.is_commanded
    return frontend


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def asked(path: str, **fields: str) -> HttpRequest:
    return RequestFactory(HTTP_HOST="localhost").get(path, **fields)


def test_whole_large_file_is_given_to_the_server_as_a_file(tmp_path: Path) -> None:
    """Where its socket is ours to break, if the file turns out to be another one."""
    built = BuiltFrontend(folder(make_build(tmp_path)))
    before = descriptors()
    hidden: Any = built.answer(asked("/large.bin"), None, 0)
    assert hidden.file_to_stream is None
    assert read(hidden) == LARGE
    hidden.close()
    ours, peer = socket.socketpair()
    with ours, peer:
        response: Any = built.answer(asked("/large.bin"), ours, 0)
        assert os.pread(response.file_to_stream.fileno(), len(LARGE), 0) == LARGE
        response.close()
        part: Any = built.answer(asked("/large.bin", HTTP_RANGE="bytes=1-700000"), ours, 0)
        assert part.file_to_stream is None
        assert read(part) == LARGE[1:700001]
        part.close()
        other: Any = built.answer(asked("/large.bin"), ours, 0)
        other.streaming_content = map(bytes.upper, other.streaming_content)
        assert other.file_to_stream is None
        assert read(other) == LARGE.upper()
        other.close()
    assert descriptors() == before


def test_client_that_leaves_leaves_no_open_file(tmp_path: Path) -> None:
    built = AsyncBuiltFrontend(folder(make_build(tmp_path)))
    before = descriptors()

    async def leave() -> int:
        request = AsyncRequestFactory().get("/large.bin")
        response = await built.answer(request)
        async for piece in response:
            assert LARGE.startswith(piece)
            break
        held = descriptors()
        response.close()
        return held

    with override_settings(ALLOWED_HOSTS=["testserver"]):
        assert asyncio.run(leave()) > before
    assert descriptors() == before


def test_query_keeps_its_bytes_where_another_address_is_named(tmp_path: Path) -> None:
    """As servers hand it on that take bytes beyond ASCII: whatever these are, they are quoted."""
    frontend, query = folder(make_build(tmp_path)), "a=%2f'\"&q=é한"
    wsgi = asked("/docs", QUERY_STRING=query.encode().decode("latin-1"))
    scope = {**AsyncRequestFactory().get("/docs").scope, "query_string": query.encode()}
    with override_settings(ALLOWED_HOSTS=["localhost", "testserver"]):
        located = [
            BuiltFrontend(frontend).answer(wsgi, None, 0).items(),
            asyncio.run(AsyncBuiltFrontend(frontend).answer(ASGIRequest(scope, BytesIO()))).items(),
        ]
    for fields in located:
        assert dict(fields)["Location"] == "./docs/?a=%2f'\"&q=%C3%A9%ED%95%9C"


def test_prefix_that_begins_with_a_dot_is_the_project_s_word(tmp_path: Path) -> None:
    built = BuiltFrontend(replace(folder(make_build(tmp_path)), prefix="/.docs"))
    told = [
        read(built.answer(asked(path, HTTP_ACCEPT="text/html"), None, 0))
        for path in ("/.docs/", "/.docs/about", "/.docs/users/7")
    ]
    assert told == [INDEX, b"about", INDEX]
    for path in ("/.docs/.env", "/.docs/.docs/x"):
        with pytest.raises(Refused):
            built.answer(asked(path, HTTP_ACCEPT="text/html"), None, 0)


def test_sibling_that_leads_out_of_the_folder_is_none(tmp_path: Path) -> None:
    dist = make_build(tmp_path)
    (dist / "about.html.gz").symlink_to(tmp_path / "secret.txt")
    built = BuiltFrontend(folder(dist))
    with pytest.raises(Exception, match="no such file"):
        built.answer(asked("/about.html", HTTP_ACCEPT_ENCODING="gzip"), None, 0)


def test_build_of_the_same_time_and_size_is_another_one(tmp_path: Path) -> None:
    """As builds are that can be repeated: their index.html names other files."""
    dist = make_build(tmp_path)
    os.utime(dist / "index.html", (1, 1))
    built = BuiltFrontend(folder(dist))
    tag = str(built.answer(asked("/"), None, 0).headers["ETag"])
    assert built.answer(asked("/", HTTP_IF_NONE_MATCH=tag), None, 0).status_code == 304
    (dist / "new").write_bytes(INDEX.upper())
    os.utime(dist / "new", (1, 1))
    (dist / "new").replace(dist / "index.html")
    assert read(built.answer(asked("/", HTTP_IF_NONE_MATCH=tag), None, 0)) == INDEX.upper()


@pytest.mark.parametrize(
    ("manifest", "control"),
    [
        ("{", "no-cache"),
        ("[]", "no-cache"),
        ('{"a": null, "b": 1}', "no-cache"),
        ('{"a": {"file": 1, "css": 2}}', "no-cache"),
        ('{"a": {"file": "assets/a.js", "css": null}}', "no-cache"),
        ('{"a": {"file": "assets/a.js", "css": ["assets/a.css"]}}', IMMUTABLE),
    ],
)
def test_manifest_that_is_none_of_vites_names_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manifest: str, control: str
) -> None:
    monkeypatch.setattr(files, "SETTLED_NS", -(10**18))  # What is new counts as old.
    (tmp_path / ".vite").mkdir()
    (tmp_path / ".vite/manifest.json").write_text(manifest)
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/a.css").write_text("a{}")
    response = BuiltFrontend(folder(tmp_path)).answer(asked("/assets/a.css"), None, 0)
    assert response.headers["Cache-Control"] == control
