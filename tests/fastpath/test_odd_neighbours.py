"""Whoever has a dev server's usual port, the look for one ends, and leaves nothing behind."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from samesite_proxy.conf.frontends import parse_frontends
from samesite_proxy.machine import sockets
from samesite_proxy.machine.elsewhere import Lookout
from tests.harness.ports import free_port
from tests.harness.scripted_upstream import DEADLINE, Connection, Script, scripted


def _never(connection: Connection) -> None:
    connection.receive_to_end()


def _drips(connection: Connection) -> None:
    """A byte in each while that would do for a whole answer."""
    for byte in b"HTTP/1.1 200 OK\r\n\r\n" * 1000:
        connection.send(bytes([byte]))
        threading.Event().wait(sockets.SECONDS * 0.6)


def _greets(connection: Connection) -> None:
    while True:
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def _redirects(connection: Connection) -> None:
    connection.receive_head()
    connection.send(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")


def _saying(text: bytes) -> Script:
    def script(connection: Connection) -> None:
        connection.send(text)
        connection.close()

    return script


NEIGHBOURS: dict[str, tuple[Script, bool]] = {
    "never answers": (_never, False),
    "drips": (_drips, False),
    "greets without an end": (_greets, True),
    "redirects to itself": (_redirects, True),
    "says nothing": (_saying(b""), False),
    "says garbage": (_saying(bytes(range(256)) * 100), False),
    "says a line without an end": (_saying(b"HTTP/1.1 2" + b"0" * 10**6), True),
    "says half a status": (_saying(b"HTTP/1.1 20"), False),
    "says an odd status": (_saying(b"HTTP/1.1 2\x00\x1b[2J\r\n\r\n"), False),
    "speaks TLS": (_saying(b"\x15\x03\x03\x00\x02\x02\x46"), False),
    "speaks HTTP/2": (_saying(b"\x00\x00\x12\x04" + b"\x00" * 50), False),
}


@pytest.fixture
def nobody() -> str:
    return f"http://localhost:{free_port()}"


@pytest.mark.parametrize("neighbour", NEIGHBOURS)
def test_look_at_a_neighbour_ends(
    nobody: str, neighbour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, is_told = NEIGHBOURS[neighbour]
    monkeypatch.setattr(sockets, "SECONDS", 0.5)
    with scripted(script) as other:
        monkeypatch.setattr(sockets, "DEV_PORTS", (other.port,))
        lookout = Lookout(parse_frontends(nobody), 0)
        looking = threading.Thread(target=lookout.look, daemon=True)
        looking.start()
        looking.join(DEADLINE)
        assert not looking.is_alive()
    told = lookout.told_of(parse_frontends(nobody)[0])
    assert told.startswith(f"http://localhost:{other.port} answers") == is_told


def test_neighbour_of_the_other_family_alone_is_found(
    nobody: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listening:
        port = listening.getsockname()[1]
        monkeypatch.setattr(sockets, "DEV_PORTS", (port,))

        def answer() -> None:
            accepted, _ = listening.accept()
            with accepted:
                accepted.recv(1000)
                accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        lookout = Lookout(parse_frontends(nobody), 0)
        lookout.look()
    assert f"http://localhost:{port} answers" in lookout.told_of(parse_frontends(nobody)[0])


def test_name_and_folder_of_a_neighbour_are_shown_as_text(tmp_path: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b[2J\n")
    said = str(sockets.Process(1, "a\x1b]0;b\x07\r", folder))
    assert said.isprintable()
    said.encode()
