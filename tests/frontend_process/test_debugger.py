"""runserver under a debugger that goes along with each Python that is started."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.django_servers import DEADLINE, Program
from tests.harness.ports import free_port
from tests.harness.raw_client import get

pytestmark = pytest.mark.slow

SERVER = "require('http').createServer((q, r) => r.end('ok')).listen({port}, '127.0.0.1')"
APPS = '["samesite_proxy", "django.contrib.staticfiles"]'


def connected(port: int) -> socket.socket:
    """Once: the debugger takes the first that comes for its editor."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), DEADLINE)
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)  # Between looks, until the deadline.


@contextlib.contextmanager
def attached(port: int) -> Iterator[None]:
    """As an editor, by the Debug Adapter Protocol: to this process alone."""
    with connected(port) as editor:
        heard = editor.makefile("rb")

        def say(number: int, command: str, **arguments: Any) -> None:
            said = {"type": "request", "command": command, "arguments": arguments}
            body = json.dumps({**said, "seq": number}).encode()
            editor.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

        def await_event(name: str) -> None:
            while True:
                length = int(heard.readline().partition(b":")[2])
                heard.readline()
                if json.loads(heard.read(length)).get("event") == name:
                    return

        say(1, "initialize", adapterID="debugpy")
        say(2, "attach", connect={"host": "127.0.0.1", "port": port})
        await_event("initialized")
        say(3, "configurationDone")
        yield


def test_frontend_starts_though_nobody_attaches_to_its_watcher(tmp_path: Path) -> None:
    port, debugger = free_port(), free_port()
    settings = {"COMMAND": {"run": f'exec node -e "{SERVER}"', "folder": str(tmp_path)}}
    environment = {
        "SAMESITE_PROXY": json.dumps(settings),
        "TEST_INSTALLED_APPS": APPS,
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    debugpy = ["-m", "debugpy", "--listen", str(debugger), "--wait-for-client"]
    runserver = ["-m", "tests.project.manage", "runserver", "--noreload", str(port)]
    server = Program("debugged", [*debugpy, *runserver], environment)
    try:
        with attached(debugger):
            server.await_listener(port, "frontend: up at ")
            assert get(port, "/").body == b"ok"
    finally:
        server.stop()
