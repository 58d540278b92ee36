"""Views that are good, slow, careless and untruthful."""

from __future__ import annotations

import contextlib
import gc
import importlib
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import include, path

from samesite_proxy.fastpath.channel import Channel
from tests.process.processes import await_that

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


def begins(request: HttpRequest) -> HttpResponse:
    """Says in a file that it has begun once more, and goes on when another one is there."""
    with Path(request.GET["begun"]).open("a") as begun:
        begun.write(f"{os.getpid()}\n")
    body = request.body
    pause = threading.Event()
    while not Path(request.GET["until"]).exists():
        pause.wait(0.01)
    return HttpResponse(body or b"waited")


def begins_to_answer(request: HttpRequest) -> StreamingHttpResponse:
    def pieces() -> Iterator[bytes]:
        yield b"one,"
        pause = threading.Event()
        while not Path(request.GET["until"]).exists():
            pause.wait(0.01)
        yield b"two"

    return StreamingHttpResponse(pieces(), headers={"Content-Length": "7"})


def streams_through_a_save(request: HttpRequest) -> StreamingHttpResponse:
    """No length, and a last piece some time after the reloader has begun to wait for views."""

    def pieces() -> Iterator[bytes]:
        yield b"one,"
        waited = waits_for_a_save(request)
        threading.Event().wait(0.2)
        yield waited.content

    return StreamingHttpResponse(pieces())


def streams_without_end(request: HttpRequest) -> StreamingHttpResponse:
    """Something at once, if it is asked for, and then nothing for as long as it is read."""

    def pieces() -> Iterator[bytes]:
        if first := request.GET.get("first"):
            yield first.encode()
        Path(request.GET["begun"]).touch()
        threading.Event().wait()

    kind = request.GET["kind"]
    return StreamingHttpResponse(pieces(), content_type=kind)


def dies(request: HttpRequest) -> HttpResponse:
    """With the exit code, or by the signal."""
    number = int(request.GET["how"])
    if number < 0:
        os.kill(os.getpid(), -number)
    os._exit(number)


def _wait_as_a_daemon(until: Path) -> None:
    while not until.exists():
        time.sleep(0.01)


def forks(request: HttpRequest) -> HttpResponse:
    """Leaves a process behind, which is no other program."""
    until = Path(request.GET["until"])
    if request.GET["how"] == "multiprocessing":
        context = multiprocessing.get_context("fork")
        process = context.Process(target=_wait_as_a_daemon, args=(until,))
        process.start()
        return HttpResponse(process.pid)
    with warnings.catch_warnings(action="ignore"):  # This process has threads.
        pid = os.fork()
    if not pid:
        _wait_as_a_daemon(until)
        os._exit(0)
    return HttpResponse(pid)


def sizes_threads(request: HttpRequest) -> HttpResponse:
    """Stacks for which there is no memory let no thread start."""
    threading.stack_size(int(request.GET["stack"]))
    return HttpResponse("sized")


def signals_itself(request: HttpRequest) -> HttpResponse:
    """As if the kernel had chosen this thread for what was sent to the process."""
    signal.pthread_kill(threading.get_ident(), int(request.GET["number"]))
    return HttpResponse("sent")


def cuts_channels(request: HttpRequest) -> HttpResponse:
    """Its answer is none any more, once another thread has met the end."""
    channels = [found for found in gc.get_objects() if isinstance(found, Channel)]
    for channel in channels:
        with contextlib.suppress(OSError):
            channel._socket.shutdown(socket.SHUT_RDWR)
    await_that("the channels are lost", lambda: all(channel.is_lost for channel in channels))
    return HttpResponse("cut")


OWN = [
    path(f"{view.__name__}/", view)
    for view in (
        *(hello, echo, who, waits, promises_more, says_more, streams, streams_a_length),
        *(has_nothing, fails, exits, waits_for_a_save, begins, begins_to_answer, dies, forks),
        *(sizes_threads, cuts_channels, streams_without_end, signals_itself),
        *(streams_through_a_save,),
    )
]
urlpatterns = [path("api/", include(OWN))]
