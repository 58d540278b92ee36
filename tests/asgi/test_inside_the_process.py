"""The ASGI application and the middleware called by hand, for what no server shows."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.core.asgi import get_asgi_application as get_django_application
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory, override_settings

from samesite_proxy import asgi
from samesite_proxy.middleware import SameSiteProxyMiddleware
from samesite_proxy.proxy.place import NAME
from tests.asgi.sockets import never_answering
from tests.harness.http_requests import Recorder
from tests.harness.scripted_upstream import Script, ScriptedUpstream, answering, scripted

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Event = dict[str, Any]


def scope_of(path: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        **more,
    }


async def django(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Django")


def hops(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is given to a thread from now on; the resolver of names has its own use for one."""
    seen: list[Any] = []

    def run_in_executor(loop: Any, executor: Any, function: Any, *args: Any) -> Any:
        seen.append(function)
        raise AssertionError("a thread hop")

    monkeypatch.setattr(asyncio.BaseEventLoop, "run_in_executor", run_in_executor)
    return seen


def test_forwarded_request_never_hops_to_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        scripted(answering(OK)) as upstream,
        override_settings(SAMESITE_PROXY={"FRONTEND": upstream.url}, MIDDLEWARE=[NAME]),
    ):
        middleware = SameSiteProxyMiddleware(django)
        assert iscoroutinefunction(middleware)
        seen = hops(monkeypatch)

        async def story() -> bytes:
            request = ASGIRequest(scope_of("/page"), io.BytesIO())
            response: Any = await middleware(request)
            return b"".join([piece async for piece in response])

        assert asyncio.run(story()) == b"ok"
        assert seen == []


def sync_django(request: HttpRequest) -> HttpResponse:
    return HttpResponse("Django")


def by_hand() -> HttpRequest:
    """A request of no server's."""
    request = HttpRequest()
    request.META |= {"HTTP_HOST": "localhost", "REQUEST_METHOD": "GET", "PATH_INFO": "/page"}
    request.method, request.path, request.path_info = "GET", "/page", "/page"
    return request


@contextmanager
def middleware_alone(script: Script) -> Iterator[None]:
    """Settings under which the middleware forwards what Django's factories of requests make."""
    with (
        scripted(script) as upstream,
        override_settings(
            SAMESITE_PROXY={"FRONTEND": upstream.url}, MIDDLEWARE=[NAME], ALLOWED_HOSTS=["*"]
        ),
    ):
        yield


REQUESTS: dict[str, tuple[Callable[[], HttpRequest], bool, bool]] = {
    # What makes it, and whether its answer's body is async in sync and in async middleware.
    "wsgi": (lambda: RequestFactory().get("/page"), False, False),
    "asgi": (lambda: AsyncRequestFactory().get("/page"), True, True),
    "by hand": (by_hand, False, True),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_requests_class_decides_how_it_is_answered(kind: str) -> None:
    """In both modes; and where it decides nothing, as for other requests, the mode does."""
    make, *expected = REQUESTS[kind]

    async def body_of(response: Any) -> bytes:
        if response.is_async:
            return b"".join([piece async for piece in response])
        return b"".join(response)

    async def story() -> list[bool]:
        found = []
        for middleware in (
            sync_to_async(SameSiteProxyMiddleware(sync_django)),
            SameSiteProxyMiddleware(django),
        ):
            response: Any = await middleware(make())
            assert await body_of(response) == b"ok"
            found.append(response.is_async)
        return found

    with middleware_alone(answering(OK)):
        assert asyncio.run(story()) == expected


def test_refusal_is_said_in_an_event_loop_without_a_warning_of_djangos() -> None:
    async def story() -> bytes:
        request = AsyncRequestFactory().generic("TRACE", "/page")
        response: Any = await SameSiteProxyMiddleware(django)(request)
        assert response.status_code == 405
        return b"".join([piece async for piece in response])

    with middleware_alone(answering(OK)):
        assert asyncio.run(story()) == b"samesite_proxy: this method is not forwarded.\n"


@pytest.mark.parametrize("place", ["no loop", "in the loop", "a thread of its own"])
def test_answer_is_whole_where_no_loop_waits_for_sync_middleware(place: str) -> None:
    """As of a loop made for the head alone, the body would never come."""

    def answer() -> bytes:
        request = AsyncRequestFactory().post("/page", b"body", content_type="a/b")
        return b"".join(SameSiteProxyMiddleware(sync_django)(request))

    async def story() -> bytes:
        return answer() if place == "in the loop" else await asyncio.to_thread(answer)

    with middleware_alone(Recorder()):
        assert (answer() if place == "no loop" else asyncio.run(story())) == b"ok"


def test_middleware_is_sync_where_what_follows_is() -> None:
    with override_settings(SAMESITE_PROXY={}, MIDDLEWARE=[NAME]):
        assert not iscoroutinefunction(SameSiteProxyMiddleware(lambda request: None))


def application(calls: list[str]) -> Callable[..., Awaitable[None]]:
    async def inner(scope: dict[str, Any], receive: Any, send: Any) -> None:
        calls.append(scope["type"])

    return inner


def test_lifespan_and_unknown_scopes_are_the_inner_applications() -> None:
    calls: list[str] = []
    with override_settings(SAMESITE_PROXY={}, MIDDLEWARE=[NAME]):
        wrapped = asgi.wrap(application(calls))

    async def story() -> None:
        for kind in ("lifespan", "mqtt"):
            await wrapped({"type": kind}, None, None)

    asyncio.run(story())
    assert calls == ["lifespan", "mqtt"]


def test_wrong_settings_stop_the_application_from_being_built() -> None:
    with (
        override_settings(SAMESITE_PROXY={"FRONTEND": 1}, MIDDLEWARE=[NAME]),
        pytest.raises(ImproperlyConfigured),
    ):
        asgi.wrap(markcoroutinefunction(django))


def test_proxy_that_is_off_leaves_the_application_as_it_is() -> None:
    with override_settings(SAMESITE_PROXY={"FRONTEND": None}, MIDDLEWARE=[NAME]):
        inner = get_django_application()
        assert asgi.wrap(inner) is inner


@contextmanager
def proxied(script: Script) -> Iterator[tuple[Any, ScriptedUpstream]]:
    """Our application in front of Django's, and its frontend."""
    with (
        scripted(script) as upstream,
        override_settings(SAMESITE_PROXY={"FRONTEND": upstream.url}, MIDDLEWARE=[NAME]),
    ):
        yield asgi.wrap(get_django_application()), upstream


def call(wrapped: Any, scope: dict[str, Any], *events: Event) -> list[Event]:
    """What an application says to these events, after which the client stays and is silent."""
    said: list[Event] = []
    coming = list(events)

    async def receive() -> Event:
        if coming:
            return coming.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(event: Event) -> None:
        said.append(event)

    asyncio.run(wrapped(scope, receive, send))
    return said


def test_client_that_leaves_is_told_nothing_and_its_exchange_ends() -> None:
    with proxied(never_answering) as (wrapped, upstream):
        assert call(wrapped, scope_of("/p"), {"type": "http.disconnect"}) == []
        assert upstream.next_finished().received.startswith(b"GET /p ")


def test_quick_answer_asks_nothing_of_the_server() -> None:
    async def receive() -> Event:
        raise AssertionError("a task of its own, for nothing")

    said: list[Event] = []

    async def send(event: Event) -> None:
        said.append(event)

    with proxied(answering(OK)) as (wrapped, _):
        asyncio.run(wrapped(scope_of("/p"), receive, send))
    assert [event.get("body") for event in said] == [None, b"ok"]


@pytest.mark.parametrize(
    ("headers", "events", "status"),
    [
        ([(b"content-length", b"x")], [], 400),
        ([(b"content-length", b"3"), (b"content-length", b"4")], [], 400),
        ([(b"content-length", b"3")], [{"type": "http.request", "body": b"ab"}], 400),
        ([(b"host", b"second")], [], 400),
    ],
    ids=["no-number", "two-lengths", "short", "two-hosts"],
)
def test_what_a_lax_server_lets_through_is_refused(
    headers: list[tuple[bytes, bytes]], events: list[Event], status: int
) -> None:
    with proxied(never_answering) as (wrapped, _):
        scope = scope_of("/p", method="POST")
        scope["headers"] = [*scope["headers"], *headers]
        assert call(wrapped, scope, *events)[0]["status"] == status


@pytest.mark.parametrize(("root", "path"), [("", "/api/hello/"), ("/root", "/root/api/hello/")])
def test_root_path_is_left_out_of_the_decision_as_django_does(root: str, path: str) -> None:
    calls: list[str] = []
    with override_settings(SAMESITE_PROXY={}, MIDDLEWARE=[NAME]):
        wrapped = asgi.wrap(application(calls))
        call(wrapped, scope_of(path, root_path=root))
    assert calls == ["http"]


def test_body_that_no_field_announces_crosses_from_http2() -> None:
    bodies: list[bytes] = []

    def script(connection: Any) -> None:
        connection.receive_until(b"0\r\n\r\n")
        bodies.append(connection.received.partition(b"\r\n\r\n")[2])
        connection.send(OK)

    with proxied(script) as (wrapped, _):
        scope = scope_of("/p", method="POST", http_version="2")
        said = call(wrapped, scope, {"type": "http.request", "body": b"body"})
        assert said[0]["status"] == 200
    assert bodies == [b"4\r\nbody\r\n0\r\n\r\n"]


@pytest.mark.parametrize(
    ("version", "cookies"), [("1.1", [b"a=1", b"b=2"]), ("2", [b"a=1; b=2"]), ("3", [b"a=1; b=2"])]
)
def test_cookie_that_http2_took_apart_is_one(version: str, cookies: list[bytes]) -> None:
    seen: list[bytes] = []

    def script(connection: Any) -> None:
        connection.receive_head()
        seen.extend(re.findall(rb"(?im)^cookie: (.*?)\r$", connection.received))
        connection.send(OK)

    headers = [(b"host", b"localhost"), (b"cookie", b"a=1"), (b"x", b"y"), (b"cookie", b"b=2")]
    with proxied(script) as (wrapped, _):
        scope = scope_of("/p", http_version=version, headers=headers)
        call(wrapped, scope, {"type": "http.request", "body": b""})
    assert seen == cookies
