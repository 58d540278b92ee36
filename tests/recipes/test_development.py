"""docs/development.md: HTTPS by its own lines, with hot reload's WebSocket and a form."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.django_servers import ROOT, Program
from tests.harness.http_requests import RequestReader
from tests.harness.nginx import running
from tests.harness.ports import free_port
from tests.harness.raw_client import Answer
from tests.harness.scripted_upstream import Connection, scripted
from tests.harness.tls import make_certificate, tls_client
from tests.packaging.wheel_frontend import echo, is_echoed
from tests.recipes.projects import REST, SETTINGS, WSGI, block_with

PAGE = "docs/development.md"
ORIGIN = "https://localhost:8443"
SERVERS = ("uvicorn", "hypercorn", "runserver")
OURS = """
DEBUG = True
INSTALLED_APPS.insert(0, "samesite_proxy")
MIDDLEWARE = [
    "samesite_proxy.middleware.SameSiteProxyMiddleware",
%s]
SAMESITE_PROXY = {"FRONTEND": "%s"}
"""
URLS = """
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.urls import path

urlpatterns = [path("form/", lambda request: HttpResponse(get_token(request)))]
urlpatterns += staticfiles_urlpatterns()
"""
ASGI = (
    "from samesite_proxy.asgi import get_asgi_application\napplication = get_asgi_application()\n"
)


def telling(connection: Connection) -> None:
    """A frontend that answers by the scheme that it is told, and speaks WebSocket."""
    reader = RequestReader(connection)
    while True:
        request = reader.whole()
        if key := request.get("Sec-WebSocket-Key"):
            echo(connection, key)
            return
        body = (request.get("X-Forwarded-Proto") or "").encode()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


def made(folder: Path, frontend: str) -> None:
    make_certificate(folder, "localhost")
    (folder / "localhost.key").rename(folder / "localhost-key.pem")
    (folder / "config").mkdir()
    texts = {
        "settings": SETTINGS + OURS % (REST, frontend),
        "urls": URLS,
        "wsgi": WSGI,
        "asgi": ASGI,
    }
    for name, text in texts.items():
        (folder / f"config/{name}.py").write_text(text)


@contextmanager
def started(folder: Path, arguments: list[str], port: int, words: str = "") -> Iterator[None]:
    environment = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
    }
    program = Program(arguments[0], ["-m", *arguments], environment, folder=folder)
    try:
        program.await_listener(port, words)
        yield
    finally:
        program.stop()


@contextmanager
def https(folder: Path, server: str) -> Iterator[int]:
    """The port of a server that is started as the page has it."""
    port = free_port()
    if server != "runserver":
        (line,) = (line for line in block_with(server, "sh", PAGE).splitlines() if server in line)
        line = line.replace("8443", str(port)).replace("--bind localhost", "--bind 127.0.0.1")
        with started(folder, line.split(), port):
            yield port
        return
    behind = free_port()
    with (folder / "config/settings.py").open("a") as settings:
        settings.write(block_with("SECURE_PROXY_SSL_HEADER =", "python", PAGE))
    text = block_with("listen 127.0.0.1:8443 ssl", "nginx", PAGE).replace("8443", str(port))
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{behind}")
    runserver = ["django", "runserver", "--noreload", str(behind)]
    with started(folder, runserver, behind, "Quit the server"), running(folder, text, port):
        yield port


def ask(port: int, head: str, *fields: str, body: str = "") -> Answer:
    lines = [f"{head} HTTP/1.1", "Host: localhost:8443", f"Content-Length: {len(body)}", *fields]
    with tls_client(port) as client:
        client.send(("\r\n".join([*lines, "", ""]) + body).encode())
        return client.read_answer()


@pytest.mark.parametrize("server", SERVERS)
def test_https_has_hot_reload_forms_and_the_scheme(server: str, tmp_path: Path) -> None:
    with scripted(telling) as frontend:
        made(tmp_path, frontend.url)
        with https(tmp_path, server) as port:
            assert ask(port, "GET /scheme").body == b"https"
            with tls_client(port) as client:
                assert is_echoed(client)
            assert ask(port, "GET /static/admin/css/base.css").status == 200
            token = ask(port, "GET /form/")
            cookie = token.all("Set-Cookie")[0].partition(";")[0]
            said = f"csrfmiddlewaretoken={token.body.decode()}"
            kind = "Content-Type: application/x-www-form-urlencoded"
            fields = (f"Origin: {ORIGIN}", f"Cookie: {cookie}", kind)
            assert ask(port, "POST /form/", *fields, body=said).status == 200
            foreign = ("Origin: https://example.com", *fields[1:])
            assert ask(port, "POST /form/", *foreign, body=said).status == 403
