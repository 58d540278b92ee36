"""Who listens where on this machine: on Linux by /proc, elsewhere only by asking."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from samesite_proxy.conf.frontends import LOOPBACK

IS_KNOWN = sys.platform == "linux"
LISTEN = "0A"
# Until an answer; a dev server may compile its first page before.
SECONDS = 10.0
# Until a connection, where somebody waits for a word on it.
SECONDS_TO_CONNECT = 0.3
# The defaults of Vite, Next, Angular, Astro, webpack, Metro, Parcel and Storybook.
DEV_PORTS = (5173, 3000, 4200, 4321, 8080, 8081, 1234, 6006)
# What a port for debuggers or for WebSockets alone answers.
NO_PAGES = (b"400", b"426")
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])")


@dataclass(frozen=True)
class Process:
    """Somebody else's, for messages."""

    pid: int
    name: str
    folder: str

    def __str__(self) -> str:
        """Whatever a folder is named, a terminal and a page can show it."""
        said = f"{self.name} (process {self.pid}) in {self.folder}"
        return "".join(each if each.isprintable() else "?" for each in said)


@dataclass(frozen=True, order=True)
class Spot:
    """What a socket listens on."""

    port: int
    host: str  # a number


def _address_in(digits: str) -> str:
    """As the kernel prints it: words of four bytes, each in the machine's order."""
    words = re.findall(".{8}", digits)
    packed = b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
    return str(ipaddress.ip_address(packed))


def _listening() -> dict[str, Spot]:
    """Each listening socket's, by its inode."""
    found = {}
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTEN:
                    host, _, port = fields[1].partition(":")
                    found[fields[9]] = Spot(int(port, 16), _address_in(host))
    return found


def _spots_of(pid: int, listening: dict[str, Spot]) -> set[Spot]:
    found = set()
    with contextlib.suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                link = os.readlink(entry.path)
                if link.startswith("socket:[") and (inode := link[8:-1]) in listening:
                    found.add(listening[inode])
    return found


def is_listened_on(port: int) -> bool:
    return any(spot.port == port for spot in _listening().values())


def spots_of(pids: Iterable[int]) -> set[Spot]:
    """Where these processes listen."""
    listening = _listening()
    return set().union(*(_spots_of(pid, listening) for pid in pids))


def holder_of(port: int) -> Process | None:
    """Who listens there, as far as this user may know."""
    if not IS_KNOWN:
        return None
    listening = {inode: each for inode, each in _listening().items() if each.port == port}
    for entry in os.listdir("/proc") if listening else ():
        if entry.isdigit() and _spots_of(int(entry), listening):
            with contextlib.suppress(OSError):
                name = Path("/proc", entry, "comm").read_text().strip()
                return Process(int(entry), name, os.readlink(f"/proc/{entry}/cwd"))
    return None


def addresses_of(name: str, port: int) -> list[str]:
    """Where a connection would be tried. As by libcurl, nobody is asked for localhost, which is
    both (RFC 6761, 6.3), nor for a number, whose zone a resolver may refuse.
    """
    if name.rstrip(".").rpartition(".")[2] == "localhost":
        return list(LOOPBACK)
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(name)
        return [name]
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


def _connected(name: str, port: int, seconds: float) -> socket.socket | None:
    """The first of a name's addresses that accepts decides."""
    for address in addresses_of(name, port):
        with contextlib.suppress(OSError):
            return socket.create_connection((address, port), seconds)
    return None


def accepts(name: str, port: int, seconds: float = SECONDS) -> bool:
    """Whether a connection can be made."""
    connected = _connected(name, port, seconds)
    if connected is not None:
        connected.close()
    return connected is not None


def accepts_at(path: str) -> bool:
    """The same of a Unix socket."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(SECONDS_TO_CONNECT)
        asking.connect(path)
        return True
    return False


def _first_bytes(asked: socket.socket, count: int, seconds: float) -> bytes:
    """In time, whoever it is: one that says a byte now and then, or greetings without an end, would
    hold http.client for ever."""
    said, deadline = b"", time.monotonic() + seconds
    while len(said) < count and (left := deadline - time.monotonic()) > 0:
        asked.settimeout(left)
        piece = asked.recv(count - len(said))
        if not piece:
            break
        said += piece
    return said


def has_pages(port: int, name: str, seconds: float) -> bool:
    """Whether it answers HTTP, and not only to say that it wants something else."""
    asked = _connected(name, port, seconds)
    if asked is None:
        return False
    host = f"[{name}]" if ":" in name else name
    fields = f"Host: {host}:{port}\r\nAccept: text/html\r\nConnection: close"
    with contextlib.suppress(OSError), asked:
        asked.sendall(f"GET / HTTP/1.1\r\n{fields}\r\n\r\n".encode())
        status = _STATUS.fullmatch(_first_bytes(asked, 12, seconds))
        return status is not None and status[1] not in NO_PAGES
    return False


def free_port() -> int:
    """One that nobody has at either loopback address."""
    for _ in range(100):
        with socket.socket() as trial, socket.socket(socket.AF_INET6) as other:
            trial.bind(("127.0.0.1", 0))
            port: int = trial.getsockname()[1]
            with contextlib.suppress(OSError):
                other.bind(("::1", port))
                return port
            if not socket.has_ipv6 or not accepts("::1", port):
                return port
    raise OSError("no port is free")
