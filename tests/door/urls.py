"""Views that are good, slow, careless and untruthful."""

from __future__ import annotations

import importlib
import os
import sys
import threading
import traceback
from pathlib import Path

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import include, path

# The autoreloader watches every imported module, this one too.
if watched := os.environ.get("TEST_WATCHED_MODULE"):
    importlib.import_module(watched)


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Django answers {request.path}")


def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body)


def who(request: HttpRequest) -> JsonResponse:
    names = ("REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "QUERY_STRING")
    own = {"pid": os.getpid(), "thread": threading.current_thread().name}
    return JsonResponse({name: request.META[name] for name in names} | own)


def waits(request: HttpRequest) -> HttpResponse:
    """Says in a file that it has begun, and goes on when another one is there."""
    Path(request.GET["begun"]).touch()
    pause = threading.Event()
    while not Path(request.GET["until"]).exists():
        pause.wait(0.01)
    return HttpResponse("waited")


def waits_for_a_save(request: HttpRequest) -> HttpResponse:
    """Goes on when the reloader, in the main thread, waits for this answer."""
    Path(request.GET["begun"]).touch()
    pause = threading.Event()
    reloader = threading.main_thread().ident or 0
    while "leave" not in (
        frame.f_code.co_name for frame, _ in traceback.walk_stack(sys._current_frames()[reloader])
    ):
        pause.wait(0.01)
    return HttpResponse("waited")


def promises_more(request: HttpRequest) -> HttpResponse:
    return HttpResponse("three", headers={"Content-Length": "10"})


def says_more(request: HttpRequest) -> HttpResponse:
    return HttpResponse("three and more", headers={"Content-Length": "5"})


def streams(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"one,", b"two"]))


def streams_a_length(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"one,", b"two"]), headers={"Content-Length": "7"})


def has_nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


def fails(request: HttpRequest) -> HttpResponse:
    raise ValueError("as it should")


def exits(request: HttpRequest) -> HttpResponse:
    raise SystemExit


OWN = [
    path(f"{view.__name__}/", view)
    for view in (
        *(hello, echo, who, waits, promises_more, says_more, streams, streams_a_length),
        *(has_nothing, fails, exits, waits_for_a_save),
    )
]
urlpatterns = [path("api/", include(OWN))]
