"""Processes that take the place of others: gunicorn's workers at a HUP, runserver's at a save."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
from pathlib import Path

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


def beside(folder: Path) -> str:
    """What the suite itself is run with stays."""
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])


class Watched:
    """A module of the project's, of which a save begins a new process of runserver's."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "watched_by_the_reloader.py"
        self._file.write_text("")
        self.environment = {
            "PYTHONPATH": beside(folder),
            "TEST_WATCHED_MODULE": self._file.stem,
        }

    def save_until_restart(self, server: DjangoServer) -> None:
        """The reloader does not see a change from before its first look at the files."""
        old = children_of(server)
        assert len(old) == 1

        def is_gone() -> bool:
            self._file.write_text("")
            return not children_of(server) & old

        await_that("the old child ends", is_gone)
        await_that("a new child alone", functools.partial(is_renewed, server, old))
        await_that("an answer of Django's own", functools.partial(answers, server))


def reload_workers(server: DjangoServer) -> None:
    old = children_of(server)
    server.signal(signal.SIGHUP)
    await_that("new workers only", functools.partial(is_renewed, server, old))
