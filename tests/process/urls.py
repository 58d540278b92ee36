"""Views that tell of the process they run in."""

from __future__ import annotations

import contextlib
import importlib
import os
import threading
from pathlib import Path

from django.http import HttpRequest, JsonResponse
from django.test import Client
from django.urls import include, path

from tests.process import children

# The autoreloader watches every imported module, this one too.
if watched := os.environ.get("TEST_WATCHED_MODULE"):
    importlib.import_module(watched)


def _status_of(task: Path) -> dict[str, str]:
    with contextlib.suppress(OSError):  # It has ended since it was listed.
        lines = (task / "status").read_text().splitlines()
        return dict(line.split(":\t", 1) for line in lines)
    return {}


def process(request: HttpRequest) -> JsonResponse:
    """This process, and those of its threads that Python does not know, by their numbers."""
    # In a forked process Python keeps the main thread's old number.
    known = {os.getpid(), *(thread.native_id for thread in threading.enumerate())}
    tasks = [task for task in Path("/proc/self/task").iterdir() if int(task.name) not in known]
    foreign = {task.name: status for task in tasks if (status := _status_of(task))}
    return JsonResponse({"pid": os.getpid(), "foreign": foreign})


def _asked(target: str) -> bytes:
    """What the frontend answers, through a handler of its own in this process."""
    return Client().get(target, headers={"host": "localhost"}).getvalue()


def fork(request: HttpRequest) -> JsonResponse:
    """Forks after a forwarded request; the child and the parent ask the frontend at once."""
    name = request.GET["name"]
    before = _asked(f"/n/before-{name}")
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(into, _asked(f"/n/child-{name}"))
        finally:
            os._exit(0)
    os.close(into)
    parent = _asked(f"/n/parent-{name}")
    with open(out, "rb") as pipe:
        answered = pipe.read()
    _, status = os.waitpid(child, 0)
    bodies = {"before": before, "child": answered, "parent": parent}
    return JsonResponse({"status": status} | {key: bodies[key].decode() for key in bodies})


views = [
    path("process/", process),
    path("fork/", fork),
    path("children/", children.children),
    path("children-of-a-loop/", children.children_of_a_loop),
    path("again/", children.again),
]
urlpatterns = [path("api/", include(views))]
