"""runserver under a debugger that goes along with each Python that is started."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.harness.django_servers import DEADLINE, Program
from tests.harness.ports import free_port
from tests.harness.raw_client import get
from tests.project import urls

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


class Editor:
    """One end of the Debug Adapter Protocol, attached to one process."""

    def __init__(self, port: int, how: dict[str, Any], *breakpoints: int) -> None:
        self._socket = connected(port)
        self._heard = self._socket.makefile("rb")
        self._say("initialize", adapterID="debugpy")
        self._say("attach", **how)
        self.await_event("initialized")
        lines = [{"line": line} for line in breakpoints]
        self._say("setBreakpoints", source={"path": urls.__file__}, breakpoints=lines)
        self._say("configurationDone")

    def _say(self, command: str, **arguments: Any) -> None:
        said = {"type": "request", "command": command, "arguments": arguments, "seq": 1}
        body = json.dumps(said).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def await_event(self, name: str) -> dict[str, Any]:
        while True:
            length = int(self._heard.readline().partition(b":")[2])
            self._heard.readline()
            heard = json.loads(self._heard.read(length))
            if heard.get("event") == name:
                return dict(heard.get("body") or {})

    def go_on(self, thread: int) -> None:
        self._say("continue", threadId=thread)

    def close(self) -> None:
        self._heard.close()
        self._socket.close()


@contextlib.contextmanager
def debugged(folder: Path, *options: str) -> Iterator[tuple[Program, int, Editor]]:
    """runserver, which an editor is attached to; and its port."""
    port, debugger = free_port(), free_port()
    settings = {"COMMAND": {"run": f'exec node -e "{SERVER}"', "folder": str(folder)}}
    environment = {
        "SAMESITE_PROXY": json.dumps(settings),
        "TEST_INSTALLED_APPS": APPS,
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    debugpy = ["-m", "debugpy", "--listen", str(debugger), "--wait-for-client"]
    runserver = ["-m", "tests.project.manage", "runserver", *options, str(port)]
    server = Program("debugged", [*debugpy, *runserver], environment)
    try:
        connect = {"host": "127.0.0.1", "port": debugger}
        with contextlib.closing(Editor(debugger, {"connect": connect})) as editor:
            yield server, port, editor
    finally:
        server.stop()


def test_frontend_starts_though_nobody_attaches_to_its_watcher(tmp_path: Path) -> None:
    with debugged(tmp_path, "--noreload") as (server, port, _):
        server.await_listener(port, "frontend: up at ")
        assert get(port, "/").body == b"ok"


def test_frontend_goes_on_while_a_view_stands_at_a_breakpoint(tmp_path: Path) -> None:
    with debugged(tmp_path) as (server, port, editor):
        how = editor.await_event("debugpyAttach")
        line = urls.hello.__code__.co_firstlineno + 1
        with (
            contextlib.closing(Editor(how["connect"]["port"], how, line)) as child,
            ThreadPoolExecutor(1) as pool,
        ):
            server.await_listener(port, "frontend: up at ")
            answer = pool.submit(get, port, "/api/hello/")
            stopped = child.await_event("stopped")
            assert get(port, "/").body == b"ok"
            assert not answer.done()
            child.go_on(stopped["threadId"])
            assert answer.result(DEADLINE).status == 200
