"""A runserver whose COMMAND starts a real frontend, and what is left of both."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samesite_proxy.frontend_process import watcher
from tests.fastpath.commands import Runserver, runserver
from tests.harness.raw_client import Answer, exchange, get
from tests.process.processes import await_that

NODE = Path(__file__).parent / "node"


def copied(folder: Path) -> Path:
    """A frontend's folder of its own: those of one folder share one process."""
    return shutil.copytree(NODE, folder / "frontend")


def set_up(folder: Path, run: Any = "npm run dev", **environment: str) -> dict[str, Any]:
    return {"run": run, "folder": str(folder), "environment": environment}


@contextlib.contextmanager
def started(
    folder: Path, *options: str, run: Any = "npm run dev", **environment: str
) -> Iterator[Runserver]:
    proxy = {"COMMAND": set_up(folder, run, **environment)}
    with runserver(*options, proxy=proxy) as server:
        yield server


def said_by(server: Runserver, path: str = "/x") -> dict[str, Any]:
    """What the frontend answers through Django, once it is up."""
    server.await_log(": up at ")
    found: dict[str, Any] = {}

    def answers() -> bool:
        answer = get(server.port, path)
        if answer.status == 200:
            found.update(json.loads(answer.body))
        return answer.status == 200

    await_that("the frontend answers", answers)
    return found


def refused(server: Runserver, path: str = "/x") -> Answer:
    """The answer to a request that nobody lets wait for the frontend."""
    answer = exchange(
        server.port,
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode(),
    )
    assert answer.status == 502
    return answer


def program_of(pid: int) -> str:
    """Its command line."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


class Orphans:
    """Of the processes that others leave behind, this one is the parent."""

    def __init__(self) -> None:
        self._before = watcher.descendants(os.getpid())

    def left(self) -> set[int]:
        return watcher.descendants(os.getpid()) - self._before

    def await_none(self) -> None:
        def are_none() -> bool:
            left = self.left()
            for pid in left:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            return not left

        await_that("no process is left", are_none)


@contextlib.contextmanager
def adopting() -> Iterator[Orphans]:
    libc = ctypes.CDLL(None)
    libc.prctl(watcher.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield Orphans()
    finally:
        libc.prctl(watcher.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
