"""What the parts find on this machine, one by one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from samesite_proxy.frontend_process import watcher
from samesite_proxy.frontend_process.output import LONGEST_LINE, PIECE, Output
from samesite_proxy.machine import sockets
from tests.frontend_process.projects import copied
from tests.harness.django_servers import Program
from tests.process.processes import await_that


def test_descendants_are_the_same_by_ps_and_by_proc() -> None:
    program = ["sh", "-c", "setsid sleep 1000 & sleep 1000 & echo ready; wait"]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        found = watcher.descendants(child.pid)
        assert len(found) == 2
        assert found <= watcher._parents_by_ps().keys()
        by_ps, by_proc = watcher._parents_by_ps(), watcher._parents_by_proc()
        assert {pid: by_ps[pid] for pid in found} == {pid: by_proc[pid] for pid in found}
        for pid in (*found, child.pid):
            os.kill(pid, 9)


def test_free_port_is_free_at_both_loopback_addresses() -> None:
    port = sockets.free_port()
    assert not sockets.accepts("127.0.0.1", port)
    assert not sockets.accepts("::1", port)
    assert not sockets.is_listened_on(port)


def test_watcher_needs_nothing_but_the_standard_library() -> None:
    program = [sys.executable, "-I", "-S", watcher.__file__, '["sh", "-c", "exit 7"]']
    with subprocess.Popen(program, stdin=subprocess.PIPE) as watching:
        assert watching.wait(30) == 7


def test_program_that_is_not_there_is_told_as_a_shell_would() -> None:
    program = [sys.executable, "-I", "-S", watcher.__file__, '["/no/such/program"]']
    done = subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with done:
        assert done.stdout
        assert done.stdout.read() == "/no/such/program: No such file or directory\n"
        assert done.wait(30) == 127


# What a program prints, and what is shown of it.
PRINTED = {
    "no text": ("printf 'a\\377\\376b\\n'", ["a\ufffd\ufffdb"]),
    "a letter in two": ("printf 'a\\303'; sleep 0.6; printf '\\244\\n'", ["a", "\u00e4"]),
    "half a letter": ("printf 'a\\303'", ["a\ufffd"]),
    "written over": ("printf '1 %%\\r2 %%\\r\\n'", ["2 %"]),
    "a window's name": ("printf 'a\\33]0;dev\\7b\\33]2;dev\\33\\\\c\\n'", ["abc"]),
    "a link": ("printf '\\33]8;;http://x/\\33\\\\page\\33]8;;\\33\\\\\\n'", ["page"]),
    "other letters": ("printf 'a\\33(0q\\33(B\\16b\\17\\n'", ["aqb"]),
    "sequences of one byte": ("printf 'a\\302\\2332Jb\\302\\235x\\302\\234c\\n'", ["abc"]),
    "one byte": ("printf 'a\\7\\10\\0b\\tc\\13\\14\\177\\n'", ["ab\tc"]),
    "no end": ("printf 'a\\33]0;dev\\nb\\33[1\\nc\\33\\n'", ["a", "b", "c"]),
    "colours": (
        "printf '\\33[38:2:1:2:3ma\\33[0;1mb\\33[m\\33[>4m\\n'",
        ["\x1b[38:2:1:2:3ma\x1b[0;1mb\x1b[m"],
    ),
}


def shown(run: str) -> list[str]:
    lines: list[str] = []
    with subprocess.Popen(["sh", "-c", run], stdout=subprocess.PIPE) as program:
        assert program.stdout
        Output(program.stdout.fileno(), lines.append).read()
    return lines


@pytest.mark.parametrize(("run", "lines"), PRINTED.values(), ids=PRINTED)
def test_whatever_is_printed_is_shown_as_text(run: str, lines: list[str]) -> None:
    assert shown(run) == lines


def test_line_without_end_is_shown_in_pieces() -> None:
    lines = shown("head -c 100000000 /dev/zero | tr '\\0' x")
    assert sum(map(len, lines)) == 100_000_000
    assert max(map(len, lines)) <= LONGEST_LINE + PIECE


@contextmanager
def elsewhere(folder: Path, run: str, port: int) -> Iterator[Program]:
    """Where the system does not tell who listens."""
    arguments = ["-m", "tests.frontend_process.door", str(folder), run, str(port), "elsewhere"]
    door = Program("door", arguments, {})
    try:
        yield door
        door.signal(2)
        door.wait()
        assert "Traceback" not in door.log()
    finally:
        door.stop()


def await_log(door: Program, words: str) -> None:
    await_that(f"{words!r} in the log", lambda: words in door.log())


def test_elsewhere_the_settings_port_is_the_frontends(tmp_path: Path) -> None:
    port = sockets.free_port()
    with elsewhere(copied(tmp_path), "LISTEN=$PORT exec node server.mjs", port) as door:
        await_log(door, f"frontend: up at http://localhost:{port} after")


def test_elsewhere_a_port_that_is_taken_is_not_used(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        with elsewhere(copied(tmp_path), "node server.mjs", port) as door:
            await_log(door, f"something listens at http://localhost:{port} already")
            assert "starting" not in door.log()
