"""Whatever ends whichever process, at whichever moment, nothing of a frontend is left."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from samesite_proxy.frontend_process import watcher
from tests.fastpath.commands import Runserver, Watched, runserver
from tests.frontend_process import moments
from tests.frontend_process.projects import (
    Orphans,
    adopting,
    copied,
    program_of,
    said_by,
    set_up,
    started,
)
from tests.process.processes import await_that

AGAIN = "frontend: started again in "
# Of each way to end something; 20 are the long form.
ROUNDS = int(os.environ.get("ROUNDS", "2"))


def end(server: Runserver) -> None:
    """Ctrl-C until it has: Python loses one that comes into a callback of a weak reference, of
    which there are many while a project is imported.
    """
    while server.process.poll() is None:
        moments.press(server)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(5)


def programs_of(orphans: Orphans) -> set[str]:
    return {program_of(pid) for pid in orphans.left()} - {""}  # A zombie has none.


@pytest.mark.slow
@pytest.mark.parametrize("strike", moments.STRIKES)
def test_nothing_is_left_after_an_end_at_any_moment(strike: str, tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    first = list(moments.STRIKES).index(strike)
    for number in range(ROUNDS):
        moment = moments.Moments.ALL[(first + number) % len(moments.Moments.ALL)]
        proxy = {"COMMAND": set_up(copied(tmp_path / str(number)))}
        with (
            adopting() as orphans,
            runserver("0", proxy=proxy, **watched.environment) as server,
        ):
            at = moments.Moments(server, watched)
            getattr(at, moment)()
            before = server.log().count(AGAIN)
            time.sleep(0.04 * number)
            await_that(f"{strike}, {moment}", lambda: moments.STRIKES[strike](server))
            if strike in moments.OF_THE_FRONTEND:
                server.await_log(AGAIN, before + 1)
            if strike not in moments.ENDING:
                end(server)
            await_that("runserver has ended", lambda: server.process.poll() is not None)
            at.close()
            if strike == "all of ours at once":
                # The grandchild that has left the group, which nobody is left to end.
                await_that("the rest is gone", lambda: programs_of(orphans) <= {"sleep 1000 "})
                with runserver("0", proxy=proxy) as again:
                    again.await_log(": up at ")
                    assert "what an earlier start had left" in again.log() or moment != "up"
                    end(again)
            orphans.await_none()
            assert "Traceback" not in server.log(), (strike, moment, number)


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


def masks_of(pid: int) -> list[int]:
    """Of each of its threads, the main one first: the signals that it does not get, as bits."""
    tasks = sorted(Path(f"/proc/{pid}/task").iterdir(), key=lambda task: int(task.name))
    found = [re.search(r"^SigBlk:\s(\w+)", (task / "status").read_text(), re.M) for task in tasks]
    return [int(each[1], 16) for each in found if each]


def test_signals_are_for_the_main_thread_and_for_the_frontend(tmp_path: Path) -> None:
    """Python does not wake its main thread, which waits for a process, for another thread's."""
    with started(copied(tmp_path), "0") as server:
        said_by(server)
        main, *others = masks_of(server.process.pid)
        ending = sum(1 << number - 1 for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
        assert main == 0
        assert len(others) >= 5
        assert {mask & ending for mask in others} == {ending}
        frontends = [
            pid for pid in watcher.descendants(server.process.pid) if pid not in server.pids()
        ]
        assert len(frontends) >= 4
        assert {mask for pid in frontends for mask in masks_of(pid)[:1]} == {0}


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
