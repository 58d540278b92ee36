"""What listens where: each frontend's address by both families, and dev servers elsewhere."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from samesite_proxy import sockets
from samesite_proxy.commands import asking
from samesite_proxy.commands.findings import NOTE, OK, WRONG, Finding
from samesite_proxy.conf import LOOPBACK_NAMES, Frontend, Settings
from samesite_proxy.frontend_process import packages
from samesite_proxy.proxy.incoming import IncomingRequest

SECONDS = 2.0
DJANGO_PORT = 8000
# The defaults of Next, Angular, Astro, Vite, Storybook and webpack.
DEV_PORTS = (3000, 4200, 4321, 5173, 6006, 8080)
# EngineError.code where there is no connection.
UNREACHED = ("connect", "connect-beside", "connect-timeout", "name")
LOOPBACK = ("127.0.0.1", "::1")


def addresses_of(frontend: Frontend) -> list[str]:
    """Where a connection to it would be tried; of localhost both, whatever a resolver says."""
    if frontend.name == "localhost":
        return list(LOOPBACK)
    try:
        found = socket.getaddrinfo(frontend.name, frontend.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


def is_open(address: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((address, port), SECONDS):
        return True
    return False


def _elsewhere(frontend: Frontend) -> str:
    """The line to write, where something answers HTTP at another port."""
    for port in DEV_PORTS:
        if port != frontend.port and any(is_open(each, port) for each in LOOPBACK):
            holder = sockets.holder_of(port)
            if sockets.has_pages(port):
                who = f", {holder}" if holder else ""
                return (
                    f"Something answers at http://localhost:{port}{who}. If that is it, write"
                    f' SAMESITE_PROXY = {{"FRONTEND": "http://localhost:{port}"}}.'
                )
    return "Start it, or set FRONTEND to its address (Vite's default port is 5173, Next's is 3000)."


def _is_down(frontend: Frontend, told: str) -> Finding:
    if frontend.is_commanded:
        says = f"{frontend.address} does not answer; runserver starts it by COMMAND. {told}"
        return Finding("frontend-down", NOTE, says)
    if frontend.unix_socket is not None:
        fix = "Start it, or set FRONTEND to its socket."
        return Finding("frontend-down", WRONG, f"{frontend.address} does not answer. {told}", fix)
    if frontend.name in LOOPBACK and any(is_open(each, frontend.port) for each in LOOPBACK):
        return Finding(
            "frontend-family",
            WRONG,
            f"Nothing listens at {frontend.address}, but something does on the same port of"
            " localhost.",
            f'Write "{frontend.at_localhost}": that is 127.0.0.1 and [::1].',
        )
    says = f"Nothing that answers listens at {frontend.address}. {told}"
    return Finding("frontend-down", WRONG, says, _elsewhere(frontend))


def _families(frontend: Frontend) -> str:
    if frontend.unix_socket is not None:
        return "a Unix socket"
    addresses = addresses_of(frontend)
    return (
        ", ".join(
            f"{each} {'listens' if is_open(each, frontend.port) else 'refuses'}"
            for each in addresses
        )
        or "the name has no address"
    )


def of_frontend(settings: Settings, frontend: Frontend) -> Iterator[Finding]:
    """Whether it is up, and as what it is reached."""
    host = f"localhost:{DJANGO_PORT}"
    if frontend.folder is not None:  # What it lacks a check says.
        yield Finding("frontend", OK, f"{frontend.address} is a folder, whose files are answered.")
        return
    is_here = frontend.unix_socket is None and frontend.name in LOOPBACK_NAMES
    if is_here and frontend.port == DJANGO_PORT:
        yield Finding(
            "frontend-is-django",
            WRONG,
            f"{frontend.address} is where runserver listens unless it is told otherwise.",
            "Set FRONTEND to the frontend's address, or start Django on another port.",
        )
    prefix = frontend.prefix.rstrip("/")
    incoming = IncomingRequest([("Host", host)], f"{prefix}/", LOOPBACK[0], "http", host)
    fields, _ = asking.crossing(settings, frontend, incoming)
    answer = asking.frontend(settings, frontend, f"{prefix}/", fields)
    families = _families(frontend)
    if answer["code"] in UNREACHED:
        yield _is_down(frontend, f"({families})")
    elif answer["status"] is None:
        yield Finding("frontend-answer", WRONG, str(answer["error"]), "See docs/errors.md.")
    else:
        says = f"{frontend.address} answers {answer['status']} ({families})."
        yield Finding("frontend", OK, says)


def of_commands(settings: Settings) -> Iterator[Finding]:
    """What keeps COMMAND from working."""
    for command in settings.commands:
        if missing := packages.missing_for(command):
            yield Finding("command", WRONG, f'COMMAND "{command.line}": {missing}', missing)


def holders(frontends: Iterable[Frontend]) -> list[dict[str, Any]]:
    """Who listens at the ports that count here, as far as this user may know."""
    ports = {each.port for each in frontends if each.unix_socket is None}
    found = []
    for port in sorted({DJANGO_PORT, *DEV_PORTS, *ports}):
        families = [each for each in LOOPBACK if is_open(each, port)]
        if families:
            holder = sockets.holder_of(port)
            found.append(
                {
                    "port": port,
                    "addresses": families,
                    "pid": holder.pid if holder else None,
                    "process": holder.name if holder else None,
                    "folder": holder.folder if holder else None,
                }
            )
    return found


def folders_of(told: Iterable[dict[str, Any]], ports: Iterable[int]) -> set[Path]:
    """The working directories of those that listen at these ports."""
    return {Path(each["folder"]) for each in told if each["folder"] and each["port"] in set(ports)}
