"""A project in which everything but /login/ is for those who have a session: its gate, its URLs."""

from __future__ import annotations

from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.urls import include, path
from django.utils.decorators import sync_and_async_middleware

OPEN = "/login/"


def is_let_in(request: HttpRequest) -> bool:
    return "session" in request.COOKIES or request.path_info.startswith(OPEN)


@sync_and_async_middleware
def gate(get_response: Any) -> Any:
    def middleware(request: HttpRequest) -> Any:
        return get_response(request) if is_let_in(request) else HttpResponseForbidden("gate")

    async def awaited(request: HttpRequest) -> Any:
        return await get_response(request) if is_let_in(request) else HttpResponseForbidden("gate")

    return awaited if iscoroutinefunction(get_response) else middleware


def login(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Django answers {request.path}", content_type="text/plain")


urlpatterns = [path("login/", include([path("", login), path("form/", login)]))]
