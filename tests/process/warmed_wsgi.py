"""A WSGI module that forwards while it is imported, and again before each fork of its process."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from django.test import Client

from tests.engine import module_programs
from tests.process.numbers import body_of
from tests.project.wsgi import application

__all__ = ["application"]

CONNECTIONS = 4


def _ask(name: str) -> None:
    body = Client().get(f"/n/{name}", headers={"host": "localhost"}).getvalue()
    verdict = "right" if body == body_of(name) else "wrong"
    # One write a line, since threads print at once.
    os.write(1, f"{os.getpid()} asks {name}: {verdict}\n".encode())


def _ask_before_fork() -> None:
    _ask("master")


if how := os.environ.get("ENGINE_AGAIN"):
    getattr(module_programs, how)()

# Several connections, warm when the workers are forked.
with ThreadPoolExecutor(CONNECTIONS) as pool:
    list(pool.map(_ask, [f"warm-{index}" for index in range(CONNECTIONS)]))
os.register_at_fork(before=_ask_before_fork)
