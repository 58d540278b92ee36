"""Views that return a body as long as the files that the upstream serves, and one that burns."""

import os
import time

from django.http import HttpRequest, HttpResponse
from django.urls import path

BODIES = {"1k": b"x" * 1024, "20k": b"x" * 20 * 1024}


def noop(request: HttpRequest, name: str) -> HttpResponse:
    """Return a body at once, with its length, so that every server keeps the connection alive."""
    body = BODIES[name]
    return HttpResponse(body, content_type="text/plain", headers={"Content-Length": str(len(body))})


async def async_noop(request: HttpRequest, name: str) -> HttpResponse:
    """The same without a thread."""
    return noop(request, name)


def burn(request: HttpRequest, cpu: int, seconds: int) -> HttpResponse:
    """Compute in Python on one CPU, where only this thread moves."""
    os.sched_setaffinity(0, {cpu})
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return HttpResponse("burnt", content_type="text/plain")


urlpatterns = [
    path("noop/<str:name>", noop),
    path("async-noop/<str:name>", async_noop),
    path("burn/<int:cpu>/<int:seconds>", burn),
]
