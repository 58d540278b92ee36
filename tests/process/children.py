"""Views that make child processes, in each way that Python has, and tell what they find there."""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import multiprocessing
import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.test import Client

from samesite_proxy.asgi import get_asgi_application
from tests.engine import module_programs

FILE = Path(__file__)
FILES = 40  # More than the numbers that are free below the server's own.
_application = functools.cache(get_asgi_application)
FORKING = multiprocessing.get_context("fork")

Work = Callable[[], str]


def asked(name: str) -> str:
    """What the frontend answers, through a handler of its own in this process."""
    answered = Client().get(f"/n/{name}", headers={"host": "localhost"})
    return f"{answered.status_code} {answered.getvalue().decode()}"


async def _asked_in_a_loop(name: str) -> str:
    """The same through the ASGI application, which needs no thread: a child may lack those that
    its parent's event loop works with.
    """
    events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    events.put_nowait({"type": "http.request"})
    answered: list[dict[str, Any]] = []

    async def send(event: dict[str, Any]) -> None:
        answered.append(event)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": f"/n/{name}",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await _application()(scope, events.get, send)
    body = b"".join(event.get("body", b"") for event in answered)
    return f"{answered[0]['status']} {body.decode()}"


def _said_by(work: Work, fork: Callable[[], int]) -> str:
    out, into = os.pipe()
    child = fork()
    if child == 0:
        try:
            os.write(into, work().encode())
        finally:
            os._exit(0)
    os.close(into)
    with open(out) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def by_fork(work: Work) -> str:
    return _said_by(work, os.fork)


def by_two_forks(work: Work) -> str:
    """As a daemon is made."""
    return by_fork(lambda: by_fork(work))


def by_forkpty(work: Work) -> str:
    with ExitStack() as stack:

        def fork() -> int:
            child, terminal = os.forkpty()
            if child != 0:
                stack.callback(os.close, terminal)
            return child

        return _said_by(work, fork)


def by_multiprocessing(work: Work) -> str:
    ours, theirs = FORKING.Pipe()
    child = FORKING.Process(target=lambda: theirs.send(work()))
    child.start()
    theirs.close()
    said: str = ours.recv()
    child.join()
    return said


_for_pool: Work


def _work_in_pool() -> str:
    return _for_pool()


def by_pool(work: Work) -> str:
    global _for_pool
    _for_pool = work
    with ProcessPoolExecutor(1, FORKING) as pool:
        return pool.submit(_work_in_pool).result()


def by_subprocess(work: Work) -> str:
    """In the moment between its fork and the program that it becomes."""
    out, into = os.pipe()
    subprocess.run(["true"], preexec_fn=lambda: os.write(into, work().encode()), check=True)
    os.close(into)
    with open(out) as pipe:
        return pipe.read()


WAYS = {
    "fork": by_fork,
    "two-forks": by_two_forks,
    "forkpty": by_forkpty,
    "multiprocessing": by_multiprocessing,
    "pool": by_pool,
    "subprocess": by_subprocess,
}


@contextmanager
def open_files() -> Iterator[Work]:
    """Files, and what tells of each whether it still is whole."""
    with ExitStack() as stack:
        files = [stack.enter_context(FILE.open("rb", buffering=0)) for _ in range(FILES)]

        def look() -> str:
            for file in files:
                os.lseek(file.fileno(), 0, os.SEEK_SET)
                assert file.read() == FILE.read_bytes()
            return "whole"

        yield look


def _tried(work: Work) -> str:
    try:
        return work()
    except Exception as error:
        return repr(error)


def _told(look: Work, name: str) -> dict[str, str]:
    gc.collect()  # What was its parent's is nothing to a child, and not to be waited for.
    return {
        "files": _tried(look),
        "forwards": _tried(lambda: asked(name)),
        "awaits": _tried(lambda: asyncio.run(_asked_in_a_loop(name))),
    }


def children(request: HttpRequest) -> JsonResponse:
    """A child in one of the ways, beside open files; child and parent ask the frontend."""
    name, make = request.GET["name"], WAYS[request.GET["way"]]
    with open_files() as look:
        in_child = _tried(lambda: make(lambda: json.dumps(_told(look, name))))
        return JsonResponse({"child": in_child, "parent": f"{look()} {asked(name)}"})


async def children_of_a_loop(request: HttpRequest) -> JsonResponse:
    """The same with the forks in the thread of an event loop."""
    return children(request)


def again(request: HttpRequest) -> JsonResponse:
    """The engine's extension once more, in one of the ways of module_programs."""
    how: Callable[[], Any] = getattr(module_programs, request.GET["how"])
    return JsonResponse({"engine": how().__name__})
