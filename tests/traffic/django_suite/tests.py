"""Tests as a project that uses the middleware would write them; Django's runner runs them.

FRONTEND_URL is the address of a frontend that answers each request by its method, its target
and its body. Empty: nothing is forwarded.
"""

from __future__ import annotations

import os
import unittest
import urllib.request
from http.client import HTTPConnection

import pytest
from channels.testing import WebsocketCommunicator
from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient, LiveServerTestCase, SimpleTestCase, override_settings

from tests.project import asgi, channels_asgi, wrapped_wsgi
from tests.traffic.django_suite.applications import ask_asgi, ask_by_websocket, ask_wsgi

HAS_FRONTEND = bool(os.environ.get("FRONTEND_URL"))
with_frontend = unittest.skipUnless(HAS_FRONTEND, "nothing is forwarded")
without_frontend = unittest.skipIf(HAS_FRONTEND, "there is a frontend")
OURS = "samesite_proxy.middleware.SameSiteProxyMiddleware"
sync_behind = override_settings(MIDDLEWARE=[OURS, "tests.project.middleware.sync_only"])
async_behind = override_settings(MIDDLEWARE=[OURS, "tests.project.middleware.async_only"])


class ClientTests(SimpleTestCase):
    def test_django_answers(self) -> None:
        self.assertContains(self.client.get("/api/hello/"), "Django answers /api/hello/")
        answer = self.client.post("/api/echo/", b"body", content_type="a/b")
        assert answer.json() == {"method": "POST", "body": "body"}

    @with_frontend
    def test_get_is_forwarded(self) -> None:
        answer = self.client.get("/page", {"q": "1"})
        assert answer.getvalue() == b"GET /page?q=1 "
        assert answer["X-Two"] == "a, b"

    @with_frontend
    def test_methods_are_forwarded(self) -> None:
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            answer = self.client.generic(method, "/act", b"some bytes", content_type="a/b")
            assert answer.getvalue() == f"{method} /act some bytes".encode()
        assert self.client.head("/act").status_code == 200

    @with_frontend
    def test_large_body_is_forwarded(self) -> None:
        body = b"x" * 3_000_000
        answer = self.client.post("/act", body, content_type="a/b")
        assert answer.getvalue() == b"POST /act " + body

    @with_frontend
    def test_form_with_file_is_forwarded(self) -> None:
        upload = SimpleUploadedFile("x.txt", b"the file's bytes")
        answer = self.client.post("/act", {"name": "value", "file": upload})
        assert b"the file's bytes" in answer.getvalue()

    @with_frontend
    def test_cookies_of_the_frontend_are_a_field_that_is_not_parsed(self) -> None:
        answer = self.client.get("/page")
        assert answer["Set-Cookie"] == "frontend=1; Path=/"
        assert list(self.client.cookies) == []

    @with_frontend
    @async_behind
    def test_request_is_forwarded_with_async_middleware_behind(self) -> None:
        assert self.client.post("/act", b"x", content_type="a/b").getvalue() == b"POST /act x"

    @without_frontend
    def test_frontends_path_is_nobodys(self) -> None:
        assert self.client.get("/page").status_code == 404


class AsyncClientTests(SimpleTestCase):
    async_client: AsyncClient

    async def test_django_answers(self) -> None:
        answer = await self.async_client.get("/api/hello/")
        assert answer.content == b"Django answers /api/hello/"

    @with_frontend
    async def test_request_is_forwarded(self) -> None:
        answer = await self.async_client.post("/act", b"some bytes", content_type="a/b")
        assert answer.status_code == 200
        assert b"".join([piece async for piece in answer]) == b"POST /act some bytes"

    @with_frontend
    @sync_behind
    async def test_request_is_forwarded_with_sync_middleware_behind(self) -> None:
        answer = await self.async_client.post("/act", b"x", content_type="a/b")
        assert b"".join([piece async for piece in answer]) == b"POST /act x"

    @without_frontend
    async def test_frontends_path_is_nobodys(self) -> None:
        assert (await self.async_client.get("/page")).status_code == 404


class ApplicationTests(SimpleTestCase):
    """As a server would call them: ours in front of Django's handlers, and of Channels' router."""

    async def test_django_answers(self) -> None:
        expected = "200", b"Django answers /api/hello/"
        assert ask_wsgi(wrapped_wsgi.application, "/api/hello/") == expected
        assert await ask_asgi(asgi.application, "/api/hello/") == expected
        assert await ask_asgi(channels_asgi.application, "/api/hello/") == expected
        fields = [(b"origin", b"http://testserver")]
        socket = WebsocketCommunicator(channels_asgi.application, "/chat/", headers=fields)
        assert (await socket.connect())[0]
        assert await socket.receive_from() == "Django /chat/"
        await socket.disconnect()

    @with_frontend
    async def test_request_is_forwarded(self) -> None:
        expected = "200", b"GET /page "
        assert ask_wsgi(wrapped_wsgi.application, "/page") == expected
        assert await ask_asgi(asgi.application, "/page") == expected
        assert await ask_asgi(channels_asgi.application, "/page") == expected
        said = await ask_by_websocket(channels_asgi.application, "/page", "mine")
        assert said == "websocket.close"  # This frontend has no WebSockets.

    @without_frontend
    async def test_frontends_path_is_nobodys(self) -> None:
        assert ask_wsgi(wrapped_wsgi.application, "/page")[0] == "404"
        assert (await ask_asgi(asgi.application, "/page"))[0] == "404"
        assert (await ask_asgi(channels_asgi.application, "/page"))[0] == "404"
        with pytest.raises(ValueError, match="No route found"):
            await ask_by_websocket(channels_asgi.application, "/page", "mine")
        said = await ask_by_websocket(channels_asgi.application, "/chat/", "vite-hmr")
        assert said == "websocket.accept"


class LiveTests(LiveServerTestCase):
    def fetch(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = HTTPConnection(self.live_server_url.partition("//")[2])
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def test_django_answers(self) -> None:
        assert self.fetch("GET", "/api/hello/")[1] == b"Django answers /api/hello/"

    @with_frontend
    def test_request_is_forwarded(self) -> None:
        assert self.fetch("GET", "/page") == (200, b"GET /page ")
        body = b"x" * 1_000_000
        assert self.fetch("POST", "/act", body) == (200, b"POST /act " + body)

    @without_frontend
    def test_frontends_path_is_nobodys(self) -> None:
        assert self.fetch("GET", "/page")[0] == 404


class StaticLiveTests(StaticLiveServerTestCase):
    def test_static_file_and_django_answer(self) -> None:
        for path in ("/api/hello/", "/static/samesite_proxy_tests/here.txt"):
            with urllib.request.urlopen(self.live_server_url + path) as answer:
                assert answer.status == 200

    @with_frontend
    def test_request_is_forwarded(self) -> None:
        with urllib.request.urlopen(self.live_server_url + "/page") as answer:
            assert answer.read() == b"GET /page "
