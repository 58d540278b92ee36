"""How the demo starts, refuses to start, and ends."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.browser.programs import DEADLINE, EXAMPLE, Program, free_ports
from tests.browser.sites import Start

pytestmark = pytest.mark.slow

DEMO = [sys.executable, str(EXAMPLE / "demo.py")]


@pytest.mark.parametrize("option", ["--port", "--frontend-port"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_taken_port_is_one_line_and_nothing_starts(
    option: str, address: str, tmp_path: Path
) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as taken:
        port = taken.getsockname()[1]
        other = "--port" if option == "--frontend-port" else "--frontend-port"
        demo = subprocess.run(
            [*DEMO, option, str(port), other, str(free_ports(1)[0]), "--once"],
            env={**os.environ, "DEMO_VAR": str(tmp_path / "var")},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
    assert demo.returncode == 1
    assert demo.stdout == ""
    assert demo.stderr.startswith(f"demo: port {port} is taken")
    assert demo.stderr.count("\n") == 1
    assert not (tmp_path / "var").exists()


def running(mark: str) -> dict[int, str]:
    """Find the processes that were given the mark in their environment: number and command."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                )
        except OSError:  # It has just ended.
            continue
    return found


def start_demo(start: Start) -> tuple[Program, list[int]]:
    """Start the demo on free ports and wait until it has introduced itself."""
    ports = free_ports(2)
    demo = start([*DEMO, "--port", str(ports[0]), "--frontend-port", str(ports[1])])
    demo.wait_for("Ctrl-C stops both servers")
    return demo, ports


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_stops_both_servers(number: signal.Signals, start: Start, tmp_path: Path) -> None:
    demo, ports = start_demo(start)
    assert len(running(str(tmp_path))) >= 3
    demo.send(number)
    assert demo.wait() == 0
    assert running(str(tmp_path)) == {}
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize(("name", "command"), [("frontend", "serve.py"), ("django", "runserver")])
def test_server_that_dies_ends_the_demo(
    name: str, command: str, start: Start, tmp_path: Path
) -> None:
    demo, _ = start_demo(start)
    # The autoreloader's child has a higher number than its parent, which is the demo's own child.
    os.kill(
        min(pid for pid, line in running(str(tmp_path)).items() if command in line), signal.SIGKILL
    )
    assert demo.wait() == 1
    assert f"demo: {name} ended with code -9" in demo.lines
    assert running(str(tmp_path)) == {}


def test_second_run_changes_nothing(start: Start, tmp_path: Path) -> None:
    for _ in range(2):
        port, frontend_port = map(str, free_ports(2))
        assert (
            start([*DEMO, "--port", port, "--frontend-port", frontend_port, "--once"]).wait() == 0
        )
    with closing(sqlite3.connect(tmp_path / "var" / "db.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM blog_post").fetchone() == (1,)
        assert database.execute("SELECT username FROM auth_user").fetchall() == [("demo",)]
