"""Processes that take the place of others: gunicorn's workers at a HUP, runserver's at a save."""

from __future__ import annotations

import contextlib
import functools
import signal
from pathlib import Path

from tests.fastpath import commands
from tests.harness.django_servers import DjangoServer
from tests.process.numbers import asked
from tests.process.processes import await_that


def children_of(server: DjangoServer) -> set[int]:
    """Those of its first process's own, which may have some as well."""
    pid = server.process.pid
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return set(map(int, told.split())) & set(server.pids())


def is_renewed(server: DjangoServer, old: set[int]) -> bool:
    now = children_of(server)
    return len(now) == len(old) and not now & old


def answers(server: DjangoServer) -> bool:
    with contextlib.suppress(OSError):
        return asked(server.port, "/api/process/").status == 200
    return False


class Watched(commands.Watched):
    """A module of the project's, of which a save begins a new process of runserver's."""

    def save_until_restart(self, server: DjangoServer) -> None:
        old = children_of(server)
        assert len(old) == 1
        self.save_until(lambda: not children_of(server) & old)
        await_that("a new child alone", functools.partial(is_renewed, server, old))
        await_that("an answer of Django's own", functools.partial(answers, server))


def reload_workers(server: DjangoServer) -> None:
    old = children_of(server)
    server.signal(signal.SIGHUP)
    await_that("new workers only", functools.partial(is_renewed, server, old))
