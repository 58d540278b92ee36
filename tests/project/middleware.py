"""Middleware that stand before ours, or behind it, in some tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.decorators import async_only_middleware

GetResponse = Callable[[HttpRequest], HttpResponseBase]
AsyncGetResponse = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


def sync_only(get_response: GetResponse) -> GetResponse:
    """What a plain function is to Django."""
    return lambda request: get_response(request)


@async_only_middleware
def async_only(get_response: AsyncGetResponse) -> AsyncGetResponse:
    async def middleware(request: HttpRequest) -> HttpResponseBase:
        return await get_response(request)

    return middleware


def visits_counted(get_response: GetResponse) -> GetResponse:
    """Writes to the session, so that SessionMiddleware sets its cookie."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.session["visits"] = request.session.get("visits", 0) + 1
        return get_response(request)

    return middleware


def edits(get_response: GetResponse) -> GetResponse:
    """Sets, deletes, adds to and wraps what a frontend's answer has."""

    def shouted(pieces: Iterator[bytes]) -> Iterator[bytes]:
        return (piece.upper() for piece in pieces)

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response["X-Set"] = "by Django"
        response["x-new"] = "new"
        del response["X-Deleted"]
        response.set_cookie("django", "1")
        assert isinstance(response, StreamingHttpResponse)
        response.streaming_content = shouted(iter(response.streaming_content))
        return response

    return middleware


def reads_body(get_response: GetResponse) -> GetResponse:
    """Reads the request's body before it is forwarded."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response_to_body = str(len(request.body))
        response = get_response(request)
        response["X-Body-Length"] = response_to_body
        return response

    return middleware


def reads_form(get_response: GetResponse) -> GetResponse:
    """Reads it as a form, which leaves nothing."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        assert request.POST
        return get_response(request)

    return middleware


def gates(get_response: GetResponse) -> GetResponse:
    """Lets nobody in without the word."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.headers.get("X-Word") != "please":
            return StreamingHttpResponse([b"no"], status=403)
        return get_response(request)

    return middleware
