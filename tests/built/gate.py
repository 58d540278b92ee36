"""A login before the frontend, as a project writes it."""

from __future__ import annotations

from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseForbidden
from django.utils.decorators import sync_and_async_middleware


@sync_and_async_middleware
def gate(get_response: Any) -> Any:
    def opened(response: Any) -> Any:
        response.headers["X-Gate"] = "open"
        return response

    def middleware(request: HttpRequest) -> Any:
        if "key" not in request.COOKIES:
            return HttpResponseForbidden()
        return opened(get_response(request))

    async def awaited(request: HttpRequest) -> Any:
        if "key" not in request.COOKIES:
            return HttpResponseForbidden()
        return opened(await get_response(request))

    return awaited if iscoroutinefunction(get_response) else middleware
