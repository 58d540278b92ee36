"""Whatever ends whichever process, at whichever moment, nothing of a frontend is left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from samesite_proxy.frontend_process import watcher
from tests.fastpath.commands import Runserver
from tests.frontend_process.projects import Orphans, adopting, copied, said_by, started
from tests.harness.django_servers import Program
from tests.process.processes import await_that

ROUNDS = 20
AT_ONCE = 5
AGAIN = "frontend: started again in 1 s"
# Between the moments of two rounds: the last one's frontend is up for a while.
STEP = 0.025


def program_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def watchers_of(door: Program) -> list[int]:
    """The first, and its child, which has started the frontend."""
    found = watcher.descendants(door.process.pid)
    return sorted(pid for pid in found if "watcher.py" in program_of(pid))


def nodes_of(door: Program) -> list[int]:
    found = watcher.descendants(door.process.pid)
    return [pid for pid in found if program_of(pid).startswith("node server.mjs")]


def kill_one(found: list[int], number: int) -> bool:
    if len(found) <= number:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(found[number], signal.SIGKILL)
    return True


def strike(point: str, door: Program) -> None:
    if point in ("SIGINT", "SIGTERM", "SIGKILL"):
        door.signal(signal.Signals[point])
    elif point == "the frontend":
        await_that("the frontend is there", lambda: kill_one(nodes_of(door), 0))
    else:
        number = ["the first watcher", "the second watcher"].index(point)
        await_that(f"{point} is there", lambda: kill_one(watchers_of(door), number))


def door_at(folder: Path) -> Program:
    arguments = ["-m", "tests.frontend_process.door", str(folder), "node server.mjs", "1"]
    return Program("door", arguments, {})


@contextlib.contextmanager
def several(count: int, folder: Path) -> Iterator[list[Program]]:
    doors = [door_at(copied(folder / str(number))) for number in range(count)]
    try:
        yield doors
    finally:
        for door in doors:
            door.stop()


POINTS = (
    "SIGINT", "SIGTERM", "SIGKILL", "the first watcher", "the second watcher", "the frontend",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("first_round", range(0, ROUNDS, AT_ONCE))
@pytest.mark.parametrize("point", POINTS)
def test_nothing_is_left_after_an_end_at_any_moment(
    point: str, first_round: int, tmp_path: Path
) -> None:
    with adopting() as orphans, several(AT_ONCE, tmp_path) as doors:
        for number, door in enumerate(doors, first_round):
            await_that("it starts", lambda door=door: "starting" in door.log())  # type: ignore[misc]
            time.sleep(STEP * number)
            strike(point, door)
        if not point.startswith("SIG"):
            for door in doors:
                await_that("it is started again", lambda door=door: AGAIN in door.log())  # type: ignore[misc]
        for door in doors:
            door.signal(signal.SIGKILL)
            assert "Traceback" not in door.log()
        orphans.await_none()


def ended(server: Runserver, orphans: Orphans) -> str:
    await_that("runserver has ended", lambda: server.process.poll() is not None)
    orphans.await_none()
    return server.log()


@pytest.mark.parametrize("options", [[], ["--noreload"]], ids=["reloading", "alone"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_npm_after_runserver(
    options: list[str], number: signal.Signals, tmp_path: Path
) -> None:
    with adopting() as orphans, started(copied(tmp_path), *options, "0") as server:
        said_by(server)
        server.signal(number)
        assert "Traceback" not in ended(server, orphans)


def test_killed_process_of_djangos_does_not_touch_the_frontend(tmp_path: Path) -> None:
    with adopting() as orphans, started(copied(tmp_path), "0") as server:
        pid = said_by(server)["pid"]
        (child,) = server.children()
        os.kill(child, signal.SIGKILL)
        server.await_log("Django's process has ended")
        assert said_by(server)["pid"] == pid
        server.interrupt()
        ended(server, orphans)


def press_until_ended(server: Runserver) -> None:
    """Ctrl-C, as someone at the keyboard does: Python loses one that comes into a callback of a
    weak reference, of which there are many while a project is imported.
    """
    while server.process.poll() is None:
        os.killpg(server.process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(5)


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--noreload"]], ids=["reloading", "alone"])
def test_interrupt_at_any_moment_leaves_nothing_and_no_traceback_of_ours(
    options: list[str], tmp_path: Path
) -> None:
    for number in range(ROUNDS // 4):
        folder = copied(tmp_path / str(number))
        with adopting() as orphans, started(folder, *options, "0", run="node server.mjs") as server:
            server.await_log("frontend: starting")
            time.sleep(0.1 * number)
            press_until_ended(server)
            log = ended(server, orphans)
            # A server process of the reloader's may be stopped amid its imports, and tells it.
            assert "frontend_process" not in log
            assert not options or "\nKeyboardInterrupt\n" not in log


def test_frontend_that_does_not_heed_sigterm_is_killed(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    stubborn = f"""
        process.on("SIGTERM", () => fs.appendFileSync({json.dumps(str(heard))}, "heard "));
        setInterval(() => {{}}, 1000);
        console.log("ready");
    """
    with (
        adopting() as orphans,
        started(copied(tmp_path), "0", run=["node", "-e", stubborn]) as server,
    ):
        server.await_log("| ready")
        server.interrupt()
        ended(server, orphans)
        assert heard.read_text() == "heard "
