"""What listens where: each frontend's address by both families, and dev servers elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from samesite_proxy.commands import asking
from samesite_proxy.commands.findings import NOTE, OK, WRONG, Finding
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.conf.frontends import LOOPBACK
from samesite_proxy.frontend_process import packages
from samesite_proxy.machine import elsewhere, sockets
from samesite_proxy.proxy.incoming import IncomingRequest

SECONDS = 2.0
DJANGO_PORT = 8000
START_IT = "Start it, or set FRONTEND to its address (Vite's default port is 5173, Next's is 3000)."
# EngineError.code where there is no connection.
UNREACHED = ("connect", "connect-beside", "connect-timeout", "name")


def _is_down(settings: Settings, frontend: Frontend, told: str) -> Finding:
    if frontend.is_commanded:
        says = f"{frontend.address} does not answer; runserver starts it by COMMAND. {told}"
        return Finding("frontend-down", NOTE, says)
    if frontend.unix_socket is not None:
        fix = "Start it, or set FRONTEND to its socket."
        return Finding("frontend-down", WRONG, f"{frontend.address} does not answer. {told}", fix)
    if frontend.name in LOOPBACK and sockets.accepts("localhost", frontend.port):
        return Finding(
            "frontend-family",
            WRONG,
            f"Nothing listens at {frontend.address}, but something does on the same port of"
            " localhost.",
            f'Write "{frontend.at_localhost}": that is 127.0.0.1 and [::1].',
        )
    says = f"Nothing that answers listens at {frontend.address}. {told}"
    lookout = elsewhere.Lookout(settings.frontends, DJANGO_PORT)
    lookout.look()
    return Finding("frontend-down", WRONG, says, lookout.told_of(frontend) or START_IT)


def _families(frontend: Frontend) -> str:
    if frontend.unix_socket is not None:
        return "a Unix socket"
    addresses = sockets.addresses_of(frontend.name, frontend.port)
    return (
        ", ".join(
            f"{each} {'listens' if sockets.accepts(each, frontend.port, SECONDS) else 'refuses'}"
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
    if frontend.is_here and frontend.port == DJANGO_PORT:
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
        yield _is_down(settings, frontend, f"({families})")
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
    for port in sorted({DJANGO_PORT, *sockets.DEV_PORTS, *ports}):
        families = [each for each in LOOPBACK if sockets.accepts(each, port)]
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
