"""Where a frontend is found that listens on other addresses than localhost."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from samesite_proxy.conf.frontends import parse_frontends
from samesite_proxy.frontend_process import places
from samesite_proxy.machine import addresses, sockets
from samesite_proxy.machine.sockets import Spot, spots_of
from tests.fastpath.commands import runserver
from tests.frontend_process.projects import copied, said_by, set_up
from tests.harness.ports import free_port

# What it listens on; the name in FRONTEND; the name by which it is reached.
PLACES = {
    "every address": ("0.0.0.0", "localhost", "localhost"),
    "every address of both families": ("::", "localhost", "localhost"),
    "every address, so FRONTEND": ("0.0.0.0", "0.0.0.0", "0.0.0.0"),
    "the other loopback address": ("::1", "127.0.0.1", "localhost"),
    "an interface": ("127.0.0.2", "localhost", "127.0.0.2"),
    "an interface, so FRONTEND": ("127.0.0.2", "127.0.0.2", "127.0.0.2"),
    "loopback alone, an interface in FRONTEND": ("127.0.0.1", "127.0.0.2", "localhost"),
}


@pytest.mark.parametrize(("bound", "name", "reached"), PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("is_expected", [True, False], ids=["port of FRONTEND", "another port"])
def test_frontend_is_found_by_an_address_that_comes_to_it(
    bound: str, name: str, reached: str, is_expected: bool, tmp_path: Path
) -> None:
    port = free_port()
    environment = {"BIND": bound} | ({"LISTEN": str(port)} if is_expected else {})
    proxy = {
        "FRONTEND": f"http://{name}:{port}",
        "COMMAND": set_up(copied(tmp_path), "node server.mjs", **environment),
    }
    with runserver("--noreload", "0", proxy=proxy) as server:
        host = said_by(server)
        assert host["url"] == "/x"
        (line,) = [line for line in server.log().splitlines() if ": up at " in line]
        assert f" up at http://{reached}:" in line
        assert (f":{port} after" in line) is is_expected


# Two ports, of which the one that is asked first says nothing.
SILENT_AND_SPEAKING = """
import http.server, socket
both = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
silent, speaking = sorted(both, key=lambda each: each.getsockname()[1])
handler = http.server.BaseHTTPRequestHandler
server = http.server.HTTPServer(speaking.getsockname(), handler, bind_and_activate=False)
server.socket = speaking
print(speaking.getsockname()[1], flush=True)
server.serve_forever()
"""


def test_port_that_says_nothing_hides_no_other() -> None:
    (frontend,) = parse_frontends(f"http://localhost:{free_port()}")
    program = [sys.executable, "-c", SILENT_AND_SPEAKING]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as both:
        assert both.stdout
        port = int(both.stdout.readline())
        found, age, began = None, 0.0, time.monotonic()
        while found is None and age < sockets.SECONDS:
            found = places.address_of(frontend, [both.pid], frontend.port, age, is_certain=False)
            age = time.monotonic() - began
        both.kill()
        assert found == f"http://localhost:{port}"
        assert age < sockets.SECONDS


def test_frontend_at_a_unix_socket_is_up_once_it_accepts(tmp_path: Path) -> None:
    folder, gate = copied(tmp_path), tmp_path / "gate"
    path = str(tmp_path / "socket")
    run = set_up(folder, "node server.mjs", SOCKET=path, GATE=str(gate))
    with runserver("--noreload", "0", proxy={"FRONTEND": f"unix:{path}", "COMMAND": run}) as server:
        server.await_banner()
        assert ": up at" not in server.log()
        gate.touch()
        assert said_by(server)["url"] == "/x"
        assert f": up at unix:{path} after" in server.log()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::"])
def test_spot_is_what_a_socket_listens_on(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listening:
        found = spots_of([os.getpid()])
        assert Spot(listening.getsockname()[1], host) in found


@pytest.mark.parametrize(
    ("name", "is_here"),
    [("localhost", True), ("127.0.0.9", True), ("::", True), ("192.0.2.77", False)],
)
def test_names_of_this_machine_are_here(name: str, is_here: bool) -> None:
    assert addresses.are_here(name, 80) is is_here
