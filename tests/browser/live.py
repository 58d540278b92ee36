"""What hot reload is tested with: frontends to edit, and Chromium's own account of a page."""

from __future__ import annotations

import shutil
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page

from tests.asgi.servers import front
from tests.browser.programs import DEADLINE, EXAMPLE, Program, free_ports, save, wait_until
from tests.harness.django_servers import COMMANDS, ENVIRONMENTS, ROOT

WITH_NODE = [sys.executable, str(EXAMPLE / "node.py")]


@dataclass(frozen=True)
class App:
    """One of tests/frontends: how its dev server starts, and the component that is edited."""

    name: str
    command: tuple[str, ...]
    component: str


APPS = {
    "vite": App(
        "vite",
        ("node_modules/vite/bin/vite.js", "--strictPort", "--port"),
        "src/Page.jsx",
    ),
    "next": App(
        "next",
        ("node_modules/next/dist/bin/next", "dev", "--port"),
        "components/Page.jsx",
    ),
}


class Frontend:
    """A copy of an app, installed, with its dev server running."""

    def __init__(self, app: App, folder: Path) -> None:
        shutil.copytree(
            ROOT / "tests" / "frontends" / app.name,
            folder,
            ignore=shutil.ignore_patterns("node_modules", ".next"),
        )
        npm = [*WITH_NODE, "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        installation = Program(npm, folder, {})
        assert installation.wait() == 0, "\n".join(installation.lines)
        (self.port,) = free_ports(1)
        self.app = app
        self._component = folder / app.component
        self._aside = folder.parent / f"{app.name}.saved"  # Where the dev server does not look.
        self._heading = "as committed"
        self._program = Program(
            [*WITH_NODE, "node", *app.command, str(self.port)],
            folder,
            {"NEXT_TELEMETRY_DISABLED": "1", "NO_COLOR": "1"},
        )
        try:
            self._program.wait_for("[Rr]eady in")
        except AssertionError:
            self._program.stop()
            raise

    def edit(self, heading: str) -> None:
        """Save the component with another heading."""
        text = self._component.read_text()
        assert text.count(self._heading) == 1
        save(self._component, text.replace(self._heading, heading), self._aside)
        self._heading = heading

    def release(self, held: str) -> None:
        """Let the rest of a streamed page go, past Django, whose worker the page may hold."""
        address = f"http://localhost:{self.port}/release?id={held}"
        with urllib.request.urlopen(address, timeout=DEADLINE) as answer:
            assert answer.read() == b"released"

    def stop(self) -> None:
        self._program.stop()


# With the autoreloader, as a person starts it.
for name in ("plain runserver", "reloading fastpath"):
    COMMANDS[name] = lambda port: ["-m", "tests.project.manage", "runserver", str(port)]
ENVIRONMENTS["reloading fastpath"] = ENVIRONMENTS["fastpath"]
KINDS = (
    *("plain runserver", "reloading fastpath", "fastpath"),
    *("sync", "gthread", "gevent", *front("uvicorn", "daphne")),
)


class DevTools:
    """What Chromium's own protocol says of a page's requests and WebSockets."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._urls: list[str] = []
        self._ports: set[int] = set()
        self._sockets: dict[str, str] = {}
        self._handshakes: dict[str, int] = {}
        self._talking: set[str] = set()
        self._closed: set[str] = set()
        self._failures: list[str] = []
        session = page.context.new_cdp_session(page)
        session.on("Network.requestWillBeSent", self._note_request)
        session.on("Network.responseReceived", self._note_response)
        session.on("Network.loadingFailed", self._note_failure)
        session.on("Network.webSocketCreated", self._note_socket)
        session.on("Network.webSocketHandshakeResponseReceived", self._note_handshake)
        session.on("Network.webSocketFrameReceived", self._note_frame)
        session.on("Network.webSocketClosed", self._note_end)
        session.send("Network.enable")

    def _note_request(self, event: dict[str, Any]) -> None:
        if not event["request"]["url"].startswith("data:"):
            self._urls.append(event["request"]["url"])

    def _note_response(self, event: dict[str, Any]) -> None:
        if not event["response"]["url"].startswith("data:"):
            self._ports.add(event["response"]["remotePort"])
        if event["response"]["status"] >= 400:
            self._failures.append(f"{event['response']['status']} {event['response']['url']}")

    def _note_failure(self, event: dict[str, Any]) -> None:
        self._failures.append(f"{event['errorText']} {event['requestId']}")

    def _note_socket(self, event: dict[str, Any]) -> None:
        self._sockets[event["requestId"]] = event["url"]

    def _note_handshake(self, event: dict[str, Any]) -> None:
        self._handshakes[event["requestId"]] = event["response"]["status"]

    def _note_frame(self, event: dict[str, Any]) -> None:
        self._talking.add(event["requestId"])

    def _note_end(self, event: dict[str, Any]) -> None:
        self._closed.add(event["requestId"])

    def wait_for_live_socket(self) -> None:
        """Wait until the dev server has said something through the page's one WebSocket."""
        wait_until(
            lambda: bool(self._talking),
            "no WebSocket lives",
            lambda: self._page.wait_for_timeout(20),
        )
        assert self._talking == set(self._sockets) == set(self._handshakes)

    def assert_one_open_socket(self) -> None:
        """There has never been another one."""
        assert len(self._sockets) == 1
        assert not self._closed

    def assert_no_failure(self) -> None:
        """Every request of the page's was answered well."""
        assert self._failures == []

    def assert_only(self, authority: str) -> None:
        """Everything went to this address, and no WebSocket was refused."""
        assert self._urls
        assert {urlsplit(url).netloc for url in self._urls} == {authority}
        assert {urlsplit(url).netloc for url in self._sockets.values()} <= {authority}
        assert self._ports == {urlsplit(f"//{authority}").port}
        assert set(self._handshakes.values()) <= {101}
