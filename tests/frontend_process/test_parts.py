"""What the parts find on this machine, one by one."""

from __future__ import annotations

import os
import subprocess
import sys

from samesite_proxy.frontend_process import sockets, watcher


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
